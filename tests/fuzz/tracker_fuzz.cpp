// Clients, agents and operators who say anything, in any order, to the tracker itself with its
// store in SQLite: see tracker_model.h for what must hold.
#include <google/protobuf/stubs/logging.h>

#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "rpc_farm/temporary_folder.h"
#include "tests/fuzz/emptied_store.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/tracker_model.h"

namespace halyard {
namespace {

using farm::v1::AgentMessage;

const std::vector<std::string> kUsers = {"ann", "bob", ""};
const std::vector<std::string> kAgents = {"shelf", "rack", "a b", ""};
const std::vector<std::string> kBoards = {"pi-1", "pi-2", "m7", "", "b c"};
const std::vector<std::string> kDevices = {"rpi4", "cortex-m7", ""};
const std::vector<std::string> kKinds = {"physical", "virtual", "", "odd kind"};
const std::vector<std::string> kTags = {"lab", "cooled", "", "a b", "kind:virtual"};
const std::vector<int64_t> kWaits = {1, 200, 9'999, 30'000, 60'000, 600'000, 3'600'001};
const std::vector<double> kNumbers = {1, 1.5, 0, -1, 1e300, 0.0 / 0.0, 1 / 0.0};

// Artifacts that are there for all executions: each leaves them without pins.
struct Artifacts {
  Artifacts()
      : store(
            *ArtifactStore::Open(folder.path(), int64_t{1} << 20, ArtifactStore::Keep::kUsually)) {
    for (const char* bytes : {"one", "two"}) Add(bytes);
  }
  void Add(const std::string& bytes) {
    const std::string digest = Sha256Hex(bytes);
    auto upload = store->Begin(digest, bytes.size());
    Require(upload.ok() && (*upload)->Append(bytes).ok() && (*upload)->Finish().ok(), "stored");
    digests.push_back(digest);
  }
  TemporaryFolder folder;
  std::unique_ptr<ArtifactStore> store;
  std::vector<std::string> digests;
  bool used = false;  // in this execution: there may be pins
};

// The message with some of its bytes changed, if it is still one.
template <typename Message>
void Garble(FuzzInput& input, Message* message) {
  if (!input.OneIn(4)) return;
  std::string bytes = message->SerializeAsString();
  for (size_t n = input.Below(4) + 1; n > 0 && !bytes.empty(); --n) {
    const size_t at = (input.Below(256) << 8 | input.Below(256)) % bytes.size();
    bytes[at] = static_cast<char>(input.Byte());
  }
  Message garbled;
  if (garbled.ParseFromString(bytes)) *message = std::move(garbled);
}

class Farm {
 public:
  Farm(const uint8_t* data, size_t size, Artifacts& artifacts, TrackerStore& store)
      : input_(data, size), artifacts_(artifacts), store_(store) {
    tracker_ = std::make_unique<Tracker>(store_, *artifacts_.store);
    Require(tracker_->Restore(now_).ok(), "a new store is read");
  }

  void Play() {
    while (!input_.empty()) Step();
    End();
  }

 private:
  void Step() {
    switch (input_.Below(16)) {
      case 0:
        return OpenSession();
      case 1:
      case 2:
        return Submit();
      case 3:
        return ClientCalls();
      case 4:
        return Connect();
      case 5:
      case 6:
      case 7:
        return FinishRun();
      case 8:
        return Report();
      case 9:
        return Hang();
      case 10:
        return Operate();
      case 11:
        now_ += FarmDuration(input_.Pick(kWaits));
        return;
      case 12:
        // Costs as much as all the other steps together.
        return input_.OneIn(4) ? Restart() : Settle();
      default:
        return Settle();
    }
  }

  void OpenSession() {
    if (sessions_.size() >= 8) return;
    const auto session = tracker_->OpenSession(input_.Pick(kUsers), input_.Text(8), now_);
    if (session.ok()) sessions_.push_back(*session);
  }
  std::string Session() {
    if (sessions_.empty() || input_.OneIn(16)) return input_.Text(4);
    return input_.Pick(sessions_);
  }

