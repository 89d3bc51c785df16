// What a kernel costs on the cores of a virtual board, from the blocks it executes, its memory
// accesses and the runner's markers. It knows nothing of the emulator.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "targets/virtual_board/block_simulation.h"
#include "targets/virtual_board/memory_model.h"

namespace halyard {

// A basic block as translated.
struct CountedBlock {
  std::vector<uint8_t> bytes;     // as encoded
  std::vector<Instruction> code;  // decoded when a kernel first executes it
  uint64_t executed = 0;          // in this kernel
  uint64_t ever_executed = 0;     // in the kernels before
  uint64_t units = 0;             // that all this took the first cluster, its caches hitting

  // The cost behind each block that came before it, in units, by cluster.
  struct Edge {
    const CountedBlock* before;
    std::vector<uint64_t> units;
  };
  std::vector<Edge> edges;
  const Edge* last_edge = nullptr;
};

// Cycles are integers in 1/65536 of a cycle, so that a sum is the same in any order. One guest
// thread between markers is assumed.
class KernelCounter {
 public:
  static constexpr double kUnitsPerCycle = 65536;
  // The cost of a block is simulated for each of so many blocks that came before it; a block that
  // more lead to (a function's first) costs what it cost behind the last of these.
  static constexpr size_t kMostEdges = 16;
  // More parallel loops than this in one kernel is a kernel nobody wants the list of.
  static constexpr size_t kMostRegions = size_t{1} << 20;

  using Decoder = std::vector<Instruction> (*)(const std::vector<uint8_t>& bytes);

  // False: `error` says what is wrong with the model.
  bool Set(const BoardModel& board, Decoder decode, std::string* error);

  // They live as long as this does.
  CountedBlock* NewBlock() { return &blocks_.emplace_back(); }
  AccessSite* NewSite() { return &sites_.emplace_back(); }
  const std::deque<CountedBlock>& blocks() const { return blocks_; }

  bool counting() const { return counting_; }
  bool warming() const { return warming_; }
  void OnMarker(int marker);
  // REQUIRES: counting().
  void OnBlock(CountedBlock* block) {
    ++block->executed;
    const CountedBlock::Edge* edge = block->last_edge;
    if (edge == nullptr || edge->before != previous_) edge = FindEdge(block);
    previous_ = block;
    block->units += edge->units[0];
    for (size_t k = 0; k < compute_.size(); ++k) compute_[k] += edge->units[k];
  }
  // REQUIRES: counting() or warming().
  void OnAccess(AccessSite* site, uint64_t address, unsigned bytes, bool store) {
    if (warming_) return memory_->Warm(address);
    const uint64_t stall = memory_->Access(site, address, bytes, store, compute_[cluster_]);
    if (stall != 0)
      stalled_ += static_cast<uint64_t>(static_cast<double>(stall) * ratio_[cluster_]);
  }

  // The report: {"kernels":[{"serial":C,"regions":[[tasks,[C by cluster],C of memory]],
  // "instructions":{class:n}}]}, C in cycles of the first cluster. Only what was counted in full.
  nlohmann::json Report() const;
  const std::string& failure() const { return failure_; }

 private:
  struct Totals {
    std::vector<uint64_t> compute;  // by cluster, in units of its own cycles
    uint64_t stalled = 0;           // units of the first cluster's cycles
    uint64_t memory_lines = 0;
  };
  struct Region {
    uint64_t tasks = 0;
    Totals cost;
  };
  struct Kernel {
    bool ended = false;
    Totals whole;
    std::vector<Region> regions;
    std::array<uint64_t, kInstructionClasses> instructions{};
  };
  Totals Now() const { return {compute_, stalled_, memory_->memory_lines()}; }
  static Totals Since(const Totals& begin, const Totals& end);
  double Cycles(const Totals& totals, size_t cluster) const;
  const CountedBlock::Edge* FindEdge(CountedBlock* block);
  void SetCore(int core);
  void BeginKernel();
  void EndKernel();
  void EndRegion();

  Decoder decode_ = nullptr;
  std::deque<CountedBlock> blocks_;
  std::deque<AccessSite> sites_;
  std::vector<Core> cores_;    // a cluster each
  std::vector<double> ratio_;  // a cluster's cycle in the first one's
  double memory_cycles_per_line_ = 0;
  std::unique_ptr<MemoryModel> memory_;
  bool counting_ = false, warming_ = false;
  const CountedBlock* previous_ = nullptr;
  std::vector<uint64_t> compute_;
  uint64_t stalled_ = 0;
  size_t cluster_ = 0;
  Totals kernel_begin_, region_begin_;
  uint64_t region_tasks_ = 0;
  std::vector<Kernel> kernels_;
  std::string failure_;
};

}  // namespace halyard
