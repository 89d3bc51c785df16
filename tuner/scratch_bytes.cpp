#include "tuner/scratch_bytes.h"

#include <algorithm>
#include <map>
#include <string>

namespace halyard {
namespace {

using namespace Halide::Internal;
using Halide::Expr;
using Halide::MemoryType;

// CodeGen_Posix puts a buffer of known size on the stack up to this.
constexpr int64_t kLargestOnStack = 16 << 10;
// Elements it adds to a buffer, for loads of three where four are read.
constexpr int64_t kPaddingElements = 3;
// What stands before a block: ALIGNMENT of targets/kernel_runtime/scratch.c.
constexpr int64_t kHeaderBytes = 128;

class ScratchVisitor : public IRVisitor {
 public:
  bool known() const { return known_; }
  int64_t most() const { return most_; }

 private:
  using IRVisitor::visit;

  void visit(const For* op) override {
    const ScopedBinding<Interval> bind(
        scope_, op->name, Interval(Bound(op->min, false), Bound(op->min + op->extent - 1, true)));
    IRVisitor::visit(op);
  }

  void visit(const LetStmt* op) override {
    const ScopedBinding<Interval> bind(scope_, op->name,
                                       Interval(Bound(op->value, false), Bound(op->value, true)));
    IRVisitor::visit(op);
  }

  void visit(const Allocate* op) override {
    const int64_t constant = int64_t{op->constant_allocation_size()} * op->type.bytes();
    const bool on_stack = constant > 0 && op->memory_type != MemoryType::Heap &&
                          (op->memory_type != MemoryType::Auto || constant <= kLargestOnStack);
    if (on_stack) return IRVisitor::visit(op);
    int64_t elements = 1;
    for (const Expr& extent : op->extents) {
      const int64_t* most = as_const_int(Bound(extent, true));
      known_ = known_ && most != nullptr;
      if (most != nullptr) elements *= std::max<int64_t>(1, *most);
    }
    const int64_t bytes = (elements + kPaddingElements) * op->type.bytes() + kHeaderBytes;
    open_ += bytes;
    most_ = std::max(most_, open_);
    IRVisitor::visit(op);
    open_ -= bytes;
  }

  Expr Bound(const Expr& e, bool upper) {
    const Expr bound = find_constant_bound(e, upper ? Direction::Upper : Direction::Lower, scope_);
    if (bound.defined()) return bound;
    return upper ? Interval::pos_inf() : Interval::neg_inf();
  }

  Scope<Interval> scope_;
  bool known_ = true;
  int64_t open_ = 0, most_ = 0;
};

// Lowering has made a function of each parallel loop's body, named after the function it stands in:
// "gemm_par_for_c_s0_n" of "gemm".
constexpr char kLoopBody[] = "_par_for_";

}  // namespace

std::optional<ScratchBytes> ScratchOf(const Halide::Module& module) {
  std::map<std::string, int64_t> most;
  for (const LoweredFunc& f : module.functions()) {
    ScratchVisitor visitor;
    f.body.accept(&visitor);
    if (!visitor.known()) return std::nullopt;
    most[f.name] = visitor.most();
  }
  ScratchBytes all;
  for (const auto& [name, own] : most) {
    if (name.find(kLoopBody) == std::string::npos) {
      all.once = std::max(all.once, own);
      continue;
    }
    // A thread in a loop's body holds what the bodies around it hold as well.
    int64_t held = 0;
    for (const auto& [outer, bytes] : most) {
      const bool around = outer == name || name.starts_with(outer + kLoopBody);
      if (around && outer.find(kLoopBody) != std::string::npos) held += bytes;
    }
    all.each_thread = std::max(all.each_thread, held);
  }
  return all;
}

}  // namespace halyard
