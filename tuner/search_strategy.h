// A search strategy proposes which configs to measure next.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cost_model/cost_model.h"
#include "cost_model/features.h"
#include "schedules/task.h"

namespace halyard {

// What has been tried on a task so far, keyed by ScheduleSpace::index_of.
struct Trial {
  Config config;
  bool ok = false;
  double value = 0;  // meaningful where ok; smaller is better
};

// A model's prediction, larger is better, and how far the members of its ensemble disagree.
struct Belief {
  float mean = 0, spread = 0;
};

struct SearchState {
  const Task* task = nullptr;
  std::vector<Trial> trials;           // in the order they were proposed
  std::unordered_set<uint64_t> tried;  // indices of all trials
  // Larger is better, for a batch; empty while there is no model better than chance.
  std::function<std::vector<float>(const std::vector<Config>&)> score;
  // The same with its doubts; empty also where a model has none.
  std::function<std::vector<Belief>(const std::vector<Config>&)> belief;
  // Valid configs that were good for similar tasks, the most promising first.
  std::vector<Config> similar;
};

class SearchStrategy {
 public:
  virtual ~SearchStrategy() = default;
  virtual std::string name() const = 0;
  // Trials proposed, built and measured at a time: building and timing alternate, so that compilers
  // do not disturb the clock, and the model learns from each batch before the next.
  virtual int batch_size() const { return 16; }
  // Whether proposals look at SearchState::score. A model is trained only for those that do.
  virtual bool uses_score() const { return false; }
  // Up to `count` valid, pairwise different configs not in state.tried; fewer only when the space
  // seems exhausted. Same seed and same state give the same proposals, on any number of threads.
  virtual std::vector<Config> Propose(const SearchState& state, int count) = 0;
};

// name: sa | random | grid | genetic; nullptr otherwise.
std::unique_ptr<SearchStrategy> MakeStrategy(const std::string& name, uint64_t seed);
std::vector<std::string> StrategyNames();

}  // namespace halyard
