#include <boost/program_options.hpp>
#include <iostream>

#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/library/signature.h"
#include "tuner/library/verify_library.h"
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
  const auto library = VerifyLibrary(folder, key);
  // Bad by itself, and not bad use: what was asked for has been done.
  if (absl::IsDataLoss(library.status())) {
    return Fail(kExitNothingValid, std::string(library.status().message()));
  }
  if (!library.ok()) return Fail(library.status());
  fmt::print("{} for {}: {} variants, {} files as built from commit {}; {}\n", library->name,
             library->device, library->variants, library->files, library->commit,
             library->is_signed ? "signed" : "digests only: --key FILE checks the signature");
  return kExitDone;
}

int Package(const std::vector<std::string>& args) {
  std::string device_id, board, log_path, out_dir, key;
  po::options_description d(
      "tune package --device ID|FILE [options]\n"
      "tune package key --out FOLDER         a key pair to sign libraries with\n"
      "tune package verify FOLDER [--key FILE]");
  auto add = d.add_options();
  add("device", po::value(&device_id), kDeviceHelp);
  AddBoardOption(d, board);
  add("log", po::value(&log_path)->default_value("tuned.db"), "measurement log");
  add("out", po::value(&out_dir)->default_value("out"), "folder of the libraries");
  add("sign", po::value(&key), "file of the secret key that signs the manifest");
  add("help,h", "print this");
  const auto given = ParseOptions(args, d, {}, "tune package");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << d;
    return kExitDone;
  }
  const auto device = DeviceFromOption(device_id, board);
  if (!device.ok()) return Fail(device.status());
  // Ahead of minutes of building.
  if (!key.empty()) {
    if (const auto s = SignatureOf("", key); !s.ok()) return Fail(s.status());
  }
  if (auto s = CheckWritableFolder(out_dir); !s.ok()) return Fail(s);
  const auto log = OpenSqliteLog(log_path, LogMode::kRead);
  if (!log.ok()) return Fail(log.status());
  auto builder = MakeWorkerBuilder({});
  if (!builder.ok()) return Fail(builder.status());
  const auto files = PackageFromLog(*device, **log, **builder, out_dir, key);
  if (!files.ok()) return Fail(files.status());
  const auto note = OtherHardwareNote(**log, *device);
  if (note.ok() && !note->empty()) fmt::print(stderr, "tune: '{}': {}\n", log_path, *note);
  fmt::print("{}\n{}\n{}\n", files->library, files->header, files->manifest);
  return kExitDone;
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
