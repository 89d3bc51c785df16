#include "tuner/firmware_object.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "fmt/format.h"
#include "targets/child_process.h"
#include "targets/kernel_runtime/workspace.h"

namespace halyard {
namespace {

using Halide::Expr;
using Halide::MemoryType;
using namespace Halide::Internal;

// Larger blocks come from the workspace: the accumulators of a register tile, which LLVM is to keep
// in registers, are at most 32 of 4 or 8 of 16 bytes; a stack of a few KiB holds several of these.
constexpr int64_t kLargestOnStack = 512;

// Elements that Halide's back end adds to a block, for loads of three where four are read.
constexpr int64_t kPaddingElements = 3;

// Adding and taking away 1.5 * 2^23 leaves a float the nearest integer, as long as it is below
// 2^22.
constexpr float kRounder = 12582912.0f;

// The last pass before code is made: parallel loops become serial ones, and every scratch buffer
// is put either on the stack or, at a size known now, into the workspace. For an FPU without
// instructions for them, maximum, minimum and rounding are written out, which would be calls of the
// C library; what is rounded here are exponents (exp2.h), far below 2^22.
class ForFirmware : public IRMutator {
 public:
  explicit ForFirmware(bool fpv4) : fpv4_(fpv4) {}

  // Largest sum of blocks that enclose one another, each as halide_malloc takes it.
  int64_t workspace_bytes() const { return most_; }

 private:
  using IRMutator::visit;

  Stmt visit(const For* op) override {
    const Interval bounds(LowerBound(op->min), UpperBound(op->min + op->extent - 1));
    const ScopedBinding<Interval> bind(scope_, op->name, bounds);
    const bool parallel = op->for_type == ForType::Parallel;
    return For::make(op->name, mutate(op->min), mutate(op->extent),
                     parallel ? ForType::Serial : op->for_type, op->device_api, mutate(op->body));
  }

  Expr visit(const Max* op) override {
    if (!fpv4_ || !op->type.is_float()) return IRMutator::visit(op);
    return Choose(mutate(op->a), mutate(op->b), [](Expr a, Expr b) { return a > b; });
  }
  Expr visit(const Min* op) override {
    if (!fpv4_ || !op->type.is_float()) return IRMutator::visit(op);
    return Choose(mutate(op->a), mutate(op->b), [](Expr a, Expr b) { return a < b; });
  }
  Expr visit(const VectorReduce* op) override {
    const bool max = op->op == VectorReduce::Max;
    if (!fpv4_ || !op->type.is_float() || !(max || op->op == VectorReduce::Min)) {
      return IRMutator::visit(op);
    }
    const int lanes = op->type.lanes(), factor = op->value.type().lanes() / lanes;
    const Expr value = mutate(op->value);
    Expr result = Shuffle::make_slice(value, 0, factor, lanes);
    for (int i = 1; i < factor; i++) {
      result = Choose(result, Shuffle::make_slice(value, i, factor, lanes),
                      [max](Expr a, Expr b) { return max ? a > b : a < b; });
    }
    return result;
  }
  Expr visit(const Call* op) override {
    if (!fpv4_ || op->name != "round_f32") return IRMutator::visit(op);
    return Halide::strict_float((mutate(op->args[0]) + kRounder) - kRounder);
  }
  // Each operand is computed once. Strict, since LLVM makes a maximum of a select that is not.
  template <typename Compare>
  static Expr Choose(const Expr& a, const Expr& b, Compare compare) {
    const std::string name_a = unique_name("a"), name_b = unique_name("b");
    const Expr x = Variable::make(a.type(), name_a), y = Variable::make(b.type(), name_b);
    return Let::make(name_a, a,
                     Let::make(name_b, b, Halide::strict_float(Select::make(compare(x, y), x, y))));
  }

  Stmt visit(const LetStmt* op) override {
    const ScopedBinding<Interval> bind(scope_, op->name,
                                       Interval(LowerBound(op->value), UpperBound(op->value)));
    return IRMutator::visit(op);
  }

