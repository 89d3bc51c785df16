#include "tests/conformance/ssh_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "targets/child_process.h"
#include "tests/conformance/loopback_port.h"

extern char** environ;

namespace halyard {
namespace {

namespace fs = std::filesystem;

constexpr char kSshd[] = "/usr/sbin/sshd";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void MakeKey(const std::string& path) {
  const ChildResult made =
      RunChild({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path}, "", ChildLimits{});
  if (made.exit_code != 0) throw std::runtime_error("ssh-keygen: " + made.err);
}

std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::istringstream text(ReadFile(fmt::format("/proc/{0}/task/{0}/children", pid)));
  return {std::istream_iterator<pid_t>(text), std::istream_iterator<pid_t>()};
}

// The processes of sshd that serve a connection, not what they started.
void KillServing(pid_t pid) {
  for (pid_t child : ChildrenOf(pid)) {
    if (ReadFile(fmt::format("/proc/{}/comm", child)).rfind("sshd", 0) != 0) continue;
    kill(child, SIGSTOP);  // so that it cannot say goodbye
    KillServing(child);
    kill(child, SIGKILL);
  }
}

}  // namespace

SshServer::SshServer() {
  if (access(kSshd, X_OK) != 0) {
    throw std::runtime_error("sshd is missing: install the package openssh-server");
  }
  // Where a server of root puts the processes that have no rights.
  if (geteuid() == 0) fs::create_directories("/run/sshd");
  MakeKey(folder_.Path("host_key"));
  MakeKey(folder_.Path("user_key"));
  fs::copy_file(folder_.Path("user_key.pub"), folder_.Path("authorized_keys"));
  port_ = FreeLoopbackPort();
  std::ofstream(folder_.Path("sshd_config")) << fmt::format(
      "Port {0}\nListenAddress 127.0.0.1\nHostKey {1}/host_key\n"
      "AuthorizedKeysFile {1}/authorized_keys\nPidFile none\nStrictModes no\nUsePAM no\n"
      "PasswordAuthentication no\nPermitRootLogin yes\nSetEnv XDG_CACHE_HOME={1}/cache\n",
      port_, folder_.Path("."));
  const std::string key = ReadFile(folder_.Path("host_key.pub"));
  std::ofstream(folder_.Path("known_hosts")) << fmt::format("[127.0.0.1]:{} {}", port_, key);
  std::ofstream(folder_.Path("ssh_config")) << fmt::format(
      "IdentityFile {0}/user_key\nIdentitiesOnly yes\nUserKnownHostsFile {0}/known_hosts\n"
      "GlobalKnownHostsFile /dev/null\n",
      folder_.Path("."));
  fs::create_directory(folder_.Path("bin"));
  std::ofstream(folder_.Path("bin/ssh"))
      << "#!/bin/sh\nexec /usr/bin/ssh -F " << folder_.Path("ssh_config") << " \"$@\"\n";
  fs::permissions(folder_.Path("bin/ssh"), fs::perms::owner_all);
  path_before_ = std::getenv("PATH");
  setenv("PATH", (folder_.Path("bin:") + path_before_).c_str(), 1);
  Start();
}

SshServer::~SshServer() {
  CutConnections();
  Stop();
  setenv("PATH", path_before_.c_str(), 1);
}

void SshServer::Start() {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = folder_.Path("sshd.log");
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  std::string program = kSshd, foreground = "-D", log_to_stderr = "-e", file = "-f",
              config = folder_.Path("sshd_config");
  char* argv[] = {program.data(), foreground.data(), log_to_stderr.data(),
                  file.data(),    config.data(),     nullptr};
  const int error = posix_spawn(&pid_, kSshd, &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("sshd does not start");
  if (!SoonListensAt(port_)) throw std::runtime_error("sshd does not listen: " + ReadFile(log));
}

std::string SshServer::address() const { return fmt::format("ssh:127.0.0.1:{}", port_); }

void SshServer::CutConnections() {
  if (pid_ > 0) KillServing(pid_);
}

void SshServer::Stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void SshServer::ForgetHostKey() { std::ofstream(folder_.Path("known_hosts")); }

void SshServer::ChangeHostKey() {
  MakeKey(folder_.Path("other_key"));
  std::ofstream(folder_.Path("known_hosts"))
      << fmt::format("[127.0.0.1]:{} {}", port_, ReadFile(folder_.Path("other_key.pub")));
}

void SshServer::ForgetUsersKey() { std::ofstream(folder_.Path("authorized_keys")); }

}  // namespace halyard
