// Bad input: one line on stderr that names the argument, exit code 2, nothing written.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "targets/child_process.h"

namespace halyard {

// In a temporary folder, with the program itself.
class BadInput : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (std::filesystem::temp_directory_path() / "halyard-error-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }

  static ChildResult Run(std::vector<std::string> args) {
    args.insert(args.begin(), std::getenv("HALYARD_TUNE_PROGRAM"));
    ChildLimits limits;
    limits.deadline = std::chrono::seconds(60);
    return RunChild(args, "", limits);
  }

  static size_t Files() {
    return static_cast<size_t>(
        std::distance(std::filesystem::recursive_directory_iterator("."), {}));
  }

  // One line that contains `names`; nothing on stdout; nothing written.
  static void ExpectRefused(const std::vector<std::string>& args, const std::string& names,
                            int code = 2) {
    const size_t files = Files();
    const ChildResult r = Run(args);
    const std::string told = testing::PrintToString(args) + " printed: " + r.err;
    EXPECT_EQ(r.exit_code, code) << told;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << told;
    EXPECT_NE(r.err.find(names), std::string::npos) << told;
    EXPECT_EQ(r.out, "") << told;
    EXPECT_EQ(Files(), files) << told;
  }

  std::filesystem::path folder_, before_;
};

}  // namespace halyard
