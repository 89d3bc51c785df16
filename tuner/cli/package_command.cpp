#include <boost/program_options.hpp>
#include <iostream>
#include <optional>

#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/gate/gate.h"
#include "tuner/gate/gate_text.h"
#include "tuner/library/signature.h"
#include "tuner/library/verify_library.h"
#include "tuner/live_display.h"
#include "tuner/package.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

int MakeKey(const std::vector<std::string>& args) {
  std::string folder;
  po::options_description d("tune package key --out FOLDER");
  auto add = d.add_options();
  add("out", po::value(&folder),
      "gets signing_key.pem, to be kept secret, and signing_key.pub.pem");
  add("help,h", "print this");
  const auto given = ParseOptions(args, d, {}, "tune package key");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << d;
    return kExitDone;
  }
  if (folder.empty()) {
    return Fail(absl::InvalidArgumentError("give the key's folder: tune package key --out keys"));
  }
  const auto files = MakeSigningKey(folder);
  if (!files.ok()) return Fail(files.status());
  fmt::print("{}\n{}\n", files->secret, files->published);
  return kExitDone;
}

int Verify(const std::vector<std::string>& args) {
  std::string folder, key;
  po::options_description d("tune package verify FOLDER [--key FILE]");
  auto add = d.add_options();
  add("folder", po::value(&folder), "of a library: where its manifest.json is");
  add("key", po::value(&key), "public key that signed it; without one only digests are compared");
  add("help,h", "print this");
  po::positional_options_description positional;
  positional.add("folder", 1);
  const auto given = ParseOptions(args, d, positional, "tune package verify");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << d;
    return kExitDone;
  }
  if (folder.empty()) {
    return Fail(absl::InvalidArgumentError(
        "give the library's folder: tune package verify out/rpi4 --key signing_key.pub.pem"));
  }
  const auto verified = VerifyLibrary(folder, key);
  // Bad by itself, and not bad use: what was asked for has been done.
  if (absl::IsDataLoss(verified.status())) {
    return Fail(kExitNothingValid, std::string(verified.status().message()));
  }
  if (!verified.ok()) return Fail(verified.status());
  const ShippedLibrary& library = verified->library;
  fmt::print("{} for {}: {} variants, {} files as built from commit {}; {}\n", library.name,
             library.device, library.variants.size(), library.files.size(), library.commit,
             verified->is_signed ? "signed" : "digests only: --key FILE checks the signature");
  return kExitDone;
}

// Takes from the library what may not take the place of one shipped before. Nothing has been
// written when it fails.
absl::StatusOr<GateReport> HoldAgainst(const ShippedLibrary& previous, const MeasurementLog& log,
                                       Builder& builder, LibrarySpec& spec) {
  const auto executor = MakeExecutor(spec.device);
  if (!executor.ok()) return executor.status();
  GateBench bench{spec.device, builder, **executor, log, CatchInterrupts()};
  LiveDisplay display;
  return PassGate(bench, previous, spec, [&](const std::string& what) { display.Show(what); });
}

struct PackageOptions {
  std::string device, board, log, out, key, against;
  bool json = false;
};

int BuildPackage(const PackageOptions& o, const Device& device) {
  std::optional<ShippedLibrary> previous;
  if (!o.against.empty()) {
    auto read = ReadPreviousLibrary(o.against, device);
    if (!read.ok()) return Fail(OfOption("--against", read.status()));
    previous = *std::move(read);
  }
  const auto log = OpenSqliteLog(o.log, LogMode::kRead);
  if (!log.ok()) return Fail(log.status());
  const auto builder = MakeWorkerBuilder({});
  if (!builder.ok()) return Fail(builder.status());
  auto spec = LibraryOfLog(device, **log, (*builder)->compiler(), o.out, o.key);
  if (!spec.ok()) return Fail(spec.status());
  std::optional<GateReport> report;
  if (previous) {
    auto held = HoldAgainst(*previous, **log, **builder, *spec);
    if (!held.ok()) return Fail(held.status());
    report = *std::move(held);
  }
  const auto files = BuildLibrary(*spec, **builder);
  if (!files.ok()) return Fail(files.status());
  const auto note = OtherHardwareNote(**log, device);
  if (note.ok() && !note->empty()) fmt::print(stderr, "tune: '{}': {}\n", o.log, *note);
  if (o.json) {
    nlohmann::ordered_json j =
        report ? GateReportJson(*report, device) : nlohmann::ordered_json{{"device", device.id}};
    j["library"] = files->library;
    j["header"] = files->header;
    j["manifest"] = files->manifest;
    std::cout << j.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    return kExitDone;
  }
  if (report) std::cout << GateText(*report, device) << "\n";
  std::cout << files->library << "\n" << files->header << "\n" << files->manifest << "\n";
  return kExitDone;
}

int Package(const std::vector<std::string>& args) {
  PackageOptions o;
  po::options_description d(
      "tune package --device ID|FILE [options]\n"
      "tune package key --out FOLDER         a key pair to sign libraries with\n"
      "tune package verify FOLDER [--key FILE]");
  auto add = d.add_options();
  add("device", po::value(&o.device), kDeviceHelp);
  AddBoardOption(d, o.board);
  add("log", po::value(&o.log)->default_value("tuned.db"), "measurement log");
  add("out", po::value(&o.out)->default_value("out"), "folder of the libraries");
  add("against", po::value(&o.against),
      "folder of the library shipped last: each variant is measured beside its predecessor there, "
      "and one that is wrong or slower keeps it");
  add("sign", po::value(&o.key), "file of the secret key that signs the manifest");
  add("json", po::bool_switch(&o.json), "print one JSON object instead of the text");
  add("help,h", "print this");
  const auto given = ParseOptions(args, d, {}, "tune package");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << d;
    return kExitDone;
  }
  if (given->count("against") != 0 && o.against.empty()) {
    return Fail(kExitUsage,
                "--against is empty; give a shipped library's folder, such as out/rpi4");
  }
  const auto device = DeviceFromOption(o.device, o.board);
  if (!device.ok()) return Fail(device.status());
  // Ahead of minutes of building.
  if (!o.key.empty()) {
    if (const auto s = SignatureOf("", o.key); !s.ok()) return Fail(s.status());
  }
  if (auto s = CheckWritableFolder(o.out); !s.ok()) return Fail(s);
  return BuildPackage(o, *device);
}

}  // namespace

int PackageCommand(const std::vector<std::string>& args) {
  const std::string what = args.empty() ? "" : args[0];
  const std::vector<std::string> rest(args.begin() + (args.empty() ? 0 : 1), args.end());
  if (what == "key") return MakeKey(rest);
  if (what == "verify") return Verify(rest);
  return Package(args);
}

}  // namespace halyard
