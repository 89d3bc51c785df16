#include "tuner/cli/farm_status_text.h"

#include <algorithm>
#include <vector>

#include "fmt/format.h"

namespace halyard {
namespace {

using farm::v1::FarmStatus;

std::string Ago(uint64_t ms) {
  const uint64_t s = ms / 1000;
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min", s / 60);
  if (s < 48 * 3600) return fmt::format("{} h {} min", s / 3600, s / 60 % 60);
  return fmt::format("{} days", s / 86400);
}

// "ann, 3 s" or what keeps the board from work.
std::string DoesWhat(const FarmStatus::Board& board) {
  std::string text;
  if (!board.request().empty()) {
    text = fmt::format("runs for {}, {}", board.user(), Ago(board.lease_ms()));
  }
  if (board.health() == "ready") return text.empty() ? "free" : text;
  return text.empty() ? board.health() : text + "; " + board.health();
}

std::string Cut(std::string text, size_t columns) {
  if (text.size() > columns) text = text.substr(0, columns - 1) + "~";
  return text;
}

// Of a board that is none of the device itself, what it is.
std::string DeviceAndKind(const FarmStatus::Board& board) {
  return board.kind() == "physical" ? board.device() : board.device() + " " + board.kind();
}

std::string Boards(const FarmStatus& status, size_t columns) {
  size_t name = 5, device = 6;
  for (const FarmStatus::Board& b : status.boards()) {
    name = std::max(name, b.name().size());
    device = std::max(device, DeviceAndKind(b).size());
  }
  // The rest, state first of all, has to have room.
  name = std::min(name, columns / 3);
  device = std::min(device, columns / 4);
  std::string text = Cut(fmt::format("{:<{}}  {:<{}}  {:>6}  {:>4}  {:>6}  {}", "board", name,
                                     "device", device, "done", "lost", "drift", "state"),
                         columns) +
                     "\n";
  for (const FarmStatus::Board& b : status.boards()) {
    const std::string drift =
        b.drift() > 0 ? fmt::format("{:+.1f}%", 100 * (b.drift() - 1)) : std::string("-");
    text += Cut(fmt::format("{:<{}}  {:<{}}  {:>6}  {:>4}  {:>6}  {}", Cut(b.name(), name), name,
                            Cut(DeviceAndKind(b), device), device, b.done(), b.losses(), drift,
                            DoesWhat(b)),
                columns) +
            "\n";
  }
  return text;
}

}  // namespace

std::string FarmStatusText(const FarmStatus& status, int columns) {
  const size_t width = static_cast<size_t>(std::max(columns, 60));
  uint64_t queued = 0;
  for (const FarmStatus::Waiting& w : status.waiting()) queued += w.requests();
  std::string text = Cut(fmt::format("{} boards, {} run, {} wait, {} ended, {:.1f} a second; up {}",
                                     status.boards_size(), status.running(), queued, status.ended(),
                                     status.results_per_second(), Ago(status.uptime_ms())),
                         width) +
                     "\n";
  text += status.boards_size() > 0 ? Boards(status, width)
                                   : "no agent has offered a board yet (tune farm up)\n";
  for (const FarmStatus::Waiting& w : status.waiting()) {
    text += Cut(fmt::format("{} waits for {}: {} of {}, the longest {}{}{}", w.user(), w.for_what(),
                            w.requests(), w.device(), Ago(w.longest_ms()),
                            w.priority() != 0 ? fmt::format(", priority {}", w.priority()) : "",
                            w.label().empty() ? "" : " (" + w.label() + ")"),
                width) +
            "\n";
  }
  return text;
}

}  // namespace halyard
