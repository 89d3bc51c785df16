// The gate through the real program, compilers and boards: what is planted as slower is held back,
// what is equal is not called slower, and on a virtual board all of it to the last digit.

#include "tuner/gate/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "logs/measurement_log.h"
#include "rpc_farm/sha256.h"
#include "targets/child_process.h"
#include "tuner/library/library_builder.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class GateTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "halyard-gate-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string File(const std::string& name) const { return folder_ / name; }
  static std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path folder_;
};

// ---- The virtual rpi4, through the program.

class VirtualGateTest : public GateTest {
 protected:
  ChildResult Run(std::vector<std::string> args) const {
    args.insert(args.begin(), std::getenv("HALYARD_TUNE_PROGRAM"));
    args.insert(args.end(), {"--device", "rpi4"});
    ChildLimits limits;
    limits.deadline = std::chrono::minutes(8);
    return RunChild(args, "", limits);
  }
  void Tune(const std::string& shape, const std::string& out) const {
    const ChildResult r = Run({"--op", "softmax", "--shape", shape, "--trials", "8", "--peer",
                               "none", "--log", File("t.db"), "--out", File(out)});
    ASSERT_EQ(r.exit_code, 0) << r.err;
  }
  std::vector<Record> Records(const std::string& shape) const {
    const auto log = OpenSqliteLog(File("t.db"), LogMode::kRead);
    RecordFilter filter;
    filter.workload = "softmax:" + shape + ":f32";
    filter.outcome = Outcome::kOk;
    auto records = (*log)->Query(filter).value();
    std::sort(records.begin(), records.end(),
              [](const Record& a, const Record& b) { return a.value() < b.value(); });
    return records;
  }
  // A log of these alone.
  void WriteLog(const std::string& file, std::vector<Record> records) const {
    fs::remove(File(file));
    const auto log = OpenSqliteLog(File(file), LogMode::kWrite);
    ASSERT_TRUE((*log)->Append(records).ok());
  }
  json Package(const std::string& log, const std::string& out, const std::string& against) const {
    std::vector<std::string> args = {"package", "--json", "--log", File(log), "--out", File(out)};
    if (!against.empty()) args.insert(args.end(), {"--against", File(against) + "/rpi4"});
    const ChildResult r = Run(args);
    EXPECT_EQ(r.exit_code, 0) << r.err;
    return r.exit_code == 0 ? json::parse(r.out) : json();
  }
  json Manifest(const std::string& out) const {
    return json::parse(Read(File(out) + "/rpi4/manifest.json"));
  }
};

