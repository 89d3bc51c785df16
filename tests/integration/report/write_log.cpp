// Writes a log of made-up trials through the real log writer, for reports to be drawn from: real
// spaces and devices, times by a formula, boards of a farm that warm up, drift and get lost.
//
//   write_report_log RECORDS FILE

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "logs/measurement_log.h"
#include "schedules/task.h"
#include "targets/counter_rng.h"
#include "targets/device_snapshot.h"

namespace halyard {
namespace {

// 2026-11-20 21:00 UTC. The first half of the records are of that night, the others of the next.
constexpr int64_t kFirstNightMs = 1'795'208'400'000;
constexpr int64_t kDayMs = 86'400'000, kNightMs = 8 * 3'600'000;
constexpr size_t kBatch = 1000;

struct Board {
  std::string name;
  double speed;    // time of it over that of the ruler's board
  double drift;    // by the end of a night
  double lost;     // share of runs
  double celsius;  // when it is warm
};

// The last one's name is what a page must not take for markup.
const std::array<Board, 4> kBoards = {{
    {"shelf-1", 1.00, 0.005, 0.001, 58},
    {"shelf-2", 1.02, 0.06, 0.002, 71},
    {"shelf-3", 0.99, -0.004, 0.06, 55},
    {"<img src=x onerror=alert(1)>", 1.01, 0.14, 0.01, 83},
}};

class Generator {
 public:
  Generator(const std::string& workload, const Device& device, uint64_t seed)
      : task_(MakeTask(*ParseWorkload(workload), device)),
        seed_(seed),
        rng_(seed),
        snapshot_(std::make_shared<const std::string>(DeviceSnapshot(device).dump())),
        best_config_(task_.space.safe()) {}

  Record Next(int64_t time_ms, double through_the_night) {
    const Config config = Propose();
    const double cost = CostOf(config);
    Record r = Blank(config, time_ms);
    if (config != task_.space.safe() && trials_ > 12)
      r.predicted_score = Rounded(1 / cost + Noise(0.06));
    ++trials_;
    AddEnvironment(r, through_the_night);
    r.outcome = OutcomeOf(config);
    r.message = MessageOf(r.outcome);
    if (r.outcome != Outcome::kOk) return r;
    r.checks = "probe,poison,guards,finite,inputs";
    const double ns = cost * RoofNs() * 1.6;
    const bool counted = r.board_kind == BoardKind::kVirtual;
    for (int i = 0; i < (counted ? 1 : 3); ++i) {
      r.samples.push_back(counted ? std::floor(ns * task_.device.clock_ghz)
                                  : Rounded(ns * (1 + std::abs(Noise(0.01)))));
    }
    if (cost < best_cost_) best_cost_ = cost, best_config_ = config;
    return r;
  }

 private:
  Config Propose() {
    if (trials_ == 0) return task_.space.safe();
    if (rng_() % 10 < 6) return task_.space.Neighbour(best_config_, rng_);
    return task_.space.Random(rng_).value_or(task_.space.safe());
  }

  // Above 1: each knob's value has a price, the first knobs' the higher ones.
  double CostOf(const Config& config) const {
    double cost = 1;
    for (size_t k = 0; k < config.size(); ++k) {
      const double dear =
          static_cast<double>(CounterBits(seed_, k, static_cast<uint64_t>(config[k])) % 1000) /
          1000;
      cost += dear * dear * 2.4 / static_cast<double>(k + 1);
    }
    return cost;
  }

  double RoofNs() const {
    const Device& d = task_.device;
    return std::max(task_.op->Flops(task_.workload) / (d.clock_ghz * d.peak_flop_per_cycle()),
                    task_.op->Bytes(task_.workload) / d.copy_gb_per_s);
  }

  double Noise(double deviation) { return deviation * normal_(rng_); }
  static double Rounded(double v) { return std::round(v * 1e4) / 1e4; }

  Record Blank(const Config& config, int64_t time_ms) {
    Record r;
    r.workload = task_.workload.ToText();
    r.config = task_.space.ToText(config);
    r.space_version = task_.space.version();
    r.device = task_.device.id;
    r.board_kind = task_.device.board_kind();
    r.unit = r.board_kind == BoardKind::kVirtual ? "virtual_cycles" : "ns";
    r.protocol = 2;
    r.compiler = "made up";
    r.seed = seed_;
    r.time_unix_ms = time_ms;
    r.device_snapshot = snapshot_;
    r.peak_gflops = task_.device.clock_ghz * task_.device.peak_flop_per_cycle();
    r.copy_gb_per_s = task_.device.copy_gb_per_s;
    return r;
  }

