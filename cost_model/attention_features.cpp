#include "cost_model/attention_features.h"

#include <algorithm>

namespace halyard {
namespace {

// Micro-ops of a vector of scores between the two products: maximum 1, exponential 12 (exp2.h),
// sum 1, and the loads and stores of the three passes.
constexpr double kMaximumOps = 2, kExponentialOps = 14, kSumOps = 2;
// The blocks in which Q and the output are transposed (attention_schedule.cpp).
constexpr double kTransposeBlock = 8;

class AttentionFeatures final : public OperatorFeatures {
 public:
  explicit AttentionFeatures(const Task& task)
      : machine_(task.device),
        bound_(task, machine_),
        heads_(static_cast<double>(task.workload.shape[0])),
        queries_(static_cast<double>(task.workload.shape[1])),
        keys_(static_cast<double>(task.workload.shape[2])),
        depth_(static_cast<double>(task.workload.shape[3])),
        causal_(task.workload.attribute("causal") != 0) {}

  void Write(const KnobValues& v, FeatureRow& row) const override {
    row.applies |= kKnown | kAttention;
    const Tiles t = Read(v);
    WriteKnobs(v, t, row);
    const Machine& m = machine_;
    const double native = m.Native(v[kVec]);
    const RegisterTile score{v[kSRow], v[kSLane], native, v[kUnrollD]};
    const RegisterTile out{v[kORow], v[kOLane], native, v[kUnrollK]};
    WriteRegisterTile(score, v[kVec], depth_, m, row);
    row.Set(kAttentionScoreEfficiency, Log2(score.Efficiency(m)));
    row.Set(kAttentionOutEfficiency, Log2(out.Efficiency(m)));
    row.Set(kAttentionOutRegisters, out.registers(m));

    Estimate e;
    const double blocks = heads_ * Trips(queries_, v[kM]);
    // Only the chunked form leaves out keys that no query of a block sees.
    const double seen = causal_ && v[kForm] == 2 ? 1 - 0.5 * (queries_ - 1) / keys_ : 1;
    const double elements = blocks * v[kM] * t.keys_padded * seen;
    const double score_tiles = elements / (t.score_keys * t.score_queries);
    const double out_tiles =
        blocks * v[kM] / t.out_queries * t.depth_padded / t.out_depth * t.chunks * seen;
    e.compute = score_tiles * (depth_ * score.CyclesPerStep(m) + score.CyclesPerTile(m)) +
                out_tiles * (t.chunk * out.CyclesPerStep(m) + out.CyclesPerTile(m));
    e.flops_computed = 2 * elements * (depth_ + t.depth_padded);
    const double vectors = elements / v[kVec] * native;
    e.other = vectors * (kMaximumOps + kExponentialOps + kSumOps) / m.fma_per_cycle;
    const double out_vectors = blocks * v[kM] * t.depth_padded / v[kVec] * native;
    // Partial results are written, read again and rescaled.
    if (v[kForm] == 2) e.other += t.chunks * out_vectors * 2;
    e.other += 2 * out_vectors;
    Packing(v, t, e);
    Traffic(v, t, e);
    e.tasks.count = Trips(blocks, std::max(1.0, v[kGrain]));
    if (v[kForm] == 0) {
      const bool over_heads = heads_ * v[kM] > queries_;
      e.tasks.count = over_heads ? heads_ : Trips(queries_, v[kM]);
      e.regions += 5;  // scores, maxima, weights, sums, times V, each a parallel loop
    }
    WriteEstimate(e, bound_, m, row);
  }

 private:
  struct Tiles {
    bool lanes_keys;
    double score_keys, score_queries, out_depth, out_queries;
    double chunk, chunks, keys_padded, depth_padded;
    bool transposes;
  };

  Tiles Read(const KnobValues& v) const {
    Tiles t;
    t.lanes_keys = v[kLanesKnob] == 0;
    t.score_keys = t.lanes_keys ? v[kVec] * v[kSLane] : v[kSRow];
    t.score_queries = t.lanes_keys ? v[kSRow] : v[kVec] * v[kSLane];
    t.out_depth = t.lanes_keys ? v[kVec] * v[kOLane] : v[kORow];
    t.out_queries = t.lanes_keys ? v[kORow] : v[kVec] * v[kOLane];
    t.chunk = v[kForm] == 2 ? v[kL] : RoundedUp(keys_, t.score_keys);
    t.chunks = Trips(keys_, t.chunk);
    t.keys_padded = t.chunk * t.chunks;
    t.depth_padded = RoundedUp(depth_, t.out_depth);
    const auto whole = [](double n) { return std::fmod(n, kTransposeBlock) == 0; };
    t.transposes = !t.lanes_keys && whole(v[kM]) && whole(queries_) && whole(depth_);
    return t;
  }

