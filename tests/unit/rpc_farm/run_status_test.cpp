#include "rpc_farm/run_status.h"

#include <gtest/gtest.h>

#include <set>

namespace halyard {
namespace {

TEST(RunStatus, EveryStatusHasANameOfItsOwnThatIsReadBack) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(RunStatus::kRejected); ++i) {
    const auto status = static_cast<RunStatus>(i);
    EXPECT_TRUE(names.insert(RunStatusName(status)).second) << RunStatusName(status);
    EXPECT_EQ(ParseRunStatus(RunStatusName(status)), status);
  }
  EXPECT_EQ(ParseRunStatus(""), std::nullopt);
  EXPECT_EQ(ParseRunStatus("OK"), std::nullopt);
}

TEST(RunStatus, OnlyTheInfrastructuresFaultsAreLosses) {
  EXPECT_TRUE(IsInfrastructureLoss(RunStatus::kInfra));
  EXPECT_TRUE(IsInfrastructureLoss(RunStatus::kBoardLost));
  for (RunStatus own : {RunStatus::kOk, RunStatus::kCrash, RunStatus::kTimeout,
                        RunStatus::kResource, RunStatus::kUnstable, RunStatus::kRejected}) {
    EXPECT_FALSE(IsInfrastructureLoss(own)) << RunStatusName(own);
  }
}

}  // namespace
}  // namespace halyard
