// A tensor operator: its algorithm in Halide, its schedule space, what it costs, and a plain
// reference. One file each under schedules/ops/.
#pragma once

#include <Halide.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "schedules/schedule_space.h"
#include "schedules/workload.h"
#include "targets/device.h"
#include "targets/run_protocol.h"

namespace halyard {

// What is done to a constant operand once, ahead of all calls (weights laid out, or transformed, as
// the kernel reads them): a pipeline of its own whose output takes the operand's place.
struct Prepare {
  int input = 0;  // index into Lowered::inputs
  Halide::Func output;
  std::vector<Halide::Argument> arguments;  // the operand, dense as Lowered::inputs[input]
  BufferSpec packed;                        // the output, as the kernel declares it
};

// A scheduled pipeline, ready to compile.
struct Lowered {
  Halide::Func output;
  std::vector<Halide::Argument> arguments;  // input buffers (and, when generic, scalars)
  // Extents each buffer is declared with, outermost first: dense row-major, so an operator may view
  // the same memory with other dimensions than its contract (a conv output as a matrix).
  std::vector<BufferSpec> inputs;
  BufferSpec output_buffer;
  std::optional<Prepare> prepare = std::nullopt;
};

// Element `index` of input `input`, flat row-major.
using InputReader = std::function<double(int input, int64_t index)>;

// How a smaller workload's cost scales to the whole:
//   cost(whole) = repeat * (cost(small) + (cost(large) - cost(small)) * slope)
// with slope = (whole - small) / (large - small) along the dimension that was cut. Two sizes, so
// that work done once per repeat (packing an operand) is not multiplied.
struct ProbePlan {
  std::vector<Workload> sizes;  // {whole}, {small, large}, or none: too slow to emulate at all
  double slope = 0;
  double repeat = 1;
};

struct AttributeSpec {
  std::string name;
  int64_t default_value, min, max;
  // Where not empty, value i is written labels[i].
  std::vector<std::string> labels = {};

  std::string text(int64_t value) const {
    return labels.empty() ? std::to_string(value) : labels[static_cast<size_t>(value)];
  }
};

// An operator with a constant operand has the attribute `packed`: 1 where that operand is laid out
// ahead of the calls. It chooses a function of the library and is no argument of one.
inline constexpr char kPackedAttribute[] = "packed";

class Operator {
 public:
  virtual ~Operator() = default;
  virtual std::string name() const = 0;
  // "MxNxK" and the like, for messages and help.
  virtual std::string shape_help() const = 0;
  virtual std::vector<AttributeSpec> attributes() const { return {}; }
  // Fills in `shape` from the sizes typed (a short form may leave some out) or says what is wrong.
  virtual absl::Status CheckShape(Workload& workload) const = 0;
  // How `workload.shape` is typed, shortest form.
  virtual std::string ShapeText(const Workload& workload) const;

  virtual SpaceDefinition Space(const Workload& workload, const Device& device) const = 0;
  // REQUIRES: config valid in Space(workload, device).
  virtual Lowered Lower(const Workload& workload, const Device& device,
                        const ConfigView& config) const = 0;
  // The algorithm with its dimensions as run-time values and the safe schedule's structure: what a
  // shipped library falls back on. Scalars follow `shape_names()` then attributes(). Without an
  // epilogue (epilogue.h), which the library then applies in a pass of its own.
  virtual Lowered LowerGeneric(const Device& device) const = 0;
  // The unscheduled algorithm with estimates set, for an autoscheduler to schedule.
  virtual Lowered LowerUnscheduled(const Workload& workload) const = 0;

  // e.g. {"a", "b"}; the inputs of a workload's epilogue follow.
  virtual std::vector<std::string> input_names() const = 0;
  virtual std::vector<std::string> dim_names() const = 0;  // names of Workload::shape entries
  virtual std::vector<BufferSpec> InputShapes(const Workload& workload) const = 0;
  virtual BufferSpec OutputShape(const Workload& workload) const = 0;

  // Multiplications and additions of the mathematical definition; padding is not counted.
  virtual double Flops(const Workload& workload) const = 0;
  // Inputs read once + outputs written once.
  virtual double Bytes(const Workload& workload) const;

  // Output element `index` in double precision.
  virtual double Reference(const Workload& workload, const InputReader& in,
                           int64_t index) const = 0;
  // Largest difference from Reference that rounding can explain, for one output element.
  virtual double Tolerance(const Workload& workload) const = 0;
  // Sum over the output of element * product of ProjectionSign(seed, dim, i_dim) in double, for
  // operators linear in an input; nullopt otherwise.
  virtual std::optional<double> Projection(const Workload&, const InputReader&, uint64_t) const {
    return std::nullopt;
  }

  // `config` tells how rows are tiled, so that a probe holds whole tiles.
  virtual ProbePlan Probe(const Workload& workload, const Device& device,
                          const ConfigView& config) const = 0;
  // The knob whose labels are the operator's algorithms (reported best by best), or "".
  virtual std::string algorithm_knob() const { return ""; }
};

// nullptr when there is none of that name.
const Operator* FindOperator(const std::string& name);
std::vector<std::string> OperatorNames();

}  // namespace halyard
