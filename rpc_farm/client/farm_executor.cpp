#include "rpc_farm/client/farm_executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "rpc_farm/client/farm_result.h"
#include "rpc_farm/proto/rpc_status.h"
#include "rpc_farm/run_status.h"
#include "rpc_farm/runner_outcome.h"
#include "rpc_farm/sha256.h"
#include "targets/device_snapshot.h"

namespace halyard {

namespace {

// Of a lease, beyond the run: artifacts have to reach agent and board, and a board that was reset
// has to come up.
constexpr std::chrono::milliseconds kTransferTime{120'000};

constexpr std::chrono::minutes kNoBoardTime{10};

absl::Status CheckHardware(const farm::v1::DescribeDeviceReply::Board& board,
                           const std::string& snapshot) {
  const auto offered = nlohmann::json::parse(board.hardware(), nullptr, /*allow_exceptions=*/false);
  const auto known = nlohmann::json::parse(snapshot, nullptr, /*allow_exceptions=*/false);
  if (!offered.is_object() || !known.is_object()) return absl::OkStatus();  // it does not tell
  const std::vector<HardwareDifference> differences = HardwareDifferences(offered, known);
  if (differences.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "board {} is other hardware than this device file says: {}{}; name the device "
      "that it is, or ask for others by --farm-tags",
      board.name(), differences.front().ToText(),
      differences.size() > 1 ? fmt::format(" and {} more", differences.size() - 1) : ""));
}

}  // namespace

absl::Status NameArtifacts(RunRequest* request, std::vector<FarmArtifact>* artifacts) {
  std::map<std::string, std::string> known;  // path -> digest in hex
  for (CandidateSpec& candidate : request->candidates) {
    const auto [at, is_new] = known.try_emplace(candidate.artifact_path);
    if (is_new) {
      std::ifstream file(candidate.artifact_path, std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      if (!file.good() && bytes.empty()) {
        return absl::NotFoundError("cannot read the artifact " + candidate.artifact_path);
      }
      if (static_cast<int64_t>(bytes.size()) > kMostArtifactBytes) {
        return absl::InvalidArgumentError(
            fmt::format("the artifact has {} bytes, the most an artifact may have is {}",
                        bytes.size(), kMostArtifactBytes));
      }
      at->second = Sha256Hex(bytes);
      artifacts->push_back(
          {absl::HexStringToBytes(at->second), candidate.artifact_path, bytes.size()});
    }
    candidate.artifact_path = at->second;
  }
  return absl::OkStatus();
}

absl::Status FarmExecutor::FindBoards() {
  const auto described = client_->Describe(target_.device, stop_);
  if (!described.ok()) return described.status();
  boards_ = 0;
  std::set<std::string> others;
  for (const auto& board : described->boards()) {
    const std::set<std::string> tags(board.tags().begin(), board.tags().end());
    const bool has_tags = std::all_of(target_.tags.begin(), target_.tags.end(),
                                      [&](const auto& tag) { return tags.contains(tag); });
    if (board.kind() != BoardKindName(target_.kind) || !has_tags || !board.live()) {
      others.insert(fmt::format("{} ({}{}{})", board.name(), board.kind(),
                                board.live() ? "" : ", lost",
                                has_tags ? "" : ", without the tags"));
      continue;
    }
    if (absl::Status s = CheckHardware(board, target_.snapshot); !s.ok()) return s;
    if (boards_++ > 0) continue;
    board_ = board.name();
    environment_ = board.environment();
  }
  if (boards_ > 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("the farm has no live {} board of {} now; it has {}", BoardKindName(target_.kind),
                  target_.device, fmt::join(others, ", ")));
}

std::optional<BoardFacts> FarmExecutor::facts() {
  const auto described = client_->Describe(target_.device, stop_);
  if (!described.ok()) return std::nullopt;
  for (const auto& board : described->boards()) {
    if (board.name() != board_ || board.facts().empty()) continue;
    const auto json = nlohmann::json::parse(board.facts(), nullptr, /*allow_exceptions=*/false);
    try {
      return json.get<BoardFacts>();
    } catch (const nlohmann::json::exception&) {
      return std::nullopt;  // another version's
    }
  }
  return std::nullopt;
}

RunOutcome FarmExecutor::Run(const RunRequest& request, std::chrono::milliseconds deadline) {
  if (leave_queue_) return {RunStatus::kInfra, "its time was over before it was sent", {}};
  RunRequest named = request;
  std::vector<FarmArtifact> artifacts;
  if (const absl::Status s = NameArtifacts(&named, &artifacts); !s.ok()) {
    const bool too_large = absl::IsInvalidArgument(s);
    return {too_large ? RunStatus::kRejected : RunStatus::kInfra, std::string(s.message()), {}};
  }
  farm::v1::SubmitRequest submit;
  submit.set_device(target_.device);
  submit.set_board_kind(std::string(BoardKindName(target_.kind)));
  for (const std::string& tag : target_.tags) submit.add_tags(tag);
  submit.set_priority(target_.priority);
  submit.set_time_limit_ms(static_cast<uint64_t>((deadline + kTransferTime).count()));
  submit.mutable_job()->set_run_request(nlohmann::json(named).dump());
  submit.mutable_job()->set_deadline_ms(static_cast<uint64_t>(deadline.count()));
  for (const FarmArtifact& a : artifacts) {
    auto* artifact = submit.mutable_job()->add_artifacts();
    artifact->set_sha256(a.sha256);
    artifact->set_size(a.size);
  }
  auto last_board = std::chrono::steady_clock::now();
  const auto wait_on = [&]() -> absl::Status {
    const absl::Status found = FindBoards();
    const auto now = std::chrono::steady_clock::now();
    // The tracker's own absence is the client's to judge.
    if (found.ok() || absl::IsUnavailable(found)) last_board = now;
    return now - last_board < kNoBoardTime ? absl::OkStatus() : found;
  };
  const auto result = client_->Measure(std::move(submit), artifacts, stop_, leave_queue_, wait_on);
  if (result.ok()) {
    FarmOutcome read = ReadFarmResult(*result, request, target_.kind);
    if (!read.board.empty()) {
      board_ = read.board;
      environment_ = read.environment;
    }
    return std::move(read.outcome);
  }
  const absl::Status& status = result.status();
  // A limit that did not pass in all the client's patience says nothing of the candidate.
  const bool refused = absl::IsInvalidArgument(status) ||
                       (absl::IsResourceExhausted(status) && !IsPassingLimit(status));
  return {refused                     ? RunStatus::kRejected
          : absl::IsCancelled(status) ? RunStatus::kInfra
                                      : RunStatus::kBoardLost,
          OneLine(std::string(status.message())),
          {}};
}

}  // namespace halyard
