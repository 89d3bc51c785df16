#include "rpc_farm/canary/canary.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "targets/counter_rng.h"

namespace halyard {
namespace {

constexpr uint64_t kSeed = 2718;
// On Linux 36 KiB a matrix: a tenth of a millisecond, from the second-level cache. A
// microcontroller has room for three of 4 KiB.
constexpr int64_t kLinuxSize = 96, kFirmwareSize = 32;
// Ten milliseconds in all, in pieces short enough that some fall between what else the machine
// does.
constexpr int kSamples = 20;
constexpr int64_t kSampleNs = 500'000;
// n roundings of a sum whose terms are below 1: at most n * n / 2^25 = 3e-4 for 96, were all terms
// 1 and all errors one way; a hundredth of that in truth.
constexpr double kTolerance = 1e-4;

std::vector<double> Reference(int64_t n) {
  std::vector<double> c(static_cast<size_t>(n * n), 0);
  const auto at = [](uint64_t input, int64_t index) {
    return static_cast<double>(CounterUniform(kSeed, input, static_cast<uint64_t>(index)));
  };
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < n; ++k) {
      const double a = at(0, i * n + k);
      for (int64_t j = 0; j < n; ++j) c[static_cast<size_t>(i * n + j)] += a * at(1, k * n + j);
    }
  }
  return c;
}

}  // namespace

absl::StatusOr<Canary> Canary::For(const Device& device) {
  const std::string artifact = device.firmware
                                   ? DataPath("canary/" + device.triplet + "/canary.o")
                                   : DataPath("canary/" + device.toolchain + "/canary.so");
  if (access(artifact.c_str(), R_OK) != 0) {
    return absl::FailedPreconditionError(
        fmt::format("the reference kernel {} is missing: build the target halyard_board_files, or "
                    "point HALYARD_DATA_DIR at a folder that has it",
                    artifact));
  }
  const int64_t n = device.firmware ? kFirmwareSize : kLinuxSize;
  EntrySpec entry;
  entry.symbol = "canary";
  entry.inputs = {{{n, n}}, {{n, n}}};
  entry.output = {{n, n}};
  entry.canonical_output = {n, n};
  entry.probe_points = {0, n - 1, n * n / 2 + 3, n * (n - 1), n * n - 1};
  entry.projection = true;

  Canary canary;
  canary.request_.mode =
      device.board_kind() == BoardKind::kVirtual ? RunMode::kCount : RunMode::kMeasure;
  canary.request_.seed = kSeed;
  canary.request_.timing.samples = kSamples;
  canary.request_.timing.min_sample_ns = kSampleNs;
  canary.request_.candidates = {{artifact, {entry}}};
  const std::vector<double> c = Reference(n);
  for (int64_t point : entry.probe_points) {
    canary.expected_.push_back(c[static_cast<size_t>(point)]);
  }
  for (int64_t i = 0; i < n * n; ++i) {
    canary.projection_ += c[static_cast<size_t>(i)] *
                          ProjectionSign(kSeed, 0, static_cast<uint64_t>(i / n)) *
                          ProjectionSign(kSeed, 1, static_cast<uint64_t>(i % n));
  }
  return canary;
}

absl::Status Canary::CheckAnswer(const EntryResult& result) const {
  if (result.kernel_error != 0) {
    return absl::DataLossError(fmt::format("the reference kernel returned {}: {}",
                                           result.kernel_error, result.kernel_message));
  }
  if (!result.guards_intact || !result.inputs_intact || result.poison_left > 0 ||
      result.non_finite > 0 || result.probe_values.size() != expected_.size()) {
    return absl::DataLossError("the reference kernel's output was not written as it should be");
  }
  for (size_t i = 0; i < expected_.size(); ++i) {
    if (std::fabs(result.probe_values[i] - expected_[i]) <= kTolerance) continue;
    return absl::DataLossError(fmt::format("the reference kernel computed {:.9g} for {:.9g}",
                                           result.probe_values[i], expected_[i]));
  }
  // Signs are independent of the rounding: errors add as a random walk over the output.
  const double n =
      std::sqrt(static_cast<double>(request_.candidates[0].entries[0].output.elements()));
  if (std::fabs(result.projection - projection_) <= kTolerance * n) return absl::OkStatus();
  return absl::DataLossError(fmt::format("the reference kernel's projection is {:.9g} for {:.9g}",
                                         result.projection, projection_));
}

absl::StatusOr<double> Canary::Judge(const RunOutcome& outcome) const {
  if (outcome.status == RunStatus::kCrash) {
    return absl::DataLossError("the reference kernel crashed: " + outcome.message);
  }
  if (outcome.status != RunStatus::kOk) {
    return absl::UnavailableError(
        fmt::format("{}: {}", RunStatusName(outcome.status), outcome.message));
  }
  const EntryResult& result = outcome.reply.candidates.at(0).at(0);
  if (absl::Status s = CheckAnswer(result); !s.ok()) return s;
  if (request_.mode == RunMode::kCount) return result.serial_cycles;
  const std::vector<double>& samples = result.samples_ns;
  if (samples.empty()) return absl::UnavailableError("no sample of the reference kernel");
  return *std::min_element(samples.begin(), samples.end());
}

}  // namespace halyard
