#include "rpc_farm/agent/agent.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "rpc_farm/proto/agreement.h"

namespace halyard {
namespace {

using farm::v1::AgentMessage;
using farm::v1::TrackerMessage;
using std::chrono::milliseconds;

// Of the five seconds in which an agent leaves: for the tracker to take what was sent, and to hang
// up.
constexpr milliseconds kSettle{2'000}, kHangUp{1'000};

std::set<std::string> NamesOf(const std::vector<BoardEntry>& boards) {
  std::set<std::string> names;
  for (const BoardEntry& board : boards) names.insert(board.name);
  return names;
}

AgentMessage Wrap(AgentMessage::RunDone done) {
  AgentMessage message;
  *message.mutable_run_done() = std::move(done);
  return message;
}

}  // namespace

Agent::Agent(AgentOptions options, ArtifactCache& cache, const FarmLog& log)
    : options_(std::move(options)),
      log_(log),
      book_(NamesOf(options_.boards)),
      link_(options_.tracker, options_.credentials,
            {[this] { return Hello(); },
             [this](const TrackerMessage::Welcome& welcome) { return Welcomed(welcome); },
             [this](const TrackerMessage& message) { Take(message); }},
            log) {
  WorkerSurroundings around{book_,
                            cache,
                            log,
                            [this](AgentMessage message) { link_.Send(std::move(message)); },
                            [this](const farm::v1::Artifact& artifact, const std::stop_token& stop,
                                   std::chrono::steady_clock::time_point deadline) {
                              return link_.Fetch(artifact, stop, deadline);
                            },
                            [this] { BoardTried(); }};
  auto executors = MakeBoardExecutors(options_.boards, processes_, options_.host);
  for (size_t i = 0; i < executors.size(); ++i) {
    workers_.push_back(std::make_unique<BoardWorker>(options_.boards[i], std::move(executors[i]),
                                                     around, options_.drift));
  }
}

Agent::~Agent() { Leave(); }

void Agent::Start() {
  for (const auto& worker : workers_) worker->Start();
}

// The first call is made when all boards are known; later ones as boards come back.
void Agent::BoardTried() {
  const std::lock_guard lock(mutex_);
  const auto tried = [](const auto& worker) { return worker->tried(); };
  if (!std::all_of(workers_.begin(), workers_.end(), tried)) return;
  const size_t ready =
      static_cast<size_t>(std::count_if(workers_.begin(), workers_.end(), [](const auto& worker) {
        return worker->Offer().has_value();
      }));
  if (!dialled_) {
    link_.Start();
  } else if (ready > offered_) {
    link_.Redial();
  }
  dialled_ = true;
  offered_ = ready;
}

AgentMessage::Hello Agent::Hello() const {
  AgentMessage::Hello hello;
  hello.set_protocol(kFarmProtocolVersion);
  hello.set_agent(options_.name);
  for (const auto& worker : workers_) {
    if (auto offer = worker->Offer()) *hello.add_boards() = *std::move(offer);
  }
  for (const farm::v1::Lease& lease : book_.Open()) *hello.add_running() = lease;
  return hello;
}

std::vector<AgentMessage> Agent::Welcomed(const TrackerMessage::Welcome& welcome) {
  size_t taken = 0;
  for (const auto& verdict : welcome.boards()) {
    BoardWorker* worker = Find(verdict.board());
    if (worker == nullptr) continue;
    if (!verdict.refused().empty()) {
      log_.Error("board_refused", {{"board", verdict.board()}, {"why", verdict.refused()}});
      continue;
    }
    worker->SetRuler(verdict.ruler_canary_ns());
    ++taken;
  }
  log_.Info("connected", {{"tracker", options_.tracker}, {"boards", taken}});
  std::vector<AgentMessage> first;
  for (AgentMessage::RunDone& done : book_.Untaken()) first.push_back(Wrap(std::move(done)));
  for (const auto& worker : workers_) {
    if (auto report = worker->Report()) {
      *first.emplace_back().mutable_board_report() = *std::move(report);
    }
  }
  return first;
}

BoardWorker* Agent::Find(const std::string& board) {
  for (const auto& worker : workers_) {
    if (worker->board().name == board) return worker.get();
  }
  return nullptr;
}

void Agent::Begin(const TrackerMessage::Run& run) {
  const LeaseBook::Verdict verdict = book_.Begin(run.lease());
  if (verdict.answer) link_.Send(Wrap(*verdict.answer));
  if (verdict.start) Find(run.lease().board())->Run(run, *verdict.start);
}

void Agent::Take(const TrackerMessage& message) {
  switch (message.message_case()) {
    case TrackerMessage::kRun:
      return Begin(message.run());
    case TrackerMessage::kStop:
      if (auto answer = book_.Stop(message.stop().lease())) link_.Send(Wrap(*std::move(answer)));
      return;
    case TrackerMessage::kRemedy:
      if (BoardWorker* worker = Find(message.remedy().board())) {
        worker->Apply(message.remedy().kind());
      }
      return;
    case TrackerMessage::kTaken:
      if (message.taken().refused()) {
        log_.Warn("result_refused", {{"board", message.taken().lease().board()},
                                     {"request", message.taken().lease().request()},
                                     {"why", message.taken().why()}});
      }
      return book_.Taken(message.taken().lease());
    case TrackerMessage::kRuler:
      for (const auto& worker : workers_) {
        if (worker->board().device.id == message.ruler().device()) {
          worker->SetRuler(message.ruler().canary_ns());
        }
      }
      return;
    default:
      return log_.Warn("unknown_message", {{"case", static_cast<int>(message.message_case())}});
  }
}

void Agent::Leave() {
  book_.StopAll();
  for (const auto& worker : workers_) worker->BeginToLeave();
  for (const auto& worker : workers_) worker->Leave();
  const auto settled_by = std::chrono::steady_clock::now() + kSettle;
  while (!book_.settled() && link_.connected() && std::chrono::steady_clock::now() < settled_by) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  link_.Close(kHangUp);
}

}  // namespace halyard
