#include "tuner/library/shipped_library.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "fmt/format.h"
#include "rpc_farm/sha256.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kOldestFormat = 1;
constexpr char kRightFolder[] = "give a folder that tune package wrote, such as out/rpi4";

BoardKind BoardKindFrom(const json& j) {
  const auto kind = BoardKindFromName(j.get_ref<const std::string&>());
  if (!kind) throw json::other_error::create(502, "no kind of board: " + j.dump(), &j);
  return *kind;
}

ShippedVariant VariantFrom(const json& j, const std::string& device) {
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
  r.board_kind = BoardKindFrom(record.at("board_kind"));
  record.at("environment").get_to(r.environment);
  record.at("compiler").get_to(r.compiler);
  record.at("space_version").get_to(r.space_version);
  record.at("protocol").get_to(r.protocol);
  record.at("artifact_sha256").get_to(r.artifact_sha256);
  record.at("seed").get_to(r.seed);
  record.at("time_unix_ms").get_to(r.time_unix_ms);
  r.device = device;
  r.outcome = Outcome::kOk;
  return v;
}

std::map<std::string, std::string> FilesFrom(const json& manifest, const std::string& name) {
  if (manifest.at("format") != kOldestFormat) return manifest.at("files");
  return {{"lib" + name + ".a", manifest.at("library_sha256")},
          {name + ".h", manifest.at("header_sha256")}};
}

ShippedLibrary LibraryFrom(const json& manifest) {
  ShippedLibrary library;
  manifest.at("name").get_to(library.name);
  manifest.at("device").at("id").get_to(library.device);
  manifest.at("commit").get_to(library.commit);
  manifest.at("compiler").get_to(library.compiler);
  manifest.at("unit").get_to(library.unit);
  library.board_kind = BoardKindFrom(manifest.at("board_kind"));
  library.files = FilesFrom(manifest, library.name);
  for (const json& v : manifest.at("variants")) {
    library.variants.push_back(VariantFrom(v, library.device));
  }
  return library;
}

// A manifest may come from anybody: no name in it leads out of its folder.
bool IsInside(const std::string& file) {
  const fs::path path(file);
  return !file.empty() && path.is_relative() && path.lexically_normal() == path &&
         *path.begin() != "..";
}

// Empty, or what a library cannot be, behind its folder's name.
std::string WhyNone(const ShippedLibrary& library) {
  for (const auto& [file, digest] : library.files) {
    if (!IsInside(file)) return fmt::format("names '{}', which is no file of the folder", file);
  }
  std::set<std::string> seen;
  for (const ShippedVariant& v : library.variants) {
    if (!seen.insert(v.record.workload).second) return "names " + v.record.workload + " twice";
    if (!(v.record.value() > 0) || v.record_samples < 1) {
      return "has no time of " + v.record.workload;
    }
  }
  return "";
}

}  // namespace

absl::StatusOr<std::string> ReadShippedFile(const std::string& folder, const std::string& file) {
  const std::string path = folder + "/" + file;
  std::ifstream in(path, std::ios::binary);
  if (!in || !fs::is_regular_file(path)) {
    return absl::NotFoundError(fmt::format("there is no file '{}'", path));
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

absl::StatusOr<ShippedLibrary> ParseManifest(const std::string& folder,
                                             const std::string& manifest) {
  const auto refuse = [&](const std::string& what) {
    return absl::InvalidArgumentError(fmt::format("'{}': {} {}", folder, kManifestFile, what));
  };
  try {
    const json j = json::parse(manifest);
    const int format = j.at("format").get<int>();
    if (format < kOldestFormat || format > kManifestFormat) {
      return refuse(fmt::format("is of format {}, this program reads {} to {}; {}", format,
                                kOldestFormat, kManifestFormat, kRightFolder));
    }
    ShippedLibrary library = LibraryFrom(j);
    library.folder = folder;
    library.manifest_sha256 = Sha256Hex(manifest);
    if (const std::string why = WhyNone(library); !why.empty()) return refuse(why);
    return library;
  } catch (const json::exception& e) {
    return refuse(fmt::format("is no manifest of a library: {}", e.what()));
  }
}

absl::StatusOr<ShippedLibrary> ReadShippedLibrary(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return absl::NotFoundError(
        fmt::format("'{}': there is no such folder; {}", folder, kRightFolder));
  }
  const auto manifest = ReadShippedFile(folder, kManifestFile);
  if (!manifest.ok()) {
    return absl::NotFoundError(
        fmt::format("'{}' has no {}; {}", folder, kManifestFile, kRightFolder));
  }
  return ParseManifest(folder, *manifest);
}

}  // namespace halyard
