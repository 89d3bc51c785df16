#include "rpc_farm/gdb_executor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "absl/strings/match.h"
#include "rpc_farm/firmware_job.h"
#include "rpc_farm/read_file.h"
#include "rpc_farm/runner_outcome.h"
#include "rpc_farm/temporary_folder.h"
#include "rpc_farm/thumb_report.h"
#include "targets/timing_rules.h"

namespace halyard {
namespace {

using Clock = GdbClient::Clock;

constexpr int kStackPointer = 13, kProgramCounter = 15, kProgramStatus = 25;
constexpr uint32_t kThumb = 1u << 24, kExceptionNumber = 0x1ff;
// For the debugger's side of things once a run has used its time up.
constexpr std::chrono::milliseconds kAfterwards{800};

RunOutcome Failure(RunStatus status, const std::string& message) {
  return {status, OneLine(message), {}};
}

}  // namespace

// One image on one board, from loading it to the last entry.
class GdbExecutor::Session {
 public:
  // `report`: a file of the emulator's plugin.
  Session(GdbExecutor& executor, const FirmwareImage& image, const RunRequest& request,
          std::string report, Clock::time_point deadline)
      : executor_(executor),
        image_(image),
        request_(request),
        report_(std::move(report)),
        deadline_(deadline) {}
  ~Session() { executor_.emulator_pid_ = 0; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // False: failure() says why.
  bool Open() { return Took(Connect()) && Took(Load()); }

  // `runs` timed runs after the checked one; all ticks.
  bool RunEntry(const EntrySpec& entry, size_t candidate, int runs, EntryResult* result,
                std::vector<double>* ticks) {
    const auto job = MakeJob(image_, executor_.memory(), entry, candidate, request_.seed, runs,
                             executor_.device_.firmware->clock == ClockSource::kDwt);
    if (!job.ok()) return Fail(RunStatus::kInfra, std::string(job.status().message()));
    if (!Took(Begin(job->mailbox)) || !AwaitStop()) return false;
    Mailbox after;
    std::string output;
    if (!Took(Finish(*job, &after, &output))) return false;
    if (after.state == kMailboxFaulted) return Fail(RunStatus::kCrash, FaultText(after));
    if (after.state != kMailboxRan) {
      return Fail(RunStatus::kInfra, fmt::format("the firmware stopped in state {}", after.state));
    }
    JudgeOutput(entry, request_.seed, after, output, result);
    *ticks = TicksOf(after, job->mailbox.runs);
    return true;
  }

  // What the entry that was run last took, on a virtual board.
  bool CountCycles(double ticks, EntryResult* result) {
    const FirmwareEmulator& emulator = executor_.device_.firmware->emulator;
    if (emulator.costs.issue_width > 0) {
      const auto count = LastThumbCount(ReadFile(report_));
      if (!count.ok()) return Fail(RunStatus::kInfra, std::string(count.status().message()));
      result->serial_cycles = count->cycles;
      result->instructions = count->instructions;
      return true;
    }
    const double ticks_per_instruction =
        std::ldexp(static_cast<double>(emulator.clock_hz) * 1e-9, emulator.icount_shift);
    result->serial_cycles = std::round(ticks / ticks_per_instruction);
    result->instructions["all"] = static_cast<int64_t>(result->serial_cycles);
    return true;
  }

  const RunOutcome& failure() const { return failure_; }

 private:
  bool Fail(RunStatus status, const std::string& message) {
    failure_ = Failure(status, message);
    return false;
  }

  // Whether a step with the debugger went well; a debugger that is gone took the board with it.
  bool Took(const absl::Status& status) {
    if (status.ok()) return true;
    std::string message(status.message());
    if (qemu_ != nullptr) {
      const std::string words = qemu_->last_words();
      if (!words.empty()) message += ": " + words;
      // A fault within the handlers of faults, which only a kernel that changed them can cause.
      if (absl::StrContains(words, "Lockup")) return Fail(RunStatus::kCrash, words);
    }
    return Fail(absl::IsInternal(status) ? RunStatus::kInfra : RunStatus::kBoardLost, message);
  }

  absl::Status Connect() {
    absl::StatusOr<std::unique_ptr<GdbClient>> client;
    if (executor_.is_virtual()) {
      auto qemu = QemuSystem::Start(executor_.device_.firmware->emulator, report_);
      if (!qemu.ok()) return qemu.status();
      qemu_ = *std::move(qemu);
      executor_.emulator_pid_ = qemu_->pid();
      client = GdbClient::Make(qemu_->TakeSocket(), deadline_);
    } else {
      const BoardAddress& board = executor_.device_.board;
      client = GdbClient::Connect(board.host, board.port, deadline_);
    }
    if (!client.ok()) return client.status();
    gdb_ = *std::move(client);
    return executor_.is_virtual() ? absl::OkStatus() : Reset();
  }

  // What an earlier run left, a fault's handler above all, must not be there when this one begins.
  absl::Status Reset() {
    // OpenOCD's and pyOCD's, J-Link's, qemu's.
    for (const char* command : {"reset halt", "reset", "system_reset"}) {
      const auto printed = gdb_->Monitor(command);
      if (!printed.ok() && !absl::IsInternal(printed.status())) return printed.status();
      if (!printed.ok()) continue;
      const auto status = gdb_->ReadRegister(kProgramStatus);
      if (!status.ok()) return status.status();
      if ((*status & kExceptionNumber) == 0 && !absl::StrContains(*printed, "unknown command")) {
        return absl::OkStatus();
      }
    }
    return absl::UnavailableError("the debugger could not reset the board");
  }

  bool InFlash(uint32_t address) const {
    const auto& memory = executor_.memory();
    return std::any_of(memory.begin(), memory.end(), [&](const MemoryRegion& region) {
      return region.kind == MemoryKind::kFlash && address >= region.origin &&
             address < region.end();
    });
  }

  absl::Status Load() {
    for (const Elf32Segment& segment : image_.elf.segments) {
      // The emulator's flash is memory.
      const bool flash = !executor_.is_virtual() && InFlash(segment.address);
      const absl::Status s = flash ? gdb_->WriteFlash(segment.address, segment.bytes)
                                   : gdb_->WriteMemory(segment.address, segment.bytes);
      if (!s.ok()) return s;
    }
    const auto stop = image_.elf.ValueOf("halyard_stop");
    return stop.ok() ? gdb_->SetBreakpoint(*stop) : stop.status();
  }

  absl::Status Begin(const Mailbox& mailbox) {
    const auto address = image_.elf.ValueOf("halyard_mailbox");
    if (!address.ok()) return address.status();
    mailbox_address_ = *address;
    std::string bytes(sizeof mailbox, '\0');
    std::memcpy(bytes.data(), &mailbox, sizeof mailbox);
    absl::Status s;
    // What a kernel's own data began with, an earlier run may have changed.
    for (const Elf32Segment& segment : image_.elf.segments) {
      if (s.ok() && ran_before_ && segment.address >= image_.layout.private_base &&
          segment.address < image_.layout.free) {
        s = gdb_->WriteMemory(segment.address, segment.bytes);
      }
    }
    ran_before_ = true;
    if (s.ok()) s = gdb_->WriteMemory(mailbox_address_, bytes);
    if (s.ok()) s = gdb_->WriteRegister(kProgramStatus, kThumb);
    if (s.ok()) s = gdb_->WriteRegister(kStackPointer, image_.layout.stack_low);
    if (s.ok()) s = gdb_->WriteRegister(kProgramCounter, image_.elf.entry & ~1u);
    return s.ok() ? gdb_->Continue() : s;
  }

  bool AwaitStop() {
    gdb_->set_deadline(deadline_);
    const auto signal = gdb_->WaitForStop();
    gdb_->set_deadline(std::max(deadline_, Clock::now() + kAfterwards));
    if (signal.ok()) return true;
    if (!absl::IsDeadlineExceeded(signal.status())) return Took(signal.status());
    // Left halted, so that it harms nothing; the run is over whether or not the debugger hears.
    if (!executor_.is_virtual() && gdb_->Interrupt().ok()) gdb_->WaitForStop().IgnoreError();
    return Fail(RunStatus::kTimeout, "stopped at the deadline");
  }

  absl::Status Finish(const FirmwareJob& job, Mailbox* after, std::string* output) {
    const auto bytes = gdb_->ReadMemory(mailbox_address_, sizeof *after);
    if (!bytes.ok()) return bytes.status();
    std::memcpy(after, bytes->data(), sizeof *after);
    if (after->state != kMailboxRan) return absl::OkStatus();
    auto read = gdb_->ReadMemory(job.output_address, job.output_bytes);
    if (!read.ok()) return read.status();
    *output = *std::move(read);
    return absl::OkStatus();
  }

  GdbExecutor& executor_;
  const FirmwareImage& image_;
  const RunRequest& request_;
  const std::string report_;
  const Clock::time_point deadline_;
  std::unique_ptr<QemuSystem> qemu_;
  std::unique_ptr<GdbClient> gdb_;
  uint32_t mailbox_address_ = 0;
  bool ran_before_ = false;
  RunOutcome failure_;
};

absl::StatusOr<std::unique_ptr<GdbExecutor>> GdbExecutor::Make(const Device& device) {
  const std::string firmware = DataPath("firmware/" + device.triplet + "/firmware.o");
  if (access(firmware.c_str(), R_OK) != 0) {
    return absl::FailedPreconditionError(
        fmt::format("the firmware {} is missing: {} has none for triplet {}, or build the target "
                    "halyard_board_files, or point HALYARD_DATA_DIR at a folder that has it",
                    firmware, "Halyard", device.triplet));
  }
  std::unique_ptr<GdbExecutor> executor(new GdbExecutor(device));
  if (executor->is_virtual()) {
    auto version = QemuSystemVersion();
    if (!version.ok()) return version.status();
    executor->qemu_version_ = *version;
    if (device.firmware->emulator.costs.issue_width > 0 &&
        access(CountThumbPlugin().c_str(), R_OK) != 0) {
      return absl::FailedPreconditionError(
          fmt::format("the counting plugin {} is missing: build the target halyard_board_files, or "
                      "point HALYARD_DATA_DIR at a folder that has it",
                      CountThumbPlugin()));
    }
  }
  return executor;
}

namespace {

// Orders of the candidates in each round, of the request's seed.
std::vector<std::vector<size_t>> RoundOrders(const RunRequest& request) {
  std::mt19937_64 rng(request.seed);
  std::vector<size_t> order(request.candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<std::vector<size_t>> orders;
  for (int round = 0; round < request.rounds; ++round) {
    std::shuffle(order.begin(), order.end(), rng);
    orders.push_back(order);
  }
  return orders;
}

}  // namespace

RunOutcome GdbExecutor::Run(const RunRequest& request, std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  RunOutcome outcome;
  if (request.mode == RunMode::kPeak) {
    outcome.reply.peak_gflops = device_.clock_ghz * device_.peak_flop_per_cycle();
    outcome.reply.copy_gb_per_s = device_.copy_gb_per_s;
    outcome.status = RunStatus::kOk;
    return outcome;
  }
  const TemporaryFolder folder;
  if (folder.path().empty()) return Failure(RunStatus::kInfra, "cannot make a temporary folder");
  const auto image =
      LinkFirmware(device_, memory(), is_virtual(), request.candidates, folder.path());
  if (!image.ok()) {
    const absl::Status& status = image.status();
    return Failure(absl::IsResourceExhausted(status) ? RunStatus::kResource
                   : absl::IsInvalidArgument(status) ? RunStatus::kRejected
                                                     : RunStatus::kInfra,
                   std::string(status.message()));
  }
  Session session(*this, *image, request, folder.path() + "/cycles", end);
  if (!session.Open()) return session.failure();
  const bool interleaved = request.mode == RunMode::kInterleave;
  const auto ns = [&](double ticks) { return ticks / device_.clock_ghz; };
  for (size_t c = 0; c < request.candidates.size(); ++c) {
    auto& results = outcome.reply.candidates.emplace_back();
    for (const EntrySpec& entry : request.candidates[c].entries) {
      EntryResult& result = results.emplace_back();
      std::vector<double> ticks;
      if (!session.RunEntry(entry, c, 0, &result, &ticks)) return session.failure();
      if (is_virtual()) {
        if (!session.CountCycles(ticks[0], &result)) return session.failure();
      } else if (!interleaved && WorthTiming(result)) {
        // As many runs as fit the cap: the counter of cycles needs no repeats to be exact.
        const double fit = static_cast<double>(request.timing.cap_ns) / std::max(1.0, ns(ticks[0]));
        const int runs =
            static_cast<int>(std::clamp(fit, 1.0, static_cast<double>(request.timing.samples)));
        EntryResult again;
        if (!session.RunEntry(entry, c, runs, &again, &ticks)) return session.failure();
        for (size_t i = 1; i < ticks.size(); ++i) result.samples_ns.push_back(ns(ticks[i]));
      }
      if (interleaved) break;
    }
  }
  if (interleaved && !is_virtual()) {
    for (const std::vector<size_t>& order : RoundOrders(request)) {
      for (size_t c : order) {
        EntryResult again;
        std::vector<double> ticks;
        const EntrySpec& entry = request.candidates[c].entries.front();
        if (!session.RunEntry(entry, c, 1, &again, &ticks)) return session.failure();
        outcome.reply.candidates[c][0].samples_ns.push_back(ns(ticks[1]));
      }
    }
  }
  outcome.status = RunStatus::kOk;
  return outcome;
}

std::string GdbExecutor::board_id() const {
  if (is_virtual()) return "virtual-" + device_.id;
  return device_.id + "@" + device_.board.ToText();
}

std::string GdbExecutor::environment() const {
  const FirmwareTarget& firmware = *device_.firmware;
  if (is_virtual()) {
    return fmt::format("{}, machine {}, {}", qemu_version_, firmware.emulator.machine,
                       firmware.emulator.costs.issue_width > 0 ? "cycles by class of instruction"
                                                               : "a cycle is an instruction");
  }
  return fmt::format("debugger at {}, clock {} at {} GHz", device_.board.ToText(),
                     firmware.clock == ClockSource::kDwt ? "DWT CYCCNT" : "SysTick",
                     device_.clock_ghz);
}

}  // namespace halyard
