#include "targets/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

namespace halyard {
namespace {

using std::chrono::milliseconds;

ChildResult Shell(const std::string& script, const std::string& input = "",
                  ChildLimits limits = {}) {
  return RunChild({"sh", "-c", script}, input, limits);
}

ChildLimits Deadline(int ms) {
  ChildLimits limits;
  limits.deadline = milliseconds(ms);
  return limits;
}

// Whether the process has ended, waiting a little for it.
bool IsGone(pid_t pid) {
  for (int i = 0; i < 100; ++i) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(stat, line);
    const size_t name_end = line.rfind(')');
    if (name_end == std::string::npos || line[name_end + 2] == 'Z') return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

size_t OpenFiles() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

TEST(ChildProcess, OutputErrorAndExitCode) {
  const ChildResult result = Shell("echo out; echo err >&2; exit 3");
  EXPECT_TRUE(result.started);
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.signal, 0);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST(ChildProcess, SignalIsReported) {
  const ChildResult result = Shell("kill -SEGV $$");
  EXPECT_EQ(result.exit_code, -1);
  EXPECT_EQ(result.signal, SIGSEGV);
}

TEST(ChildProcess, MissingProgramIsNotStarted) {
  for (const char* name : {"/nonexistent/program", "no-such-program-anywhere", "/"}) {
    const ChildResult result = RunChild({name}, "", {});
    EXPECT_FALSE(result.started) << name;
    EXPECT_FALSE(result.err.empty()) << name;
  }
}

TEST(ChildProcess, LargeInputComesBack) {
  std::string input(8 << 20, '\0');
  for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<char>(i * 31 + (i >> 12));
  const ChildResult result = RunChild({"cat"}, input, {});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, input);
}

TEST(ChildProcess, UnreadInputDoesNotBlockOrKill) {
  const ChildResult result = Shell("exec <&-; echo done", std::string(8 << 20, 'x'));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "done\n");
}

TEST(ChildProcess, OutputBeyondTheLimitEndsTheChild) {
  ChildLimits limits;
  limits.output_bytes = 1 << 20;
  const ChildResult result = Shell("yes", "", limits);
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_FALSE(result.timed_out);
  EXPECT_GT(result.out.size(), 1u << 20);
  EXPECT_LT(result.out.size(), 2u << 20);
}

TEST(ChildProcess, LargeOutputIsWhole) {
  const ChildResult result = Shell("head -c 20000000 /dev/zero");
  EXPECT_EQ(result.out.size(), 20'000'000u);
}

TEST(ChildProcess, StderrKeepsItsEnd) {
  const ChildResult result = Shell("head -c 100000 /dev/zero >&2; echo the end >&2");
  EXPECT_EQ(result.err.size(), 4096u);
  EXPECT_EQ(result.err.substr(4096 - 8), "the end\n");
}

TEST(ChildProcess, DeadlineEndsChildrenThatIgnoreSignals) {
  const auto start = std::chrono::steady_clock::now();
  const ChildResult result = Shell("trap '' TERM INT HUP; while :; do :; done", "", Deadline(300));
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(1300));
}

TEST(ChildProcess, DeadlineEndsGrandchildren) {
  const ChildResult result = Shell("(trap '' HUP; sleep 100) & echo $!; wait", "", Deadline(300));
  EXPECT_TRUE(result.timed_out);
  EXPECT_TRUE(IsGone(std::stoi(result.out)));
}

TEST(ChildProcess, GrandchildrenDoNotOutliveTheChild) {
  const auto start = std::chrono::steady_clock::now();
  const ChildResult result = Shell("sleep 100 & echo $!");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(1000));
  EXPECT_TRUE(IsGone(std::stoi(result.out)));
}

TEST(ChildProcess, MemoryLimit) {
  ChildLimits limits;
  limits.memory_bytes = 200 << 20;
  EXPECT_NE(Shell("head -c 400000000 /dev/zero | tail -c 390000000 | wc -c; exit $?", "", limits)
                .out.substr(0, 9),
            "390000000");
  EXPECT_EQ(Shell("ulimit -v", "", limits).out, "204800\n");
}

