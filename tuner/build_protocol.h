// What the builder and its workers say to each other: one JSON object a line, request then answer.
#pragma once

#include <nlohmann/json.hpp>

#include "tuner/builder.h"

namespace halyard {

struct WorkerRequest {
  BuildRequest request;
  std::string out_path;
  int64_t deadline_ms = 0;
  int64_t memory_bytes = 0;
};

struct WorkerAnswer {
  Outcome outcome = Outcome::kInfraError;
  std::string message;
  CandidateSpec artifact;
  std::optional<ScratchBytes> scratch = std::nullopt;
};

inline void to_json(nlohmann::json& j, const WorkerRequest& r) {
  j = {{"kind", static_cast<int>(r.request.kind)},
       {"workload", r.request.workload},
       {"config", r.request.config},
       {"device", r.request.device},
       {"symbol", r.request.symbol},
       {"out", r.out_path},
       {"deadline_ms", r.deadline_ms},
       {"memory_bytes", r.memory_bytes}};
}
inline void from_json(const nlohmann::json& j, WorkerRequest& r) {
  r.request.kind = static_cast<BuildKind>(j.at("kind").get<int>());
  j.at("workload").get_to(r.request.workload);
  j.at("config").get_to(r.request.config);
  j.at("device").get_to(r.request.device);
  j.at("symbol").get_to(r.request.symbol);
  j.at("out").get_to(r.out_path);
  j.at("deadline_ms").get_to(r.deadline_ms);
  j.at("memory_bytes").get_to(r.memory_bytes);
}

// The artifact travels as the run request it is made for.
inline void to_json(nlohmann::json& j, const WorkerAnswer& a) {
  RunRequest run;
  run.candidates = {a.artifact};
  j = {{"outcome", OutcomeName(a.outcome)}, {"message", a.message}, {"run", run}};
  if (a.scratch) j["scratch"] = {a.scratch->once, a.scratch->each_thread};
}
inline void from_json(const nlohmann::json& j, WorkerAnswer& a) {
  a.outcome = OutcomeFromName(j.at("outcome").get<std::string>()).value_or(Outcome::kInfraError);
  j.at("message").get_to(a.message);
  a.artifact = j.at("run").get<RunRequest>().candidates.at(0);
  if (const auto s = j.find("scratch"); s != j.end()) {
    a.scratch = ScratchBytes{s->at(0).get<int64_t>(), s->at(1).get<int64_t>()};
  }
}

}  // namespace halyard
