// The promise of the header's version: what was compiled for an earlier one goes on working, and
// whatever is added raises it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "fmt/format.h"
#include "tests/integration/library/library_under_test.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

constexpr char kName[] = "shipped";

std::string GoldenPath(int version) {
  return fmt::format("{}/library_abi_{}.h.txt", HALYARD_GOLDENS, version);
}

// The library that the goldens are headers of.
LibraryFiles BuildShipped(const std::string& device) {
  LibrarySpec spec{LoadDevice(device).value(), kName, {}, ScratchFolder("abi_" + device), "0123"};
  int64_t id = 1;
  for (const char* text :
       {"gemm:33x17x9:f32", "gemm:33x17x9,packed=1:f32", "gemm:33x17x9,bias=1,act=gelu:f32",
        "gemm:33x17x9,packed=1,bias=1,act=relu:f32", "softmax:19x70:f32", "attention:2x24x8:f32"}) {
    spec.variants.push_back(MakeVariant(text, spec.device, true, id++));
  }
  const auto files = BuildLibrary(spec, SharedBuilder());
  EXPECT_TRUE(files.ok()) << files.status();
  return files.ok() ? *files : LibraryFiles{};
}

const LibraryFiles& Shipped(const std::string& device) {
  static const LibraryFiles host = BuildShipped("host"), rpi4 = BuildShipped("rpi4");
  return device == "host" ? host : rpi4;
}

// Whether a macro's value is the library's own and no part of the interface.
bool HasOwnValue(const std::string& macro) {
  return std::regex_match(macro,
                          std::regex("SHIPPED_(DEVICE|HALYARD_VERSION|ABI_VERSION|SCRATCH_.*)"));
}

std::vector<std::string> Split(const std::string& text, const char* at) {
  return absl::StrSplit(text, at, absl::SkipWhitespace());
}

// All that a header declares, each in one spelling: functions, types, single enumerators, macros.
std::set<std::string> Declarations(std::string text) {
  text = std::regex_replace(text, std::regex(R"(/\*[^*]*\*+([^/*][^*]*\*+)*/)"), " ");
  text = std::regex_replace(text, std::regex(R"(\\\n)"), " ");
  text = std::regex_replace(text, std::regex(R"(#ifdef __cplusplus[^#]*#endif)"), " ");
  std::set<std::string> found;
  std::string code;
  std::smatch match;
  for (const std::string& line : Split(text, "\n")) {
    static const std::regex kDefine(R"(#define (\w+)(\(\w+\))?(.*))");
    if (std::regex_match(line, match, kDefine)) {
      const bool own = HasOwnValue(match[1]);
      found.insert("#define " + match.str(1) + match.str(2) + (own ? "" : match.str(3)));
    } else if (line.rfind('#', 0) != 0) {
      code += line + " ";
    }
  }
  code = std::regex_replace(code, std::regex(R"(\s+)"), " ");
  for (const std::string& declaration : Split(code, "; ")) {
    static const std::regex kEnum(R"(\s*(enum \w+) \{(.*)\})");
    if (std::regex_match(declaration, match, kEnum)) {
      for (const std::string& enumerator : Split(match.str(2), ",")) {
        found.insert(match.str(1) + ": " + std::string(absl::StripAsciiWhitespace(enumerator)));
      }
    } else {
      found.insert(std::string(absl::StripAsciiWhitespace(declaration)));
    }
  }
  return found;
}

TEST(LibraryAbiDeclarations, AreReadFromAHeader) {
  EXPECT_THAT(
      Declarations("/* f * g */\n#ifndef A_H\n#define A_H\n#include <b.h>\n"
                   "#define A_MOST 7\n#define SHIPPED_SCRATCH_X(threads) \\\n  (9)\n"
                   "#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
                   "enum a {\n  A_X = 0, /* x */\n  A_Y = 1\n};\nint f(int x,\n      int y);\n"
                   "#ifdef __cplusplus\n}\n#endif\n#endif /* A_H */\n"),
      testing::UnorderedElementsAre("#define A_H", "#define A_MOST 7",
                                    "#define SHIPPED_SCRATCH_X(threads)", "enum a: A_X = 0",
                                    "enum a: A_Y = 1", "int f(int x, int y)"));
}

TEST(LibraryAbi, NothingOfAnEarlierHeaderIsGone) {
  const std::set<std::string> today = Declarations(ReadText(Shipped("rpi4").header));
  for (int version = 1; version < kLibraryAbiVersion; version++) {
    const std::set<std::string> earlier = Declarations(ReadText(GoldenPath(version)));
    EXPECT_GT(earlier.size(), 40u);
    for (const std::string& declaration : earlier) {
      EXPECT_TRUE(today.count(declaration)) << "of version " << version << ": " << declaration;
    }
  }
}

// What is new and has been shipped needs a new number. HALYARD_UPDATE_GOLDENS=1 is for what has
// not.
TEST(LibraryAbi, AdditionsRaiseTheVersion) {
  const std::string text = ReadText(Shipped("rpi4").header);
  const std::string path = GoldenPath(kLibraryAbiVersion);
  if (std::getenv("HALYARD_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(path) << text;
    GTEST_SKIP() << path << " written anew";
  }
  EXPECT_EQ(Declarations(text), Declarations(ReadText(path)))
      << "the interface is another: raise kLibraryAbiVersion, which needs a golden of its own, "
         "or undo it";
  EXPECT_NE(Declarations(text), Declarations(ReadText(GoldenPath(kLibraryAbiVersion - 1))));
}

class LibraryAbiOn : public testing::TestWithParam<std::string> {
 protected:
  // Compiles `source` with the header in `include` and runs it with the library as built today.
  static std::string Run(const std::string& source, const std::string& include) {
    const std::string device = GetParam(), program = ScratchFolder("abi_programs") + "/" + device;
    std::vector<std::string> argv = {CompilerOf(device),
                                     "-std=c99",
                                     "-pedantic-errors",
                                     "-Wall",
                                     "-Wextra",
                                     "-Werror",
                                     source,
                                     "-I",
                                     include,
                                     Shipped(device).library,
                                     "-lpthread",
                                     "-lm",
                                     "-o",
                                     program};
    if (device != "host") argv.push_back("-static");
    RunOrFail(argv);
    std::vector<std::string> run = LauncherOf(device);
    run.push_back(program);
    return RunOrFail(run);
  }
};

TEST_P(LibraryAbiOn, AProgramOfVersion1RunsWithTodaysLibrary) {
  const std::string include = ScratchFolder("abi_1");
  std::filesystem::copy_file(GoldenPath(1), include + "/shipped.h",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(Run(HALYARD_TEST_SOURCES "/abi_1_program.c", include),
            "0 wrong with 0.1.0, at most 2147483647 elements\n");
}

TEST_P(LibraryAbiOn, TheLibrarySaysItsVersion) {
  const std::string folder = ScratchFolder("abi_version");
  std::ofstream(folder + "/version.c") << "#include <stdio.h>\n#include \"shipped.h\"\n"
                                          "int main(void) {\n"
                                          "  printf(\"%d %d\", SHIPPED_ABI_VERSION,"
                                          " shipped_abi_version());\n  return 0;\n}\n";
  const std::string include = std::filesystem::path(Shipped(GetParam()).header).parent_path();
  EXPECT_EQ(Run(folder + "/version.c", include),
            fmt::format("{0} {0}", static_cast<int>(kLibraryAbiVersion)));
}

INSTANTIATE_TEST_SUITE_P(Devices, LibraryAbiOn, testing::Values("host", "rpi4"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace halyard
