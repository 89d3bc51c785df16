#include "targets/virtual_board/kernel_counter.h"

#include <cmath>

#include "targets/virtual_board/markers.h"

namespace halyard {

bool KernelCounter::Set(const BoardModel& board, Decoder decode, std::string* error) {
  decode_ = decode;
  for (const ClusterModel& cluster : board.clusters) {
    Core core;
    if (!core.Set(cluster.core, error)) return false;
    cores_.push_back(core);
    ratio_.push_back(board.clusters[0].clock_ghz / cluster.clock_ghz);
  }
  compute_.assign(cores_.size(), 0);
  memory_cycles_per_line_ =
      MemoryModel::kLine / board.memory_gb_per_s * board.clusters[0].clock_ghz;
  memory_ = std::make_unique<MemoryModel>(board);
  return true;
}

KernelCounter::Totals KernelCounter::Since(const Totals& begin, const Totals& end) {
  Totals t = end;
  for (size_t k = 0; k < t.compute.size(); ++k) t.compute[k] -= begin.compute[k];
  t.stalled -= begin.stalled;
  t.memory_lines -= begin.memory_lines;
  return t;
}

double KernelCounter::Cycles(const Totals& totals, size_t cluster) const {
  return (static_cast<double>(totals.compute[cluster]) * ratio_[cluster] +
          static_cast<double>(totals.stalled)) /
         kUnitsPerCycle;
}

const CountedBlock::Edge* KernelCounter::FindEdge(CountedBlock* block) {
  for (const CountedBlock::Edge& edge : block->edges) {
    if (edge.before == previous_) return block->last_edge = &edge;
  }
  if (block->code.empty()) block->code = decode_(block->bytes);
  // Pointers into `edges` have to hold.
  if (block->edges.capacity() == 0) block->edges.reserve(kMostEdges);
  if (block->edges.size() == kMostEdges) return block->last_edge = &block->edges.back();
  CountedBlock::Edge edge{previous_, {}};
  static const std::vector<Instruction> nothing;
  for (const Core& core : cores_) {
    const double cycles = BlockCycles(core, previous_ == nullptr ? nothing : previous_->code,
                                      block->code, previous_ == block);
    edge.units.push_back(static_cast<uint64_t>(std::llround(cycles * kUnitsPerCycle)));
  }
  block->edges.push_back(std::move(edge));
  return block->last_edge = &block->edges.back();
}

void KernelCounter::SetCore(int core) {
  memory_->SetCore(core);
  cluster_ = static_cast<size_t>(memory_->cluster());
}

// Whatever ran before leaves nothing behind but what the runner asked for: a kernel costs the same
// wherever in a request it stands.
void KernelCounter::BeginKernel() {
  for (CountedBlock& block : blocks_) {
    block.ever_executed += block.executed;
    block.executed = 0;
    block.last_edge = nullptr;
    block.edges.clear();
  }
  for (AccessSite& site : sites_) site = AccessSite{};
  SetCore(0);
  counting_ = true;
  previous_ = nullptr;
  kernels_.emplace_back();
  kernel_begin_ = Now();
}

void KernelCounter::EndKernel() {
  Kernel& kernel = kernels_.back();
  kernel.whole = Since(kernel_begin_, Now());
  kernel.ended = true;
  for (const CountedBlock& block : blocks_) {
    for (const Instruction& i : block.code) {
      kernel.instructions[static_cast<size_t>(i.class_)] += block.executed;
    }
  }
  counting_ = false;
  memory_->Reset();
}

void KernelCounter::EndRegion() {
  Kernel& kernel = kernels_.back();
  SetCore(0);
  if (kernel.regions.size() == kMostRegions) {
    failure_ = "too many parallel loops in one kernel";
    return;
  }
  kernel.regions.push_back({region_tasks_, Since(region_begin_, Now())});
}

void KernelCounter::OnMarker(int marker) {
  switch (marker) {
    case HALYARD_MARKER_WARM_BEGIN:
      warming_ = true;
      break;
    case HALYARD_MARKER_WARM_END:
      warming_ = false;
      break;
    case HALYARD_MARKER_KERNEL_BEGIN:
      BeginKernel();
      break;
    case HALYARD_MARKER_KERNEL_END:
      if (counting_) EndKernel();
      break;
    case HALYARD_MARKER_PARALLEL_BEGIN:
      region_begin_ = Now();
      region_tasks_ = 0;
      SetCore(0);
      break;
    case HALYARD_MARKER_NEXT_CORE:
      SetCore(memory_->core() + 1);
      break;
    case HALYARD_MARKER_TASK_END:
      ++region_tasks_;
      break;
    case HALYARD_MARKER_PARALLEL_END:
      if (counting_) EndRegion();
      break;
  }
}

nlohmann::json KernelCounter::Report() const {
  nlohmann::json kernels = nlohmann::json::array();
  for (const Kernel& kernel : kernels_) {
    if (!kernel.ended) continue;
    double serial = Cycles(kernel.whole, 0);
    nlohmann::json regions = nlohmann::json::array();
    for (const Region& region : kernel.regions) {
      nlohmann::json cycles = nlohmann::json::array();
      for (size_t k = 0; k < cores_.size(); ++k) cycles.push_back(Cycles(region.cost, k));
      serial -= Cycles(region.cost, 0);
      regions.push_back({region.tasks, cycles,
                         static_cast<double>(region.cost.memory_lines) * memory_cycles_per_line_});
    }
    nlohmann::json instructions = nlohmann::json::object();
    for (int c = 0; c < kInstructionClasses; ++c) {
      const uint64_t n = kernel.instructions[static_cast<size_t>(c)];
      if (n != 0) instructions[InstructionClassName(static_cast<InstructionClass>(c))] = n;
    }
    kernels.push_back({{"serial", serial}, {"regions", regions}, {"instructions", instructions}});
  }
  return {{"kernels", kernels}};
}

}  // namespace halyard
