// The result of a suite, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "schedules/onnx/network.h"
#include "tuner/final.h"
#include "tuner/suite.h"

namespace halyard {

struct SuiteRow {
  const Task& task;
  int calls;
  const SearchResult& search;
  std::optional<FinalResult> final;  // nothing where no trial was ok
  std::string final_failed;          // why `final` is the screening's best after all

  // Milliseconds of one call; 0 where there is none.
  double best_ms() const;
  double safe_ms() const;
};

struct SuiteSummary {
  std::string file;
  const std::optional<Network>& network;  // whose tasks they are, where it is one
  const Device& device;
  const TuneOptions& options;
  const SuiteSearch& search;
  std::vector<SuiteRow> rows;
  std::string library, header, manifest;  // paths as given, empty where not written

  // All calls together, of rows that have both times.
  double best_ms() const;
  double safe_ms() const;
};

// As a workload file has it: "gemm 128x768x768,packed=1".
std::string ListedText(const Workload& workload);

// A table within 80 columns; ends with a newline.
std::string SuiteText(const SuiteSummary& s);
nlohmann::json SuiteJson(const SuiteSummary& s);

}  // namespace halyard
