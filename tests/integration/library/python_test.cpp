// The Python example, run as its comment says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fmt/format.h"
#include "tests/integration/library/host_library.h"
#include "tests/integration/library/library_under_test.h"

namespace halyard {
namespace {

constexpr char kExample[] = HALYARD_EXAMPLES "/python/gemm.py";
// Debian's, whatever else is in PATH.
constexpr char kPython[] = "/usr/bin/python3";

// What the example prints; `flags` are the interpreter's.
std::string RunExample(const std::vector<std::string>& flags,
                       const std::vector<std::string>& sizes) {
  std::vector<std::string> argv = {kPython, "-B"};
  argv.insert(argv.end(), flags.begin(), flags.end());
  argv.insert(argv.end(), {kExample, HostLibraryFolder()});
  argv.insert(argv.end(), sizes.begin(), sizes.end());
  return RunOrFail(argv);
}

// NumPy is used where there is one: Debian has it beyond what the interpreter brings along.
TEST(PythonExample, RunsAndIsRight) {
  const bool numpy = RunChild({kPython, "-c", "import numpy"}, "", ChildLimits{}).exit_code == 0;
  const char* tensors = numpy ? "NumPy" : "array";
  EXPECT_THAT(
      RunExample({}, {"33", "17", "9"}),
      testing::MatchesRegex(fmt::format("gemm 33x17x9 .tuned, {}.: error .*: right\n", tensors)));
  EXPECT_THAT(RunExample({}, {}),
              testing::MatchesRegex(
                  fmt::format("gemm 96x80x64 .fall-back, {}.: error .*: right\n", tensors)));
}

// Without the folders of what is installed beside it.
TEST(PythonExample, NeedsNothingButTheInterpreter) {
  EXPECT_THAT(RunExample({"-S"}, {"7", "5", "3"}),
              testing::MatchesRegex("gemm 7x5x3 .fall-back, array.: error .*: right\n"));
}

TEST(PythonExample, SaysWhatIsWrong) {
  const auto run = [](const std::vector<std::string>& args) {
    std::vector<std::string> argv = {kPython, "-B", kExample};
    argv.insert(argv.end(), args.begin(), args.end());
    const ChildResult r = RunChild(argv, "", ChildLimits{});
    EXPECT_EQ(r.exit_code, 1);
    return r.err;
  };
  const std::string usage = "usage: gemm.py FOLDER [M N K], such as gemm.py out/host 512 512 512\n";
  EXPECT_EQ(run({}), usage);
  EXPECT_EQ(run({HostLibraryFolder(), "1", "2", "x"}), usage);
  EXPECT_EQ(run({HostLibraryFolder(), "1", "0", "2"}), usage);
  EXPECT_EQ(run({"/nowhere"}),
            "there is no '/nowhere/libtuned_host.a'; make one with ./tune "
            "--device host, or give its folder\n");
}

}  // namespace
}  // namespace halyard
