#include "rpc_farm/link_executor.h"

#include <algorithm>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "fmt/format.h"
#include "rpc_farm/artifact_file.h"
#include "rpc_farm/runner_outcome.h"
#include "rpc_farm/sha256.h"
#include "targets/supervision.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kSetUpDeadline(30);
constexpr seconds kCopyDeadline(60);
// What a link may take beyond the run itself before the board counts as lost.
constexpr milliseconds kLinkSlack(2'000);
// A search comes back to few artifacts (finalists, a suspect measured again); the others would
// fill a board's flash in a night.
constexpr size_t kArtifactsKept = 64;
constexpr char kFolderMark[] = "@halyard-folder:";
constexpr char kMachineMark[] = "@halyard-machine:";
constexpr char kRunnerMark[] = "@halyard-runner";
constexpr char kExitMark[] = "@halyard-exit:";

// The rest of the last line that begins with `mark`; nothing where none does.
std::optional<std::string> AfterMark(const std::string& text, const std::string& mark) {
  const size_t at = ("\n" + text).rfind("\n" + mark);
  if (at == std::string::npos) return std::nullopt;
  const size_t begin = at + mark.size();
  const size_t end = text.find('\n', begin);
  if (end == std::string::npos) return std::nullopt;  // cut short
  return std::string(absl::StripAsciiWhitespace(text.substr(begin, end - begin)));
}

std::string RandomName() {
  std::random_device random;
  return fmt::format("run-{:08x}{:08x}", random(), random());
}

std::string MachineOf(const std::string& triplet) { return triplet.substr(0, triplet.find('-')); }

RunStatus StatusOf(const absl::Status& status) {
  // That is an artifact too large to be sent.
  if (absl::IsInvalidArgument(status)) return RunStatus::kRejected;
  return absl::IsUnavailable(status) ? RunStatus::kBoardLost : RunStatus::kInfra;
}

RunOutcome Failed(const absl::Status& status) {
  return {StatusOf(status), OneLine(std::string(status.message())), {}};
}

}  // namespace

LinkExecutor::LinkExecutor(std::unique_ptr<BoardLink> link, std::string runner,
                           const Device& device)
    : link_(std::move(link)),
      runner_(std::move(runner)),
      triplet_(device.triplet),
      // As on this machine: a candidate that wants more would drive the board into swap or into its
      // out-of-memory killer.
      memory_bytes_(device.memory_bytes / 2),
      session_(RandomName()) {}

absl::StatusOr<std::unique_ptr<LinkExecutor>> LinkExecutor::Make(std::unique_ptr<BoardLink> link,
                                                                 std::string runner,
                                                                 const Device& device) {
  std::unique_ptr<LinkExecutor> executor(
      new LinkExecutor(std::move(link), std::move(runner), device));
  if (absl::Status s = executor->SetUp(); !s.ok()) return s;
  return executor;
}

LinkExecutor::~LinkExecutor() {
  if (!reachable_) return;
  Ask("rm -rf " + ShellQuoted(board_folder_ + "/" + session_), "", seconds(5));
  link_->Disconnect();
}

LinkExecutor::Answer LinkExecutor::Ask(const std::string& command, const std::string& input,
                                       milliseconds deadline) {
  Answer answer;
  // Not every adb hands the exit code on.
  answer.child = link_->Run(fmt::format("( {}\n); x=$?; echo; echo {}$x", command, kExitMark),
                            input, deadline);
  answer.out = answer.child.out;
  const auto code = AfterMark(answer.out, kExitMark);
  answer.ended = code && absl::SimpleAtoi(*code, &answer.exit_code);
  return answer;
}

