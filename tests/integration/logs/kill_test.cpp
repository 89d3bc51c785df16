#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <thread>

#include "tests/integration/logs/sound_log.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

constexpr int kKills = 30;
constexpr int kBatch = 3;

// A number in a record's config that tells, with its id, whether it came back as it was written.
std::string ConfigFor(int round, int batch, int i) {
  return std::to_string(round) + "/" + std::to_string(batch) + "/" + std::to_string(i);
}

struct Acknowledged {
  int64_t id;
  int round, batch, i;
};

// Appends for ever, telling `pipe` of every record once Append has returned.
[[noreturn]] void AppendForEver(const std::string& path, int round, int pipe) {
  auto log = OpenSqliteLog(path, LogMode::kWrite);
  if (!log.ok()) _exit(1);
  for (int batch = 0;; ++batch) {
    std::vector<Record> records(kBatch, FullRecord());
    for (int i = 0; i < kBatch; ++i) records[i].config = ConfigFor(round, batch, i);
    if (!(*log)->Append(records).ok()) _exit(2);
    Acknowledged told[kBatch];
    for (int i = 0; i < kBatch; ++i) told[i] = {records[i].id, round, batch, i};
    if (write(pipe, told, sizeof told) != sizeof told) _exit(3);
  }
}

TEST(KillTest, NothingAcknowledgedIsLost) {
  TempFolder folder;
  const std::string path = folder.File("log.db");
  std::vector<Acknowledged> acknowledged;
  std::mt19937 random(20240229);
  for (int round = 0; round < kKills; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      AppendForEver(path, round, ends[1]);
    }
    close(ends[1]);
    // Short ones fall into opening and creation, long ones into a checkpoint.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % (round % 3 ? 60000 : 8000)));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
    Acknowledged one;
    while (read(ends[0], &one, sizeof one) == sizeof one) acknowledged.push_back(one);
    close(ends[0]);

    // Every other round a reader is first to find the files as the kill left them.
    if (round % 2 == 1 && std::filesystem::exists(path)) {
      EXPECT_GE(*OpenOrDie(path, LogMode::kRead)->Count({}),
                static_cast<int64_t>(acknowledged.size()));
    }
    const auto records = OpenOrDie(path, LogMode::kWrite)->Query({});
    ASSERT_TRUE(records.ok()) << records.status();
    // No ids are missing, so a record's place is its id.
    EXPECT_EQ(records->size() % kBatch, 0u);
    ASSERT_TRUE(records->empty() || records->back().id == static_cast<int64_t>(records->size()));
    for (const Acknowledged& a : acknowledged) {
      ASSERT_LE(a.id, static_cast<int64_t>(records->size()));
      Record expected = FullRecord();
      expected.id = a.id;
      expected.config = ConfigFor(a.round, a.batch, a.i);
      const Record& found = (*records)[a.id - 1];
      ASSERT_EQ(found.config, expected.config);
      ExpectSame(found, expected);
    }
    ExpectIntegrity(path);
  }
  EXPECT_GT(acknowledged.size(), 100u);
  std::printf("%zu records acknowledged over %d kills\n", acknowledged.size(), kKills);
}

// A power cut leaves what had reached the disk: here, the write-ahead log up to any byte.
TEST(KillTest, ATornWriteAheadLogHoldsWholeBatches) {
  TempFolder folder;
  const std::string path = folder.File("log.db");
  auto log = OpenOrDie(path, LogMode::kWrite);
  for (int batch = 0; batch < 10; ++batch) {
    std::vector<Record> records(kBatch, FullRecord());
    ASSERT_TRUE(log->Append(records).ok());
  }
  const std::string main_file = ReadAll(path);
  const std::string wal = ReadAll(path + "-wal");
  ASSERT_FALSE(wal.empty());

  std::mt19937 random(7);
  int64_t most = 0;
  for (int cut = 0; cut < 40; ++cut) {
    const std::string torn = folder.File("torn.db");
    WriteAll(torn, main_file);
    WriteAll(torn + "-wal", wal.substr(0, cut == 0 ? wal.size() : random() % wal.size()));
    const auto records = OpenOrDie(torn, LogMode::kWrite)->Query({});
    ASSERT_TRUE(records.ok()) << records.status();
    EXPECT_EQ(records->size() % kBatch, 0u);
    most = std::max<int64_t>(most, records->size());
    ExpectIntegrity(torn);
  }
  EXPECT_EQ(most, 10 * kBatch);
}

// A checkpoint copies pages from the write-ahead log in page order; a kill may come between any
// two.
TEST(KillTest, AHalfDoneCheckpointLosesNothing) {
  constexpr size_t kPage = 4096;
  TempFolder folder;
  const std::string path = folder.File("log.db");
  auto log = OpenOrDie(path, LogMode::kWrite);
  const std::string before = ReadAll(path);
  for (int batch = 0; batch < 10; ++batch) {
    std::vector<Record> records(kBatch, FullRecord());
    ASSERT_TRUE(log->Append(records).ok());
  }
  const std::string wal = ReadAll(path + "-wal");
  log.reset();
  const std::string after = ReadAll(path);
  ASSERT_GT(after.size(), before.size());

  for (size_t done = 0; done <= after.size() / kPage; ++done) {
    const std::string half = folder.File("half.db");
    std::string main_file = after.substr(0, done * kPage);
    if (main_file.size() < before.size()) main_file += before.substr(main_file.size());
    for (LogMode mode : {LogMode::kRead, LogMode::kWrite}) {
      WriteAll(half, main_file);
      WriteAll(half + "-wal", wal);
      std::filesystem::remove(half + "-shm");
      EXPECT_EQ(*OpenOrDie(half, mode)->Count({}), 10 * kBatch) << done << " pages";
    }
    ExpectIntegrity(half);
  }
}

}  // namespace
}  // namespace halyard