  Stmt visit(const Allocate* op) override {
    int64_t bytes = op->type.bytes();
    for (const Expr& extent : op->extents) {
      const Expr most = UpperBound(extent);
      const int64_t* known = most.defined() ? as_const_int(most) : nullptr;
      if (known == nullptr) {
        throw std::runtime_error(
            fmt::format("scratch buffer '{}' has no size known ahead", op->name));
      }
      bytes *= std::max<int64_t>(1, *known);
    }
    bytes += kPaddingElements * op->type.bytes();
    const bool on_stack = op->constant_allocation_size() > 0 && bytes <= kLargestOnStack;
    const int64_t block = on_stack ? 0
                                   : (bytes + 2 * HALYARD_WORKSPACE_ALIGNMENT - 1) /
                                         HALYARD_WORKSPACE_ALIGNMENT * HALYARD_WORKSPACE_ALIGNMENT;
    open_ += block;
    most_ = std::max(most_, open_);
    const Stmt body = mutate(op->body);
    open_ -= block;
    return Allocate::make(op->name, op->type, on_stack ? MemoryType::Stack : MemoryType::Heap,
                          op->extents, op->condition, body, op->new_expr, op->free_function);
  }

  Expr LowerBound(const Expr& e) { return Bound(e, Direction::Lower); }
  Expr UpperBound(const Expr& e) { return Bound(e, Direction::Upper); }
  Expr Bound(const Expr& e, Direction direction) {
    const Expr bound = find_constant_bound(e, direction, scope_);
    if (bound.defined()) return bound;
    return direction == Direction::Upper ? Interval::pos_inf() : Interval::neg_inf();
  }

  const bool fpv4_;
  Scope<Interval> scope_;
  int64_t open_ = 0, most_ = 0;
};

void RunTool(const std::vector<std::string>& argv) {
  ChildLimits limits;
  limits.deadline = std::chrono::seconds(60);
  const ChildResult r = RunChild(argv, "", limits);
  if (!r.started) {
    throw std::runtime_error(argv[0] + " could not be started; install llvm-14 and lld-14");
  }
  if (r.exit_code != 0) throw std::runtime_error(argv[0] + ": " + r.err);
}

}  // namespace

int64_t CompileFirmwareObject(Halide::Func output, const std::vector<Halide::Argument>& arguments,
                              const std::string& symbol, const Device& device,
                              const std::string& object) {
  // Of the cores with an FPU only this one's is FPv4; VMAXNM and VRINT came with FPv5.
  ForFirmware pass(device.firmware->llc_cpu == "cortex-m4");
  // The compiler sees the pass for as long as `output` lives, and runs it only in here.
  output.add_custom_lowering_pass(&pass, [] {});
  const Halide::Target target(device.halide_target +
                              "-no_runtime-no_asserts-no_bounds_query-user_context");
  const std::string bitcode = object + ".bc";
  output.compile_to_bitcode(bitcode, arguments, symbol, target);
  RunTool({"llc-14", "-O3", "-mtriple=" + device.triplet, "-mcpu=" + device.firmware->llc_cpu,
           "-float-abi=hard", "-fp-contract=fast", "-stack-size-section", "-function-sections",
           "-filetype=obj", bitcode, "-o", object});
  std::filesystem::remove(bitcode);
  return pass.workspace_bytes();
}

void LinkRelocatable(const std::vector<std::string>& objects,
                     const std::vector<std::pair<std::string, int64_t>>& values,
                     const std::string& out) {
  std::vector<std::string> link = {"ld.lld-14", "-r", "-o", out};
  link.insert(link.end(), objects.begin(), objects.end());
  RunTool(link);
  // Nothing unwinds kernels, and their tables would ask the user's program for an unwinder.
  std::vector<std::string> add = {"llvm-objcopy-14", "--wildcard", "--remove-section=.ARM.exidx*",
                                  "--remove-section=.rel.ARM.exidx*",
                                  "--strip-symbol=__aeabi_unwind_cpp_pr*"};
  for (const auto& [name, value] : values) {
    add.push_back(fmt::format("--add-symbol={}={:#x},global", name, value));
  }
  add.push_back(out);
  RunTool(add);
}

}  // namespace halyard
