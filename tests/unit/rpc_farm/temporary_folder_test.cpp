#include "rpc_farm/temporary_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

namespace halyard {
namespace {

TEST(TemporaryFolder, IsGoneWithTheObject) {
  std::string path;
  {
    const TemporaryFolder folder;
    path = folder.path();
    EXPECT_TRUE(std::filesystem::is_directory(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(TemporaryFolder, IsNotMadeWhereTheProgramWasStarted) {
  const TemporaryFolder elsewhere;
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(elsewhere.path());
  setenv("TMPDIR", "/nonexistent/folder", 1);
  const TemporaryFolder folder;
  unsetenv("TMPDIR");
  EXPECT_EQ(folder.path(), "");
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere.path()));
  std::filesystem::current_path(here);
}

}  // namespace
}  // namespace halyard
