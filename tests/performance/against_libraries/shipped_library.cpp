#include "shipped_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "fmt/format.h"
#include "logs/measurement_log.h"
#include "rpc_farm/child_process.h"
#include "tuner/builder.h"
#include "tuner/library/library_plan.h"
#include "tuner/package.h"

namespace halyard {
namespace {

template <size_t>
using Size = int64_t;
template <size_t>
using Pointer = float*;

template <size_t... S, size_t... T>
int Call(void* function, const std::vector<int64_t>& sizes, const std::vector<float*>& tensors,
         std::index_sequence<S...>, std::index_sequence<T...>) {
  return reinterpret_cast<int (*)(Size<S>..., Pointer<T>...)>(function)(sizes[S]..., tensors[T]...);
}

// A C function of the library with its sizes first and its tensors after.
template <size_t Sizes, size_t Tensors>
int Call(void* function, const std::vector<int64_t>& sizes, const std::vector<float*>& tensors) {
  return Call(function, sizes, tensors, std::make_index_sequence<Sizes>(),
              std::make_index_sequence<Tensors>());
}

int CallOperator(const std::string& op, void* function, const std::vector<int64_t>& sizes,
                 const std::vector<float*>& tensors) {
  if (op == "gemm") return Call<3, 3>(function, sizes, tensors);
  if (op == "conv2d") return Call<11, 3>(function, sizes, tensors);
  if (op == "softmax") return Call<2, 2>(function, sizes, tensors);
  if (op == "attention") return Call<5, 4>(function, sizes, tensors);
  throw std::logic_error("no call for operator " + op);
}

int CallQuery(const std::string& op, void* function, const std::vector<int64_t>& sizes) {
  if (op == "gemm") return Call<3, 0>(function, sizes, {});
  if (op == "conv2d") return Call<11, 0>(function, sizes, {});
  if (op == "softmax") return Call<2, 0>(function, sizes, {});
  if (op == "attention") return Call<5, 0>(function, sizes, {});
  throw std::logic_error("no call for operator " + op);
}

int CallPackedFloats(const std::string& op, void* function, const std::vector<int64_t>& sizes,
                     int64_t* floats) {
  // The number is returned through a pointer in a tensor's place.
  const std::vector<float*> tensors = {reinterpret_cast<float*>(floats)};
  return op == "gemm" ? Call<3, 1>(function, sizes, tensors)
                      : Call<11, 1>(function, sizes, tensors);
}

int CallPack(const std::string& op, void* function, const std::vector<int64_t>& sizes,
             float* constant, float* packed) {
  const std::vector<float*> tensors = {constant, packed};
  return op == "gemm" ? Call<3, 2>(function, sizes, tensors)
                      : Call<11, 2>(function, sizes, tensors);
}

std::vector<int64_t> SizesOf(const Workload& w) {
  return LibraryPlan::SizesOf(*FindOperator(w.op), w);
}

void Expect(int status) {
  if (status != 0) throw std::runtime_error(fmt::format("the library answers status {}", status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShippedLibrary>> ShippedLibrary::Make(const Device& device,
                                                                     const std::string& log_path) {
  std::unique_ptr<ShippedLibrary> made(new ShippedLibrary);
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
ShippedLibrary::~ShippedLibrary() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void* ShippedLibrary::Symbol(const std::string& name) const {
  return dlsym(library_, name.c_str());
}

bool ShippedLibrary::IsTuned(const Workload& w) const {
  void* query = Symbol(name_ + "_is_tuned_" + w.op + (IsPacked(w) ? "_packed" : ""));
  return query != nullptr && CallQuery(w.op, query, SizesOf(w)) != 0;
}

Contender ShippedLibrary::Bind(Problem& p) const {
  std::vector<float*> tensors;
  for (Tensor& t : p.inputs) tensors.push_back(t.data());
  tensors.push_back(p.output.data());
  const std::string op = p.workload.op;
  const std::vector<int64_t> sizes = SizesOf(p.workload);
  const bool packed = IsPacked(p.workload);
  void* function = Symbol(name_ + "_" + op + (packed ? "_packed" : ""));
  std::shared_ptr<Tensor> weights;
  if (packed) {
    constexpr size_t kConstant = 1;  // of gemm and conv2d alike
    int64_t floats = 0;
    Expect(CallPackedFloats(op, Symbol(name_ + "_" + op + "_packed_floats"), sizes, &floats));
    weights = std::make_shared<Tensor>(static_cast<size_t>(floats));
    Expect(CallPack(op, Symbol(name_ + "_" + op + "_pack"), sizes, tensors[kConstant],
                    weights->data()));
    tensors[kConstant] = weights->data();
  }
  return {"ours", packed, [=] { Expect(CallOperator(op, function, sizes, tensors)); },
          [&p, weights] { return p.output; }};
}

}  // namespace halyard
