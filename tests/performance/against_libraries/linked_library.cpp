#include "linked_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "fmt/format.h"
#include "logs/measurement_log.h"
#include "targets/child_process.h"
#include "tuner/builder.h"
#include "tuner/library/library_plan.h"
#include "tuner/package.h"

namespace halyard {
namespace {

template <size_t>
using Size = int64_t;
template <size_t>
using Number = int;
template <size_t>
using Pointer = float*;

// What a C function of the library takes: sizes, numbers of an epilogue, tensors.
struct CallArguments {
  std::vector<int64_t> sizes;
  std::vector<int> numbers;
  std::vector<float*> tensors;
};

template <size_t... S, size_t... N, size_t... T>
int Call(void* function, const CallArguments& a, std::index_sequence<S...>,
         std::index_sequence<N...>, std::index_sequence<T...>) {
  return reinterpret_cast<int (*)(Size<S>..., Number<N>..., Pointer<T>...)>(function)(
      a.sizes[S]..., a.numbers[N]..., a.tensors[T]...);
}

template <size_t Sizes, size_t Numbers, size_t Tensors>
int Call(void* function, const CallArguments& a) {
  return Call(function, a, std::make_index_sequence<Sizes>(), std::make_index_sequence<Numbers>(),
              std::make_index_sequence<Tensors>());
}

// Of the products.
template <size_t Numbers, size_t Tensors>
int CallProduct(const std::string& op, void* function, const CallArguments& a) {
  if (op == "gemm") return Call<3, Numbers, Tensors>(function, a);
  if (op == "batch_gemm") return Call<4, Numbers, Tensors>(function, a);
  return Call<11, Numbers, Tensors>(function, a);
}

int CallOperator(const Workload& w, void* function, const CallArguments& a) {
  if (!EpilogueOf(w).empty()) return CallProduct<1, 5>(w.op, function, a);
  if (w.op == "softmax") return Call<2, 0, 2>(function, a);
  if (w.op == "attention") return Call<5, 0, 4>(function, a);
  return CallProduct<0, 3>(w.op, function, a);
}

std::vector<int> EpilogueNumbers(const Epilogue& e) {
  return {static_cast<int>(e.activation), e.bias, e.residual};
}

// Sizes and epilogue, and as many tensors as a query, `packed_floats` and `pack` have.
template <size_t Tensors>
int CallAbout(const Workload& w, void* function, const std::vector<float*>& tensors) {
  const CallArguments a = {LibraryPlan::SizesOf(*FindOperator(w.op), w),
                           EpilogueNumbers(EpilogueOf(w)), tensors};
  if (!EpilogueOf(w).empty()) return CallProduct<3, Tensors>(w.op, function, a);
  if (w.op == "softmax") return Call<2, 0, Tensors>(function, a);
  if (w.op == "attention") return Call<5, 0, Tensors>(function, a);
  return CallProduct<0, Tensors>(w.op, function, a);
}

// The function of the workload, but for what stands before and after its name.
std::string FunctionOf(const Workload& w) { return w.op + (EpilogueOf(w).empty() ? "" : "_fused"); }

void Expect(int status) {
  if (status != 0) throw std::runtime_error(fmt::format("the library answers status {}", status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<LinkedLibrary>> LinkedLibrary::Make(const Device& device,
                                                                   const std::string& log_path) {
  std::unique_ptr<LinkedLibrary> made(new LinkedLibrary);
  std::string folder = (std::filesystem::temp_directory_path() / "halyard-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return absl::InternalError("no temporary folder");
  made->folder_ = folder;
  made->name_ = "tuned_" + device.id;
  const auto log = OpenSqliteLog(log_path, LogMode::kRead);
  if (!log.ok()) return log.status();
  auto builder = MakeWorkerBuilder({});
  if (!builder.ok()) return builder.status();
  const auto files = PackageFromLog(device, **log, **builder, folder);
  if (!files.ok()) return files.status();
  const std::string shared = folder + "/shipped.so";
  const ChildResult linked =
      RunChild({"cc", "-shared", "-o", shared, "-Wl,--whole-archive", files->library,
                "-Wl,--no-whole-archive", "-lpthread", "-lm"},
               "", ChildLimits{});
  if (!linked.started || linked.exit_code != 0) return absl::InternalError("cc: " + linked.err);
  made->library_ = dlopen(shared.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (made->library_ == nullptr) return absl::InternalError(dlerror());
  return made;
}

// The library stays loaded: its threads may be waiting in it.
LinkedLibrary::~LinkedLibrary() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void* LinkedLibrary::Symbol(const std::string& name) const { return dlsym(library_, name.c_str()); }

bool LinkedLibrary::IsTuned(const Workload& w) const {
  void* query = Symbol(name_ + "_is_tuned_" + FunctionOf(w) + (IsPacked(w) ? "_packed" : ""));
  return query != nullptr && CallAbout<0>(w, query, {}) != 0;
}

Contender LinkedLibrary::Bind(Problem& p) const {
  const Workload& w = p.workload;
  const Epilogue epilogue = EpilogueOf(w);
  CallArguments arguments = {
      LibraryPlan::SizesOf(*FindOperator(w.op), w), {static_cast<int>(epilogue.activation)}, {}};
  const size_t own = FindOperator(w.op)->input_names().size();
  for (size_t i = 0; i < own; i++) arguments.tensors.push_back(p.inputs[i].data());
  if (!epilogue.empty()) {
    size_t next = own;
    for (const bool given : {epilogue.bias, epilogue.residual}) {
      arguments.tensors.push_back(given ? p.inputs[next++].data() : nullptr);
    }
  }
  arguments.tensors.push_back(p.output.data());
  const bool packed = IsPacked(w);
  const std::string name = name_ + "_" + FunctionOf(w);
  void* function = Symbol(name + (packed ? "_packed" : ""));
  std::shared_ptr<Tensor> weights;
  if (packed) {
    float*& constant = arguments.tensors[1];  // of all products
    int64_t floats = 0;
    // The number is returned through a pointer in a tensor's place.
    Expect(CallAbout<1>(w, Symbol(name + "_packed_floats"), {reinterpret_cast<float*>(&floats)}));
    weights = std::make_shared<Tensor>(static_cast<size_t>(floats));
    Expect(CallAbout<2>(w, Symbol(name + "_pack"), {constant, weights->data()}));
    constant = weights->data();
  }
  return {"ours", packed, [=, &p] { Expect(CallOperator(p.workload, function, arguments)); },
          [&p, weights] { return p.output; }};
}

}  // namespace halyard
