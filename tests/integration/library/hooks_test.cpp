// A program's own memory and threads under a library's kernels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/library/library_under_test.h"

namespace halyard {
namespace {

const std::string& HookedFolder() {
  static const std::string folder = [] {
    const std::string out = ScratchFolder("hooked");
    LibrarySpec spec{LoadDevice("host").value(), "hooked", {}, out, "0123456789ab", ""};
    int64_t id = 1;
    for (const char* text : {"gemm:200x300x150:f32", "conv2d:1x14x14x32x32x3x3,pad=1:f32",
                             "softmax:64x3000:f32", "attention:2x300x32:f32"}) {
      spec.variants.push_back(MakeVariant(text, spec.device, true, id++));
    }
    const auto files = BuildLibrary(spec, SharedBuilder());
    EXPECT_TRUE(files.ok()) << files.status();
    return out;
  }();
  return folder;
}

std::string RunProgram(const std::vector<std::string>& flags) {
  const std::string program = HookedFolder() + "/program";
  std::vector<std::string> argv = {"c++",
                                   "-std=c++17",
                                   "-O1",
                                   "-Wall",
                                   "-Wextra",
                                   "-Werror",
                                   HALYARD_TEST_SOURCES "/hooks_program.cpp",
                                   "-I",
                                   HookedFolder(),
                                   "-o",
                                   program};
  argv.insert(argv.end(), flags.begin(), flags.end());
  argv.insert(argv.end(), {"-L", HookedFolder(), "-lhooked", "-lpthread", "-lm"});
  RunOrFail(argv);
  return RunOrFail({program});
}

TEST(LibraryHooks, ThreadsAndMemoryOfTheProgramGiveTheSameAnswers) {
  EXPECT_EQ(RunProgram({}),
            "threads: the same, several threads\n"
            "a pool of one: the same, one thread\n"
            "serial: the same, several threads\n"
            "memory: the same, nothing lost\n"
            "both: the same\n");
}

TEST(LibraryHooks, OpenMpServesAsAPool) {
  EXPECT_THAT(RunProgram({"-fopenmp"}), testing::HasSubstr("OpenMP: the same, several threads\n"));
}

}  // namespace
}  // namespace halyard
