// The programs under examples/, compiled as their comments say, and what they do on a CPU that is
// too old.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/library/library_under_test.h"

namespace halyard {
namespace {

class LibraryExamples : public testing::TestWithParam<std::string> {};

std::string Compile(const std::string& device, bool statically) {
  const std::string program = ScratchFolder("examples") + "/" + device;
  const std::string out = LibraryFor(device).spec().out_dir;
  std::vector<std::string> argv = {CompilerOf(device),
                                   "-Wall",
                                   "-Wextra",
                                   "-Werror",
                                   "-O2",
                                   HALYARD_EXAMPLES "/" + device + "/main.c",
                                   "-I",
                                   out,
                                   "-L",
                                   out,
                                   "-ltuned_" + device,
                                   "-lpthread",
                                   "-lm",
                                   "-Wl,--fatal-warnings",
                                   "-o",
                                   program};
  if (statically) argv.push_back("-static");
  RunOrFail(argv);
  return program;
}

TEST_P(LibraryExamples, RunAndAreRight) {
  const std::string program = Compile(GetParam(), GetParam() != "host");
  auto run = [&](const std::vector<std::string>& shape) {
    std::vector<std::string> argv = LauncherOf(GetParam());
    argv.push_back(program);
    argv.insert(argv.end(), shape.begin(), shape.end());
    return RunOrFail(argv);
  };
  EXPECT_THAT(run({"2", "24", "8"}), testing::AllOf(testing::HasSubstr("attention 2x24x8 (tuned)"),
                                                    testing::HasSubstr(": right\n")));
  EXPECT_THAT(run({"3", "100", "40"}),
              testing::AllOf(testing::HasSubstr("(fall-back)"), testing::HasSubstr(": right\n")));
}

INSTANTIATE_TEST_SUITE_P(Devices, LibraryExamples, testing::Values("host", "rpi4"),
                         [](const auto& info) { return info.param; });

TEST(LibraryCpuCheck, AnOlderCpuGetsAnErrorAndNoIllegalInstruction) {
  if (LoadDevice("host")->halide_target.find("-avx2") == std::string::npos) {
    GTEST_SKIP() << "this machine's CPU has nothing that the emulated one lacks";
  }
  const std::string program = Compile("host", true);
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
