// The result of a search, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tuner/final.h"
#include "tuner/roofline.h"

namespace halyard {

struct Summary {
  const Task& task;
  const TuneOptions& options;
  const SearchResult& search;
  const FinalResult& final;
  const Roofline& roofline;
  std::string library, header, manifest;  // paths as given, empty where not written
};

// Parts that a suite's summary has too. The failures, the most frequent first, a line each.
std::string FailureLines(const SearchResult& search);
std::string BoardNote(const Device& device);  // a line where it is no physical one, or nothing
nlohmann::json OutcomesJson(const SearchResult& search);  // every outcome's count
nlohmann::json ForecastJson(const Forecast& forecast);    // gain and deviation as shares
// Breaks a config's text, or a sentence, between words into lines that fit a narrow terminal, each
// after `indent`.
std::string Wrapped(const std::string& text, const std::string& indent, size_t columns = 78);

// A table that stays readable at 80 columns; ends with a newline.
std::string SummaryText(const Summary& s);
nlohmann::json SummaryJson(const Summary& s);

}  // namespace halyard
