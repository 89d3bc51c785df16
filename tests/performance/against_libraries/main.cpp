// The kernels of a shipped library beside what people link today, in one run:
//   against_libraries WORKLOADS LOG [--rounds N] [--only TEXT] [--no-adams]
// such as `against_libraries schedules/workloads/softmax.txt tuned.db`. Every answer is checked
// against the reference and the others before anything is timed. Workloads that the log has no
// schedule for are named and left out.
#include <unistd.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <map>

#include "adams2019.h"
#include "contender.h"
#include "fmt/format.h"
#include "interleave.h"
#include "linked_library.h"
#include "rpc_farm/executor.h"
#include "schedules/workload_file.h"
#include "targets/counter_rng.h"
#include "tuner/final.h"
#include "tuner/library/library_plan.h"
#include "tuner/roofline.h"

namespace halyard {
namespace {

struct Options {
  std::string workloads, log, only;
  int rounds = 15;
  bool no_adams = false;
};

constexpr double kSampleSeconds = 10e-3;
constexpr uint64_t kSeed = 1;

Problem MakeProblem(const Workload& w) {
  const Operator* op = FindOperator(w.op);
  Problem p{w, {}, {}};
  const auto shapes = op->InputShapes(w);
  for (size_t i = 0; i < shapes.size(); i++) {
    Tensor t(static_cast<size_t>(shapes[i].elements()));
    for (size_t e = 0; e < t.size(); e++) t[e] = CounterUniform(kSeed, i, e);
    p.inputs.push_back(std::move(t));
  }
  p.output.resize(static_cast<size_t>(op->OutputShape(w).elements()));
  return p;
}

// Empty, or what is wrong with the contender's answer.
std::string WrongAnswer(const Problem& p, Problem& scratch, const Contender& c,
                        const Tensor& expected) {
  std::fill(scratch.output.begin(), scratch.output.end(), std::nanf(""));
  c.run();
  const Tensor answer = c.answer();
  const Operator* op = FindOperator(p.workload.op);
  // Two answers may differ from the truth to either side; Winograd's tolerance is wider.
  const double tolerance = (c.library == "oneDNN winograd" ? 16 : 2) * op->Tolerance(p.workload);
  for (size_t i = 0; i < answer.size(); i++) {
    if (!(std::abs(answer[i] - expected[i]) <= tolerance)) {
      return fmt::format("element {} is {}, not {}", i, answer[i], expected[i]);
    }
  }
  return "";
}

std::string WrongAtProbePoints(const Problem& p, const Tensor& answer) {
  const Operator* op = FindOperator(p.workload.op);
  const InputReader read = [&](int input, int64_t i) {
    return double{p.inputs[static_cast<size_t>(input)][static_cast<size_t>(i)]};
  };
  for (uint64_t i = 0; i < 64; i++) {
    const uint64_t at = CounterBits(kSeed, 77, i) % answer.size();
    const double expected = op->Reference(p.workload, read, static_cast<int64_t>(at));
    if (!(std::abs(answer[at] - expected) <= op->Tolerance(p.workload))) {
      return fmt::format("element {} is {}, not {}", at, answer[at], expected);
    }
  }
  return "";
}

// Rows of workloads that take weights laid out ahead are apart from those that do not: a peer that
// is handed its own layout is one of the former's only.
struct Row {
  std::string kind;
  double ratio;
  // Seconds of one call; of oneDNN its best, in its own layout where weights are laid out ahead. 0:
  // it has none.
  double ours = 0, onednn = 0;
};

// What is averaged together: kinds of convolution are bound by different things.
std::string KindOf(const Workload& w) {
  if (w.op != "conv2d") return w.op;
  if (w.attribute("groups") > 1) return "conv2d with groups";
  const bool three = w.shape[5] == 3 && w.shape[6] == 3 && w.attribute("stride") == 1;
  return three ? "conv2d 3x3, stride 1" : "conv2d 1x1, strided and larger";
}

// Prints the workload's row; `adams` may be null. Returns our time over the best peer's.
std::optional<Row> CompareOne(const Workload& w, const LinkedLibrary& ours, Adams2019* adams,
                              const Peak& peak, const Device& device, int rounds) {
  Problem p = MakeProblem(w);
  std::vector<Contender> contenders = {ours.Bind(p)};
  AddBlas(p, contenders);
  AddOneDnn(p, contenders);
  const std::string no_adams = adams == nullptr ? "" : adams->Add(p, contenders);
  contenders[0].run();
  const Tensor expected = p.output;
  if (const std::string wrong = WrongAtProbePoints(p, expected); !wrong.empty()) {
    fmt::print("{}: ours is WRONG: {}\n", w.ToText(), wrong);
    return std::nullopt;
  }
  for (size_t i = 1; i < contenders.size();) {
    const std::string wrong = WrongAnswer(p, p, contenders[i], expected);
    if (!wrong.empty())
      fmt::print("{}: {} is left out: {}\n", w.ToText(), contenders[i].library, wrong);
    if (wrong.empty()) {
      i++;
    } else {
      contenders.erase(contenders.begin() + static_cast<long>(i));
    }
  }
  const auto samples = Interleave(contenders, rounds, kSampleSeconds, kSeed);
  const double own = Median(samples[0]);
  const Roofline roof = RooflineOf(MakeTask(w, device), peak);
  std::string line = fmt::format("{:<58} ours {:8.4f} ms {:3.0f}%{}", w.ToText(), own * 1e3,
                                 100 * roof.Share(own * 1e9), roof.memory_bound() ? "m" : "c");
  const bool packed = IsPacked(w);
  size_t best = 0, best_packed = 0;
  double onednn = 0;
  for (size_t i = 1; i < contenders.size(); i++) {
    const double time = Median(samples[i]);
    line += fmt::format("  {} {:.4f}", contenders[i].library, time * 1e3);
    const bool comparable = packed || !contenders[i].packed;
    const bool is_onednn = contenders[i].library.starts_with("oneDNN");
    if (is_onednn && comparable && (onednn == 0 || time < onednn)) onednn = time;
    if (!comparable) {
      if (best_packed == 0 || time < Median(samples[best_packed])) best_packed = i;
    } else if (best == 0 || time < Median(samples[best])) {
      best = i;
    }
  }
  if (!no_adams.empty()) line += "  Adams2019 " + no_adams;
  fmt::print("{}\n", line);
  if (best == 0) return std::nullopt;
  const RatioInterval all = PairedRatio(samples[0], samples[best]);
  fmt::print("{:<58} ratio {:.3f} [{:.3f}, {:.3f}] to {}", "", all.mean, all.low, all.high,
             contenders[best].library);
  if (best_packed != 0) {
    const RatioInterval ahead = PairedRatio(samples[0], samples[best_packed]);
    fmt::print("; {:.3f} to {}", ahead.mean, contenders[best_packed].library);
  }
  fmt::print("\n");
  std::fflush(stdout);
  return Row{KindOf(w) + (packed ? ", weights laid out ahead" : ""), all.mean, own, onednn};
}

void PrintMeans(const std::map<std::string, std::vector<double>>& rows) {
  for (const auto& [kind, ratios] : rows) {
    double log_sum = 0;
    for (const double r : ratios) log_sum += std::log(r);
    fmt::print("{}: {} workloads, geometric mean {:.3f} of the best peer, worst {:.3f}\n", kind,
               ratios.size(), std::exp(log_sum / static_cast<double>(ratios.size())),
               *std::max_element(ratios.begin(), ratios.end()));
  }
}

// What the network spends in all calls of its workloads.
class NetworkTotal {
 public:
  void Add(const Row& row, int calls) {
    tasks_++;
    if (row.onednn == 0) return;
    both_++;
    ours_ += calls * row.ours;
    onednn_ += calls * row.onednn;
  }
  void Print() const {
    if (both_ == 0) return;
    fmt::print("all calls of {} of {} workloads: ours {:.4g} ms, oneDNN {:.4g} ms, ratio {:.3f}\n",
               both_, tasks_, 1e3 * ours_, 1e3 * onednn_, ours_ / onednn_);
  }

