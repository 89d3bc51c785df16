// The result of a suite, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tuner/final.h"
#include "tuner/listing.h"
#include "tuner/suite/suite.h"

namespace halyard {

// SuiteRow::again where there is nothing to tell.
inline constexpr char kAsShipped[] = "as shipped";

struct SuiteRow {
  const Task& task;
  int calls;
  const SearchResult& search;        // of this run; without trials where there was none
  std::optional<FinalResult> final;  // nothing where no trial was ok
  std::string final_failed;          // why `final` is the screening's best after all
  // Of a task that was shipped before: what its winner did when it was measured again. Where it
  // was not searched, that is `final`.
  std::string again;

  // Milliseconds of one call; 0 where there is none.
  double best_ms() const;
  double safe_ms() const;
  bool searched() const { return !search.trials.empty(); }
};

// Of one device.
struct SuiteSummary {
  std::string file;
  std::vector<Listing> networks;  // whose tasks some of them are
  const Device& device;
  const TuneOptions& options;
  SuiteSearch search;  // of its tasks
  std::vector<SuiteRow> rows;
  std::string library, header, manifest;  // paths as given, empty where not written

  // All calls together, of rows that have both times.
  double best_ms() const;
  double safe_ms() const;
};

// A table within 80 columns; ends with a newline.
std::string SuiteText(const SuiteSummary& s);
nlohmann::json SuiteJson(const SuiteSummary& s);

}  // namespace halyard
