// tune suite FILE: many tasks, one budget, one library. tune --model net.onnx is one of these.

#include <atomic>
#include <chrono>
#include <iostream>
#include <limits>

#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/listed_tasks.h"
#include "tuner/cli/options.h"
#include "tuner/cli/tune_setup.h"
#include "tuner/logged_final.h"
#include "tuner/package.h"
#include "tuner/suite_progress.h"
#include "tuner/suite_summary.h"

namespace halyard {
namespace {

namespace po = boost::program_options;
using Clock = std::chrono::steady_clock;

// Of each task, where there is neither --trials nor --time; a budget for all of them.
constexpr int kTrialsPerTask = 128;
// Of each task, of a time budget: a final of some rounds on a board, and its part of the library.
constexpr double kFinalSeconds = 8, kLibrarySeconds = 3;
constexpr double kMostReserved = 0.35;

struct Arguments {
  std::string file, device, board;
  NetworkOptions network;
  SearchOptions search;
  bool list = false;
};

// What is tuned.
struct Listed {
  const Listing& listing;
  Device device;
  std::vector<Task> tasks;
  std::vector<int> calls;
};

po::options_description Options(Arguments& a) {
  po::options_description d("tune suite FILE --device ID|FILE [options]", 79, 40);
  auto add = d.add_options();
  add("file", po::value(&a.file),
      "workloads, one a line: OP SHAPE, and `# xN` where a network calls it N times; or a network, "
      "net.onnx");
  add("device", po::value(&a.device), kDeviceHelp);
  AddBoardOption(d, a.board);
  AddNetworkOptions(d, a.network);
  add("list", po::bool_switch(&a.list),
      "only print what there is to tune, and of a network what is left to other code; with "
      "--device "
      "the times that the log has");
  AddSearchOptions(d,
                   fmt::format("trials of all tasks in the log, earlier runs' included (default {} "
                               "times the tasks; no limit with --time)",
                               kTrialsPerTask),
                   a.search);
  add("help,h", "print this");
  return d;
}

Listed ListedOn(const Device& device, const Listing& listing) {
  Listed listed{listing, device, {}, {}};
  for (const ListedWorkload& w : listing.tasks) {
    listed.tasks.push_back(MakeTask(w.workload, listed.device));
    listed.calls.push_back(w.count);
  }
  return listed;
}

// --list. A log that is not there is only missed where it was asked for.
int PrintListing(const Arguments& a, const std::optional<Device>& device, Listing listing,
                 bool log_given) {
  if (device) {
    const auto log = OpenSqliteLog(a.search.tune.log_path, LogMode::kRead);
    if (!log.ok() && (log_given || !absl::IsNotFound(log.status()))) return Fail(log.status());
    if (log.ok()) {
      auto times = BestMilliseconds(**log, *device, listing.tasks);
      if (!times.ok()) return Fail(times.status());
      listing.device = device->id;
      listing.best_ms = *std::move(times);
    }
  }
  std::cout << (a.search.tune.json ? ListingJson(listing).dump(2) + "\n" : ListingText(listing));
  return kExitDone;
}

double ReservedSeconds(const Listed& listed, const TuneOptions& o) {
  const bool timed = IsTimed(listed.device.board_kind());
  const double each = kLibrarySeconds + (timed ? kFinalSeconds : 0);
  const double wanted = each * static_cast<double>(listed.tasks.size());
  return o.time_seconds ? std::min(kMostReserved * *o.time_seconds, wanted) : wanted;
}

// The screening's best as it is, where there can be no final.
FinalResult WithoutFinal(const Task& task, const SearchResult& search) {
  FinalResult f;
  f.winner = search.best()->config;
  f.winner_value = search.best()->value;
  f.baseline = task.space.safe();
  for (const Trial& t : search.trials) {
    if (t.ok && t.config == f.baseline) f.baseline_value = t.value;
  }
  return f;
}

// A final that fails costs its task the second look, not the others theirs.
absl::StatusOr<SuiteRow> RowOf(const SuiteMember& member, const SearchResult& search,
                               double seconds, SuiteProgress& progress) {
  const Task& task = member.bench.task;
  SuiteRow row{task, static_cast<int>(member.weight), search, std::nullopt, ""};
  if (search.best() == nullptr) return row;
  if (search.resumed == static_cast<int>(search.trials.size())) {
    auto logged = LoggedFinal(member.bench.log, task);
    if (!logged.ok()) return logged.status();
    row.final = *std::move(logged);
    if (row.final) return row;
  }
  auto final = RunFinal(member.bench, search, seconds, progress);
  if (absl::IsResourceExhausted(final.status())) return final.status();
  if (!final.ok()) row.final_failed = std::string(final.status().message());
  row.final = final.ok() ? *std::move(final) : WithoutFinal(task, search);
  return row;
}

int Finish(const Arguments& a, const Listed& listed, const Equipment& equipment,
           const std::vector<SuiteMember>& members, const SuiteSearch& search,
           SuiteProgress& progress) {
  const TuneOptions& options = members[0].bench.options;
  SuiteSummary summary{a.file, listed.listing.network, listed.device, options, search, {}, "", "",
                       ""};
  const double tasks = static_cast<double>(members.size());
  const double final_seconds =
      std::min(kFinalSeconds, 0.6 * ReservedSeconds(listed, options) / tasks);
  bool any = false, failed = false;
  for (size_t i = 0; i < members.size(); i++) {
    progress.OnMember(i);
    auto row = RowOf(members[i], search.searches[i], final_seconds, progress);
    if (!row.ok()) return progress.Finish(), Fail(row.status());
    any = any || row->final.has_value();
    failed = failed || !row->final_failed.empty();
    summary.rows.push_back(*std::move(row));
  }
  if (!any) {
    progress.Finish();
    return Fail(kExitNothingValid,
                ListedText(listed.tasks[0].workload) + ": " + NothingFound(search.searches[0]));
  }
  progress.OnPhase("library");
  const auto files =
      PackageFromLog(listed.device, *equipment.log, *equipment.builder, options.out_dir);
  progress.Finish();
  if (!files.ok()) return Fail(files.status());
  summary.library = files->library;
  summary.header = files->header;
  summary.manifest = files->manifest;
  std::cout << (options.json ? SuiteJson(summary).dump(2) + "\n" : SuiteText(summary));
  std::cout.flush();
  return failed ? kExitInfrastructure : kExitDone;
}

int Run(const Arguments& a, const Listed& listed, Clock::time_point begin) {
  const TuneOptions& given = a.search.tune;
  const std::atomic<bool>& interrupted = CatchInterrupts();
  const auto equipment =
      SetUpEquipment(listed.device, a.search, "tune suite " + a.file, interrupted);
  if (!equipment.ok()) return Fail(equipment.status());

  TuneOptions options = given;
  options.trials = std::numeric_limits<int>::max();  // of one task: the scheduler deals them
  options.peer = "none";
  std::vector<SuiteMember> members;
  for (size_t i = 0; i < listed.tasks.size(); i++) {
    members.push_back({BenchOf(listed.tasks[i], options, *equipment, interrupted),
                       static_cast<double>(listed.calls[i])});
  }
  SuiteBudget budget{given.trials, std::numeric_limits<double>::infinity()};
  if (given.time_seconds) {
    const std::chrono::duration<double> used = Clock::now() - begin;
    budget.seconds =
        std::max(1.0, *given.time_seconds - used.count() - ReservedSeconds(listed, given));
  }
  SuiteProgress progress(members, budget);
  const auto search = SearchSuite(members, budget, progress);
  if (!search.ok()) {
    progress.Finish();
    return Fail(kExitInfrastructure,
                std::string(search.status().message()) + "; the same command goes on from there");
  }
  return Finish(a, listed, *equipment, members, *search, progress);
}

}  // namespace

int SuiteCommand(const std::vector<std::string>& args) {
  const auto begin = Clock::now();
  Arguments a;
  const po::options_description options = Options(a);
  po::positional_options_description positional;
  positional.add("file", 1);
  const auto given = ParseOptions(args, options, positional, "tune suite");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0 || args.empty()) {
    std::cout << options;
    return kExitDone;
  }
  if (auto s = CheckSearchOptions(*given, a.search); !s.ok()) return Fail(s);
  if (a.file.empty()) {
    return Fail(kExitUsage,
                "the workload file is missing; give one of lines such as gemm 128x768x768  # x12, "
                "or a network, net.onnx");
  }
  std::optional<Device> device;
  if (!a.list || !a.device.empty()) {
    auto found = DeviceFromOption(a.device, a.board);
    if (!found.ok()) return Fail(found.status());
    device = *std::move(found);
  }
  const auto listing = ReadListing(a.file, a.network);
  if (!listing.ok()) return Fail(listing.status());
  if (a.list) return PrintListing(a, device, *listing, !(*given)["log"].defaulted());
  const Listed listed = ListedOn(*device, *listing);
  if (given->count("trials") == 0 && !a.search.tune.time_seconds) {
    a.search.tune.trials = kTrialsPerTask * static_cast<int>(listed.tasks.size());
  }
  if (auto s = CheckWritableFolder(a.search.tune.out_dir); !s.ok()) return Fail(s);
  return Run(a, listed, begin);
}

}  // namespace halyard
