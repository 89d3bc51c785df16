// What a suite works with, from its boards on.
#pragma once

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "tuner/cli/cli.h"
#include "tuner/cli/suite_spec.h"
#include "tuner/cli/tune_setup.h"
#include "tuner/library/shipped_library.h"
#include "tuner/suite/board_meter.h"
#include "tuner/suite/night.h"
#include "tuner/suite/shipped_winner.h"

namespace halyard {

// A device of the suite and what it is tuned with.
struct DeviceRun {
  const SuiteDevice* spec = nullptr;
  Boards boards;
  std::optional<ShippedLibrary> previous;
  std::string lost;             // why it is not used any more, or ""
  bool shipped_before = false;  // earlier this night

  bool in_use() const { return lost.empty() && !shipped_before; }
};

// A task of the suite and what has become of it.
struct TaskRun {
  TaskRun(const SuiteTask& t, DeviceRun& d)
      : spec(&t), device(&d), task(MakeTask(t.workload, d.spec->device)) {}

  const SuiteTask* spec;
  DeviceRun* device;
  Task task;
  ShippedWinner winner;
  std::optional<WinnerAgain> again;
  std::optional<size_t> member;  // of the search
  SearchResult search;
};

// Not thread-safe, but for the meter and what is const.
struct SuiteDesk {
  // `spec` must outlive it.
  SuiteDesk(const SuiteSpec& spec, std::chrono::steady_clock::time_point begin);
  SuiteDesk(const SuiteDesk&) = delete;
  SuiteDesk& operator=(const SuiteDesk&) = delete;

  // Boards, builder, log, and of a nightly suite how far it is and what was shipped last. A board
  // that cannot be used is lost; where all are, that is the error.
  absl::Status SetUp();
  void Lose(DeviceRun& device, const std::string& why);
  bool NoneInUse() const;
  Workbench BenchOf(const TaskRun& task) const;
  // That it cannot be written is said once, on stderr.
  void SaveNight();
  double Elapsed() const;  // seconds since the command began

  const SuiteSpec& spec;
  const std::chrono::steady_clock::time_point begin;
  TuneOptions options;  // of each task
  const std::atomic<bool>& interrupted = CatchInterrupts();
  BoardMeter meter;
  std::unique_ptr<Builder> builder;
  std::unique_ptr<MeasurementLog> log;
  std::shared_ptr<const BaseModel> base_model;
  std::list<DeviceRun> devices;
  std::list<TaskRun> tasks;
  std::optional<Night> night;
  double seconds_before = 0, board_seconds_before = 0;  // of the night, ahead of this run

 private:
  absl::Status BeginNight();

  bool night_saved = true;
};

int64_t UnixMs(std::chrono::system_clock::time_point t);

}  // namespace halyard
