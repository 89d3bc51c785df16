#include "tests/integration/library/library_under_test.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "schedules/task.h"
#include "targets/counter_rng.h"
#include "tuner/library/library_plan.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

struct Scratch {
  std::string root = (fs::temp_directory_path() / "halyard-library-XXXXXX").string();
  Scratch() {
    if (mkdtemp(root.data()) == nullptr) std::abort();
  }
  ~Scratch() { fs::remove_all(root); }
};

// What run_operator.c reads before the inputs.
struct Request {
  int32_t op = 0;
  int32_t null_mask = 0;
  int64_t packed = 0;
  int64_t fused = 0;
  int64_t activation = 0, bias = 0, residual = 0;
  int64_t counted = 0;
  int64_t sizes[11] = {};
  int64_t counts[6] = {};
};

int OpNumber(const std::string& op) {
  const std::vector<std::string> order = {"gemm", "batch_gemm", "conv2d", "softmax",
                                          "attention"};  // enum operator of run_operator.c
  return static_cast<int>(std::find(order.begin(), order.end(), op) - order.begin());
}

// Elements of the inputs, then of the output; ones where the call is to be refused.
std::vector<int64_t> CountsOf(const Call& call) {
  const Operator* op = FindOperator(call.op);
  const auto workload = WorkloadOf(call);
  if (!workload.ok()) {
    const int more = call.epilogue ? call.epilogue->inputs() : 0;
    return std::vector<int64_t>(op->input_names().size() + static_cast<size_t>(more) + 1, 1);
  }
  std::vector<int64_t> counts;
  for (const BufferSpec& b : op->InputShapes(*workload)) counts.push_back(b.elements());
  counts.push_back(op->OutputShape(*workload).elements());
  return counts;
}

}  // namespace

std::string ScratchFolder(const std::string& name) {
  static const Scratch scratch;
  const std::string path = scratch.root + "/" + name;
  fs::create_directories(path);
  return path;
}

Builder& SharedBuilder() {
  static const auto builder = MakeWorkerBuilder(BuilderOptions{}).value();
  return *builder;
}

Variant MakeVariant(const std::string& text, const Device& device, bool safe, int64_t id) {
  const Task task = MakeTask(ParseWorkload(text).value(), device);
  std::mt19937_64 rng(static_cast<uint64_t>(id));
  const Config config = safe ? task.space.safe() : task.space.Random(rng).value();
  Record r;
  r.id = id;
  r.workload = task.workload.ToText();
  r.config = task.space.ToText(config);
  r.space_version = task.space.version();
  r.device = device.id;
  r.board = device.id + "-0";
  r.board_kind = device.board_kind();
  r.unit = device.board_kind() == BoardKind::kVirtual ? "virtual_cycles" : "ns";
  r.samples = {1200, 1000, 1100};
  r.outcome = Outcome::kOk;
  r.phase = "final";
  r.checks = "probe:64,guards,scan";
  r.artifact_sha256 = std::string(64, 'a');
  r.compiler = "Halide 14";
  r.protocol = 1;
  r.environment = "test";
  r.seed = 7;
  r.time_unix_ms = 1700000000000;
  return {r, task.workload};
}

LibrarySpec SmallSpec(const std::string& device_id, const std::string& name,
                      const std::string& out_dir) {
  LibrarySpec spec{LoadDevice(device_id).value(), name, {}, out_dir, "0123456789ab"};
  int64_t id = 1;
  for (const char* text :
       {"gemm:48x40x24:f32",
        "gemm:33x17x9:f32",
        "conv2d:1x10x9x8x16x3x3,pad=1:f32",
        "conv2d:2x9x9x8x8x3x3,stride=2,pad=1,groups=8:f32",
        "conv2d:1x6x6x16x8x1x1:f32",
        "gemm:33x17x9,packed=1:f32",
        "gemm:20x51x30,packed=1:f32",
        "conv2d:1x10x9x8x16x3x3,pad=1,packed=1:f32",
        "conv2d:1x12x9x16x24x3x3,pad=1,packed=1:f32",
        "conv2d:2x9x9x8x8x3x3,stride=2,pad=1,groups=8,packed=1:f32",
        "gemm:33x17x9,bias=1,act=gelu:f32",
        "gemm:33x17x9,residual=1:f32",
        "gemm:33x17x9,packed=1,bias=1,act=relu:f32",
        "gemm:5x40x24,packed=1,act=gelu:f32",
        "conv2d:1x10x9x8x16x3x3,pad=1,bias=1,act=relu:f32",
        "conv2d:1x10x9x8x16x3x3,pad=1,bias=1,residual=1,act=relu:f32",
        "conv2d:1x12x9x16x24x3x3,pad=1,packed=1,bias=1,residual=1:f32",
        "conv2d:2x9x9x8x8x3x3,stride=2,pad=1,groups=8,packed=1,bias=1,act=relu:f32",
        "batch_gemm:3x48x40x24:f32",
        "batch_gemm:3x33x17x9,packed=1:f32",
        "batch_gemm:2x20x51x30,bias=1,residual=1,act=relu:f32",
        "batch_gemm:5x4x40x24,packed=1,bias=1:f32",
        "softmax:19x70:f32",
        "attention:2x24x8:f32",
        "attention:2x9x21x8,causal=1:f32"}) {
    spec.variants.push_back(MakeVariant(text, spec.device, id % 2 == 1, id));
    id++;
  }
  return spec;
}

