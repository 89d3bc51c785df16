// A farm's hands beside its boards: dials the tracker, runs what it is sent, keeps results until
// the tracker has them. It holds nothing that a candidate could break: runs are in the boards'
// hosts.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "rpc_farm/agent/artifact_cache.h"
#include "rpc_farm/agent/board_worker.h"
#include "rpc_farm/agent/boards_file.h"
#include "rpc_farm/agent/host_processes.h"
#include "rpc_farm/agent/lease_book.h"
#include "rpc_farm/agent/make_board_executors.h"
#include "rpc_farm/agent/tracker_link.h"
#include "rpc_farm/farm_log.h"

namespace halyard {

struct AgentOptions {
  std::string tracker;  // HOST:PORT
  std::string name;
  std::vector<BoardEntry> boards;
  HostProgram host;
  TrackerLink::MakeCredentials credentials;
  DriftPolicy drift;
};

class Agent {
 public:
  // Starts the boards' hosts. `cache` and `log` outlive it.
  Agent(AgentOptions options, ArtifactCache& cache, const FarmLog& log);
  ~Agent();

  void Start();
  // Stops what runs, tells the tracker, ends: within five seconds. Leaves nothing behind.
  void Leave();

 private:
  farm::v1::AgentMessage::Hello Hello() const;
  std::vector<farm::v1::AgentMessage> Welcomed(const farm::v1::TrackerMessage::Welcome& welcome);
  void Take(const farm::v1::TrackerMessage& message);
  void Begin(const farm::v1::TrackerMessage::Run& run);
  void BoardTried();
  BoardWorker* Find(const std::string& board);

  const AgentOptions options_;
  const FarmLog& log_;
  HostProcesses processes_;
  LeaseBook book_;
  TrackerLink link_;
  std::vector<std::unique_ptr<BoardWorker>> workers_;
  std::mutex mutex_;
  bool dialled_ = false;
  size_t offered_ = 0;  // boards in the last Hello, or about to be
};

}  // namespace halyard