  void WriteKnobs(const KnobValues& v, const Tiles& t, FeatureRow& row) const {
    const Machine& m = machine_;
    row.Set(kTaskOperator, 2);
    row.Set(kAttentionForm, v[kForm]);
    row.Set(kAttentionLanesQueries, v[kLanesKnob]);
    row.Set(kAttentionKeys, Log2(keys_));
    row.Set(kAttentionDepth, Log2(depth_));
    row.Set(kAttentionM, Log2(v[kM]));
    row.Set(kAttentionChunk, Log2(t.chunk));
    row.Set(kAttentionChunks, Log2(t.chunks));
    row.Set(kAttentionScoreLane, v[kSLane]);
    row.Set(kAttentionScoreRow, v[kSRow]);
    row.Set(kAttentionOutLane, v[kOLane]);
    row.Set(kAttentionOutRow, v[kORow]);
    row.Set(kAttentionUnrollD, Log2(v[kUnrollD]));
    row.Set(kAttentionUnrollK, Log2(v[kUnrollK]));
    row.Set(kAttentionQueriesInner, v[kSweep]);
    row.Set(kAttentionGrain, Log2(v[kGrain]));
    row.Set(kAttentionTransposes, t.transposes ? 1 : 0);
    row.Set(kWasteQueries, Log2(RoundedUp(queries_, v[kM]) / queries_));
    row.Set(kWasteKeys, Log2(t.keys_padded / keys_));
    row.Set(kWasteDepth, Log2(t.depth_padded / depth_));
    const double scores = kFloatBytes * v[kM] * t.chunk;
    const double kv = kFloatBytes * t.chunk * (depth_ + t.depth_padded);
    row.Set(kAttentionScoresL1, Log2(scores / m.bytes[0]));
    row.Set(kAttentionKvL1, Log2(kv / m.bytes[0]));
    if (m.levels < 2) return;
    row.Set(kAttentionScoresL2, Log2(scores / m.bytes[1]));
    row.Set(kAttentionKvL2, Log2(kv / m.bytes[1]));
  }

  // K transposed into panels and V padded, once; Q transposed for each block.
  void Packing(const KnobValues& v, const Tiles& t, Estimate& e) const {
    const double kv = heads_ * keys_ * depth_, q = heads_ * queries_ * depth_;
    if (t.lanes_keys) {
      const bool whole =
          std::fmod(depth_, kTransposeBlock) == 0 && std::fmod(t.score_keys, kTransposeBlock) == 0;
      // Through registers, or element by element.
      e.pack_parallel += kv * (whole ? 0.5 : 1.5);
      e.regions++;
      if (t.depth_padded != depth_) {
        e.pack_parallel += heads_ * t.keys_padded * t.depth_padded / v[kVec] * 2;
        e.regions++;
      }
      e.pack += q / 4;
    } else {
      // The output is transposed like Q.
      e.pack += 2 * q * (t.transposes ? 0.5 : 1.5);
    }
  }

  // Every block of queries streams the keys and values; its scores are written by one pass and read
  // by the next three.
  void Traffic(const KnobValues& v, const Tiles& t, Estimate& e) const {
    const Machine& m = machine_;
    const double blocks = heads_ * Trips(queries_, v[kM]);
    const double kv = kFloatBytes * t.keys_padded * (depth_ + t.depth_padded);
    const double scores = kFloatBytes * v[kM] * t.chunk;
    const double whole = kFloatBytes * heads_ * RoundedUp(queries_, v[kM]) * t.keys_padded;
    for (size_t i = 0; i < m.levels; i++) {
      const double room = kUsable * m.bytes[i];
      e.traffic_bytes[i] += bound_.bytes;
      // A block's pass over the keys begins with those the last block ended with only if all fit.
      if (kv > room) e.traffic_bytes[i] += (blocks - heads_) * kv;
      if (v[kForm] == 0) {
        if (whole > room * m.cores) e.traffic_bytes[i] += 5 * whole;
      } else if (2 * scores > room) {
        e.traffic_bytes[i] += 5 * scores * t.chunks * blocks;
      }
      // Within a block: what one of the score tile's operands sweeps is streamed again for each
      // tile of the other.
      const bool queries_inner = v[kSweep] == 1;
      const double k_chunk = kFloatBytes * t.chunk * depth_, q_block = kFloatBytes * v[kM] * depth_;
      const double swept = queries_inner ? q_block : k_chunk;
      const double turns = queries_inner ? t.chunk / t.score_keys : v[kM] / t.score_queries;
      if (swept > room) e.traffic_bytes[i] += (turns - 1) * swept * t.chunks * blocks;
      const double v_chunk = kFloatBytes * t.chunk * t.depth_padded;
      if (v_chunk > room) {
        e.traffic_bytes[i] += (v[kM] / t.out_queries - 1) * v_chunk * t.chunks * blocks;
      }
    }
  }

  Machine machine_;
  TaskBound bound_;
  double heads_, queries_, keys_, depth_;
  bool causal_;
};

}  // namespace

std::unique_ptr<OperatorFeatures> MakeAttentionFeatures(const Task& task) {
  const std::vector<std::string> dims = task.op->dim_names();
  const std::vector<std::string> wanted = {"heads", "queries", "keys", "depth"};
  if (dims != wanted) return nullptr;
  return std::make_unique<AttentionFeatures>(task);
}

}  // namespace halyard