  void AddEnvironment(Record& r, double through_the_night) {
    if (r.board_kind == BoardKind::kVirtual) {
      r.board = "virtual-" + r.device;
      r.environment = "qemu-aarch64 7.2";
      return;
    }
    board_ = &kBoards[rng_() % kBoards.size()];
    r.board = board_->name;
    const double warm = 1 - std::exp(-8 * through_the_night);
    const double slower = board_->speed * (1 + board_->drift * through_the_night);
    r.environment = fmt::format(
        "Linux 6.1, governor performance, {:.0f} MHz, {:.1f} C, {:.1f} W, {}",
        1000 * task_.device.clock_ghz, 34 + (board_->celsius - 34) * warm + Noise(0.8),
        3 + 2 * warm,
        board_->celsius > 80 && through_the_night > 0.7 ? "throttled" : "not throttled");
    r.environment += fmt::format(", times {:.4f} of the ruler", 1 / slower);
  }

  Outcome OutcomeOf(const Config& config) {
    if (config == task_.space.safe()) return Outcome::kOk;
    const double draw = static_cast<double>(rng_() % 100'000) / 100'000;
    if (board_ != nullptr && draw < board_->lost) return Outcome::kBoardLost;
    if (draw < 0.070) return Outcome::kOk;
    if (draw < 0.085) return Outcome::kBuildError;
    if (draw < 0.090) return Outcome::kCrash;
    if (draw < 0.093) return Outcome::kWrongResult;
    if (draw < 0.098) return Outcome::kUnstable;
    if (draw < 0.100) return Outcome::kBuildTimeout;
    return Outcome::kOk;
  }

  std::string MessageOf(Outcome outcome) {
    switch (outcome) {
      case Outcome::kBuildError:
        return fmt::format("LLVM ERROR: stack frame size ({}) exceeds limit", rng_() % 90'000);
      case Outcome::kCrash:
        return "signal 11 </script><script>alert(1)</script>";
      case Outcome::kWrongResult:
        return fmt::format("element {} is 0.{}, should be 0.5 (tolerance 1e-05)", rng_() % 4096,
                           rng_() % 1000);
      case Outcome::kUnstable:
        return "the clock moved from 1800 to 1500 MHz while it was timed";
      case Outcome::kBuildTimeout:
        return "still building after 30 s";
      case Outcome::kBoardLost:
        return "its agent was not heard of for 30 s";
      default:
        return "";
    }
  }

  const Task task_;
  const uint64_t seed_;
  std::mt19937_64 rng_;
  std::normal_distribution<double> normal_;
  const std::shared_ptr<const std::string> snapshot_;
  Config best_config_;
  double best_cost_ = 1e9;
  const Board* board_ = nullptr;
  int trials_ = 0;
};

std::vector<Generator> Generators() {
  std::vector<Generator> all;
  Device rpi4 = *LoadDevice("rpi4"), rpi5 = *LoadDevice("rpi5");
  rpi4.board.reach = BoardReach::kLocal;
  uint64_t seed = 1;
  for (const char* workload :
       {"gemm:512x512x512:f32", "gemm:128x768x768,packed=1:f32", "gemm:128x3072x768,packed=1:f32",
        "gemm:77x768x3072:f32", "gemm:1x1024x1024:f32", "conv2d:1x56x56x64x64x3x3,pad=1:f32",
        "conv2d:1x28x28x128x128x3x3,pad=1:f32", "softmax:4096x1000:f32", "softmax:1536x128:f32",
        "attention:12x128x64:f32"}) {
    all.emplace_back(workload, rpi4, ++seed);
    all.emplace_back(workload, rpi5, ++seed);
  }
  return all;
}

int WriteLog(int64_t records, const std::string& path) {
  auto log = OpenSqliteLog(path, LogMode::kWrite);
  if (!log.ok()) return fmt::print(stderr, "{}\n", log.status().ToString()), 1;
  std::vector<Generator> tasks = Generators();
  std::vector<Record> batch;
  for (int64_t i = 0; i < records; ++i) {
    const int64_t night = 2 * i / records;
    const double through =
        static_cast<double>(2 * i - night * records) / static_cast<double>(records);
    const int64_t time_ms =
        kFirstNightMs + night * kDayMs + static_cast<int64_t>(through * kNightMs);
    // A search takes its trials in batches of 16; the last three tasks are new in the second night.
    const size_t known = night == 0 ? tasks.size() - 3 : tasks.size();
    batch.push_back(tasks[static_cast<size_t>(i / 16) % known].Next(time_ms, through));
    if (batch.size() < kBatch && i + 1 < records) continue;
    if (auto s = (*log)->Append(batch); !s.ok()) return fmt::print(stderr, "{}\n", s.ToString()), 1;
    batch.clear();
  }
  return 0;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  if (argc == 3) return halyard::WriteLog(std::atoll(argv[1]), argv[2]);
  std::fputs("write_report_log RECORDS FILE\n", stderr);
  return 2;
}