  void Submit() {
    farm::v1::SubmitRequest submit;
    submit.set_session(Session());
    submit.set_number(input_.OneIn(8) ? input_.Integer() : ++last_number_);
    submit.set_device(input_.OneIn(8) ? input_.Pick(kDevices) : "rpi4");
    if (input_.OneIn(4)) submit.add_tags(input_.Pick(kTags));
    if (input_.OneIn(4)) submit.set_board_kind(input_.Pick(kKinds));
    submit.set_priority(input_.OneIn(4) ? static_cast<int32_t>(input_.Integer()) : 0);
    submit.set_time_limit_ms(input_.OneIn(8) ? input_.Integer() : 50'000);
    submit.mutable_job()->set_run_request("{}");
    if (input_.Flip()) {
      artifacts_.used = true;
      auto* artifact = submit.mutable_job()->add_artifacts();
      artifact->set_sha256(input_.OneIn(8)
                               ? input_.Bytes(32)
                               : absl::HexStringToBytes(input_.Pick(artifacts_.digests)));
      artifact->set_size(3);
    }
    Garble(input_, &submit);
    const auto reply = tracker_->Submit(input_.OneIn(4) ? "ann" : "", submit, now_);
    if (reply.ok() && reply->missing_size() == 0) {
      model_.Submitted(submit.session(), submit.number());
    }
  }

  void ClientCalls() {
    const std::string session = Session(), user = input_.OneIn(8) ? input_.Pick(kUsers) : "";
    const uint64_t number =
        input_.OneIn(8) ? input_.Integer() : input_.Below(last_number_ % 200 + 1);
    farm::v1::AcknowledgeRequest acknowledge;
    farm::v1::CancelRequest cancel;
    switch (input_.Below(5)) {
      case 0:
        acknowledge.set_session(session);
        acknowledge.add_numbers(number);
        acknowledge.add_numbers(number + 1);
        (void)tracker_->Acknowledge(user, acknowledge);
        return;
      case 1:
        cancel.set_session(session);
        cancel.add_numbers(number);
        (void)tracker_->Cancel(user, cancel, now_);
        return;
      case 2:
        return (void)tracker_->CloseSession(user, session, now_);
      case 3:
        return tracker_->Detach(session, now_);
      default:
        return (void)tracker_->Attach(user, session);
    }
  }

  void Connect() {
    AgentMessage::Hello hello;
    hello.set_protocol(input_.OneIn(16) ? static_cast<uint32_t>(input_.Integer())
                                        : kFarmProtocolVersion);
    const std::string agent = input_.OneIn(8) ? input_.Pick(kAgents) : kAgents[input_.Below(2)];
    for (size_t n = input_.Below(4); n > 0; --n) {
      auto* board = hello.add_boards();
      board->set_name(input_.Pick(kBoards));
      board->set_device(input_.OneIn(4) ? input_.Pick(kDevices) : "rpi4");
      board->set_kind(input_.OneIn(4) ? input_.Pick(kKinds) : "physical");
      if (input_.OneIn(4)) board->add_tags(input_.Pick(kTags));
    }
    // What it was at, or says it was at.
    for (const auto& [session, run] : lost_runs_) {
      if (session != agent || input_.OneIn(4)) continue;
      Fill(hello.add_running(), run);
    }
    if (input_.OneIn(4)) Fill(hello.add_running(), {input_.Pick(kBoards), input_.Integer(), "r"});
    Garble(input_, &hello);
    std::erase_if(lost_runs_, [&](const auto& lost) { return lost.first == agent; });
    if (!tracker_->Connect(++last_connection_, agent, hello, now_).ok()) return;
    names_[last_connection_] = agent;
    model_.Connected(last_connection_, agent, hello);
  }
  static void Fill(farm::v1::Lease* lease, const TrackerModel::Run& run) {
    lease->set_board(run.board);
    lease->set_epoch(run.epoch);
    lease->set_request(run.request);
  }

  SessionId Connection() {
    const std::set<SessionId> open = model_.sessions();
    if (open.empty() || input_.OneIn(16)) return input_.Below(8);
    return *std::next(open.begin(), static_cast<int64_t>(input_.Below(open.size())));
  }
  void Receive(SessionId session, AgentMessage message) {
    Garble(input_, &message);
    if (message.has_hello()) return;  // AgentsService greets the first alone
    tracker_->Receive(session, message, now_);
    model_.Received(session, message);
  }

  void FinishRun() {
    const SessionId session = Connection();
    AgentMessage message;
    auto* done = message.mutable_run_done();
    const std::set<TrackerModel::Run> runs = model_.RunsOf(session);
    if (runs.empty() || input_.OneIn(8)) {
      Fill(done->mutable_lease(), {input_.Pick(kBoards), input_.Integer(), input_.Text(8)});
    } else {
      Fill(done->mutable_lease(),
           *std::next(runs.begin(), static_cast<int64_t>(input_.Below(runs.size()))));
    }
    done->set_infrastructure_loss(input_.OneIn(4));
    done->mutable_result()->set_status("ok");
    done->mutable_result()->set_message(input_.Text(4));
    Receive(session, std::move(message));
  }

  void Report() {
    AgentMessage message;
    if (input_.Flip()) {
      message.mutable_remedy_done()->set_board(input_.Pick(kBoards));
      message.mutable_remedy_done()->set_good(input_.Flip());
    } else {
      auto* report = message.mutable_board_report();
      report->set_board(input_.Pick(kBoards));
      report->set_canary_ns(input_.Pick(kNumbers));
      report->set_drift(input_.Pick(kNumbers));
      report->set_cooling(input_.OneIn(4));
    }
    Receive(Connection(), std::move(message));
  }

  // An agent is silent but for heartbeats, or its connection ends.
  void Hang() {
    const SessionId session = Connection();
    AgentMessage heartbeat;
    heartbeat.mutable_heartbeat();
    if (input_.Flip()) return Receive(session, std::move(heartbeat));
    Remember(session);
    tracker_->Disconnect(session);
    model_.Disconnected(session);
  }
  void Remember(SessionId session) {
    for (const TrackerModel::Run& run : model_.RunsOf(session)) {
      lost_runs_.emplace_back(names_[session], run);
    }
  }

  void Operate() {
    const std::string& board = input_.Pick(kBoards);
    switch (input_.Below(4)) {
      case 0:
        return (void)tracker_->Drain(board);
      case 1:
        return (void)tracker_->Quarantine(board, input_.Text(4), now_);
      case 2:
        return (void)tracker_->DescribeDevice(input_.Pick(kDevices));
      default:
        return (void)tracker_->Release(board);
    }
  }

  void Settle() {
    const auto output = tracker_->Settle(now_);
    Require(output.ok(), "what came in can be stored");
    model_.Settled(*output, tracker_->Status(now_));
    // Else its thread would turn for ever.
    Require(tracker_->NextDeadline() > now_, "what is due was done");
    for (const auto& [session, message] : output->to_agents) {
      if (!message.has_welcome()) continue;
      for (const auto& verdict : message.welcome().boards()) {
        Require(verdict.ruler_canary_ns() >= 0 && verdict.ruler_canary_ns() < 1.0 / 0.0,
                "a ruler is a number");
      }
    }
  }

  // As when its machine fails right after a commit.
  void Restart() {
    Settle();
    for (const SessionId session : model_.sessions()) Remember(session);
    model_.Restarted();
    const farm::v1::FarmStatus before = tracker_->Status(now_);
    // The pins of a process that ended are gone with it.
    ForgetPins();
    tracker_ = std::make_unique<Tracker>(store_, *artifacts_.store);
    Require(tracker_->Restore(now_).ok(), "what was stored is read");
    for (const auto& [session, number] : model_.kept()) {
      if (!tracker_->OwnerOf("", session).ok()) continue;
      farm::v1::SubmitRequest again;
      again.set_session(session);
      again.set_number(number);
      again.set_device("rpi4");
      again.set_time_limit_ms(1);
      const absl::Status status = tracker_->Submit("", again, now_).status();
      Require(absl::IsAlreadyExists(status) || absl::IsFailedPrecondition(status),
              "what was acknowledged outlives the tracker");
    }
    const farm::v1::FarmStatus after = tracker_->Status(now_);
    uint64_t waited = 0, waits = 0;
    for (const auto& line : before.waiting()) waited += line.requests();
    for (const auto& line : after.waiting()) waits += line.requests();
    Require(waits == waited, "what waited, waits again");
  }
  void ForgetPins() {
    if (!artifacts_.used) return;
    artifacts_.store = *ArtifactStore::Open(artifacts_.folder.path(), int64_t{1} << 20,
                                            ArtifactStore::Keep::kUsually);
  }

  // All goes: nothing of it may stay.
  void End() {
    for (const std::string& session : sessions_) (void)tracker_->CloseSession("", session, now_);
    Settle();
    const farm::v1::FarmStatus status = tracker_->Status(now_);
    Require(status.waiting_size() == 0 && status.running() == 0, "no request outlives its session");
    Require(status.sessions() == 0, "no session outlives its end");
    if (!std::exchange(artifacts_.used, false)) return;
    for (const std::string& digest : artifacts_.digests) {
      Require(artifacts_.store->Has(digest), "a pinned artifact stays");
      Require(artifacts_.store->Drop(digest), "no pin outlives its request");
    }
    artifacts_.digests.clear();
    for (const char* bytes : {"one", "two"}) artifacts_.Add(bytes);
  }

  FuzzInput input_;
  Artifacts& artifacts_;
  FarmTime now_{FarmDuration(1'000'000)};
  TrackerStore& store_;
  std::unique_ptr<Tracker> tracker_;
  TrackerModel model_;
  std::vector<std::string> sessions_;
  std::map<SessionId, std::string> names_;
  std::vector<std::pair<std::string, TrackerModel::Run>> lost_runs_;  // by agent
  uint64_t last_number_ = 0;
  SessionId last_connection_ = 0;
};

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // It says on stderr what it does not take.
  static const bool quiet = (google::protobuf::SetLogHandler(nullptr), true);
  if (!quiet) return 0;
  static halyard::Artifacts artifacts;
  static halyard::EmptiedStore store;
  halyard::Farm(data, size, artifacts, store.store()).Play();
  store.Empty();
  return 0;
}
