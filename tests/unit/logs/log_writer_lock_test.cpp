#include "logs/log_writer_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

TEST(LogWriterLock, TakesItsFileAlongWhenReleased) {
  TempFolder folder;
  {
    const auto lock = LogWriterLock::Acquire(folder.File("log"), "log");
    ASSERT_TRUE(lock.ok()) << lock.status();
    EXPECT_EQ(ReadAll(folder.File("log.lock")), std::to_string(getpid()) + "\n");
  }
  EXPECT_TRUE(folder.Names().empty());
}

TEST(LogWriterLock, ALeftOverFileLocksNobodyOut) {
  TempFolder folder;
  WriteAll(folder.File("log.lock"), "1\n and more than one process id");
  EXPECT_TRUE(LogWriterLock::Acquire(folder.File("log"), "log").ok());
}

TEST(LogWriterLock, NamesTheHolderAndEndsWithIt) {
  TempFolder folder;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = LogWriterLock::Acquire(folder.File("log"), "log");
    const char byte = lock.ok() ? 'y' : 'n';
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  const auto refused = LogWriterLock::Acquire(folder.File("log"), "the log");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(refused.status().message(), "log the log is being written by process " +
                                            std::to_string(child) +
                                            "; wait for it or name another --log");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(LogWriterLock::Acquire(folder.File("log"), "log").ok());
  close(ready[0]);
  close(ready[1]);
}

TEST(LogWriterLock, AForkedChildDoesNotKeepIt) {
  TempFolder folder;
  pid_t child = 0;
  {
    const auto lock = LogWriterLock::Acquire(folder.File("log"), "log");
    child = fork();
    if (child == 0) {
      pause();
      _exit(0);
    }
  }
  EXPECT_TRUE(LogWriterLock::Acquire(folder.File("log"), "log").ok());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace halyard
