// Columns of softmax: independent rows.

#include <algorithm>

#include "cost_model/attention_features.h"

namespace halyard {
namespace {

// Micro-ops of a vector: see schedules/ops/softmax.cpp.
constexpr double kMaximumOps = 2, kExponentialOps = 13, kStoreOps = 2;
// Cycles until a maximum or a sum can be added to; an online one waits for its exponential, some
// ten dependent steps.
constexpr double kChainCycles = 4, kOnlineChainCycles = 45;

class RowFeatures final : public OperatorFeatures {
 public:
  explicit RowFeatures(const Task& task)
      : machine_(task.device),
        bound_(task, machine_),
        count_(static_cast<double>(task.workload.shape[0])),
        length_(static_cast<double>(task.workload.shape[1])) {}

  void Write(const KnobValues& v, FeatureRow& row) const override {
    row.applies |= kKnown | kRows;
    const Machine& m = machine_;
    const double native = m.Native(v[kVec]), width = v[kVec] * v[kPartials];
    const double stepped = RoundedUp(length_, width);
    const double vectored = RoundedUp(length_, v[kVec] * v[kUnroll]);
    row.Set(kTaskOperator, 3);
    row.Set(kRowsForm, v[kForm]);
    row.Set(kRowsCount, Log2(count_));
    row.Set(kRowsLength, Log2(length_));
    row.Set(kRowsPartials, v[kPartials]);
    row.Set(kRowsUnroll, Log2(v[kUnroll]));
    row.Set(kRowsBlock, Log2(v[kBlock]));
    row.Set(kRowsGrain, Log2(v[kGrain]));
    row.Set(kRowsParallel, v[kParallel]);
    row.Set(kRowsTail, Log2(stepped / length_));
    row.Set(kRowsVectorTail, Log2(vectored / length_));
    const double block_bytes = kFloatBytes * v[kBlock] * length_;
    row.Set(kRowsBlockL1, Log2(block_bytes / m.bytes[0]));
    if (m.levels > 1) row.Set(kRowsBlockL2, Log2(block_bytes / m.bytes[1]));

    // Partial results are accumulators without a product: rows of one vector.
    const RegisterTile tile{v[kPartials], 1, native, v[kUnroll]};
    WriteRegisterTile(tile, v[kVec], stepped / width, m, row);

    Estimate e;
    const double rows = RoundedUp(count_, v[kBlock]);
    const double steps = rows * stepped / width, vectors = rows * vectored / v[kVec] * native;
    const double ports = m.fma_per_cycle, per_step = v[kPartials] * native;
    auto pass = [&](double ops, double chain) {
      return steps * std::max(per_step * ops / ports, chain);
    };
    const bool store = v[kForm] == 0, online = v[kForm] == 2;
    if (online) {
      e.compute = pass(kMaximumOps + 2 * kExponentialOps + 2, kOnlineChainCycles) +
                  vectors * (kExponentialOps + kStoreOps) / ports;
    } else {
      const double sum = store ? kStoreOps : kExponentialOps + 1;
      e.compute = pass(kMaximumOps, kChainCycles) + pass(sum, kChainCycles) +
                  vectors * (kExponentialOps + kStoreOps + (store ? kStoreOps : 0)) / ports;
    }
    // Each row's partial results come together, and its loops start.
    e.other = rows * (width * 2 + 60);
    e.flops_computed = bound_.flops * std::max(stepped, vectored) / length_ * rows / count_;
    const double passes = online ? 2 : 3;
    for (size_t i = 0; i < m.levels; i++) {
      const double again = block_bytes * (store ? 2 : 1) > kUsable * m.bytes[i] ? passes : 1;
      e.traffic_bytes[i] =
          rows * length_ * kFloatBytes * (again + 1 + (store && again > 1 ? 1 : 0));
    }
    e.tasks.parallel = v[kParallel] > 0;
    if (e.tasks.parallel) e.tasks.count = Trips(Trips(count_, v[kBlock]), v[kGrain]);
    WriteEstimate(e, bound_, m, row);
  }

 private:
  Machine machine_;
  TaskBound bound_;
  double count_, length_;
};

}  // namespace

std::unique_ptr<OperatorFeatures> MakeRowFeatures(const Task& task) {
  const std::vector<std::string> wanted = {"rows", "columns"};
  if (task.op->dim_names() != wanted) return nullptr;
  return std::make_unique<RowFeatures>(task);
}

}  // namespace halyard
