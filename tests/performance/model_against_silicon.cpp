// The cycle model beside a real core: the same AVX2 artifacts, on one thread, counted under
// qemu-x86_64 and timed on this machine, and how alike the two rank them.
//   model_against_silicon [CONFIGS of gemm] [CONFIGS of attention] [ROUNDS]
// The machine is to be the one of host_avx2.json: its caches and its pipes are what is modelled.
// Times are the least of some rounds in random order, as others disturb a shared machine.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>
#include <set>

#include "fmt/format.h"
#include "tuner/candidate_runner.h"

namespace halyard {
namespace {

std::vector<double> Ranks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t i = 0; i < order.size(); i++) ranks[order[i]] = static_cast<double>(i);
  return ranks;
}

double Spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const std::vector<double> x = Ranks(a), y = Ranks(b);
  double squares = 0;
  for (size_t i = 0; i < x.size(); i++) squares += (x[i] - y[i]) * (x[i] - y[i]);
  const auto n = static_cast<double>(x.size());
  return 1 - 6 * squares / (n * (n * n - 1));
}

struct Boards {
  Device counted, timed;
  std::unique_ptr<Executor> counter, clock;
};

struct Compared {
  Config config;
  double cycles = 0, ns = 0;
};

// One run of the whole workload, not of its probes: cycles, or nothing where it failed.
double Count(const Boards& boards, const Task& task, const BuildResult& built) {
  RunRequest request;
  request.mode = RunMode::kCount;
  request.caches_warm = true;
  request.candidates = {{built.path, built.entries}};
  const RunOutcome run = boards.counter->Run(request, std::chrono::minutes(2));
  if (run.status != RunStatus::kOk) {
    fmt::print(stderr, "{}\n", run.message);
    return 0;
  }
  const ProbePlan whole{{task.workload}, 0, 1};
  const auto cycles = VirtualCycles(whole, run.reply.candidates.at(0), {1});
  return cycles.ok() ? *cycles : 0;
}

void Compare(const Boards& boards, const std::string& workload, size_t configs, int rounds) {
  const Task task = MakeTask(ParseWorkload(workload).value(), boards.timed);
  const auto builder = MakeWorkerBuilder({}).value();
  std::mt19937_64 rng(1);
  std::set<std::string> texts;
  std::vector<Compared> all;
  std::vector<BuildRequest> requests;
  while (texts.size() < configs) {
    const auto config = task.space.Random(rng);
    if (!config || !texts.insert(task.space.ToText(*config)).second) continue;
    all.push_back({*config});
    requests.push_back(
        {BuildKind::kConfig, workload, task.space.ToText(*config), boards.timed.loaded_from});
  }
  const std::vector<BuildResult> built = builder->Build(requests);
  for (size_t i = 0; i < all.size(); i++) {
    if (built[i].outcome == Outcome::kOk) all[i].cycles = Count(boards, task, built[i]);
  }
  CandidateRunner runner(task, *boards.clock, 1);
  std::vector<size_t> order(all.size());
  std::iota(order.begin(), order.end(), 0);
  for (int round = 0; round < rounds; round++) {
    std::shuffle(order.begin(), order.end(), rng);
    for (const size_t i : order) {
      if (all[i].cycles == 0) continue;
      const MeasureResult m = runner.Measure(all[i].config, built[i], {});
      if (m.outcome != Outcome::kOk) continue;
      const double ns = *std::min_element(m.samples.begin(), m.samples.end());
      if (all[i].ns == 0 || ns < all[i].ns) all[i].ns = ns;
    }
  }
  std::vector<double> cycles, ns;
  for (const Compared& c : all) {
    if (c.cycles == 0 || c.ns == 0) continue;
    cycles.push_back(c.cycles);
    ns.push_back(c.ns);
    if (std::getenv("HALYARD_SHOW_CONFIGS") != nullptr) {
      fmt::print("  {:>12.0f} {:>12.0f}  {}\n", c.cycles, c.ns, task.space.ToText(c.config));
    }
  }
  fmt::print("{}: {} configs of {}, one thread, least of {} rounds: Spearman {:.3f}\n", workload,
             cycles.size(), configs, rounds, Spearman(cycles, ns));
  std::fflush(stdout);  // the next one takes minutes
}

int Main(size_t gemms, size_t attentions, int rounds) {
  Boards boards;
  const std::string local = std::filesystem::temp_directory_path() / "halyard_host_avx2_local.json";
  std::ofstream(local) << R"({"inherits": ")" << HALYARD_HOST_AVX2
                       << R"(", "id": "host-avx2", "board": "local"})";
  boards.counted = LoadDevice(HALYARD_HOST_AVX2).value();
  boards.timed = LoadDevice(local).value();
  boards.counter = MakeExecutor(boards.counted).value();
  boards.clock = MakeExecutor(boards.timed).value();
  Compare(boards, "gemm:160x160x160:f32", gemms, rounds);
  Compare(boards, "attention:1x128x64:f32", attentions, rounds);
  return 0;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "build-worker") return halyard::BuildWorkerMain();
  const auto argument = [&](int i, int otherwise) {
    return argc > i ? std::max(2, std::atoi(argv[i])) : otherwise;
  };
  return halyard::Main(static_cast<size_t>(argument(1, 200)), static_cast<size_t>(argument(2, 100)),
                       argument(3, 3));
}
