#include "targets/virtual_board/block_simulation.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace halyard {
namespace {

uint32_t WholeCycles(double cycles) {
  return static_cast<uint32_t>(std::lround(std::max(0.0, cycles)));
}

// Rounds of a pair of blocks: enough that what the first took over from nothing is forgotten.
constexpr int kPairRounds = 3;
// A loop is run until this many instructions have gone, twice the largest window or more, and for
// turns enough that a chain's length shows.
constexpr size_t kLoopInstructions = 1500, kLeastTurns = 6, kMostTurns = 64;

}  // namespace

bool Core::Set(const CoreModel& model, std::string* error) {
  in_order = model.in_order;
  whole_instructions = model.whole_instructions;
  width = std::max<uint32_t>(1, WholeCycles(model.dispatch_width));
  window = static_cast<uint32_t>(std::max(1, model.window));
  std::vector<std::string> names;
  std::istringstream all(model.pipes);
  for (std::string name; all >> name;) names.push_back(name);
  for (int c = 0; c < kInstructionClasses; ++c) {
    const std::string name = InstructionClassName(static_cast<InstructionClass>(c));
    const auto found = model.classes.find(name);
    if (found == model.classes.end()) {
      *error = "classes." + name + " is missing";
      return false;
    }
    const ClassTiming& from = found->second;
    Timing& to = timings[static_cast<size_t>(c)];
    to = Timing{};
    for (const auto& [text, mask] :
         {std::pair(&from.pipes, &to.pipes), std::pair(&from.also, &to.also)}) {
      std::istringstream own(*text);
      for (std::string pipe; own >> pipe;) {
        const auto at = std::find(names.begin(), names.end(), pipe);
        if (at == names.end() || at - names.begin() >= 32) {
          *error = "classes.";
          error->append(name).append(": there is no pipe ").append(pipe);
          return false;
        }
        *mask |= uint32_t{1} << (at - names.begin());
      }
    }
    to.uops = from.uops;
    to.quad_uops = from.quad_uops > 0 ? from.quad_uops : from.uops;
    to.busy = std::clamp<uint32_t>(WholeCycles(from.busy), 1, Pipeline::kCalendar / 4);
    to.latency = WholeCycles(from.latency);
    to.accumulate = from.accumulate > 0 ? WholeCycles(from.accumulate) : to.latency;
  }
  return true;
}

Pipeline::Pipeline(const Core& core) : core_(core), in_flight_(core.window, 0) {
  uint32_t all = 0;
  for (const Core::Timing& t : core.timings) all |= t.pipes | t.also;
  size_t pipes = 0;
  while (pipes < 32 && (all >> pipes) != 0) ++pipes;
  taken_.assign(pipes, std::vector<uint64_t>(kCalendar, 0));
  uses_.assign(pipes, 0);
}

uint64_t Pipeline::Dispatch(unsigned uops) {
  for (unsigned u = 0; u < uops; ++u) {
    // The place of the micro-op that came `window` before this one.
    const uint64_t place = in_flight_[n_dispatched_ % core_.window];
    if (cycle_ < place) {
      cycle_ = place;
      in_cycle_ = 0;
    }
    if (in_cycle_ == core_.width) {
      ++cycle_;
      in_cycle_ = 0;
    }
    ++in_cycle_;
    ++n_dispatched_;
  }
  return cycle_;
}

bool Pipeline::Free(unsigned pipe, uint64_t cycle, uint32_t busy) const {
  for (uint64_t c = cycle; c < cycle + busy; ++c) {
    if (taken_[pipe][c % kCalendar] == c + 1) return false;
  }
  return true;
}

uint64_t Pipeline::Issue(uint32_t pipes, uint32_t busy, uint64_t earliest) {
  for (uint64_t cycle = earliest;; ++cycle) {
    size_t best = taken_.size();
    for (size_t p = 0; p < taken_.size(); ++p) {
      if ((pipes >> p & 1) == 0 || !Free(static_cast<unsigned>(p), cycle, busy)) continue;
      if (best == taken_.size() || uses_[p] < uses_[best]) best = p;
    }
    if (best == taken_.size()) continue;
    for (uint64_t c = cycle; c < cycle + busy; ++c) taken_[best][c % kCalendar] = c + 1;
    uses_[best] += busy;
    return cycle;
  }
}

void Pipeline::Run(const Instruction& i) {
  const Core::Timing& timing = core_.timings[static_cast<size_t>(i.class_)];
  const unsigned per_slot = static_cast<unsigned>(i.quad ? timing.quad_uops : timing.uops);
  const unsigned uops = std::max(1u, per_slot * i.slots);
  // An instruction of several micro-ops is several in the window, too; all leave together.
  const uint64_t first = n_dispatched_;
  uint64_t earliest = i.rides ? cycle_ : Dispatch(core_.whole_instructions ? 1 : uops);
  for (int s = 0; s < i.n_sources && !i.ends_chain; ++s) {
    const uint8_t r = i.sources[s];
    const bool adds = r == i.accumulator && writer_[r] == static_cast<uint8_t>(i.class_);
    earliest = std::max(earliest, adds ? ready_to_add_[r] : ready_[r]);
  }
  if (core_.in_order) earliest = std::max(earliest, issued_);
  uint64_t last = earliest;
  for (const uint32_t pipes : {timing.pipes, timing.also}) {
    for (unsigned u = 0; pipes != 0 && u < uops; ++u) {
      last = std::max(last, Issue(pipes, timing.busy, earliest));
    }
  }
  issued_ = std::max(issued_, core_.in_order ? last : earliest);
  for (int k = 0; k < i.n_results; ++k) {
    ready_[i.results[k]] = last + timing.latency;
    ready_to_add_[i.results[k]] = last + timing.accumulate;
    writer_[i.results[k]] = static_cast<uint8_t>(i.class_);
  }
  if (i.written_back != kNoRegister) {
    const uint64_t at = last + core_.timings[static_cast<size_t>(InstructionClass::kInt)].latency;
    ready_[i.written_back] = ready_to_add_[i.written_back] = at;
  }
  // An in-order core lets go of an instruction once it is issued; what reads its result waits.
  const uint64_t done = core_.in_order ? last + 1 : last + std::max<uint64_t>(1, timing.latency);
  retired_ = std::max(retired_, done);
  for (uint64_t n = first; n < n_dispatched_; ++n) in_flight_[n % core_.window] = retired_;
}

double BlockCycles(const Core& core, const std::vector<Instruction>& before,
                   const std::vector<Instruction>& block, bool loop) {
  if (block.empty()) return 0;
  Pipeline pipeline(core);
  if (!loop) {
    uint64_t begin = 0;
    for (int round = 0; round < kPairRounds; ++round) {
      for (const Instruction& i : before) pipeline.Run(i);
      begin = pipeline.retired();
      for (const Instruction& i : block) pipeline.Run(i);
    }
    return static_cast<double>(pipeline.retired() - begin);
  }
  const size_t half_turns =
      std::clamp(kLoopInstructions / block.size(), kLeastTurns, kMostTurns) / 2;
  uint64_t half = 0;
  for (size_t turn = 0; turn < 2 * half_turns; ++turn) {
    if (turn == half_turns) half = pipeline.retired();
    for (const Instruction& i : block) pipeline.Run(i);
  }
  return static_cast<double>(pipeline.retired() - half) / static_cast<double>(half_turns);
}

}  // namespace halyard
