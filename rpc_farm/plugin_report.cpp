#include "rpc_farm/plugin_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "targets/json_integer.h"

namespace halyard {
namespace {

void Fill(const nlohmann::json& kernel, EntryResult* entry) {
  entry->serial_cycles = kernel.at("serial").get<double>();
  for (const auto& region : kernel.at("regions")) {
    entry->regions.push_back({IntegerOf<int64_t>(region.at(0)),
                              region.at(1).get<std::vector<double>>(), region.at(2).get<double>()});
  }
  const auto& instructions = kernel.at("instructions");
  for (const auto& [name, count] : instructions.get_ref<const nlohmann::json::object_t&>()) {
    entry->instructions[name] = IntegerOf<int64_t>(count);
  }
}

}  // namespace

absl::Status AddPluginReport(const std::string& report, RunReply* reply) {
  try {
    const auto json = nlohmann::json::parse(report);
    const auto& kernels = json.at("kernels");
    size_t next = 0;
    for (auto& entries : reply->candidates) {
      for (EntryResult& entry : entries) {
        if (next == kernels.size()) return absl::InternalError("the plugin saw too few kernels");
        Fill(kernels[next++], &entry);
      }
    }
    if (next != kernels.size()) return absl::InternalError("the plugin saw too many kernels");
  } catch (const nlohmann::json::exception& e) {
    return absl::InternalError(fmt::format("no report from the plugin: {}", e.what()));
  }
  return absl::OkStatus();
}

}  // namespace halyard
