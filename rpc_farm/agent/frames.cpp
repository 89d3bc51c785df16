#include "rpc_farm/agent/frames.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "rpc_farm/runner_outcome.h"
#include "targets/json_integer.h"

namespace halyard {
namespace {

using nlohmann::json;

// What boards and kernels print need not be UTF-8.
std::string Dump(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

// Until the socket is ready for `events`, or closed.
absl::Status Await(int socket, short events, FrameClock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - FrameClock::now() + std::chrono::microseconds(999));
    if (left.count() <= 0) return absl::DeadlineExceededError("no frame by the deadline");
    pollfd fd = {socket, events, 0};
    const int ready =
        poll(&fd, 1, static_cast<int>(std::min<int64_t>(left.count(), int64_t{1'000'000})));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return absl::UnavailableError(std::strerror(errno));
  }
}

absl::StatusOr<std::string> ReceiveBytes(int socket, size_t bytes,
                                         FrameClock::time_point deadline) {
  std::string text;
  while (text.size() < bytes) {
    if (absl::Status s = Await(socket, POLLIN, deadline); !s.ok()) return s;
    char chunk[65536];
    const ssize_t n =
        recv(socket, chunk, std::min(sizeof chunk, bytes - text.size()), MSG_DONTWAIT);
    if (n == 0) return absl::UnavailableError("the other end is gone");
    if (n > 0) text.append(chunk, static_cast<size_t>(n));
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      return absl::UnavailableError(std::strerror(errno));
    }
  }
  return text;
}

template <typename T>
absl::StatusOr<T> Parse(const std::string& text, T (*read)(const json&)) {
  try {
    return read(json::parse(text));
  } catch (const json::exception& e) {
    return absl::InvalidArgumentError(OneLine(e.what()));
  }
}

}  // namespace

std::string Frame(const std::string& text) {
  std::string frame(kFrameMark, sizeof kFrameMark);
  for (int shift = 0; shift < 32; shift += 8) {
    frame += static_cast<char>(text.size() >> shift & 0xff);
  }
  return frame + text;
}

absl::StatusOr<size_t> FrameLength(const std::string& header) {
  if (header.size() != kFrameHeaderBytes ||
      header.compare(0, sizeof kFrameMark, kFrameMark, sizeof kFrameMark) != 0) {
    return absl::DataLossError("no frame begins here");
  }
  size_t length = 0;
  for (int i = 0; i < 4; ++i) {
    length |= size_t{static_cast<unsigned char>(header[sizeof kFrameMark + i])} << 8 * i;
  }
  if (length <= kMostFrameBytes) return length;
  return absl::DataLossError(
      fmt::format("a frame of {} bytes, {} is the most", length, kMostFrameBytes));
}

absl::Status SendFrame(int socket, const std::string& text, FrameClock::time_point deadline) {
  if (text.size() > kMostFrameBytes) {
    return absl::InvalidArgumentError(
        fmt::format("a message of {} bytes, {} is the most", text.size(), kMostFrameBytes));
  }
  const std::string frame = Frame(text);
  for (size_t sent = 0; sent < frame.size();) {
    if (absl::Status s = Await(socket, POLLOUT, deadline); !s.ok()) return s;
    const ssize_t n =
        send(socket, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) sent += static_cast<size_t>(n);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      return absl::UnavailableError(std::strerror(errno));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReceiveFrame(int socket, FrameClock::time_point deadline) {
  const auto header = ReceiveBytes(socket, kFrameHeaderBytes, deadline);
  if (!header.ok()) return header.status();
  const auto length = FrameLength(*header);
  if (!length.ok()) return length.status();
  return ReceiveBytes(socket, *length, deadline);
}

std::string ToText(const HostRequest& request) {
  const int64_t ms = request.deadline.count();
  switch (request.kind) {
    case HostRequest::Kind::kRun:
      return Dump({{"run", request.run}, {"deadline_ms", ms}});
    case HostRequest::Kind::kCommand:
      return Dump({{"command", request.command}, {"deadline_ms", ms}});
    case HostRequest::Kind::kFacts:
      break;
  }
  return Dump({{"facts", true}, {"deadline_ms", ms}});
}

std::string ToText(const HostReply& reply) {
  json j = {{"status", RunStatusName(reply.outcome.status)},
            {"message", reply.outcome.message},
            {"reply", reply.outcome.reply},
            {"error", reply.error},
            {"board_id", reply.board_id},
            {"environment", reply.environment}};
  if (reply.facts) j["facts"] = *reply.facts;
  std::string text = Dump(j);
  if (text.size() <= kMostReplyBytes) return text;
  const RunOutcome instead = ReplyTooLarge();
  j["status"] = RunStatusName(instead.status);
  j["message"] = instead.message;
  j["reply"] = instead.reply;
  return Dump(j);
}

RunOutcome ReplyTooLarge() {
  return {RunStatus::kResource,
          fmt::format("the reply is larger than {} KiB", kMostReplyBytes >> 10),
          {}};
}

absl::StatusOr<HostRequest> ParseHostRequest(const std::string& text) {
  return Parse<HostRequest>(text, [](const json& j) {
    HostRequest request;
    request.deadline = std::chrono::milliseconds(IntegerOf<int64_t>(j.at("deadline_ms")));
    if (j.contains("run")) {
      request.kind = HostRequest::Kind::kRun;
      j["run"].get_to(request.run);
    } else if (j.contains("command")) {
      request.kind = HostRequest::Kind::kCommand;
      j["command"].get_to(request.command);
    } else {
      j.at("facts");
    }
    return request;
  });
}

absl::StatusOr<HostReply> ParseHostReply(const std::string& text) {
  return Parse<HostReply>(text, [](const json& j) {
    HostReply reply;
    const auto status = ParseRunStatus(j.at("status").get<std::string>());
    if (!status) throw json::other_error::create(503, "unknown status", &j);
    reply.outcome.status = *status;
    j.at("message").get_to(reply.outcome.message);
    j.at("reply").get_to(reply.outcome.reply);
    j.at("error").get_to(reply.error);
    j.at("board_id").get_to(reply.board_id);
    j.at("environment").get_to(reply.environment);
    if (j.contains("facts")) reply.facts = j["facts"].get<BoardFacts>();
    return reply;
  });
}

}  // namespace halyard
