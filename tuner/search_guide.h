// What a search learns from its measurements: a score for configs it has not measured.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tuner/search_strategy.h"

namespace halyard {

class SearchGuide {
 public:
  virtual ~SearchGuide() = default;

  // Takes all trials so far; those from `first_new` on are the newest batch, on which the model as
  // it was before is judged.
  virtual void Learn(const std::vector<Trial>& trials, size_t first_new) = 0;

  // Empty while there is no model, or none that ranks better than chance. Valid until the next
  // Learn.
  virtual std::function<std::vector<float>(const std::vector<Config>&)> score() const = 0;

  // The same with how far the model's members disagree; empty where the model has no members.
  virtual std::function<std::vector<Belief>(const std::vector<Config>&)> belief() const {
    return nullptr;
  }

  // Spearman's correlation of prediction and measurement on the newest batch; nothing before a
  // model has ranked one.
  virtual std::optional<double> correlation() const = 0;

  // What people should know of it, on one line: where it comes from, how well it ranked, whether it
  // was set aside. "" where there is nothing to say.
  virtual std::string report() const { return ""; }
};

}  // namespace halyard