std::string CompilerOf(const std::string& device) {
  return device == "host" ? "cc" : "aarch64-linux-gnu-gcc";
}

std::vector<std::string> LauncherOf(const std::string& device) {
  if (device == "host") return {};
  return {"qemu-aarch64", "-cpu", "cortex-a72"};
}

const std::set<std::string>& CLibrarySymbols() {
  // The linker itself defines the first.
  static const std::set<std::string> names = {"_GLOBAL_OFFSET_TABLE_",
                                              "__sched_cpucount",
                                              "abort",
                                              "atoi",
                                              "clock_gettime",
                                              "erfcf",
                                              "expf",
                                              "fclose",
                                              "fileno",
                                              "floorf",
                                              "fopen",
                                              "free",
                                              "fwrite",
                                              "getenv",
                                              "gettimeofday",
                                              "madvise",
                                              "malloc",
                                              "memcmp",
                                              "memcpy",
                                              "memmove",
                                              "memset",
                                              "posix_memalign",
                                              "powf",
                                              "pthread_atfork",
                                              "pthread_cond_destroy",
                                              "pthread_cond_init",
                                              "pthread_cond_signal",
                                              "pthread_cond_wait",
                                              "pthread_create",
                                              "pthread_join",
                                              "pthread_mutex_destroy",
                                              "pthread_mutex_init",
                                              "pthread_mutex_lock",
                                              "pthread_mutex_unlock",
                                              "sched_getaffinity",
                                              "sched_yield",
                                              "sqrtf",
                                              "strlen",
                                              "strtol",
                                              "syscall",
                                              "sysconf",
                                              "usleep",
                                              "write"};
  return names;
}

