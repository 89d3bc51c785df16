// What `tune` and `tune suite` share: the options of a search, and what it works with.
#pragma once

#include <atomic>
#include <boost/program_options.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cost_model/base_model.h"
#include "logs/measurement_log.h"
#include "rpc_farm/executor.h"
#include "rpc_farm/measure_peak.h"
#include "tuner/builder.h"
#include "tuner/cli/farm_options.h"
#include "tuner/tune_loop.h"
#include "tuner/tune_options.h"

namespace halyard {

struct SearchOptions {
  FarmOptions farm;
  std::string time;
  double stop_gain_percent = 100 * kDefaultStopGain;
  TuneOptions tune;  // what the others are read into by CheckSearchOptions
};

// --trials (whose help is `trials`), --time, --stop-gain, --strategy, --seed, --log, --out,
// --model, --json, --farm and those that go with it. The strings must outlive the description.
void AddSearchOptions(boost::program_options::options_description& description,
                      const std::string& trials, SearchOptions& options);

// InvalidArgument: names the option that is wrong. With --time and no --trials there is no limit of
// trials.
absl::Status CheckSearchOptions(const boost::program_options::variables_map& given,
                                SearchOptions& options);

struct Boards {
  std::vector<std::unique_ptr<Executor>> executors;  // of boards alike; one at least
  Peak peak;                                         // of the first
};

// The device's board, or the farm's boards of it. A board that fails the doctor's short examination
// is an error. `label`: what the boards are used for. `interrupted` must outlive it.
absl::StatusOr<Boards> SetUpBoards(const Device& device, const FarmOptions& farm,
                                   const std::string& label, Builder& builder,
                                   const std::atomic<bool>& interrupted);

// Opened for writing; what it has of other hardware by the device's id is told on stderr.
absl::StatusOr<std::unique_ptr<MeasurementLog>> OpenSearchLog(const std::string& path,
                                                              const std::vector<Device>& devices);

// What a search starts from. One that cannot be used costs a line on stderr, not the search: it
// goes on from scratch.
std::shared_ptr<const BaseModel> BaseModelOf(const TuneOptions& options);

struct Equipment {
  Boards boards;
  std::unique_ptr<Builder> builder;
  std::unique_ptr<MeasurementLog> log;
  std::shared_ptr<const BaseModel> base_model;
};

// All of these; the log is not touched where the board is no good.
absl::StatusOr<Equipment> SetUpEquipment(const Device& device, const SearchOptions& options,
                                         const std::string& label,
                                         const std::atomic<bool>& interrupted);

// All that is given by reference must outlive it.
Workbench BenchOf(const Task& task, const TuneOptions& options, const Boards& boards,
                  Builder& builder, MeasurementLog& log,
                  std::shared_ptr<const BaseModel> base_model,
                  const std::atomic<bool>& interrupted);

// Why a search has no best, in one line.
std::string NothingFound(const SearchResult& search);

}  // namespace halyard