 private:
  int tasks_ = 0, both_ = 0;
  double ours_ = 0, onednn_ = 0;
};

absl::Status Compare(const Options& options) {
  const auto listed = ReadWorkloadFile(options.workloads);
  if (!listed.ok()) return listed.status();
  const auto device = LoadDevice("host");
  if (!device.ok()) return device.status();
  const auto executor = MakeExecutor(*device);
  if (!executor.ok()) return executor.status();
  const auto peak = MeasurePeak(**executor, *device);
  if (!peak.ok()) return peak.status();
  const auto ours = LinkedLibrary::Make(*device, options.log);
  if (!ours.ok()) return ours.status();
  std::unique_ptr<Adams2019> adams;
  if (!options.no_adams) {
    auto made = Adams2019::Make(*device, **executor);
    if (!made.ok()) return made.status();
    adams = std::move(*made);
  }
  fmt::print(
      "peak {:.1f} GFLOP/s, copy {:.1f} GB/s; medians of {} interleaved rounds; c: of the peak, "
      "m: of the copy\n",
      peak->gflops, peak->copy_gb_per_s, options.rounds);
  std::map<std::string, std::vector<double>> rows;
  NetworkTotal total;
  for (const ListedWorkload& l : *listed) {
    const std::string text = l.workload.ToText();
    if (text.find(options.only) == std::string::npos) continue;
    if (!(*ours)->IsTuned(l.workload)) {
      fmt::print("{}: not in the log\n", text);
      continue;
    }
    if (const auto row =
            CompareOne(l.workload, **ours, adams.get(), *peak, *device, options.rounds)) {
      rows[row->kind].push_back(row->ratio);
      total.Add(*row, l.count);
    }
  }
  PrintMeans(rows);
  total.Print();
  return absl::OkStatus();
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  namespace po = boost::program_options;
  if (argc == 2 && std::string(argv[1]) == "build-worker") return halyard::BuildWorkerMain();
  // Read by libgomp when it is loaded: as many threads for all, and no spinning into the next one's
  // turn.
  if (std::getenv("GOMP_SPINCOUNT") == nullptr) {
    const std::string cores = std::to_string(sysconf(_SC_NPROCESSORS_ONLN));
    setenv("GOMP_SPINCOUNT", "20000", 1);
    for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS"}) {
      setenv(name, cores.c_str(), 0);
    }
    execv("/proc/self/exe", argv);
  }
  halyard::Options options;
  po::options_description d("against_libraries WORKLOADS LOG [options]");
  auto add = d.add_options();
  add("workloads", po::value(&options.workloads)->required(), "workload file");
  add("log", po::value(&options.log)->required(), "measurement log");
  add("rounds", po::value(&options.rounds)->default_value(15), "interleaved rounds, 2 at least");
  add("only", po::value(&options.only), "only workloads whose text has this in it");
  add("no-adams", po::bool_switch(&options.no_adams),
      "without Halide's Adams2019 autoscheduler, which takes up to two minutes a workload to "
      "build");
  po::positional_options_description positional;
  positional.add("workloads", 1).add("log", 1);
  po::variables_map given;
  try {
    po::store(po::command_line_parser(argc, argv).options(d).positional(positional).run(), given);
    po::notify(given);
  } catch (const po::error& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 2;
  }
  if (const absl::Status s = halyard::Compare(options); !s.ok()) {
    fmt::print(stderr, "{}\n", std::string(s.message()));
    return 4;
  }
  return 0;
}
