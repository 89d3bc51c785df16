#include "tuner/report/library_table.h"

#include <filesystem>
#include <fstream>
#include <map>

#include "fmt/format.h"

namespace halyard {
namespace {

using nlohmann::json;

json VariantJson(const std::optional<ShippedVariant>& v) {
  if (!v) return nullptr;
  const Record& r = v->record;
  return {{"value", r.value()}, {"config", r.config}, {"board", r.board}, {"record", r.id}};
}

json LibraryJson(const ShippedLibrary& l) {
  return {{"folder", l.folder},       {"name", l.name},
          {"device", l.device},       {"commit", l.commit},
          {"unit", l.unit},           {"boardKind", BoardKindName(l.board_kind)},
          {"sha", l.manifest_sha256}, {"variants", l.variants.size()}};
}

}  // namespace

std::optional<double> LibraryRow::change() const {
  if (!now || !before) return std::nullopt;
  const Record &a = now->record, &b = before->record;
  if (a.unit != b.unit || a.board_kind != b.board_kind) return std::nullopt;
  return a.value() / b.value() - 1;
}

LibraryTable CompareLibraries(ShippedLibrary now, std::optional<ShippedLibrary> before) {
  LibraryTable table{std::move(now), std::move(before), "", {}};
  std::map<std::string, LibraryRow> rows;
  for (const ShippedVariant& v : table.now.variants) rows[v.record.workload].now = v;
  if (table.before) {
    for (const ShippedVariant& v : table.before->variants) rows[v.record.workload].before = v;
    if (table.before->device != table.now.device) {
      table.not_compared = fmt::format("one library is of {}, the other of {}",
                                       table.before->device, table.now.device);
    } else if (table.before->unit != table.now.unit ||
               table.before->board_kind != table.now.board_kind) {
      table.not_compared =
          fmt::format("one was measured in {} on {} boards, the other in {} on {} ones",
                      table.before->unit, BoardKindName(table.before->board_kind), table.now.unit,
                      BoardKindName(table.now.board_kind));
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
  return {{"now", LibraryJson(table.now)},
          {"before", table.before ? LibraryJson(*table.before) : json()},
          {"notCompared", table.not_compared},
          {"rows", std::move(rows)}};
}

}  // namespace halyard
