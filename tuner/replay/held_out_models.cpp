#include "tuner/replay/held_out_models.h"

#include <set>

#include "cost_model/evaluation.h"
#include "tuner/model_data.h"

namespace halyard {

absl::StatusOr<std::vector<std::shared_ptr<const BaseModel>>> HeldOutModels(
    std::span<const RecordedTask> spaces, std::span<const MeasuredTask> others, int folds,
    uint64_t seed) {
  std::vector<MeasuredTask> recorded;
  for (const RecordedTask& space : spaces) recorded.push_back(MeasuredTaskOf(space));
  const std::vector<int> fold = AssignFolds(recorded, folds, seed);
  std::vector<std::shared_ptr<const BaseModel>> models(spaces.size());
  for (int held_out = 0; held_out < folds; held_out++) {
    std::set<std::string> families;
    for (size_t i = 0; i < spaces.size(); i++) {
      if (fold[i] == held_out) families.insert(WorkloadFamily(spaces[i].task.workload));
    }
    if (families.empty()) continue;
    std::vector<MeasuredTask> learned;
    for (const auto& tasks : {others, std::span<const MeasuredTask>(recorded)}) {
      for (const MeasuredTask& t : tasks) {
        if (families.count(WorkloadFamily(t.task->workload)) == 0) learned.push_back(t);
      }
    }
    auto model = TrainBaseModel(learned, seed);
    if (!model.ok()) return model.status();
    const auto shared = std::make_shared<const BaseModel>(*std::move(model));
    for (size_t i = 0; i < spaces.size(); i++) {
      if (fold[i] == held_out) models[i] = shared;
    }
  }
  return models;
}

}  // namespace halyard
