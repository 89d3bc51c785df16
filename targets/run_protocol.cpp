#include "targets/run_protocol.h"

#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "targets/json_integer.h"

namespace halyard {

using nlohmann::json;

NLOHMANN_JSON_SERIALIZE_ENUM(RunMode, {{RunMode::kMeasure, "measure"},
                                       {RunMode::kInterleave, "interleave"},
                                       {RunMode::kCount, "count"},
                                       {RunMode::kPeak, "peak"}})

namespace {

// The generated from_json maps an unknown name to the first enumerator; a misspelt mode has to be
// an error instead.
RunMode ParseMode(const json& j) {
  const auto mode = j.get<RunMode>();
  if (json(mode) != j) {
    throw json::other_error::create(501, "unknown run mode " + j.dump(), &j);
  }
  return mode;
}

// JSON has no NaN: a non-finite number travels as null and arrives as NaN.
json FiniteOrNull(double v) { return std::isfinite(v) ? json(v) : json(nullptr); }
double NullAsNan(const json& j) {
  return j.is_null() ? std::numeric_limits<double>::quiet_NaN() : j.get<double>();
}

}  // namespace

static void to_json(json& j, const BufferSpec& b) { j = b.extents; }
static void from_json(const json& j, BufferSpec& b) {
  b.extents = IntegersOf<int64_t>(j);
  // Bounded so that no later size computation can overflow.
  constexpr int64_t kMaxElements = int64_t{1} << 40;
  int64_t elements = 1;
  for (int64_t e : b.extents) {
    if (e < 1 || e > kMaxElements / elements) {
      throw json::other_error::create(502, "bad buffer extents " + j.dump(), &j);
    }
    elements *= e;
  }
}

static void to_json(json& j, const PrepareSpec& p) {
  j = {{"symbol", p.symbol}, {"input", p.input}, {"packed", p.packed}};
}
static void from_json(const json& j, PrepareSpec& p) {
  j.at("symbol").get_to(p.symbol);
  ReadInteger(j, "input", &p.input);
  j.at("packed").get_to(p.packed);
}

static void to_json(json& j, const EntrySpec& e) {
  j = {{"symbol", e.symbol},
       {"inputs", e.inputs},
       {"output", e.output},
       {"canonical_output", e.canonical_output},
       {"probe_points", e.probe_points},
       {"projection", e.projection}};
  if (e.prepare) j["prepare"] = *e.prepare;
}
static void from_json(const json& j, EntrySpec& e) {
  j.at("symbol").get_to(e.symbol);
  j.at("inputs").get_to(e.inputs);
  if (j.contains("prepare")) e.prepare = j.at("prepare").get<PrepareSpec>();
  j.at("output").get_to(e.output);
  e.canonical_output = IntegersOf<int64_t>(j.at("canonical_output"));
  e.probe_points = IntegersOf<int64_t>(j.at("probe_points"));
  j.at("projection").get_to(e.projection);
}

static void to_json(json& j, const TimingPolicy& t) {
  j = {{"warmup_runs", t.warmup_runs},   {"min_sample_ns", t.min_sample_ns},
       {"samples", t.samples},           {"give_up_factor", t.give_up_factor},
       {"incumbent_ns", t.incumbent_ns}, {"cap_ns", t.cap_ns}};
}
static void from_json(const json& j, TimingPolicy& t) {
  ReadInteger(j, "warmup_runs", &t.warmup_runs);
  ReadInteger(j, "min_sample_ns", &t.min_sample_ns);
  ReadInteger(j, "samples", &t.samples);
  j.at("give_up_factor").get_to(t.give_up_factor);
  j.at("incumbent_ns").get_to(t.incumbent_ns);
  ReadInteger(j, "cap_ns", &t.cap_ns);
}

static void to_json(json& j, const CandidateSpec& c) {
  j = {{"artifact_path", c.artifact_path}, {"entries", c.entries}};
}
static void from_json(const json& j, CandidateSpec& c) {
  j.at("artifact_path").get_to(c.artifact_path);
  j.at("entries").get_to(c.entries);
}

void to_json(json& j, const RunRequest& r) {
  j = {{"protocol", r.protocol},
       {"mode", r.mode},
       {"seed", r.seed},
       {"threads", r.threads},
       {"caches_warm", r.caches_warm},
       {"rounds", r.rounds},
       {"timing", r.timing},
       {"candidates", r.candidates}};
}
void from_json(const json& j, RunRequest& r) {
  ReadInteger(j, "protocol", &r.protocol);
  r.mode = ParseMode(j.at("mode"));
  ReadInteger(j, "seed", &r.seed);
  ReadInteger(j, "threads", &r.threads);
  j.at("caches_warm").get_to(r.caches_warm);
  ReadInteger(j, "rounds", &r.rounds);
  j.at("timing").get_to(r.timing);
  j.at("candidates").get_to(r.candidates);
}

static void to_json(json& j, const ParallelRegion& p) {
  j = {{"tasks", p.tasks}, {"cycles", p.cycles}, {"memory_cycles", p.memory_cycles}};
}
static void from_json(const json& j, ParallelRegion& p) {
  ReadInteger(j, "tasks", &p.tasks);
  j.at("cycles").get_to(p.cycles);
  j.at("memory_cycles").get_to(p.memory_cycles);
}

static void to_json(json& j, const EntryResult& e) {
  // Probe values travel as bit patterns: exact, and NaN and infinities survive.
  std::vector<uint32_t> probe_bits;
  for (float v : e.probe_values) probe_bits.push_back(std::bit_cast<uint32_t>(v));
  j = {{"kernel_error", e.kernel_error},
       {"kernel_message", e.kernel_message},
       {"samples_ns", e.samples_ns},
       {"probe_bits", probe_bits},
       {"projection", FiniteOrNull(e.projection)},
       {"poison_left", e.poison_left},
       {"non_finite", e.non_finite},
       {"guards_intact", e.guards_intact},
       {"inputs_intact", e.inputs_intact},
       {"reruns_agree", e.reruns_agree},
       {"serial_cycles", e.serial_cycles},
       {"regions", e.regions},
       {"instructions", e.instructions}};
}
static void from_json(const json& j, EntryResult& e) {
  ReadInteger(j, "kernel_error", &e.kernel_error);
  j.at("kernel_message").get_to(e.kernel_message);
  j.at("samples_ns").get_to(e.samples_ns);
  e.probe_values.clear();
  for (uint32_t bits : IntegersOf<uint32_t>(j.at("probe_bits"))) {
    e.probe_values.push_back(std::bit_cast<float>(bits));
  }
  e.projection = NullAsNan(j.at("projection"));
  ReadInteger(j, "poison_left", &e.poison_left);
  ReadInteger(j, "non_finite", &e.non_finite);
  j.at("guards_intact").get_to(e.guards_intact);
  j.at("inputs_intact").get_to(e.inputs_intact);
  j.at("reruns_agree").get_to(e.reruns_agree);
  j.at("serial_cycles").get_to(e.serial_cycles);
  j.at("regions").get_to(e.regions);
  e.instructions.clear();
  for (const auto& [name, count] : j.at("instructions").get_ref<const json::object_t&>()) {
    e.instructions[name] = IntegerOf<int64_t>(count);
  }
}

void to_json(json& j, const RunReply& r) {
  j = {{"protocol", r.protocol},
       {"error", r.error},
       {"candidates", r.candidates},
       {"peak_gflops", r.peak_gflops},
       {"copy_gb_per_s", r.copy_gb_per_s}};
  if (r.rejected) j["rejected"] = true;
  if (r.before) j["before"] = *r.before;
  if (r.after) j["after"] = *r.after;
}
void from_json(const json& j, RunReply& r) {
  ReadInteger(j, "protocol", &r.protocol);
  j.at("error").get_to(r.error);
  r.rejected = j.value("rejected", false);
  j.at("candidates").get_to(r.candidates);
  j.at("peak_gflops").get_to(r.peak_gflops);
  j.at("copy_gb_per_s").get_to(r.copy_gb_per_s);
  r.before = r.after = std::nullopt;
  if (j.contains("before")) r.before = j.at("before").get<BoardConditions>();
  if (j.contains("after")) r.after = j.at("after").get<BoardConditions>();
}

}  // namespace halyard
