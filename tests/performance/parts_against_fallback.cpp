// parts_against_fallback LOG DEVICE THREADS: what it brings to run a problem larger than a tuned
// one on that one's kernel, in parts: time of the fall-back over that of the parts. Of each best
// config of the log with neither epilogue nor packed operand, for several first sizes; a library
// with and one without it in turns, their answers compared.
//   parts_against_fallback tuned.db host 1
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>

#include "fmt/format.h"
#include "logs/measurement_log.h"
#include "logs/queries.h"
#include "schedules/epilogue.h"
#include "schedules/operator.h"
#include "targets/child_process.h"
#include "targets/counter_rng.h"
#include "tuner/library/library_builder.h"
#include "tuner/library/library_plan.h"

namespace halyard {
namespace {

constexpr int kRounds = 15;
constexpr double kMostFlops = 1e9;  // of a call: beyond, the rounds take minutes

using I = int64_t;
using F = float*;
using Sizes = std::vector<int64_t>;
using Tensors = std::vector<float*>;

// A library as a shared object.
class Loaded {
 public:
  Loaded(const Device& device, const std::string& name, const std::vector<Variant>& variants,
         const std::string& folder, Builder& builder)
      : name_(name) {
    LibrarySpec spec{device, name, variants, folder, "0123456789ab", ""};
    const LibraryFiles files = BuildLibrary(spec, builder).value();
    const std::string object = folder + "/lib" + name + ".so";
    const ChildResult linked =
        RunChild({"cc", "-shared", "-Wl,--whole-archive", files.library, "-Wl,--no-whole-archive",
                  "-lpthread", "-lm", "-o", object},
                 "", ChildLimits{});
    handle_ = dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) fmt::print(stderr, "{}{}\n", linked.err, dlerror());
  }
  bool good() const { return handle_ != nullptr; }

  void SetThreads(int threads) const {
    reinterpret_cast<void (*)(int)>(Function("set_threads"))(threads);
  }

  // Each operator has another number of sizes.
  int Run(const std::string& op, const Sizes& s, const Tensors& t) const {
    void* f = Function(op);
    switch (s.size()) {
      case 2:
        return reinterpret_cast<int (*)(I, I, F, F)>(f)(s[0], s[1], t[0], t[1]);
      case 3:
        return reinterpret_cast<int (*)(I, I, I, F, F, F)>(f)(s[0], s[1], s[2], t[0], t[1], t[2]);
      case 4:
        return reinterpret_cast<int (*)(I, I, I, I, F, F, F)>(f)(s[0], s[1], s[2], s[3], t[0], t[1],
                                                                 t[2]);
      case 5:
        return reinterpret_cast<int (*)(I, I, I, I, I, F, F, F, F)>(f)(s[0], s[1], s[2], s[3], s[4],
                                                                       t[0], t[1], t[2], t[3]);
      default:
        return reinterpret_cast<int (*)(I, I, I, I, I, I, I, I, I, I, I, F, F, F)>(f)(
            s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], t[0], t[1], t[2]);
    }
  }

 private:
  void* Function(const std::string& function) const {
    return dlsym(handle_, (name_ + "_" + function).c_str());
  }
  std::string name_;
  void* handle_ = nullptr;
};

