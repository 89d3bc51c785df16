// The host's example, compiled as its comment says, and what it does on a CPU that is too old.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/library/library_under_test.h"

namespace halyard {
namespace {

std::string Compile(bool statically) {
  const std::string program = ScratchFolder("examples") + "/host";
  const std::string out = LibraryFor("host").spec().out_dir;
  std::vector<std::string> argv = {"cc",           "-Wall",
                                   "-Wextra",      "-Werror",
                                   "-O2",          HALYARD_EXAMPLES "/host/main.c",
                                   "-I",           out,
                                   "-L",           out,
                                   "-ltuned_host", "-lpthread",
                                   "-lm",          "-Wl,--fatal-warnings",
                                   "-o",           program};
  if (statically) argv.push_back("-static");
  RunOrFail(argv);
  return program;
}

TEST(LibraryExamples, OfTheHostRunsAndIsRight) {
  const std::string program = Compile(false);
  EXPECT_THAT(RunOrFail({program, "2", "24", "8"}),
              testing::AllOf(testing::HasSubstr("attention 2x24x8 (tuned)"),
                             testing::HasSubstr(": right\n")));
  EXPECT_THAT(RunOrFail({program, "3", "100", "40"}),
              testing::AllOf(testing::HasSubstr("(fall-back)"), testing::HasSubstr(": right\n")));
}

TEST(LibraryCpuCheck, AnOlderCpuGetsAnErrorAndNoIllegalInstruction) {
  if (LoadDevice("host")->halide_target.find("-avx2") == std::string::npos) {
    GTEST_SKIP() << "this machine's CPU has nothing that the emulated one lacks";
  }
  const std::string program = Compile(true);
  const ChildResult r =
      RunChild({"qemu-x86_64", "-cpu", "Nehalem", program, "2", "24", "8"}, "", ChildLimits{});
  EXPECT_EQ(r.signal, 0);
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.err,
              testing::HasSubstr(
                  "tuned_host: this CPU lacks an instruction set the library was built for"));
}

}  // namespace
}  // namespace halyard
