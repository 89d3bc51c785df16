// Where a library cannot be written or built: one line, and the earlier library stays whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/integration/library/library_under_test.h"
#include "tuner/library/staging_folder.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> Contents(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    files[entry.path().string()] = entry.is_regular_file() ? ReadText(entry.path().string()) : "";
  }
  return files;
}

void ExpectOneLine(const absl::Status& status, const std::string& holds) {
  const std::string message(status.message());
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  EXPECT_THAT(message, testing::HasSubstr(holds));
}

LibrarySpec EmptySpec(const std::string& out_dir) {
  return {LoadDevice("host").value(), "tuned_host", {}, out_dir, "0123456789ab"};
}

TEST(LibraryOutDir, AFileInTheWayIsNamed) {
  const std::string folder = ScratchFolder("in_the_way");
  std::ofstream(folder + "/file") << "kept";
  for (const std::string& out : {folder + "/file", folder + "/file/below"}) {
    const auto files = BuildLibrary(EmptySpec(out), SharedBuilder());
    EXPECT_EQ(files.status().code(), absl::StatusCode::kNotFound) << files.status();
    ExpectOneLine(files.status(), out);
  }
  EXPECT_EQ(ReadText(folder + "/file"), "kept");
}

TEST(LibraryOutDir, AReadOnlyFolderIsNamedAndLeftAlone) {
  const std::string folder = ScratchFolder("read_only");
  chmod(folder.c_str(), 0555);
  const auto files = BuildLibrary(EmptySpec(folder), SharedBuilder());
  chmod(folder.c_str(), 0755);
  EXPECT_EQ(files.status().code(), absl::StatusCode::kPermissionDenied) << files.status();
  ExpectOneLine(files.status(), folder);
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(LibraryOutDir, AFailedBuildLeavesTheEarlierLibraryAndNoNewFolder) {
  LibrarySpec spec = LibraryFor("host").spec();
  const auto before = Contents(spec.out_dir);
  spec.variants[0].record.config = "no such config";
  const auto files = BuildLibrary(spec, SharedBuilder());
  EXPECT_EQ(files.status().code(), absl::StatusCode::kInternal) << files.status();
  ExpectOneLine(files.status(), spec.variants[0].record.workload);
  EXPECT_EQ(Contents(spec.out_dir), before);

  spec.out_dir = ScratchFolder("never") + "/made/at/all";
  EXPECT_FALSE(BuildLibrary(spec, SharedBuilder()).ok());
  EXPECT_TRUE(fs::is_empty(ScratchFolder("never")));
}

// Files may not grow past a limit in this child, as on a disk that is full.
TEST(LibraryOutDir, AFullDiskLeavesTheEarlierLibrary) {
  const LibrarySpec spec = LibraryFor("host").spec();
  const auto before = Contents(spec.out_dir);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    bool refused = false;
    {
      const auto builder = MakeWorkerBuilder(BuilderOptions{});
      refused = builder.ok() && !BuildLibrary(spec, **builder).ok();
    }
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Contents(spec.out_dir), before);
}

TEST(LibraryOutDir, AKilledBuildLeavesTheEarlierLibraryAndTheNextOneCleansUp) {
  LibrarySpec spec = LibraryFor("host").spec();
  const auto before = Contents(spec.out_dir);
  const std::string partial = spec.out_dir + "/.tuned_host.partial";
  const pid_t child = fork();
  if (child == 0) {
    const auto staging = StagingFolder::Make(spec.out_dir, "tuned_host");
    if (!staging.ok() || !(*staging)->Write("libtuned_host.a", "half").ok()) _exit(1);
    pause();
  }
  while (!fs::exists(partial + "/libtuned_host.a")) usleep(1000);
  const auto busy = BuildLibrary(spec, SharedBuilder());
  EXPECT_EQ(busy.status().code(), absl::StatusCode::kFailedPrecondition) << busy.status();
  ExpectOneLine(busy.status(), "another process");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  const auto again = BuildLibrary(spec, SharedBuilder());
  EXPECT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Contents(spec.out_dir), before);
}

}  // namespace
}  // namespace halyard
