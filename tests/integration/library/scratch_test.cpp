// The header's constants for scratch against what calls really take of the C library.
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "schedules/operator.h"
#include "tests/integration/library/library_under_test.h"
#include "tuner/library/library_plan.h"

namespace halyard {
namespace {

constexpr int kMostThreads = 3;

const std::vector<std::string> kWorkloads = {
    "gemm:200x300x150:f32",
    "gemm:64x512x512:f32",
    "gemm:384x128x256:f32",
    "conv2d:1x28x28x16x32x3x3,pad=1:f32",
    "conv2d:1x14x14x64x64x3x3,pad=1:f32",
    "softmax:64x3000:f32",
    "softmax:512x100:f32",
    "attention:2x300x32:f32",
    "attention:1x1024x64:f32",
    "attention:4x77x40:f32",
};

std::string MacroOf(const std::string& workload) {
  std::string name = absl::AsciiStrToUpper(workload);
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return "SCRATCHED_SCRATCH_" + name;
}

// A call of a variant's function, which prints what the header states and what was taken at most.
std::string CallText(const Variant& v, int threads) {
  const Operator& op = *FindOperator(v.workload.op);
  std::string text = "  {\n";
  std::vector<std::string> arguments;
  for (int64_t size : LibraryPlan::SizesOf(op, v.workload)) {
    arguments.push_back(std::to_string(size));
  }
  std::vector<BufferSpec> tensors = op.InputShapes(v.workload);
  tensors.push_back(op.OutputShape(v.workload));
  for (const BufferSpec& tensor : tensors) {
    text += fmt::format("    float* t{} = calloc({}, sizeof(float));\n", arguments.size(),
                        tensor.elements());
    arguments.push_back(fmt::format("t{}", arguments.size()));
  }
  // What was kept of the call before would serve this one.
  text += fmt::format(
      "    scratched_set_threads({});\n    scratched_free_scratch();\n"
      "    const int64_t before = counted.peak = counted.live;\n"
      "    const int status = scratched_{}({});\n"
      "    printf(\"%d %lld %lld\\n\", status, (long long){}({}), (long long)(counted.peak - "
      "before));\n  }}\n",
      threads, op.name(), absl::StrJoin(arguments, ", "), MacroOf(v.record.workload), threads);
  return text;
}

TEST(LibraryScratch, IsWhatTheHeaderSaysAtMost) {
  const std::string folder = ScratchFolder("scratch"), out = folder + "/out";
  const Device device = LoadDevice("host").value();
  int calls = 0, taken = 0;
  // Other configs each time.
  for (int64_t round = 0; round < 2; round++) {
    LibrarySpec spec{device, "scratched", {}, out, "0123456789ab"};
    std::string program =
        "#include <stdio.h>\n#include <stdlib.h>\n#include \"scratched.h\"\n"
        "#include \"scratch_peak.h\"\nint main(void) {\n";
    for (size_t i = 0; i < kWorkloads.size(); i++) {
      spec.variants.push_back(
          MakeVariant(kWorkloads[i], device, false, 1 + round * 100 + static_cast<int64_t>(i)));
      for (int threads : {1, kMostThreads}) program += CallText(spec.variants.back(), threads);
    }
    const auto files = BuildLibrary(spec, SharedBuilder());
    ASSERT_TRUE(files.ok()) << files.status();
    std::ofstream(folder + "/main.c") << program + "  return 0;\n}\n";
    RunOrFail({"cc", "-O1", "-Wall", folder + "/main.c", "-o", folder + "/main", "-I", out, "-I",
               HALYARD_TEST_SOURCES, "-L", out, "-lscratched", "-lpthread", "-lm",
               "-Wl,--wrap=posix_memalign,--wrap=free"});
    std::istringstream lines(RunOrFail({folder + "/main"}));
    for (const Variant& v : spec.variants) {
      for (int threads : {1, kMostThreads}) {
        int status = -1;
        int64_t stated = -1, peak = -1;
        lines >> status >> stated >> peak;
        const std::string what =
            fmt::format("{} {} with {} threads: stated {}, taken {}", v.record.workload,
                        v.record.config, threads, stated, peak);
        EXPECT_EQ(status, 0) << what;
        // Blocks that one call gave back may be kept beside those in use, as the header says.
        EXPECT_LE(peak, threads == 1 ? stated : 2 * stated) << what;
        // One thread takes all that is stated for it, but for bounds that are not tight.
        if (threads == 1) {
          EXPECT_GE(4 * peak, stated) << what;
        }
        std::cout << what << "\n";
        calls++;
        taken += peak > 0;
      }
    }
  }
  EXPECT_EQ(calls, 40);
  EXPECT_GE(taken, 10) << "hardly any of these kernels has scratch: nothing was tested";
}

}  // namespace
}  // namespace halyard
