#include "tuner/gate/previous_library.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "fmt/format.h"
#include "rpc_farm/sha256.h"
#include "tuner/candidate_runner.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

ShippedVariant VariantFrom(const json& j, const Device& device) {
  ShippedVariant v;
  Record& r = v.record;
  const json& record = j.at("record");
  j.at("workload").get_to(r.workload);
  j.at("config").get_to(r.config);
  j.at("symbol").get_to(v.symbol);
  j.at("object_sha256").get_to(v.object_sha256);
  record.at("id").get_to(r.id);
  r.samples = {record.at("value").get<double>()};
  record.at("unit").get_to(r.unit);
  record.at("samples").get_to(v.record_samples);
  record.at("phase").get_to(r.phase);
  record.at("checks").get_to(r.checks);
  record.at("board").get_to(r.board);
  record.at("environment").get_to(r.environment);
  record.at("compiler").get_to(r.compiler);
  record.at("space_version").get_to(r.space_version);
  record.at("protocol").get_to(r.protocol);
  record.at("artifact_sha256").get_to(r.artifact_sha256);
  record.at("seed").get_to(r.seed);
  record.at("time_unix_ms").get_to(r.time_unix_ms);
  r.board_kind = device.board_kind();  // the library's, which is the device's
  r.device = device.id;
  r.outcome = Outcome::kOk;
  return v;
}

std::string BoardText(const std::string& kind, const std::string& unit) {
  return fmt::format("{} of a {} board", unit, kind);
}

// Empty, or what is wrong with the library, behind its name.
std::string WhyOther(const json& manifest, const Device& device) {
  const int format = manifest.at("format").get<int>();
  if (format != kManifestFormat) {
    return fmt::format("has a manifest of format {}; give a library whose manifest has format {}",
                       format, kManifestFormat);
  }
  const std::string id = manifest.at("device").at("id").get<std::string>();
  if (id != device.id) {
    return fmt::format("is a library for {}; give one for {}", id, device.id);
  }
  const auto then = BoardText(manifest.at("board_kind").get<std::string>(),
                              manifest.at("unit").get<std::string>());
  const auto now =
      BoardText(std::string(BoardKindName(device.board_kind())), UnitOf(device.board_kind()));
  if (then != now) {
    return fmt::format(
        "was measured in {}, --board of {} is in {}; give the board it was "
        "measured on",
        then, device.id, now);
  }
  return "";
}

}  // namespace

absl::StatusOr<PreviousLibrary> ReadPreviousLibrary(const std::string& folder,
                                                    const Device& device) {
  const std::string who = fmt::format("--against '{}'", folder);
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return absl::NotFoundError(fmt::format(
        "{}: there is no such folder; give a shipped library's, such as out/{}", who, device.id));
  }
  std::ifstream in(folder + "/" + kManifestFile, std::ios::binary);
  if (!in) {
    return absl::NotFoundError(
        fmt::format("{} has no {}; give a shipped library's folder, such as out/{}", who,
                    kManifestFile, device.id));
  }
  const std::string text(std::istreambuf_iterator<char>(in), {});
  PreviousLibrary library{folder, Sha256Hex(text), "", {}};
  try {
    const json manifest = json::parse(text);
    if (const std::string why = WhyOther(manifest, device); !why.empty()) {
      return absl::InvalidArgumentError(who + " " + why);
    }
    manifest.at("compiler").get_to(library.compiler);
    std::set<std::string> seen;
    for (const json& v : manifest.at("variants")) {
      library.variants.push_back(VariantFrom(v, device));
      const ShippedVariant& variant = library.variants.back();
      const std::string& workload = variant.record.workload;
      if (!seen.insert(workload).second) {
        return absl::InvalidArgumentError(
            fmt::format("{}: {} names {} twice", who, kManifestFile, workload));
      }
      if (!(variant.record.samples[0] > 0) || variant.record_samples < 1) {
        return absl::InvalidArgumentError(
            fmt::format("{}: {} has no time of {}", who, kManifestFile, workload));
      }
    }
  } catch (const json::exception& e) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} is no manifest of a library: {}", who, kManifestFile, e.what()));
  }
  return library;
}

}  // namespace halyard
