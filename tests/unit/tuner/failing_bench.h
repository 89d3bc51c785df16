// A builder and a board on which no candidate ever runs.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "rpc_farm/executor.h"
#include "tuner/builder.h"

namespace halyard {

// Builds nothing; says how each attempt at a config ends.
class FailingBuilder final : public Builder {
 public:
  std::vector<BuildResult> Build(const std::vector<BuildRequest>& requests) override {
    std::vector<BuildResult> results;
    for (const BuildRequest& r : requests) {
      BuildResult result;
      const int attempt = attempts[r.config]++;
      result.outcome = outcome(r.config, attempt);
      result.message = "as told";
      results.push_back(result);
    }
    return results;
  }
  std::string compiler() const override { return "none"; }

  std::map<std::string, int> attempts;
  std::function<Outcome(const std::string&, int)> outcome = [](const std::string&, int) {
    return Outcome::kBuildError;
  };
};

class NoBoard final : public Executor {
 public:
  RunOutcome Run(const RunRequest&, std::chrono::milliseconds) override { return {}; }
  std::string board_id() const override { return "none"; }
  BoardKind board_kind() const override { return BoardKind::kPhysical; }
  std::string environment() const override { return ""; }
};

}  // namespace halyard