absl::Status LinkExecutor::SetUp() {
  ready_ = reachable_ = false;
  sent_.clear();
  const auto bytes = ReadArtifact(runner_);
  if (!bytes.ok()) return bytes.status();
  const std::string name = "runner-" + Sha256Hex(*bytes).substr(0, 32);
  // Folders of tuners that were killed go after two days, runners of older builds after a month.
  const Answer made =
      Ask(fmt::format("umask 077; d={0}; mkdir -p \"$d\" && cd \"$d\" || exit 3; "
                      "find . -name 'run-*' -mtime +1 -exec rm -rf {{}} + 2>/dev/null; "
                      "find . -name 'runner-*' -mtime +30 -exec rm -f {{}} + 2>/dev/null; "
                      "mkdir -p {5} || exit 3; echo; echo {1}$(pwd); echo {2}$(uname -m); "
                      "if [ -x {3} ]; then touch {3}; echo {4}; fi",
                      link_->folder(), kFolderMark, kMachineMark, name, kRunnerMark, session_),
          "", kSetUpDeadline);
  const auto folder = AfterMark(made.out, kFolderMark);
  if (!made.ended && !folder) return absl::UnavailableError(link_->WhyLost(made.child));
  if (!folder || folder->empty()) {
    return absl::FailedPreconditionError(fmt::format("no folder can be made in {} of {}: {}",
                                                     link_->folder(), link_->name(),
                                                     OneLine(made.child.err)));
  }
  reachable_ = true;
  board_folder_ = *folder;
  board_machine_ = AfterMark(made.out, kMachineMark).value_or("");
  board_runner_ = board_folder_ + "/" + name;
  if (auto s = CopyRunner(AfterMark(made.out, kRunnerMark).has_value()); !s.ok()) return s;
  if (auto s = ReadFacts(); !s.ok()) return s;
  ready_ = true;
  return absl::OkStatus();
}

absl::Status LinkExecutor::CopyFailed(const ChildResult& child, const std::string& what) {
  const std::string told = OneLine(child.err);
  if (Says(told, "no space")) {
    return absl::FailedPreconditionError(
        fmt::format("{} does not fit on {}: its disk is full; make room in {}, or name another "
                    "folder in HALYARD_BOARD_FOLDER",
                    what, link_->name(), board_folder_));
  }
  if (Says(told, "cannot create") || Says(told, "read-only")) {
    return absl::FailedPreconditionError(fmt::format("{} cannot be written to {} of {}: {}", what,
                                                     board_folder_, link_->name(), told));
  }
  return absl::UnavailableError(link_->WhyLost(child));
}

absl::Status LinkExecutor::CopyRunner(bool there) {
  if (there) return absl::OkStatus();
  const ChildResult pushed = link_->Push(runner_, board_runner_, "", kCopyDeadline);
  if (pushed.exit_code == 0) return absl::OkStatus();
  return CopyFailed(pushed, "the board runner");
}

absl::Status LinkExecutor::ReadFacts() {
  const Answer told =
      Ask(fmt::format("cd {} && {} facts", ShellQuoted(board_folder_), ShellQuoted(board_runner_)),
          "", kSetUpDeadline);
  const auto line = FindMarkedLine(told.out);
  if (line) {
    try {
      facts_ = line->get<BoardFacts>();
      conditions_ = ConditionsText(facts_.conditions);
      return absl::OkStatus();
    } catch (const nlohmann::json::exception& e) {
      return absl::FailedPreconditionError(
          fmt::format("garbage from the board runner on {}: {}", link_->name(), e.what()));
    }
  }
  if (!told.ended) return absl::UnavailableError(link_->WhyLost(told.child));
  if (board_machine_ != MachineOf(triplet_)) {
    Ask("rm -f " + ShellQuoted(board_runner_), "", seconds(5));
    return absl::FailedPreconditionError(
        fmt::format("{} is {}, the device file says triplet {}: name another --device, or another "
                    "--board",
                    link_->name(), board_machine_, triplet_));
  }
  return absl::FailedPreconditionError(fmt::format(
      "the board runner does not run in {} of {} (exit code {}: {}); it must lie on a "
      "file system from which programs may be started; HALYARD_BOARD_FOLDER names another folder",
      board_folder_, link_->name(), told.exit_code, OneLine(told.child.err)));
}

