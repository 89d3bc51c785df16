#include "tuner/replay/held_out_models.h"

#include <gtest/gtest.h>

#include "cost_model/evaluation.h"
#include "tests/unit/logs/recorded_tasks.h"
#include "tuner/model_data.h"

namespace halyard {
namespace {

RecordedTask Recorded(const std::string& workload) {
  return BindRecordedSpace(SyntheticSpace(workload), "a.space").value();
}

TEST(HeldOutModels, LearnFromEverythingButTheSpacesOfTheFoldAndTheirFamilies) {
  std::vector<RecordedTask> spaces;
  for (const char* workload :
       {"softmax:512x300:f32", "softmax:64x77:f32", "softmax:256x1000:f32"}) {
    spaces.push_back(Recorded(workload));
  }
  // The second space's workload and one more, as a log would have them.
  const RecordedTask again = Recorded("softmax:64x77:f32"), other = Recorded("softmax:100x100:f32");
  const std::vector<MeasuredTask> logged = {MeasuredTaskOf(again), MeasuredTaskOf(other)};
  const auto models = HeldOutModels(spaces, logged, 3, 1);
  ASSERT_TRUE(models.ok()) << models.status();
  ASSERT_EQ(models->size(), 3u);
  for (size_t i = 0; i < spaces.size(); i++) {
    ASSERT_NE((*models)[i], nullptr);
    // Three folds, so the other two spaces; and the log but for its second record of space 1.
    EXPECT_EQ((*models)[i]->provenance.tasks, i == 1 ? 3 : 4);
    EXPECT_EQ((*models)[i]->known.size(), i == 1 ? 3u : 4u);
    for (const KnownTask& known : (*models)[i]->known) {
      EXPECT_NE(WorkloadFamily(known.workload), WorkloadFamily(spaces[i].task.workload));
    }
  }
}

TEST(HeldOutModels, NothingLeftToLearnFromIsAnError) {
  const std::vector<RecordedTask> one = {Recorded("softmax:512x300:f32")};
  EXPECT_EQ(HeldOutModels(one, {}, 5, 1).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace halyard
