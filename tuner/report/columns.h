// The trials of a task as columns of numbers.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "tuner/report/report.h"

namespace halyard {

// The place of a record's board in Report::boards.
using BoardPlaces = std::map<std::tuple<std::string, std::string, BoardKind>, size_t>;

// A JSON object: columns by name, each a list with an entry for each record of the task, or null
// where no record has anything to say; and the texts that columns point into:
//   id, time       each less the one before it; time in s
//   value          in the key's unit, five digits; 0 where the outcome is not ok
//   outcome        place in kOutcomeNames
//   mark           1: re-measured among the best; 2: not to be ranked with the best, because it was
//                  timed by another protocol or the config was wrong another time; 3: both
//   board          place in the report's boards
//   samples, spread  number of them; largest over smallest less 1, in percent
//   score          what the cost model predicted, or null
//   message        place in `messages`, -1: none
//   knobs          for each of `knobNames` a column: place in its `knobValues`, -1: none
// `messages` are those of failures, alike ones (MaskDigits) once: [outcome, count, text].
std::string TrialColumns(const ReportTask& task, const BoardPlaces& boards);

}  // namespace halyard
