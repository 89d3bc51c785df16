// Every strategy on one task with one trial budget and several seeds, each from an empty log:
//   strategy_comparison WORKLOAD DEVICE TRIALS SEEDS
// such as `strategy_comparison gemm:512x512x512:f32 host 96 5`. Prints each run's best and the
// medians relative to annealing's. Runs of the strategies alternate, so that drift of the machine
// hits all alike; on a physical board each run's best is measured again, all of them interleaved,
// before they are compared.

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "fmt/format.h"
#include "tuner/tune_loop.h"

namespace halyard {
namespace {

class Silent final : public SearchObserver {
 public:
  void OnPhase(const std::string&) override {}
  void OnTrial(const SearchResult&) override {}
};

double Median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

struct Run {
  std::string strategy;
  uint64_t seed;
  Config best;
  double value;
  BuildResult artifact;
};

Run SearchOnce(const Task& task, Builder& builder, Executor& executor, const std::string& strategy,
               int trials, uint64_t seed) {
  std::string folder = (std::filesystem::temp_directory_path() / "halyard-compare-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
  TuneOptions options;
  options.trials = trials;
  options.stop_gain = 0;  // all strategies the same trials
  options.strategy = strategy;
  options.seed = seed;
  std::atomic<bool> interrupted{false};
  Silent silent;
  Run run{strategy, seed, {}, 0, {}};
  {
    auto log = OpenSqliteLog(folder + "/log.db", LogMode::kWrite).value();
    const Workbench bench{task, options, builder, executor, *log, interrupted};
    const SearchResult result = Search(bench, 1e9, silent).value();
    run.best = result.best()->config;
    run.value = result.best()->value;
    run.artifact = result.artifacts.at(task.space.index_of(run.best));
  }
  std::filesystem::remove_all(folder);
  return run;
}

int Compare(const std::string& workload, const std::string& device_id, int trials, int seeds) {
  const Task task = MakeTask(ParseWorkload(workload).value(), LoadDevice(device_id).value());
  const auto executor = MakeExecutor(task.device).value();
  const auto builder = MakeWorkerBuilder({}).value();
  std::vector<Run> runs;
  for (int seed = 1; seed <= seeds; seed++) {
    for (const char* strategy : {"sa", "random", "grid", "genetic"}) {
      runs.push_back(
          SearchOnce(task, *builder, *executor, strategy, trials, static_cast<uint64_t>(seed)));
      fmt::print("{:<8} seed {}  {:.6g}  {}\n", strategy, seed, runs.back().value,
                 task.space.ToText(runs.back().best));
      std::fflush(stdout);
    }
  }
  if (executor->board_kind() == BoardKind::kPhysical) {
    std::vector<BuildResult> artifacts;
    double round_seconds = 0;
    for (const Run& r : runs) {
      artifacts.push_back(r.artifact);
      round_seconds += std::max(4e-3, 2e-9 * r.value);
    }
    CandidateRunner runner(task, *executor, 1);
    const auto samples = runner.Interleave(artifacts, 15, round_seconds).value();
    for (size_t i = 0; i < runs.size(); i++) runs[i].value = Median(samples[i]);
  }
  std::map<std::string, std::vector<double>> values;
  for (const Run& r : runs) values[r.strategy].push_back(r.value);
  const double annealing = Median(values["sa"]);
  fmt::print("\n{} on {}, {} trials, {} seeds; {}\n", workload, device_id, trials, seeds,
             UnitOf(executor->board_kind()));
  for (const auto& [strategy, v] : values) {
    fmt::print("{:<8} median {:.6g} ({:.3f} of annealing), best {:.6g}, worst {:.6g}\n", strategy,
               Median(v), Median(v) / annealing, *std::min_element(v.begin(), v.end()),
               *std::max_element(v.begin(), v.end()));
  }
  return 0;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "build-worker") return halyard::BuildWorkerMain();
  if (argc != 5) {
    fmt::print(stderr, "strategy_comparison WORKLOAD DEVICE TRIALS SEEDS\n");
    return 2;
  }
  return halyard::Compare(argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
}
