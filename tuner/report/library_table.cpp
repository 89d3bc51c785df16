#include "tuner/report/library_table.h"

#include <filesystem>
#include <fstream>
#include <map>

#include "fmt/format.h"

namespace halyard {
namespace {

using nlohmann::json;

constexpr int kOldestManifest = 1, kNewestManifest = 2;

LibraryVariant VariantOf(const json& variant) {
  const json& record = variant.at("record");
  return {variant.at("workload").get<std::string>(),
          variant.at("config").get<std::string>(),
          record.at("value").get<double>(),
          record.at("unit").get<std::string>(),
          record.at("board").get<std::string>(),
          record.at("board_kind").get<std::string>(),
          record.at("id").get<int64_t>()};
}

// The first format had no digests but the library's and the header's.
std::string LibraryDigest(const json& manifest) {
  if (manifest.at("format") == 1) return manifest.at("library_sha256").get<std::string>();
  return manifest.at("files")
      .at("lib" + manifest.at("name").get<std::string>() + ".a")
      .get<std::string>();
}

LibraryManifest ManifestOf(const json& manifest, const std::string& folder) {
  LibraryManifest m{folder,
                    manifest.at("name").get<std::string>(),
                    manifest.at("device").at("id").get<std::string>(),
                    manifest.at("commit").get<std::string>(),
                    manifest.at("unit").get<std::string>(),
                    manifest.at("board_kind").get<std::string>(),
                    LibraryDigest(manifest),
                    {}};
  for (const json& variant : manifest.at("variants")) m.variants.push_back(VariantOf(variant));
  return m;
}

json VariantJson(const std::optional<LibraryVariant>& v) {
  if (!v) return nullptr;
  return {{"value", v->value}, {"config", v->config}, {"board", v->board}, {"record", v->record}};
}

json ManifestJson(const LibraryManifest& m) {
  return {{"folder", m.folder},      {"name", m.name},
          {"device", m.device},      {"commit", m.commit},
          {"unit", m.unit},          {"boardKind", m.board_kind},
          {"sha", m.library_sha256}, {"variants", m.variants.size()}};
}

}  // namespace

std::optional<double> LibraryRow::change() const {
  if (!now || !before || now->unit != before->unit || now->board_kind != before->board_kind ||
      !(before->value > 0)) {
    return std::nullopt;
  }
  return now->value / before->value - 1;
}

absl::StatusOr<LibraryManifest> ReadManifest(const std::string& folder, const std::string& option) {
  const std::string path = (std::filesystem::path(folder) / "manifest.json").string();
  const auto refuse = [&](const std::string& what) {
    return absl::InvalidArgumentError(fmt::format(
        "{} '{}': manifest.json {}; give a folder that tune package wrote, such as out/rpi4",
        option, folder, what));
  };
  std::ifstream in(path);
  if (!in.is_open()) return refuse("is not there or cannot be read");
  try {
    const json manifest = json::parse(in);
    const int format = manifest.at("format").get<int>();
    if (format < kOldestManifest || format > kNewestManifest) {
      return refuse(fmt::format("is of format {}, this program reads {} and {}", format,
                                kOldestManifest, kNewestManifest));
    }
    return ManifestOf(manifest, folder);
  } catch (const json::exception& e) {
    return refuse(fmt::format("cannot be read ({})", e.what()));
  }
}

LibraryTable CompareLibraries(LibraryManifest now, std::optional<LibraryManifest> before) {
  LibraryTable table{std::move(now), std::move(before), "", {}};
  std::map<std::string, LibraryRow> rows;
  for (const LibraryVariant& v : table.now.variants) rows[v.workload].now = v;
  if (table.before) {
    for (const LibraryVariant& v : table.before->variants) rows[v.workload].before = v;
    if (table.before->device != table.now.device) {
      table.not_compared = fmt::format("one library is of {}, the other of {}",
                                       table.before->device, table.now.device);
    } else if (table.before->unit != table.now.unit ||
               table.before->board_kind != table.now.board_kind) {
      table.not_compared = fmt::format(
          "one was measured in {} on {} boards, the other in {} on {} "
          "ones",
          table.before->unit, table.before->board_kind, table.now.unit, table.now.board_kind);
    }
  }
  for (auto& [workload, row] : rows) {
    row.workload = workload;
    table.rows.push_back(std::move(row));
  }
  return table;
}

json LibraryTableJson(const LibraryTable& table) {
  json rows = json::array();
  for (const LibraryRow& row : table.rows) {
    const auto change = table.not_compared.empty() ? row.change() : std::nullopt;
    rows.push_back({{"workload", row.workload},
                    {"now", VariantJson(row.now)},
                    {"before", VariantJson(row.before)},
                    {"change", change ? json(*change) : json()}});
  }
  return {{"now", ManifestJson(table.now)},
          {"before", table.before ? ManifestJson(*table.before) : json()},
          {"notCompared", table.not_compared},
          {"rows", std::move(rows)}};
}

}  // namespace halyard