std::string RunOrFail(const std::vector<std::string>& argv, const std::string& input) {
  ChildLimits limits;
  limits.deadline = std::chrono::seconds(60);
  const ChildResult r = RunChild(argv, input, limits);
  EXPECT_TRUE(r.started && r.exit_code == 0) << absl::StrJoin(argv, " ") << "\nexit code "
                                             << r.exit_code << ", signal " << r.signal << "\n"
                                             << r.out.substr(0, 4000) << r.err;
  return r.out;
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

absl::StatusOr<Workload> WorkloadOf(const Call& call) {
  const Operator* op = FindOperator(call.op);
  const size_t rank = op->dim_names().size();
  std::string shape =
      absl::StrJoin(call.sizes.begin(), call.sizes.begin() + static_cast<int64_t>(rank), "x");
  const std::vector<AttributeSpec> attributes = LibraryPlan::CallAttributes(*op);
  for (size_t i = 0; i < attributes.size(); i++) {
    shape += fmt::format(",{}={}", attributes[i].name, call.sizes[rank + i]);
  }
  if (call.epilogue) {
    const Epilogue& e = *call.epilogue;
    const auto activation = static_cast<size_t>(e.activation);
    const std::vector<std::string> known = {"none", "relu", "gelu"};
    shape += fmt::format(",bias={},residual={},act={}", int{e.bias}, int{e.residual},
                         activation < known.size() ? known[activation] : "unknown");
  }
  return MakeWorkload(call.op, shape, "f32");
}

Call CallOf(const Workload& w) {
  Call call{w.op, LibraryPlan::SizesOf(*FindOperator(w.op), w), 0, IsPacked(w)};
  if (const Epilogue e = EpilogueOf(w); !e.empty()) call.epilogue = e;
  return call;
}

float InputValue(int i, int64_t e) { return CounterUniform(11, i, e); }

std::string Describe(const Call& call) {
  std::string text = call.op + " " + absl::StrJoin(call.sizes, " ");
  if (call.packed) text += " packed";
  if (!call.epilogue) return text;
  return text + fmt::format(" bias {} residual {} activation {}", call.epilogue->bias,
                            call.epilogue->residual, static_cast<int>(call.epilogue->activation));
}

void ExpectRight(const Call& call, const CallResult& result) {
  const Workload w = WorkloadOf(call).value();
  const Operator* op = FindOperator(w.op);
  const double tolerance = op->Tolerance(w);
  const InputReader in = [](int i, int64_t e) { return double{InputValue(i, e)}; };
  for (size_t e = 0; e < result.output.size(); e++) {
    const double want = op->Reference(w, in, static_cast<int64_t>(e));
    // Not EXPECT_NEAR: a NaN has to fail, and one line a call is enough.
    if (!(std::abs(result.output[e] - want) <= tolerance)) {
      ADD_FAILURE() << Describe(call) << ": element " << e << " is " << result.output[e]
                    << ", reference " << want << ", tolerance " << tolerance;
      return;
    }
  }
}

LibraryUnderTest::LibraryUnderTest(const std::string& device)
    : LibraryUnderTest(
          SmallSpec(device, "tuned_" + device, ScratchFolder("under_test_" + device) + "/out")) {}

LibraryUnderTest::LibraryUnderTest(LibrarySpec spec) : spec_(std::move(spec)) {
  const std::string device = spec_.device.id, name = spec_.name;
  const auto files = BuildLibrary(spec_, SharedBuilder());
  EXPECT_TRUE(files.ok()) << files.status();
  if (!files.ok()) return;
  files_ = *files;
  program_ = ScratchFolder("programs") + "/" + name;
  std::vector<std::string> argv = {CompilerOf(device),
                                   "-O1",
                                   "-Wall",
                                   "-Wextra",
                                   "-Werror",
                                   HALYARD_TEST_SOURCES "/run_operator.c",
                                   "-o",
                                   program_,
                                   "-DLIBRARY=" + name,
                                   "-DLIBRARY_HEADER=\"" + name + ".h\"",
                                   "-I",
                                   spec_.out_dir,
                                   "-L",
                                   spec_.out_dir,
                                   "-l" + name,
                                   "-lpthread",
                                   "-lm"};
  if (device != "host") argv.push_back("-static");
  RunOrFail(argv);
}

std::vector<CallResult> LibraryUnderTest::Run(const std::vector<Call>& calls) const {
  std::string input;
  auto append = [&](const void* data, size_t bytes) {
    input.append(static_cast<const char*>(data), bytes);
  };
  for (const Call& call : calls) {
    Request request;
    request.op = OpNumber(call.op);
    request.null_mask = call.null_mask;
    request.packed = call.packed;
    request.counted = call.counted;
    if (call.epilogue) {
      request.fused = 1;
      request.activation = static_cast<int64_t>(call.epilogue->activation);
      request.bias = call.epilogue->bias;
      request.residual = call.epilogue->residual;
    }
    std::copy(call.sizes.begin(), call.sizes.end(), request.sizes);
    const auto counts = CountsOf(call);
    std::copy(counts.begin(), counts.end(), request.counts);
    append(&request, sizeof request);
    for (size_t i = 0; i + 1 < counts.size(); i++) {
      for (int64_t e = 0; e < counts[i]; e++) {
        const float value = InputValue(static_cast<int>(i), e);
        append(&value, sizeof value);
      }
    }
  }
  std::vector<std::string> argv = LauncherOf(spec_.device.id);
  argv.push_back(program_);
  const std::string out = RunOrFail(argv, input);
  std::vector<CallResult> results;
  size_t at = 0;
  for (const Call& call : calls) {
    CallResult r;
    r.output.resize(static_cast<size_t>(CountsOf(call).back()));
    const size_t bytes = r.output.size() * sizeof(float);
    int32_t answer[3];
    if (out.size() < at + sizeof answer + bytes) break;
    std::memcpy(answer, &out[at], sizeof answer);
    std::memcpy(r.output.data(), &out[at + sizeof answer], bytes);
    r.status = answer[0];
    r.tuned = answer[1] != 0;
    r.iterations = answer[2];
    at += sizeof answer + bytes;
    results.push_back(std::move(r));
  }
  EXPECT_EQ(results.size(), calls.size());
  EXPECT_EQ(at, out.size());
  return results;
}

const LibraryUnderTest& LibraryFor(const std::string& device) {
  static const LibraryUnderTest host("host"), rpi4("rpi4");
  return device == "host" ? host : rpi4;
}

}  // namespace halyard
