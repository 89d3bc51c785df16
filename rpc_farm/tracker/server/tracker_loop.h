// The tracker's one thread. What connections bring is posted as events; all that have come by the
// time the thread is free are taken together, stored by one commit, and only then answered: under
// load one write to the disk serves many requests.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "rpc_farm/tracker/tracker.h"

namespace halyard {

class TrackerLoop {
 public:
  // What to do once the event's effects are stored. Runs on the loop's thread; must not block.
  using Answer = std::function<void()>;
  using Event = std::function<Answer(Tracker&, FarmTime)>;
  using ToAgent = std::function<void(const farm::v1::TrackerMessage&)>;
  using ToClient = std::function<void(const farm::v1::RequestResult&)>;

  // `fatal`: the store cannot be written, or the state is damaged; called once, on the loop's
  // thread, after which nothing is answered. REQUIRES: the tracker was restored.
  TrackerLoop(std::unique_ptr<Tracker> tracker, std::function<void(const absl::Status&)> fatal);
  ~TrackerLoop();  // runs what was posted, then ends

  // Thread-safe.
  void Post(Event event);

  // Where output for a connection goes, and how to end it from here. For events only.
  void AddAgent(SessionId session, ToAgent send, std::function<void(const std::string&)> hang_up);
  void RemoveAgent(SessionId session) { agents_.erase(session); }
  // A newer stream takes the session over. `stream` tells the two apart.
  void AddClient(const std::string& session, uint64_t stream, ToClient send,
                 std::function<void()> replaced);
  // False: it was not the session's present stream.
  bool RemoveClient(const std::string& session, uint64_t stream);

 private:
  struct Agent {
    ToAgent send;
    std::function<void(const std::string& why)> hang_up;
  };
  struct Client {
    uint64_t stream;
    ToClient send;
    std::function<void()> replaced;
  };
  void Run();
  void Turn(std::vector<Event> events);
  void Deliver(const TrackerOutput& output);

  std::unique_ptr<Tracker> tracker_;
  std::function<void(const absl::Status&)> fatal_;
  bool failed_ = false;
  std::map<SessionId, Agent> agents_;
  std::map<std::string, Client> clients_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Event> events_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace halyard
