#include "rpc_farm/ssh_link.h"

#include "fmt/format.h"
#include "rpc_farm/read_file.h"
#include "rpc_farm/runner_outcome.h"

namespace halyard {
namespace {

// ssh itself puts 17 characters behind the socket's path while it makes it, and a Unix socket's
// path has 108 in all.
constexpr size_t kLongestFolder = 80;

std::filesystem::path SocketParent() {
  std::error_code error;
  const auto usual = std::filesystem::temp_directory_path(error);
  return usual.string().size() > kLongestFolder ? std::filesystem::path("/tmp") : usual;
}

}  // namespace

SshLink::SshLink(const BoardAddress& address)
    : address_(address),
      destination_(address.user.empty() ? address.host : address.user + "@" + address.host),
      folder_(SocketParent()) {}

std::vector<std::string> SshLink::Command(const std::string& command) const {
  std::vector<std::string> argv = {"ssh", "-T", "-a", "-x"};
  const auto option = [&](const std::string& text) {
    argv.push_back("-o");
    argv.push_back(text);
  };
  // Nobody is there to type a password, or to answer whether a host key is right.
  option("BatchMode=yes");
  option("ConnectTimeout=10");
  option("ServerAliveInterval=5");
  option("ServerAliveCountMax=3");
  option("LogLevel=ERROR");
  option("RemoteCommand=none");
  option("ClearAllForwardings=yes");
  // One connection for all commands. It is ended with this object; should this process be killed,
  // it ends by itself a minute later, and every command on it at once.
  option("ControlMaster=auto");
  option("ControlPersist=60");
  option("ControlPath=" + folder_.path() + "/s");
  if (address_.port != 0) {
    argv.push_back("-p");
    argv.push_back(std::to_string(address_.port));
  }
  argv.push_back(destination_);
  // The account's own shell need not be a POSIX one.
  argv.push_back("exec sh -c " + ShellQuoted(command));
  return argv;
}

ChildResult SshLink::Run(const std::string& command, const std::string& input,
                         std::chrono::milliseconds deadline) {
  ChildLimits limits;
  limits.deadline = deadline;
  limits.keep_input_open = true;
  return RunChild(Command(fmt::format("{{ {}\n}} 3<&0", command)), input, limits);
}

ChildResult SshLink::Push(const std::string& from, const std::string& to, const std::string& after,
                          std::chrono::milliseconds deadline) {
  ChildLimits limits;
  limits.deadline = deadline;
  const std::string part = to + ".part";
  return RunChild(
      Command(fmt::format("cat > {} && {}", ShellQuoted(part), MoveInPlace(part, to, after))),
      ReadFile(from), limits);
}

void SshLink::Disconnect() {
  if (folder_.path().empty() || !std::filesystem::exists(folder_.path() + "/s")) return;
  ChildLimits limits;
  limits.deadline = std::chrono::seconds(2);
  RunChild({"ssh", "-o", "ControlPath=" + folder_.path() + "/s", "-O", "exit", destination_}, "",
           limits);
}

std::string SshLink::folder() const {
  const std::string named = NamedBoardFolder();
  return named.empty() ? "\"${XDG_CACHE_HOME:-$HOME/.cache}/halyard\"" : ShellQuoted(named);
}

std::string SshLink::WhyLost(const ChildResult& child) const {
  const auto says = [&](const char* text) { return Says(child.err, text); };
  const std::string port = address_.port == 0 ? "" : fmt::format(" -p {}", address_.port);
  const std::string by_hand = fmt::format("ssh{} {}", port, destination_);
  if (!child.started) return "ssh cannot be started: install the package openssh-client";
  if (says("host identification has changed")) {
    return fmt::format(
        "{} has another host key than it used to have: if the board was set up anew, run "
        "ssh-keygen -R {} and then {} once; otherwise find out who answers there",
        name(),
        address_.port == 0 ? address_.host : fmt::format("'[{}]:{}'", address_.host, address_.port),
        by_hand);
  }
  if (says("host key verification failed")) {
    return fmt::format("the host key of {} is not known here: run {} once and compare it", name(),
                       by_hand);
  }
  if (says("permission denied")) {
    return fmt::format("{} takes none of your keys: run ssh-copy-id{} {}", name(), port,
                       destination_);
  }
  if (says("could not resolve")) {
    return fmt::format("{}: no such host; give --board ssh:[USER@]HOST[:PORT]", name());
  }
  if (says("connection refused")) {
    return fmt::format(
        "{} refuses the connection: start its SSH server, or give the right port "
        "as ssh:{}:PORT",
        name(), destination_);
  }
  const std::string told = OneLine(child.err);
  if (child.timed_out || says("timed out") || says("no route")) {
    return fmt::format("{} does not answer: is it on, and on the network? ({})", name(),
                       told.empty() ? "no answer in time" : told);
  }
  return fmt::format("the connection to {} was lost{}", name(), told.empty() ? "" : ": " + told);
}

}  // namespace halyard
