#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/integration/logs/sound_log.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

constexpr int kBatch = 5;

// What the writer saw, told through a pipe.
struct Seen {
  int64_t acknowledged = 0;
  int64_t counted_after = -1;  // by the log that has just failed
  absl::StatusCode failure = absl::StatusCode::kOk;
  absl::StatusCode second_failure = absl::StatusCode::kOk;
};

Seen AppendUntilFull(const std::string& path) {
  Seen seen;
  auto log = OpenSqliteLog(path, LogMode::kWrite);
  if (!log.ok()) return seen;
  std::vector<Record> records(kBatch, FullRecord());
  for (Record& r : records) r.message = std::string(2000, 'm');
  while (seen.failure == absl::StatusCode::kOk) {
    seen.failure = (*log)->Append(records).code();
    if (seen.failure == absl::StatusCode::kOk) seen.acknowledged += kBatch;
  }
  seen.second_failure = (*log)->Append(records).code();
  seen.counted_after = (*log)->Count({}).value_or(-1);
  return seen;
}

// Runs AppendUntilFull in a process whose files may not grow past `bytes`: a write beyond fails as
// one on a full disk does, once its signal is ignored.
Seen UnderFileSizeLimit(const std::string& path, rlim_t bytes) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
    const Seen seen = AppendUntilFull(path);
    _exit(write(ends[1], &seen, sizeof seen) == sizeof seen ? 0 : 1);
  }
  close(ends[1]);
  Seen seen;
  EXPECT_EQ(read(ends[0], &seen, sizeof seen), static_cast<ssize_t>(sizeof seen));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return seen;
}

TEST(DiskFull, AppendFailsCleanlyAndTheLogStaysSound) {
  // Odd sizes, so that writes are cut within a page as well as between two; the largest lies beyond
  // the first checkpoint of the write-ahead log.
  for (const rlim_t bytes : {100'001, 300'000, 1'048'576, 5'000'003}) {
    TempFolder folder;
    const std::string path = folder.File("log.db");
    const Seen seen = UnderFileSizeLimit(path, bytes);
    EXPECT_EQ(seen.failure, absl::StatusCode::kResourceExhausted) << bytes;
    EXPECT_EQ(seen.second_failure, absl::StatusCode::kResourceExhausted) << bytes;
    EXPECT_GT(seen.acknowledged, 0) << bytes;
    EXPECT_EQ(seen.counted_after, seen.acknowledged) << bytes;

    EXPECT_EQ(*OpenOrDie(path, LogMode::kRead)->Count({}), seen.acknowledged) << bytes;
    {
      // Space again: the next run goes on where this one ended.
      auto log = OpenOrDie(path, LogMode::kWrite);
      std::vector<Record> more = {FullRecord()};
      ASSERT_TRUE(log->Append(more).ok());
      EXPECT_EQ(more[0].id, seen.acknowledged + 1);
    }
    ExpectIntegrity(path);
  }
}

}  // namespace
}  // namespace halyard
