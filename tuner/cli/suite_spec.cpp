#include "tuner/cli/suite_spec.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "rpc_farm/sha256.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/search_strategy.h"
#include "tuner/suite/suite_file.h"

namespace halyard {
namespace {

// The same error, behind the place in the file.
absl::Status At(const std::string& where, const absl::Status& error) {
  return {error.code(), absl::StrCat(where, ": ", error.message())};
}

absl::Status ReadBudget(const std::string& path, const SuiteFile& file, SuiteSpec& spec) {
  TuneOptions& o = spec.options;
  o.trials = std::numeric_limits<int>::max();
  if (file.board_minutes) spec.board_seconds = 60 * *file.board_minutes;
  if (!file.time.empty()) {
    const auto seconds = ParseDuration(file.time);
    if (!seconds.ok()) return At(path + ": time", seconds.status());
    o.time_seconds = *seconds;
  }
  if (!file.deadline.empty()) {
    const auto deadline = DeadlineFrom(file.deadline, std::chrono::system_clock::now());
    if (!deadline.ok()) return At(path, deadline.status());
    spec.deadline = *deadline;
  }
  return absl::OkStatus();
}

absl::Status ReadSearch(const std::string& path, const SuiteFile& file, SuiteSpec& spec) {
  TuneOptions& o = spec.options;
  o.log_path = file.log;
  o.out_dir = file.out;
  o.peer = "none";
  if (file.model) o.model = *file.model;
  if (file.seed) o.seed = *file.seed;
  if (file.stop_gain) o.stop_gain = *file.stop_gain / 100;
  if (file.strategy) o.strategy = *file.strategy;
  if (MakeStrategy(o.strategy, 0) == nullptr) {
    return absl::InvalidArgumentError(fmt::format("{}: strategy '{}' is not known; give one of {}",
                                                  path, o.strategy,
                                                  absl::StrJoin(StrategyNames(), ", ")));
  }
  spec.gate = file.gate;
  spec.signing_key = file.sign;
  return absl::OkStatus();
}

absl::Status ReadDevices(const SuiteFile& file, SuiteSpec& spec) {
  std::set<std::string> ids;
  for (const SuiteFileDevice& d : file.devices) {
    auto device = DeviceFromOption(d.id, d.board);
    if (!device.ok()) return At(d.where, device.status());
    // Libraries and records go by the id.
    if (!ids.insert(device->id).second) {
      return absl::InvalidArgumentError(
          fmt::format("{}: {} stands twice; give each device once", d.where, device->id));
    }
    FarmOptions farm{d.farm, d.farm_certificates, d.farm_tags, d.farm_priority};
    if (auto s = CheckFarmOptions(farm); !s.ok()) return At(d.where, s);
    spec.devices.push_back({*std::move(device), std::move(farm)});
  }
  return absl::OkStatus();
}

absl::StatusOr<Listing> ListingOf(const SuiteFileWorkloads& w) {
  if (w.lines.empty()) {
    NetworkOptions network{w.batch, {}};
    for (const auto& [name, size] : w.dims)
      network.dims.push_back(fmt::format("{}={}", name, size));
    return ReadListing(w.file, network);
  }
  auto workloads = ParseWorkloadLines(w.lines, "list");
  if (!workloads.ok()) return workloads.status();
  return Listing{"list", *std::move(workloads), std::nullopt, ""};
}

absl::Status ReadTasks(const SuiteFile& file, SuiteSpec& spec) {
  for (const SuiteFileWorkloads& w : file.workloads) {
    std::vector<size_t> on;
    for (const std::string& id : w.devices) {
      const auto found = std::find_if(file.devices.begin(), file.devices.end(),
                                      [&](const SuiteFileDevice& d) { return d.id == id; });
      if (found == file.devices.end()) {
        return absl::InvalidArgumentError(fmt::format(
            "{}: '{}' is no [[device]] of this suite; give the id of one", w.where, id));
      }
      on.push_back(static_cast<size_t>(found - file.devices.begin()));
    }
    for (size_t i = 0; w.devices.empty() && i < file.devices.size(); i++) on.push_back(i);
    auto listing = ListingOf(w);
    if (!listing.ok()) return At(w.where, listing.status());
    for (const size_t device : on) {
      for (const ListedWorkload& listed : listing->tasks) {
        // Two networks may share a task: it is tuned once, and worth what it is to both.
        const auto known =
            std::find_if(spec.tasks.begin(), spec.tasks.end(), [&](const SuiteTask& t) {
              return t.device == device && t.workload.ToText() == listed.workload.ToText();
            });
        if (known == spec.tasks.end()) {
          spec.tasks.push_back({device, listed.workload, listed.count, w.priority});
          continue;
        }
        const double worth = known->calls * known->priority + listed.count * w.priority;
        known->calls += listed.count;
        known->priority = worth / known->calls;
      }
    }
    if (listing->network) spec.networks.push_back(*std::move(listing));
  }
  for (size_t i = 0; i < spec.devices.size(); i++) {
    const auto mine = [&](const SuiteTask& t) { return t.device == i; };
    if (std::any_of(spec.tasks.begin(), spec.tasks.end(), mine)) continue;
    return absl::InvalidArgumentError(
        fmt::format("{}: no [[workloads]] are for {}; leave it out, or give it some",
                    file.devices[i].where, spec.devices[i].device.id));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsSuiteFile(const std::string& path) { return path.ends_with(".toml"); }

absl::StatusOr<SuiteSpec> SpecFromFile(const std::string& path) {
  const auto file = ReadSuiteFile(path);
  if (!file.ok()) return file.status();
  SuiteSpec spec;
  spec.file = path;
  spec.nightly = true;
  std::ifstream in(path, std::ios::binary);
  spec.sha256 = Sha256Hex(std::string(std::istreambuf_iterator<char>(in), {}));
  if (auto s = ReadBudget(path, *file, spec); !s.ok()) return s;
  if (auto s = ReadSearch(path, *file, spec); !s.ok()) return s;
  if (auto s = ReadDevices(*file, spec); !s.ok()) return s;
  if (auto s = ReadTasks(*file, spec); !s.ok()) return s;
  return spec;
}

}  // namespace halyard