TEST_F(VirtualGateTest, EachVariantIsHeldAgainstItsPredecessorToTheLastDigit) {
  ASSERT_NO_FATAL_FAILURE(Tune("64x300", "tuned"));
  ASSERT_NO_FATAL_FAILURE(Tune("48x200", "tuned"));
  const std::vector<Record> wide = Records("64x300"), narrow = Records("48x200");
  ASSERT_GT(wide.size(), 3u);
  ASSERT_GT(narrow.size(), 3u);
  const Record &best = wide.front(), &worst = wide.back();
  ASSERT_GT(worst.value(), 1.1 * best.value());
  WriteLog("first.db", {best, narrow.front()});
  Package("first.db", "first", "");
  const std::string before = Sha256Hex(Read(File("first") + "/rpi4/manifest.json"));

  // A record that claims to be the best, of a config that is the worst; and the other workload is
  // not in the log any more.
  Record planted = worst;
  planted.samples = {1};
  WriteLog("planted.db", {planted});
  const json held = Package("planted.db", "second", "first");
  ASSERT_EQ(held["variants"].size(), 2u);
  EXPECT_EQ(held["variants"][0]["verdict"], "kept");
  EXPECT_EQ(held["variants"][0]["reason"], "not in the log");
  const json& kept = held["variants"][1];
  EXPECT_EQ(kept["verdict"], "kept");
  EXPECT_EQ(kept["ships"], "predecessor");
  EXPECT_THAT(kept["reason"].get<std::string>(), HasSubstr("% slower"));
  EXPECT_EQ(kept["new"]["samples"], json::array({worst.value()}));
  EXPECT_EQ(kept["old"]["samples"], json::array({best.value()}));
  EXPECT_EQ(kept["ratio"]["mean"], worst.value() / best.value());
  EXPECT_EQ(kept["ratio"]["low"], kept["ratio"]["high"]);
  EXPECT_EQ(kept["blame"]["causes"], json::array({"space"}));
  EXPECT_EQ(kept["same_code"], true);
  EXPECT_NE(kept["seed"], best.seed);
  const json manifest = Manifest("second");
  ASSERT_EQ(manifest["variants"].size(), 2u);
  for (const json& v : manifest["variants"]) {
    EXPECT_EQ(v["gate"]["verdict"], "kept");
    EXPECT_EQ(v["gate"]["against_sha256"], before);
  }
  EXPECT_EQ(manifest["variants"][1]["config"], best.config);
  EXPECT_EQ(manifest["variants"][1]["record"]["value"], best.value());
  EXPECT_EQ(manifest["variants"][1]["record"]["time_unix_ms"], best.time_unix_ms);

  // The same gate gives the same bytes.
  Package("planted.db", "third", "first");
  for (const char* file : {"/rpi4/manifest.json", "/rpi4/libtuned_rpi4.a"}) {
    EXPECT_EQ(Read(File("second") + file), Read(File("third") + file)) << file;
  }

  // The other way round the best takes the worst's place, and nothing is run of what is the same.
  WriteLog("worst.db", {worst});
  Package("worst.db", "slow", "");
  const json better = Package("first.db", "fourth", "slow");
  EXPECT_EQ(better["variants"][0]["verdict"], "added");
  EXPECT_EQ(better["variants"][1]["verdict"], "new");
  EXPECT_EQ(better["variants"][1]["ratio"]["mean"], best.value() / worst.value());
  const json same = Package("first.db", "fourth", "fourth");
  for (const json& v : same["variants"]) EXPECT_EQ(v["verdict"], "same");
  EXPECT_EQ(same["board_minutes"], 0);
}

TEST_F(VirtualGateTest, ACompilerThatMadeItSlowerIsToldFromTheBoard) {
  ASSERT_NO_FATAL_FAILURE(Tune("64x300", "tuned"));
  // As if another compiler had made half the cycles of it, and other bytes.
  const std::string path = File("tuned") + "/rpi4/manifest.json";
  json manifest = json::parse(Read(path));
  json& record = manifest["variants"][0]["record"];
  record["value"] = record["value"].get<double>() / 2;
  record["compiler"] = "an older one";
  record["artifact_sha256"] = std::string(64, '0');
  std::ofstream(path) << manifest.dump(2);
  const json rebuilt = Package("t.db", "second", "tuned");
  EXPECT_EQ(rebuilt["variants"][0]["verdict"], "rebuilt");
  EXPECT_EQ(rebuilt["variants"][0]["to_record"]["mean"], 2);
  EXPECT_EQ(rebuilt["variants"][0]["blame"]["causes"], json::array({"compiler"}));
  EXPECT_THAT(rebuilt["variants"][0]["blame"]["text"].get<std::string>(),
              HasSubstr("an older one, now "));
}

TEST_F(VirtualGateTest, TheTableFitsATerminal) {
  ASSERT_NO_FATAL_FAILURE(Tune("64x300", "tuned"));
  Record planted = Records("64x300").back();
  planted.samples = {1};
  WriteLog("planted.db", {planted});
  const ChildResult r = Run({"package", "--log", File("planted.db"), "--out", File("second"),
                             "--against", File("tuned") + "/rpi4"});
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("softmax 64x300"));
  EXPECT_THAT(r.out, HasSubstr("kept: "));
  EXPECT_THAT(r.out, HasSubstr("slower by the space: "));
  const size_t table = r.out.find("  task"), end_of_table = r.out.find("board-minutes");
  ASSERT_NE(end_of_table, std::string::npos);
  for (size_t begin = table; begin < end_of_table;) {
    const size_t end = r.out.find('\n', begin);
    EXPECT_LE(end - begin, 80u) << r.out.substr(begin, end - begin);
    begin = end + 1;
  }
}

