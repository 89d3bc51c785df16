// Why a variant's time is worse than the one its predecessor was shipped on: the compiler, the
// space (what a search of it chose), the board, or noise. Pure functions of what was measured.
//
// The time of now over that of then is a product of two ratios,
//
//   new config now / record then = (new config now / its predecessor now) * (predecessor now /
//   record then),
//
// of which the first differs by the config alone and the second by compiler and board alone. Where
// the predecessor's code is to the byte what it was, the second is the board's drift.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/final.h"

namespace halyard {

enum class Blame { kCompiler, kSpace, kBoard, kNoise };
inline constexpr std::array<std::string_view, 4> kBlameNames = {"compiler", "space", "board",
                                                                "noise"};
inline std::string_view BlameName(Blame b) { return kBlameNames[static_cast<size_t>(b)]; }

struct BlameEvidence {
  // Of the predecessor's record, all as RatioInterval's 95 %, or exact.
  std::optional<RatioInterval> new_to_record;
  std::optional<RatioInterval> new_to_predecessor;  // none: one config, or there is none to build
  std::optional<RatioInterval> predecessor_to_record;
  // Of a variant whose config and code are what they were, over its record: how much slower the
  // board is. Best of the same variant.
  std::optional<RatioInterval> drift;
  bool same_code = false;  // of the predecessor's config, then and now
  // The predecessor's config means nothing in the space as it is now, or was wrong.
  bool predecessor_gone = false;
  // What differs in the texts, for people: "" where nothing does.
  std::string compiler_change, board_change;
};

struct BlameVerdict {
  std::vector<Blame> causes;  // largest first; empty: it is not worse
  std::string text;           // one line; "" where it is not worse
};

// Empty where the time is not worse than the record's, or was not measured.
BlameVerdict FindBlame(const BlameEvidence& evidence);

// Interval of `samples` over a record of which only the value, a median of `record_samples`, is
// known: its own spread is taken to be that of the samples. Exact where a board counts. REQUIRES:
// there are samples.
RatioInterval RatioToRecord(const std::vector<double>& samples, double value, int record_samples,
                            bool exact);

// "", or "THEN, now NOW".
std::string ChangeText(const std::string& then, const std::string& now);

// The same of a board and its environment (Executor::environment), but for what changes from run to
// run: its heat, its clock, what it draws.
std::string BoardChange(const std::string& board_then, const std::string& environment_then,
                        const std::string& board_now, const std::string& environment_now);

}  // namespace halyard
