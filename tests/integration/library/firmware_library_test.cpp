// Libraries for devices without an operating system: what they export and need, that a user's
// compiler takes their headers, and that a program with one runs and is right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "targets/elf32.h"
#include "tests/device_test_name.h"
#include "tests/integration/library/library_under_test.h"

namespace halyard {
namespace {

class FirmwareLibrary : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    device_ = LoadDevice(GetParam()).value();
    name_ = "tuned_" + absl::StrReplaceAll(device_.id, {{"-", "_"}});
    out_ = ScratchFolder(device_.id);
  }

  void Build() {
    LibrarySpec spec{device_, name_, {}, out_, "0123456789ab"};
    int64_t id = 1;
    for (const char* text :
         {"gemm:32x32x32:f32", "gemm:5x7x3:f32", "gemm:32x32x32,packed=1:f32",
          "gemm:8x8x8,bias=1,act=gelu:f32", "conv2d:1x16x16x8x16x3x3,pad=1:f32",
          "softmax:1x256:f32", "attention:2x32x16:f32", "batch_gemm:2x8x8x8:f32"}) {
      spec.variants.push_back(MakeVariant(text, device_, /*safe=*/true, id++));
    }
    const auto files = BuildLibrary(spec, SharedBuilder());
    ASSERT_TRUE(files.ok()) << files.status();
    archive_ = files->library;
    header_ = files->header;
  }

  std::vector<std::string> Flags() const {
    return {"-mcpu=" + device_.firmware->llc_cpu, "-mthumb", "-mfloat-abi=hard", "-mfpu=auto"};
  }
  std::string RunTool(std::vector<std::string> argv, const std::vector<std::string>& more) const {
    argv.insert(argv.end(), more.begin(), more.end());
    return RunOrFail(argv);
  }

  Device device_;
  std::string name_, out_, archive_, header_;
};

TEST_P(FirmwareLibrary, NeedsNothingButMemoryFunctionsAndIsHardFloat) {
  Build();
  const auto elf = ParseElf32(RunOrFail({"llvm-ar-14", "p", archive_}));
  ASSERT_TRUE(elf.ok()) << elf.status();
  for (const auto& [symbol, what] : elf->symbols) {
    if (what.defined) {
      EXPECT_EQ(symbol.rfind(name_ + "_", 0), 0u) << symbol;
    } else {
      EXPECT_EQ(symbol.rfind("__aeabi_mem", 0) == 0 || symbol.rfind("mem", 0) == 0, true) << symbol;
    }
  }
  for (const char* function :
       {"_gemm", "_gemm_32x32x32", "_gemm_32x32x32_packed_1", "_gemm_32x32x32_packed_1_pack",
        "_gemm_8x8x8_bias_1_act_gelu", "_conv2d", "_softmax_1x256", "_attention", "_error_text"}) {
    EXPECT_TRUE(elf->ValueOf(name_ + function).ok()) << function;
  }
  EXPECT_THAT(RunOrFail({"llvm-readelf-14", "-A", archive_}), testing::HasSubstr("AAPCS VFP"));
  // No variables: nothing that is written, or begins at zero.
  const std::string sections = RunOrFail({"llvm-size-14", "-A", archive_});
  for (absl::string_view line : absl::StrSplit(sections, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() == 3 && (words[0] == ".data" || words[0] == ".bss")) {
      EXPECT_EQ(words[1], "0") << line;
    }
  }
}

TEST_P(FirmwareLibrary, HeaderIsPlainCAndCxx) {
  Build();
  for (const char* language : {"c", "c++"}) {
    RunTool({"arm-none-eabi-gcc", "-x", language, "-Wall", "-Wextra", "-Wpedantic", "-Werror",
             "-fsyntax-only", "-ffreestanding", header_},
            Flags());
  }
}

TEST_P(FirmwareLibrary, TheSameSpecGivesTheSameBytes) {
  Build();
  const auto read = [&] {
    std::ifstream file(archive_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  };
  const std::string first = read();
  Build();
  EXPECT_EQ(read(), first);
}

TEST_P(FirmwareLibrary, TheExampleRunsAndIsRight) {
  const std::string machine = device_.firmware->emulator.machine;
  Build();
  const std::string program = out_ + "/example.elf";
  std::string prefix = name_;
  for (char& c : prefix) c = static_cast<char>(toupper(c));
  RunTool({"arm-none-eabi-gcc",
           "-Wall",
           "-Wextra",
           "-Werror",
           "-O2",
           "-nostartfiles",
           fmt::format("-DHEADER=\"{}.h\"", name_),
           "-DNAME=" + name_,
           "-DPREFIX=" + prefix,
           "-T",
           HALYARD_EXAMPLES "/cortex-m/mps.ld",
           machine == "mps3-an547" ? "-Wl,--defsym=secure=0x10000000" : "-Wl,--gc-sections",
           HALYARD_EXAMPLES "/cortex-m/main.c",
           "-I",
           out_,
           "-L",
           out_,
           "-l" + name_,
           "-lm",
           "-o",
           program},
          Flags());
  ChildLimits limits;
  limits.deadline = std::chrono::seconds(20);
  const ChildResult r = RunChild({"qemu-system-arm", "-M", machine, "-nographic", "-monitor",
                                  "none", "-serial", "none", "-semihosting", "-kernel", program},
                                 "", limits);
  EXPECT_EQ(r.exit_code, 0) << r.out << r.err;
  EXPECT_THAT(r.out + r.err, testing::HasSubstr("gemm 32x32x32: right\n"));
}

INSTANTIATE_TEST_SUITE_P(Devices, FirmwareLibrary,
                         testing::Values("cortex-m4", "cortex-m7", "cortex-m55"),
                         [](const auto& info) { return TestNameOf(info.param); });

}  // namespace
}  // namespace halyard