absl::StatusOr<std::string> LinkExecutor::Send(const std::string& path, size_t keep) {
  const auto bytes = ReadArtifact(path);
  if (!bytes.ok()) return bytes.status();
  const std::string hash = Sha256Hex(*bytes);
  const std::string folder = board_folder_ + "/" + session_ + "/";
  const std::string there = folder + hash;
  if (std::find(sent_.begin(), sent_.end(), hash) != sent_.end()) return there;
  std::string drop;
  if (sent_.size() >= std::max(kArtifactsKept, keep)) {
    drop = "rm -f " + ShellQuoted(folder + sent_.front());
    sent_.pop_front();
  }
  const ChildResult pushed = link_->Push(path, there, drop, kCopyDeadline);
  if (pushed.exit_code != 0) return CopyFailed(pushed, "the artifact");
  sent_.push_back(hash);
  return there;
}

RunOutcome LinkExecutor::Lost(const std::string& why) {
  ready_ = reachable_ = false;
  link_->Disconnect();
  return {RunStatus::kBoardLost, OneLine(why), {}};
}

RunOutcome LinkExecutor::Supervised(const RunRequest& request, milliseconds deadline) {
  const Supervision supervision{deadline.count(), memory_bytes_, nlohmann::json(request).dump()};
  const Answer answer =
      Ask(fmt::format("{} supervise", ShellQuoted(board_runner_)),
          LengthAndText(nlohmann::json(supervision).dump()), deadline + kLinkSlack);
  const auto line = FindMarkedLine(answer.out);
  if (!line) {
    if (!answer.ended) {
      const absl::Status why = CopyFailed(answer.child, "the request");
      return absl::IsUnavailable(why) ? Lost(std::string(why.message())) : Failed(why);
    }
    // The folder may have been cleared away, or the board started from an older image.
    ready_ = false;
    return {RunStatus::kInfra,
            OneLine(fmt::format("the board runner on {} did not run: exit code {}: {}",
                                link_->name(), answer.exit_code, answer.child.err)),
            {}};
  }
  SupervisedRun run;
  try {
    line->get_to(run);
  } catch (const nlohmann::json::exception& e) {
    return {
        RunStatus::kInfra, OneLine(fmt::format("garbage from the supervisor: {}", e.what())), {}};
  }
  RunOutcome outcome = OutcomeOfRunner(run.runner, request);
  if (outcome.reply.before) outcome.reply.before->thermal_status = run.thermal_status_before;
  if (outcome.reply.after) outcome.reply.after->thermal_status = run.thermal_status_after;
  return outcome;
}

RunOutcome LinkExecutor::Run(const RunRequest& request, milliseconds deadline) {
  if (!ready_) {
    if (absl::Status s = SetUp(); !s.ok()) return Failed(s);
  }
  RunRequest there = request;
  for (CandidateSpec& candidate : there.candidates) {
    auto path = Send(candidate.artifact_path, request.candidates.size());
    if (absl::IsUnavailable(path.status())) return Lost(std::string(path.status().message()));
    if (!path.ok()) return Failed(path.status());
    candidate.artifact_path = *std::move(path);
  }
  RunOutcome outcome = Supervised(there, deadline);
  VoidIfUnstable(&outcome);
  if (outcome.reply.after) conditions_ = ConditionsText(*outcome.reply.after);
  return outcome;
}

std::string LinkExecutor::environment() const {
  const std::string system = SystemText(facts_);
  return conditions_.empty() ? system : system + ", " + conditions_;
}

std::optional<BoardFacts> LinkExecutor::facts() {
  if (!ready_ && !SetUp().ok()) return std::nullopt;
  return facts_;
}

}  // namespace halyard