// ---- The host, whose times vary. HALYARD_GATE_REPETITIONS: how often each is asked.

int Repetitions() {
  const char* given = std::getenv("HALYARD_GATE_REPETITIONS");
  return given == nullptr ? 3 : std::atoi(given);
}

class HostGateTest : public GateTest {
 protected:
  void SetUp() override {
    GateTest::SetUp();
    builder_ = MakeWorkerBuilder({}).value();
    executor_ = MakeExecutor(task_.device).value();
    log_ = OpenSqliteLog(File("t.db"), LogMode::kWrite).value();
  }

  BuildResult Build(const Config& c) {
    return builder_->Build({{BuildKind::kConfig, task_.workload.ToText(), task_.space.ToText(c),
                             task_.device.loaded_from}})[0];
  }

  // Of one thread, whose times are of the arithmetic alone.
  std::vector<Config> DrawSerial(size_t number) {
    std::mt19937_64 rng(11);
    std::vector<Config> drawn;
    while (drawn.size() < number) {
      const Config c = *task_.space.Random(rng);
      if (task_.space.ToText(c).find("parallel=serial") != std::string::npos) drawn.push_back(c);
    }
    return drawn;
  }

  // Two configs of which many rounds in one process say that the second takes at least 1.1 times as
  // long, by the whole interval, and less than twice: what is planted is no caricature.
  void FindPair(Config& fast, Config& slow) {
    const std::vector<Config> drawn = DrawSerial(16);
    CandidateRunner runner(task_, *executor_, 1);
    std::vector<std::pair<double, size_t>> alone;
    std::vector<BuildResult> all;
    for (const Config& c : drawn) {
      all.push_back(Build(c));
      ASSERT_EQ(all.back().outcome, Outcome::kOk) << all.back().message;
      const MeasureResult m = runner.Measure(c, all.back(), {});
      if (m.outcome == Outcome::kOk) alone.emplace_back(MedianSample(m.samples), all.size() - 1);
    }
    std::sort(alone.begin(), alone.end());
    ASSERT_GE(alone.size(), 6u);
    std::vector<Config> configs;
    std::vector<BuildResult> built;
    for (size_t i = 0; i < 6; i++) {
      configs.push_back(drawn[alone[i].second]);
      built.push_back(all[alone[i].second]);
    }
    const auto times = runner.Interleave(built, 60, 0.5);
    ASSERT_TRUE(times.ok()) << times.status();
    double nearest = 2;
    for (size_t i = 0; i < configs.size(); i++) {
      for (size_t j = 0; j < configs.size(); j++) {
        if (times->at(i).empty() || times->at(j).empty()) continue;
        const RatioInterval ratio = PairedRatio(times->at(j), times->at(i));
        if (ratio.low < 1.1 || ratio.mean > nearest) continue;
        nearest = ratio.mean;
        fast = configs[i];
        slow = configs[j];
      }
    }
    ASSERT_LT(nearest, 2) << "no two configs are near enough to each other";
    RecordProperty("planted_ratio_percent", static_cast<int>(100 * nearest));
  }

  // Whether what was planted is there at this moment: a machine that others load can be one on
  // which both configs wait for the same thing.
  bool IsSlowerNow(const Config& slow, const Config& fast) {
    CandidateRunner runner(task_, *executor_, 1);
    const auto times = runner.Interleave({Build(fast), Build(slow)}, 60, 0.5);
    if (!times.ok() || times->at(0).empty() || times->at(1).empty()) return false;
    return PairedRatio(times->at(1), times->at(0)).low > 1.1;
  }

  Record RecordOfConfig(const Config& c, double ns) {
    Record r;
    r.workload = task_.workload.ToText();
    r.config = task_.space.ToText(c);
    r.space_version = task_.space.version();
    r.device = task_.device.id;
    r.board = executor_->board_id();
    r.unit = "ns";
    r.samples = {ns};
    r.outcome = Outcome::kOk;
    r.compiler = builder_->compiler() + "; " + task_.device.halide_target;
    return r;
  }

