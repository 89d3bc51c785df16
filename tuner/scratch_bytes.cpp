#include "tuner/scratch_bytes.h"

#include <algorithm>

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
  const ScratchBytes& most() const { return most_; }

 private:
  using IRVisitor::visit;

  void visit(const For* op) override {
    const ScopedBinding<Interval> bind(
        scope_, op->name, Interval(Bound(op->min, false), Bound(op->min + op->extent - 1, true)));
    const bool parallel = op->for_type == ForType::Parallel;
    parallel_ += parallel;
    IRVisitor::visit(op);
    parallel_ -= parallel;
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
    int64_t& open = parallel_ > 0 ? open_.each_thread : open_.once;
    open += bytes;
    most_.once = std::max(most_.once, open_.once);
    most_.each_thread = std::max(most_.each_thread, open_.each_thread);
    IRVisitor::visit(op);
    open -= bytes;
  }

  Expr Bound(const Expr& e, bool upper) {
    const Expr bound = find_constant_bound(e, upper ? Direction::Upper : Direction::Lower, scope_);
    if (bound.defined()) return bound;
    return upper ? Interval::pos_inf() : Interval::neg_inf();
  }

  Scope<Interval> scope_;
  int parallel_ = 0;
  bool known_ = true;
  ScratchBytes open_, most_;
};

}  // namespace

std::optional<ScratchBytes> ScratchOf(const Halide::Module& module) {
  ScratchBytes most;
  for (const LoweredFunc& f : module.functions()) {
    ScratchVisitor visitor;
    f.body.accept(&visitor);
    if (!visitor.known()) return std::nullopt;
    most.once = std::max(most.once, visitor.most().once);
    most.each_thread = std::max(most.each_thread, visitor.most().each_thread);
  }
  return most;
}

}  // namespace halyard
