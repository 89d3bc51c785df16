// What a suite measures ahead of its finals: the winners that were shipped, and what is searched.
#pragma once

#include <memory>
#include <vector>

#include "tuner/cli/suite_desk.h"
#include "tuner/suite/suite_progress.h"

namespace halyard {

// Of each task, of a budget of time: a final of some rounds on a board, and its part of the
// library.
inline constexpr double kFinalSeconds = 8, kLibrarySeconds = 3;
inline constexpr double kMostReserved = 0.35;  // of a budget

// Measures each winner again that may ship on, once a night. Cancelled: interrupted. Unavailable:
// all boards are lost. Errors are the log's.
absl::Status LookAtShippedWinners(SuiteDesk& desk);

// The tasks that must be tuned.
struct SuiteSearching {
  explicit SuiteSearching(SuiteDesk& d) : desk(d) {}

  // Errors are those of SearchSuite.
  absl::Status Run();
  // Of a task that is searched; REQUIRES that there is one.
  const SuiteMember& MemberOf(const TaskRun& task) const { return members[*task.member]; }

  SuiteDesk& desk;
  std::vector<SuiteMember> members;
  std::unique_ptr<SuiteProgress> progress;  // null where there is nothing to search
  SuiteSearch result;
};

}  // namespace halyard
