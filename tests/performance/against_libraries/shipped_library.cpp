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

std::vector<int64_t> SizesOf(const Workload& w) {
  std::vector<int64_t> sizes = w.shape;
  for (const AttributeSpec& a : FindOperator(w.op)->attributes()) {
    sizes.push_back(w.attribute(a.name));
  }
  return sizes;
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
  void* query = Symbol(name_ + "_is_tuned_" + w.op);
  return query != nullptr && CallQuery(w.op, query, SizesOf(w)) != 0;
}

Contender ShippedLibrary::Bind(Problem& p) const {
  std::vector<float*> tensors;
  for (Tensor& t : p.inputs) tensors.push_back(t.data());
  tensors.push_back(p.output.data());
  void* function = Symbol(name_ + "_" + p.workload.op);
  const std::string op = p.workload.op;
  const std::vector<int64_t> sizes = SizesOf(p.workload);
  return {"ours", false,
          [=] {
            if (const int status = CallOperator(op, function, sizes, tensors); status != 0) {
              throw std::runtime_error(fmt::format("the library answers status {}", status));
            }
          },
          [&p] { return p.output; }};
}

}  // namespace halyard
