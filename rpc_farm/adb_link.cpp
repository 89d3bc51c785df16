#include "rpc_farm/adb_link.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "fmt/format.h"
#include "rpc_farm/runner_outcome.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;

// The first call may have to start the adb server.
constexpr std::chrono::seconds kShort(10);

ChildLimits Deadline(std::chrono::milliseconds deadline) {
  ChildLimits limits;
  limits.deadline = deadline;
  return limits;
}

}  // namespace

AdbLink::AdbLink(const BoardAddress& address)
    : serial_(address.serial),
      serial_given_(!address.serial.empty()),
      board_folder_(NamedBoardFolder().empty() ? "/data/local/tmp/halyard" : NamedBoardFolder()) {
  if (serial_given_) return;
  // Which board it is goes into every record.
  const ChildResult told = RunChild({"adb", "get-serialno"}, "", Deadline(kShort));
  if (told.exit_code == 0) serial_ = OneLine(told.out);
}

std::vector<std::string> AdbLink::Command(const std::vector<std::string>& rest) const {
  std::vector<std::string> argv = {"adb"};
  if (!serial_.empty()) argv.insert(argv.end(), {"-s", serial_});
  argv.insert(argv.end(), rest.begin(), rest.end());
  return argv;
}

ChildResult AdbLink::Run(const std::string& command, const std::string& input,
                         std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  // No `exec 3<`: Android's shell keeps descriptors that were opened so to itself (mksh(1)).
  std::string there_or_nothing = "/dev/null", prologue;
  if (!input.empty()) {
    const std::string here = folder_.path() + "/input";
    std::ofstream(here, std::ios::binary) << input;
    // The board's folder is shared by all who use the board.
    const std::string there = fmt::format("{}/input-{}-{}", board_folder_, getpid(), inputs_++);
    ChildResult pushed = RunChild(Command({"push", here, there}), "", Deadline(deadline));
    if (pushed.exit_code != 0) return pushed;
    there_or_nothing = ShellQuoted(there);
    prologue = "rm -f " + there_or_nothing + "; ";
  }
  ChildLimits limits = Deadline(std::chrono::duration_cast<std::chrono::milliseconds>(
      std::max(end, Clock::now()) - Clock::now()));
  limits.keep_input_open = true;
  return RunChild(
      Command({"shell", fmt::format("{{ {}{}\n}} 3<{}", prologue, command, there_or_nothing)}), "",
      limits);
}

ChildResult AdbLink::Push(const std::string& from, const std::string& to, const std::string& after,
                          std::chrono::milliseconds deadline) {
  const std::string part = to + ".part";
  ChildResult pushed = RunChild(Command({"push", from, part}), "", Deadline(deadline));
  // Older clients say what failed on stdout.
  if (pushed.exit_code != 0) pushed.err += pushed.out;
  if (pushed.exit_code != 0) {
    RunChild(Command({"shell", "rm -f " + ShellQuoted(part)}), "", Deadline(kShort));
    return pushed;
  }
  // Shells of old boards hand no exit code on.
  static constexpr char kDone[] = "@halyard-done";
  ChildResult moved = RunChild(
      Command({"shell", fmt::format("{} && echo {}", MoveInPlace(part, to, after), kDone)}), "",
      Deadline(kShort));
  const bool done = moved.exit_code == 0 && moved.out.find(kDone) != std::string::npos;
  moved.exit_code = done ? 0 : 1;
  return moved;
}

std::string AdbLink::WhyLost(const ChildResult& child) const {
  const auto says = [&](const char* text) {
    return Says(child.err, text) || Says(child.out, text);
  };
  if (!child.started) return "adb cannot be started: install the package adb";
  if (says("unauthorized")) {
    return fmt::format(
        "{} does not trust this machine: unlock it and accept the question for USB "
        "debugging on its screen",
        name());
  }
  if (says("more than one device")) {
    return "adb has more than one board: name one as --board adb:SERIAL (adb devices lists them)";
  }
  if (says("offline")) {
    return fmt::format("{} is offline: plug it in again, or run adb reconnect offline", name());
  }
  if (says("no devices") || says("not found")) {
    return fmt::format(
        "{}: no such board; connect it and turn on USB debugging (adb devices lists "
        "what is there)",
        serial_given_ ? name() : "adb");
  }
  if (child.timed_out) return fmt::format("{} does not answer: plug it in again", name());
  const std::string told = OneLine(child.err.empty() ? child.out : child.err);
  return fmt::format("the connection to {} was lost{}", name(), told.empty() ? "" : ": " + told);
}

}  // namespace halyard