// CPU time of one thread, so that what else the machine does is left out; of several the wall's.
double Now(int threads) {
  timespec t;
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

void Compare(const Loaded& tuned, const Loaded& fallback, Workload w, int64_t asked, int threads) {
  const Operator& op = *FindOperator(w.op);
  const std::string of = w.ToText();
  w.shape[0] = asked;
  std::vector<std::vector<float>> memory;
  std::vector<BufferSpec> shapes = op.InputShapes(w);
  shapes.insert(shapes.end(), 2, op.OutputShape(w));
  for (const BufferSpec& shape : shapes) {
    std::vector<float>& tensor = memory.emplace_back(static_cast<size_t>(shape.elements()));
    for (size_t i = 0; i < tensor.size(); i++) {
      tensor[i] = CounterUniform(1, static_cast<int>(memory.size()), static_cast<int64_t>(i));
    }
  }
  Tensors inputs;
  for (size_t i = 0; i + 2 < memory.size(); i++) inputs.push_back(memory[i].data());
  const Sizes sizes = LibraryPlan::SizesOf(op, w);
  int repeats = 1;
  const auto time = [&](const Loaded& library, std::vector<float>& output) {
    Tensors tensors = inputs;
    tensors.push_back(output.data());
    const double begin = Now(threads);
    for (int i = 0; i < repeats; i++) {
      if (library.Run(w.op, sizes, tensors) != 0) std::abort();
    }
    return (Now(threads) - begin) / repeats;
  };
  std::vector<float>& one = memory[memory.size() - 2];
  std::vector<float>& other = memory.back();
  time(tuned, one);
  const double once = std::max(time(tuned, one), 1.0);
  repeats = std::max(1, static_cast<int>(1e6 / once));
  std::vector<double> parts, whole, ratios;
  for (int round = 0; round < kRounds; round++) {
    parts.push_back(time(tuned, one));
    whole.push_back(time(fallback, other));
    ratios.push_back(whole.back() / parts.back());
  }
  double worst = 0;
  for (size_t i = 0; i < one.size(); i++) {
    worst = std::max(worst, std::abs(double{one[i]} - double{other[i]}));
  }
  std::sort(ratios.begin(), ratios.end());
  fmt::print(
      "{:<44} first size {:>6}  parts {:>10.1f} us  fall-back {:>10.1f} us  ratio {:5.2f} "
      "({:.2f} to {:.2f})  difference {:.1e} of {:.1e}\n",
      of, asked, Median(parts) / 1e3, Median(whole) / 1e3, Median(ratios), ratios[3],
      ratios[kRounds - 4], worst, 2 * op.Tolerance(w));
  std::fflush(stdout);
}

int Run(const std::string& log_path, const std::string& device_id, int threads) {
  const Device device = LoadDevice(device_id).value();
  const auto log = OpenSqliteLog(log_path, LogMode::kRead).value();
  const auto builder = MakeWorkerBuilder({}).value();
  RecordFilter filter;
  filter.device = device.id;
  filter.unit = "ns";
  const std::string folder =
      (std::filesystem::temp_directory_path() / fmt::format("parts-{}", getpid())).string();
  const Loaded fallback(device, "fallback", {}, folder + "/fallback", *builder);
  const std::vector<Record> records = BestRecords(*log, filter).value();
  int number = 0;
  for (const Record& best : records) {
    const Workload w = ParseWorkload(best.workload).value();
    if (IsPacked(w) || !EpilogueOf(w).empty()) continue;
    const std::string name = fmt::format("tuned_{}", number++);
    // Alone, so that no other shape's kernel is the nearer one.
    const Loaded tuned(device, name, {{best, w}}, folder + "/" + name, *builder);
    if (!tuned.good() || !fallback.good()) return 1;
    for (const Loaded* library : {&tuned, &fallback}) library->SetThreads(threads);
    const int64_t first = w.shape[0];
    std::vector<int64_t> asked = {first,     first + 1,  2 * first, 2 * first + 1,
                                  7 * first, 40 * first, 1000};
    std::sort(asked.begin(), asked.end());
    asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
    for (const int64_t size : asked) {
      Workload whole = w;
      whole.shape[0] = size;
      if (size < first || FindOperator(w.op)->Flops(whole) > kMostFlops) continue;
      Compare(tuned, fallback, w, size, threads);
    }
  }
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "build-worker") return halyard::BuildWorkerMain();
  const int threads = argc == 4 ? std::atoi(argv[3]) : 0;
  if (threads >= 1) return halyard::Run(argv[1], argv[2], threads);
  fmt::print(stderr, "parts_against_fallback LOG DEVICE THREADS\n");
  return 2;
}