// Of what outlives this process, too.
TEST(ChildProcess, ProcessorTimeIsBoundedByTheDeadline) {
  ChildLimits limits;
  limits.deadline = std::chrono::seconds(10);
  const ChildResult r = RunChild({"sh", "-c", "ulimit -Ht"}, "", limits);
  const int seconds = std::atoi(r.out.c_str());
  EXPECT_GT(seconds, 10);
  EXPECT_LT(seconds, 15 * static_cast<int>(std::thread::hardware_concurrency() + 1)) << r.out;
}

TEST(ChildProcess, FixedAddressesAndEmptyEnvironment) {
  ChildLimits limits;
  limits.fixed_addresses = true;
  const std::vector<std::string> argv = {"grep", "-E", "stack|libc", "/proc/self/maps"};
  const std::string first = RunChild(argv, "", limits).out;
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(RunChild(argv, "", limits).out, first);
  EXPECT_EQ(RunChild({"env"}, "", limits).out, "");
  EXPECT_NE(RunChild({"env"}, "", {}).out, "");
}

TEST(ChildProcess, ChildHasNoStrayFilesNorBlockedSignals) {
  const int stray = dup(1);
  const ChildResult result = Shell("ls /proc/self/fd; grep -E 'SigBlk|SigIgn' /proc/self/status");
  close(stray);
  EXPECT_EQ(result.out.substr(0, 8), "0\n1\n2\n3\n");
  EXPECT_NE(result.out.find("SigBlk:\t0000000000000000"), std::string::npos) << result.out;
}

TEST(ChildProcess, DiesWithThisProcess) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const pid_t middle = fork();
  if (middle == 0) {
    dup2(fds[1], 9);
    // The child tells its id through a file this process can see.
    const std::string script = "echo $$ > /proc/" + std::to_string(getppid()) + "/fd/" +
                               std::to_string(fds[1]) + "; exec sleep 100";
    Shell(script, "", Deadline(60'000));
    _exit(0);
  }
  char text[32] = {};
  ASSERT_GT(read(fds[0], text, sizeof(text) - 1), 0);
  const pid_t child = std::stoi(text);
  kill(middle, SIGKILL);
  waitpid(middle, nullptr, 0);
  EXPECT_TRUE(IsGone(child));
  close(fds[0]);
  close(fds[1]);
}

TEST(ChildProcess, ManyRunsLeakNothing) {
  const size_t before = OpenFiles();
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(RunChild({"true"}, i % 2 == 0 ? "input" : "", {}).exit_code, 0);
  }
  EXPECT_EQ(OpenFiles(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(ChildProcess, ThreadsMayRunChildrenAtOnce) {
  std::vector<std::thread> threads;
  std::vector<int> good(4);
  for (size_t t = 0; t < good.size(); ++t) {
    threads.emplace_back([&good, t] {
      const std::string input(100'000 + t, static_cast<char>('a' + t));
      for (int i = 0; i < 25; ++i) good[t] += RunChild({"cat"}, input, {}).out == input;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, std::vector<int>(4, 25));
}

TEST(ChildProcess, InputThatIsKeptOpenEndsWithTheChildOnly) {
  ChildLimits limits = Deadline(300);
  limits.keep_input_open = true;
  const ChildResult waiting = Shell("cat", "line\n", limits);
  EXPECT_TRUE(waiting.timed_out);
  EXPECT_EQ(waiting.out, "line\n");
  const ChildResult reading = Shell("read -r a; echo got $a", "line\n", limits);
  EXPECT_EQ(reading.exit_code, 0);
  EXPECT_EQ(reading.out, "got line\n");
}

TEST(ChildProcess, IsKilledWhenTheWatchedDescriptorEnds) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ChildLimits limits = Deadline(20'000);
  limits.watched_fd = ends[0];
  std::thread other([&] {
    std::this_thread::sleep_for(milliseconds(50));
    ASSERT_EQ(write(ends[1], "x", 1), 1);  // not the end yet
    std::this_thread::sleep_for(milliseconds(50));
    close(ends[1]);
  });
  const auto start = std::chrono::steady_clock::now();
  const ChildResult result = Shell("echo $$; sleep 30", "", limits);
  other.join();
  close(ends[0]);
  EXPECT_TRUE(result.abandoned);
  EXPECT_FALSE(result.timed_out);
  EXPECT_TRUE(IsGone(std::stoi(result.out)));
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(15'000));
}

}  // namespace
}  // namespace halyard
