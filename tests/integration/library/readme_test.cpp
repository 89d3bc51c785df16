// The code in the README, as a reader would copy it.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/library/host_library.h"
#include "tests/integration/library/library_under_test.h"

namespace halyard {
namespace {

// The first block that is marked as being in `language`.
std::string Block(const std::string& language) {
  const std::string readme = ReadText(HALYARD_EXAMPLES "/../README.md");
  const std::string mark = "\n```" + language + "\n";
  const size_t begin = readme.find(mark), end = readme.find("\n```\n", begin + mark.size());
  EXPECT_NE(begin, std::string::npos) << "the README has no block in " << language;
  if (begin == std::string::npos) return "#error no block";
  return readme.substr(begin + mark.size(), end + 1 - begin - mark.size());
}

void ExpectCompiles(const std::string& file, const std::string& text,
                    const std::vector<std::string>& compiler) {
  const std::string source = HostLibraryFolder() + "/" + file;
  std::ofstream(source) << text;
  std::vector<std::string> argv = compiler;
  argv.insert(argv.end(), {"-Wall", "-Wextra", "-Werror", "-fopenmp", "-fsyntax-only", source});
  RunOrFail(argv);
}

TEST(Readme, CodeInCCompiles) {
  ExpectCompiles("readme.c",
                 "#include \"tuned_host.h\"\nstruct arena;\n"
                 "void* arena_take(struct arena*, size_t, size_t);\n"
                 "void arena_give(struct arena*, void*, size_t, size_t);\n" +
                     Block("c"),
                 {"cc", "-std=c99"});
}

TEST(Readme, CodeInCxxCompiles) {
  ExpectCompiles("readme.cpp",
                 "#include <cstdio>\n#include <vector>\n#include \"tuned_host.hpp\"\n"
                 "void f(int64_t m, int64_t n, int64_t k, const std::vector<float>& weights,\n"
                 "       const std::vector<float>& x, const std::vector<float>& bias,\n"
                 "       std::vector<float>& y) {\n" +
                     Block("cpp") + "}\n",
                 {"c++", "-std=c++17"});
}

}  // namespace
}  // namespace halyard
