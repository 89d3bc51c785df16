#include "adams2019.h"

#include <HalideRuntime.h>
#include <dlfcn.h>

#include <filesystem>

#include "fmt/format.h"
#include "targets/child_process.h"
#include "tuner/candidate_runner.h"
#include "tuner/library/link_archive.h"

namespace halyard {
namespace {

// A kernel's tensors as Halide passes them.
class Arguments {
 public:
  Arguments(const EntrySpec& entry, Problem& p) {
    buffers_.reserve(entry.inputs.size() + 1);
    for (size_t i = 0; i < entry.inputs.size(); i++) Add(entry.inputs[i], p.inputs[i]);
    Add(entry.output, p.output);
    for (Buffer& b : buffers_) pointers_.push_back(&b.buffer);
  }
  void** data() { return pointers_.data(); }

 private:
  struct Buffer {
    halide_buffer_t buffer = {};
    std::vector<halide_dimension_t> dims;
  };
  void Add(const BufferSpec& spec, Tensor& tensor) {
    Buffer& b = buffers_.emplace_back();
    int32_t stride = 1;
    for (size_t d = spec.extents.size(); d-- > 0;) {
      b.dims.emplace_back(0, static_cast<int32_t>(spec.extents[d]), stride);
      stride *= b.dims.back().extent;
    }
    b.buffer.host = reinterpret_cast<uint8_t*>(tensor.data());
    b.buffer.type = halide_type_of<float>();
    b.buffer.dimensions = static_cast<int32_t>(b.dims.size());
    b.buffer.dim = b.dims.data();
  }

  std::vector<Buffer> buffers_;
  std::vector<void*> pointers_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Adams2019>> Adams2019::Make(const Device& device,
                                                           Executor& executor) {
  auto builder = MakeWorkerBuilder({});
  if (!builder.ok()) return builder.status();
  const BuildResult built = (*builder)->Build({{BuildKind::kRuntime, "", "", device.id}}).at(0);
  if (built.outcome != Outcome::kOk) return absl::InternalError("the runtime: " + built.message);
  const auto compiler = FindCCompiler(device);
  if (!compiler.ok()) return compiler.status();
  // Beside the artifacts, with which it goes.
  const std::string folder = std::filesystem::path(built.path).parent_path();
  const std::string shared = folder + "/runtime.so";
  std::vector<std::string> link = {compiler->program, "-shared", "-o", shared, built.path};
  for (const std::string part : {"scratch", "thread_pool"}) {
    link.push_back(fmt::format("{}/{}.o", folder, part));
    const std::string source = DataPath("kernel_runtime/" + part + ".c");
    if (auto s = CompileC(*compiler, source, link.back()); !s.ok()) return s;
  }
  link.insert(link.end(), {"-lpthread", "-ldl", "-lm"});
  const ChildResult linked = RunChild(link, "", ChildLimits{});
  if (!linked.started || linked.exit_code != 0) return absl::InternalError("cc: " + linked.err);
  // For all to see: artifacts name no library that has the runtime. The shipped one hides its own.
  if (dlopen(shared.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return absl::InternalError(dlerror());
  }
  return std::unique_ptr<Adams2019>(new Adams2019(device, executor, std::move(*builder)));
}

std::string Adams2019::Add(Problem& p, std::vector<Contender>& contenders) {
  const Task task = MakeTask(p.workload, device_);
  fmt::print(stderr, "{}: building Adams2019\n", p.workload.ToText());
  const BuildResult built =
      builder_->Build({{BuildKind::kAdams2019, p.workload.ToText(), "", device_.id}}).at(0);
  MeasureResult checked{built.outcome, built.message, {}, ""};
  if (built.outcome == Outcome::kOk) {
    TimingPolicy once;
    once.warmup_runs = 0;
    once.samples = 1;
    once.min_sample_ns = 1;
    checked = CandidateRunner(task, executor_, 1).Measure({}, built, once);
  }
  if (checked.outcome != Outcome::kOk) {
    fmt::print(stderr, "  {}: {}\n", OutcomeName(checked.outcome), checked.message);
    return std::string(OutcomeName(checked.outcome));
  }
  void* library = dlopen(built.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return "not loaded";
  const EntrySpec& entry = built.entries.at(0);
  const auto kernel =
      reinterpret_cast<int (*)(void**)>(dlsym(library, (entry.symbol + "_argv").c_str()));
  const auto arguments = std::make_shared<Arguments>(entry, p);
  contenders.push_back(
      {"Adams2019", false, [=] { kernel(arguments->data()); }, [&p] { return p.output; }});
  return "";
}

}  // namespace halyard