  // The gate's answer where the log has `now` and the last library `before`. `number`: of the
  // repetition, each of which has inputs of its own.
  GatedVariant Gate(const Config& now, const Config& before, int number) {
    LibrarySpec spec;
    spec.device = task_.device;
    spec.variants = {{RecordOfConfig(now, 1), task_.workload}};
    ShippedLibrary previous;
    previous.folder = "last";
    previous.manifest_sha256 = Sha256Hex(std::to_string(number));
    previous.compiler = builder_->compiler();
    previous.variants.push_back({RecordOfConfig(before, 1000), 1, "symbol", ""});
    GateBench bench{task_.device, *builder_, *executor_, *log_, interrupted_};
    const auto report = PassGate(bench, previous, spec, [](const std::string&) {});
    EXPECT_TRUE(report.ok()) << report.status();
    if (!report.ok()) return {};
    EXPECT_EQ(spec.variants.size(), 1u);
    EXPECT_EQ(
        spec.variants.at(0).record.config,
        task_.space.ToText(report->variants[0].decision.ships == GateShips::kNew ? now : before));
    const GatedVariant& v = report->variants.at(0);
    std::printf("  %d: %s %s, %d rounds", number, GateVerdictName(v.decision.verdict).data(),
                v.decision.reason.c_str(), v.rounds);
    if (v.evidence.ratio) {
      std::printf(", %.3f [%.3f %.3f]", v.evidence.ratio->mean, v.evidence.ratio->low,
                  v.evidence.ratio->high);
    }
    std::printf("\n");
    return v;
  }

  // Small enough for a core's own caches: its time is not what the machine's other users leave.
  const Task task_ =
      MakeTask(ParseWorkload("gemm:96x128x96:f32").value(), LoadDevice("host").value());
  std::unique_ptr<Builder> builder_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<MeasurementLog> log_;
  const std::atomic<bool> interrupted_{false};
};

TEST_F(HostGateTest, APlantedRegressionIsHeldBack) {
  Config fast, slow;
  ASSERT_NO_FATAL_FAILURE(FindPair(fast, slow));
  int without = 0;
  for (int i = 0; i < Repetitions(); i++) {
    const GatedVariant v = Gate(slow, fast, i);
    if (v.evidence.slower) {
      EXPECT_EQ(v.decision.verdict, GateVerdict::kKept) << "repetition " << i;
      continue;
    }
    EXPECT_FALSE(IsSlowerNow(slow, fast)) << "repetition " << i;
    without++;
  }
  std::printf("  in %d of %d the machine itself made both take the same\n", without, Repetitions());
  EXPECT_LE(without, (Repetitions() + 2) / 3);
}

// One config in two builds: whatever differs is noise, or where memory happens to lie.
TEST_F(HostGateTest, AnEqualVariantIsNotCalledSlower) {
  const BuildResult one = Build(task_.space.safe()), other = Build(task_.space.safe());
  ASSERT_EQ(one.outcome, Outcome::kOk);
  EXPECT_EQ(one.sha256, other.sha256);
  int slower = 0;
  for (int i = 0; i < Repetitions(); i++) {
    GateBench bench{task_.device, *builder_, *executor_, *log_, interrupted_};
    const auto duel =
        RunInTurn(bench, task_, one, other, 1000 + 16 * static_cast<uint64_t>(i), 0.008);
    ASSERT_TRUE(duel.ok()) << duel.status();
    ASSERT_TRUE(duel->ratio) << duel->no_ratio;
    std::printf("  %d: %s, %d rounds, %.3f [%.3f %.3f]\n", i, duel->slower ? "slower" : "equal",
                duel->rounds, duel->ratio->mean, duel->ratio->low, duel->ratio->high);
    slower += duel->slower ? 1 : 0;
  }
  EXPECT_LE(slower, Repetitions() / 20);
}

}  // namespace
}  // namespace halyard
