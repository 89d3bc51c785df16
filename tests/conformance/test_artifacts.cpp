#include "tests/conformance/test_artifacts.h"

#include <Halide.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "targets/child_process.h"

namespace halyard {
namespace {

void RunTool(const std::vector<std::string>& argv) {
  ChildLimits limits;
  limits.deadline = std::chrono::seconds(30);
  const ChildResult result = RunChild(argv, "", limits);
  if (result.exit_code != 0) throw std::runtime_error(argv[0] + ": " + result.err);
}

void Link(Halide::Pipeline pipeline, const std::vector<Halide::Argument>& arguments,
          const Device& device, const std::string& path) {
  using Halide::Target;
  const Target target = Target(device.halide_target).with_feature(Target::NoRuntime);
  pipeline.compile_to_object(path + ".o", arguments, "kernel", target);
  RunTool({"ld.lld-14", "-shared", path + ".o", "-o", path});
}

}  // namespace

void BuildMatmul(const Device& device, const std::string& path, bool parallel) {
  using namespace Halide;
  ImageParam a(Float(32), 2, "a"), b(Float(32), 2, "b");
  Var j("j"), i("i");
  Func c("c");
  RDom k(0, a.width());
  c(j, i) += a(k, i) * b(j, k);
  const int lanes = device.lanes_f32();
  c.update().reorder(j, k, i).vectorize(j, lanes, TailStrategy::GuardWithIf);
  c.vectorize(j, lanes, TailStrategy::GuardWithIf);
  if (parallel) c.update().parallel(i);
  Link(Pipeline(c), {a, b}, device, path);
}

void BuildHungryKernel(const Device& device, const std::string& path, int64_t bytes) {
  using namespace Halide;
  ImageParam in(Float(32), 1, "in");
  Var x("x"), y("y");
  Func wide("wide"), out("out");
  // A row stays below Halide's limit of 2^31 bytes a dimension; the rows together do not fit.
  constexpr int kRow = 1 << 28;
  const int rows = static_cast<int>(bytes / 4 / kRow);
  wide(x, y) = in(x % 16) + cast<float>(y);
  out(x) = wide(x, 0) + wide(x + kRow - 16, rows - 1);
  wide.compute_root();
  Pipeline pipeline(out);
  const Target target = Target(device.halide_target)
                            .with_feature(Target::NoRuntime)
                            .with_feature(Target::LargeBuffers);
  pipeline.compile_to_object(path + ".o", {in}, "kernel", target);
  RunTool({"ld.lld-14", "-shared", path + ".o", "-o", path});
}

void BuildCKernel(const Device& device, const std::string& path, const std::string& body,
                  const std::string& pack, const std::string& outside) {
  // Without an operating system a function's first argument is the user context.
  const std::string pointers =
      fmt::format(R"(
  volatile float* IN = ((Buffer*)args[{}])->host;
  volatile float* OUT = ((Buffer*)args[{}])->host;
  long N = ((Buffer*)args[{}])->dim[0].extent;
  (void)IN; (void)OUT; (void)N;
)",
                  device.has_os() ? 0 : 1, device.has_os() ? 1 : 2, device.has_os() ? 1 : 2);
  const auto function = [&](const char* name, const std::string& text) {
    return fmt::format("int {}(void** args) {{{}{}\n  return 0;\n}}\n", name, pointers, text);
  };
  // The host pointer is the third member of a halide_buffer_t, its first dimension's extent the
  // second int of what `dim` points to.
  std::ofstream(path + ".c") << R"(
void* malloc(unsigned long);
void abort(void);
typedef struct { int min, extent, stride, flags; } Dim;
typedef struct { unsigned long long device; void* iface; float* host; unsigned long long flags;
                 unsigned type; int dimensions; Dim* dim; void* padding; } Buffer;
)" << outside << "\n" << function("kernel_argv", body)
                             << (pack.empty() ? "" : function("pack_argv", pack));
  std::vector<std::string> compiler;
  if (!device.has_os()) {
    compiler = {"arm-none-eabi-gcc", "-mcpu=" + device.firmware->llc_cpu,
                "-mthumb",           "-mfloat-abi=hard",
                "-mfpu=auto",        "-fno-builtin",
                "-fno-common",       "-c"};
  } else {
    const bool arm = device.toolchain == "aarch64-linux-gnu";
    compiler = {arm ? "aarch64-linux-gnu-gcc" : "gcc", "-fPIC", "-shared", "-nostdlib"};
  }
  compiler.insert(compiler.end(), {"-O1", "-ffreestanding", path + ".c", "-o", path});
  RunTool(compiler);
}

EntrySpec MatmulEntry(int64_t n) {
  EntrySpec entry;
  entry.symbol = "kernel";
  entry.inputs = {{{n, n}}, {{n, n}}};
  entry.output = {{n, n}};
  entry.canonical_output = {n, n};
  entry.probe_points = {0, n * n / 2 + 3, n * n - 1};
  entry.projection = true;
  return entry;
}

EntrySpec ElementwiseEntry(int64_t n) {
  EntrySpec entry;
  entry.symbol = "kernel";
  entry.inputs = {{{n}}};
  entry.output = {{n}};
  entry.canonical_output = {n};
  entry.probe_points = {0, n - 1};
  return entry;
}

RunRequest ShortRun(const Device& device, const std::string& artifact) {
  RunRequest request;
  request.mode = device.board_kind() == BoardKind::kVirtual ? RunMode::kCount : RunMode::kMeasure;
  request.seed = 7;
  request.timing.samples = 3;
  request.timing.warmup_runs = 0;
  request.timing.min_sample_ns = 100'000;
  request.candidates = {{artifact, {ElementwiseEntry(1000)}}};
  return request;
}

EntrySpec PreparedEntry(int64_t n) {
  EntrySpec entry = ElementwiseEntry(n);
  entry.prepare = PrepareSpec{"pack", 0, {{n + 1}}};
  return entry;
}

}  // namespace halyard
