// Speaks the GDB remote serial protocol to a server: qemu's, OpenOCD's, pyOCD's or J-Link's. Every
// wait has a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc_farm/gdb_packet.h"

namespace halyard {

// Not thread-safe. Errors of all calls: Unavailable, the connection is gone; DeadlineExceeded, no
// answer in time; Internal, the server refused or answered with something else.
class GdbClient {
 public:
  using Clock = std::chrono::steady_clock;

  // Takes a connected stream socket over, and says hello by `deadline`.
  static absl::StatusOr<std::unique_ptr<GdbClient>> Make(int socket, Clock::time_point deadline);
  // Unavailable: nobody listens there.
  static absl::StatusOr<std::unique_ptr<GdbClient>> Connect(const std::string& host, int port,
                                                            Clock::time_point deadline);
  ~GdbClient();
  GdbClient(const GdbClient&) = delete;
  GdbClient& operator=(const GdbClient&) = delete;

  // For all calls from now on.
  void set_deadline(Clock::time_point deadline) { deadline_ = deadline; }

  absl::StatusOr<std::string> ReadMemory(uint32_t address, uint32_t bytes);
  absl::Status WriteMemory(uint32_t address, const std::string& bytes);
  // Erases and writes flash. `bytes` begin at a block's boundary as far as the server asks for
  // that.
  absl::Status WriteFlash(uint32_t address, const std::string& bytes);

  // Numbers as in org.gnu.gdb.arm.m-profile: 0 to 15, 25 is xPSR.
  absl::StatusOr<uint32_t> ReadRegister(int number);
  absl::Status WriteRegister(int number, uint32_t value);

  // A hardware breakpoint at Thumb code, or one in memory where the server has none.
  absl::Status SetBreakpoint(uint32_t address);
  absl::Status Continue();
  // The signal the target stopped with. DeadlineExceeded: it still runs.
  absl::StatusOr<int> WaitForStop();
  // Stops a running target.
  absl::Status Interrupt();
  // What the server prints for a command of its own ("reset halt").
  absl::StatusOr<std::string> Monitor(const std::string& command);

 private:
  explicit GdbClient(int socket) : socket_(socket) {}

  absl::Status Hello();
  absl::Status Send(const std::string& bytes);
  absl::StatusOr<std::string> Receive();  // the next packet
  absl::StatusOr<std::string> Ask(const std::string& request);
  absl::Status AskForOk(const std::string& request, const std::string& what);

  int socket_;
  Clock::time_point deadline_;
  GdbPacketReader reader_;
  uint32_t packet_bytes_ = 400;  // what every server takes
  bool acknowledges_ = true;
  bool binary_writes_ = true;
  std::string last_sent_;
};

}  // namespace halyard
