#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "logs/measurement_log.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

using Names = std::vector<std::string>;

void ExpectRefused(const std::string& path, LogMode mode, absl::StatusCode code,
                   const std::string& words) {
  const auto log = OpenSqliteLog(path, mode);
  ASSERT_FALSE(log.ok());
  const std::string message(log.status().message());
  EXPECT_EQ(log.status().code(), code) << message;
  EXPECT_NE(message.find(words), std::string::npos) << message;
  EXPECT_NE(message.find(path), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

TEST(OpenSqliteLog, CreatesAndLeavesNothingElse) {
  TempFolder folder;
  OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  EXPECT_EQ(folder.Names(), Names{"log.db"});
  OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  EXPECT_EQ(folder.Names(), Names{"log.db"});
}

TEST(OpenSqliteLog, AwkwardNamesAreOrdinaryFiles) {
  TempFolder folder;
  for (const char* name : {":memory:", "a b?mode=memory#x%41.db", "file:x.db", "it's é"}) {
    std::vector<Record> one = {FullRecord()};
    ASSERT_TRUE(OpenOrDie(folder.File(name), LogMode::kWrite)->Append(one).ok());
    EXPECT_EQ(*OpenOrDie(folder.File(name), LogMode::kRead)->Count({}), 1) << name;
    EXPECT_TRUE(std::filesystem::exists(folder.File(name)));
  }
}

TEST(OpenSqliteLog, RelativeNamesLieInTheWorkingFolder) {
  TempFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.File(""));
  OpenOrDie(":memory:", LogMode::kWrite);
  std::filesystem::current_path(before);
  EXPECT_EQ(folder.Names(), Names{":memory:"});
}

TEST(OpenSqliteLog, EmptyFileBecomesALog) {
  TempFolder folder;
  WriteAll(folder.File("log.db"), "");
  ExpectRefused(folder.File("log.db"), LogMode::kRead, absl::StatusCode::kInvalidArgument,
                "not a Halyard log");
  OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  OpenOrDie(folder.File("log.db"), LogMode::kRead);
}

TEST(OpenSqliteLog, OtherFilesAreRefusedAndUntouched) {
  TempFolder folder;
  for (const std::string& content :
       {std::string("hello"), std::string(5000, 'x'), std::string("SQLite format 3"),
        std::string("SQLite format 3\0", 16) + std::string(4080, 'z')}) {
    WriteAll(folder.File("notes.txt"), content);
    for (LogMode mode : {LogMode::kRead, LogMode::kWrite}) {
      ExpectRefused(folder.File("notes.txt"), mode, absl::StatusCode::kInvalidArgument,
                    "is not a Halyard log (");
    }
    EXPECT_EQ(ReadAll(folder.File("notes.txt")), content);
    EXPECT_EQ(folder.Names(), Names{"notes.txt"});
  }
}

TEST(OpenSqliteLog, AnotherProgramsDatabaseIsRefusedAndUntouched) {
  TempFolder folder;
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(folder.File("other.db").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA journal_mode=WAL; CREATE TABLE records (id INTEGER)", nullptr,
                         nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  const std::string before = ReadAll(folder.File("other.db"));
  for (LogMode mode : {LogMode::kRead, LogMode::kWrite}) {
    ExpectRefused(folder.File("other.db"), mode, absl::StatusCode::kInvalidArgument,
                  "database of another program");
  }
  EXPECT_EQ(ReadAll(folder.File("other.db")), before);
  EXPECT_EQ(folder.Names(), Names{"other.db"});
}

TEST(OpenSqliteLog, MissingFilesAndFoldersAreNamed) {
  TempFolder folder;
  ExpectRefused(folder.File("log.db"), LogMode::kRead, absl::StatusCode::kNotFound,
                "does not exist");
  ExpectRefused(folder.File("no/log.db"), LogMode::kWrite, absl::StatusCode::kNotFound,
                "does not exist; create it");
  ExpectRefused(folder.File(""), LogMode::kWrite, absl::StatusCode::kInvalidArgument,
                "is a folder");
  ExpectRefused(folder.File(""), LogMode::kRead, absl::StatusCode::kInvalidArgument, "is a folder");
  WriteAll(folder.File("file"), "");
  ExpectRefused(folder.File("file/log.db"), LogMode::kWrite, absl::StatusCode::kInvalidArgument,
                "Not a directory");
  ASSERT_EQ(mkfifo(folder.File("pipe").c_str(), 0600), 0);
  ExpectRefused(folder.File("pipe"), LogMode::kWrite, absl::StatusCode::kInvalidArgument,
                "not a regular file");
  EXPECT_EQ(OpenSqliteLog("", LogMode::kWrite).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(folder.Names(), (Names{"file", "pipe"}));
}

TEST(OpenSqliteLog, ReadOnlyFileIsNotWritten) {
  TempFolder folder;
  const std::string path = folder.File("log.db");
  std::vector<Record> one = {FullRecord()};
  ASSERT_TRUE(OpenOrDie(path, LogMode::kWrite)->Append(one).ok());
  chmod(path.c_str(), 0444);
  ExpectRefused(path, LogMode::kWrite, absl::StatusCode::kPermissionDenied, "is read-only");
  EXPECT_EQ(folder.Names(), Names{"log.db"});
  EXPECT_EQ(*OpenOrDie(path, LogMode::kRead)->Count({}), 1);
}

TEST(OpenSqliteLog, ReadOnlyFolderIsNotWritten) {
  TempFolder folder;
  std::filesystem::create_directory(folder.File("sub"));
  const std::string path = folder.File("sub/log.db");
  std::vector<Record> one = {FullRecord()};
  ASSERT_TRUE(OpenOrDie(path, LogMode::kWrite)->Append(one).ok());
  chmod(folder.File("sub").c_str(), 0555);
  ExpectRefused(path, LogMode::kWrite, absl::StatusCode::kPermissionDenied, "is read-only");
  ExpectRefused(folder.File("sub/new.db"), LogMode::kWrite, absl::StatusCode::kPermissionDenied,
                "is read-only");
  EXPECT_EQ(*OpenOrDie(path, LogMode::kRead)->Count({}), 1);
  chmod(folder.File("sub").c_str(), 0755);
}

TEST(OpenSqliteLog, SecondWriterIsRefusedUntilTheFirstEnds) {
  TempFolder folder;
  const std::string path = folder.File("log.db");
  auto first = OpenOrDie(path, LogMode::kWrite);
  ExpectRefused(path, LogMode::kWrite, absl::StatusCode::kFailedPrecondition,
                "is being written by this process");
  std::filesystem::create_symlink(path, folder.File("alias.db"));
  ExpectRefused(folder.File("alias.db"), LogMode::kWrite, absl::StatusCode::kFailedPrecondition,
                "is being written by this process");
  std::vector<Record> one = {FullRecord()};
  EXPECT_TRUE(first->Append(one).ok());
  first.reset();
  OpenOrDie(folder.File("alias.db"), LogMode::kWrite);
}

TEST(OpenSqliteLog, SideFilesOfARemovedLogDoNotHauntTheNext) {
  TempFolder folder;
  const std::string path = folder.File("log.db");
  auto old = OpenOrDie(path, LogMode::kWrite);
  std::vector<Record> records = {FullRecord(), FullRecord()};
  ASSERT_TRUE(old->Append(records).ok());
  const std::string wal = ReadAll(path + "-wal");
  ASSERT_FALSE(wal.empty());
  old.reset();
  std::filesystem::remove(path);
  WriteAll(path + "-wal", wal);
  EXPECT_EQ(*OpenOrDie(path, LogMode::kWrite)->Count({}), 0);
}

TEST(OpenSqliteLog, DiskFullAtCreationLeavesNothing) {
  TempFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    // A write past the limit fails as one on a full disk does, once its signal is ignored.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{6000, 6000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto log = OpenSqliteLog(folder.File("log.db"), LogMode::kWrite);
    _exit(log.status().code() == absl::StatusCode::kResourceExhausted ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(folder.Names(), Names{});
}

}  // namespace
}  // namespace halyard
