// Other people's builds: pkg-config, CMake, a shared object, C++, two libraries in one program.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "fmt/format.h"
#include "tests/integration/library/library_under_test.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

constexpr char kUser[] = R"(
#include <stdio.h>
#include "tuned_host.h"
int main(void) {
  float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {1, 0, 0, 1, 1, 1}, c[4];
  int status = tuned_host_gemm(2, 2, 3, a, b, c);
  printf("%d %g %g %g %g\n", status, c[0], c[1], c[2], c[3]);
  return status;
}
)";
constexpr char kAnswer[] = "0 4 5 10 11\n";

void WriteText(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

// A copy of the host's library elsewhere, as somebody who was sent the folder has it.
std::string MovedLibrary(const std::string& folder) {
  const std::string moved = folder + "/moved here";
  fs::copy(LibraryFor("host").spec().out_dir, moved, fs::copy_options::recursive);
  return moved;
}

std::vector<std::string> Words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

TEST(LibraryConsumers, PkgConfig) {
  const std::string folder = ScratchFolder("pkg_config"), out = LibraryFor("host").spec().out_dir;
  WriteText(folder + "/user.c", kUser);
  const auto flags = Words(RunOrFail(
      {"env", "PKG_CONFIG_PATH=" + out, "pkg-config", "--cflags", "--libs", "tuned_host"}));
  std::vector<std::string> argv = {"cc", folder + "/user.c", "-o", folder + "/user"};
  argv.insert(argv.end(), flags.begin(), flags.end());
  RunOrFail(argv);
  EXPECT_EQ(RunOrFail({folder + "/user"}), kAnswer);
}

TEST(LibraryConsumers, CMakeFindsAMovedPackageOfThisSeriesOnly) {
  const std::string folder = ScratchFolder("cmake");
  const std::string moved = MovedLibrary(folder);
  auto project = [&](const std::string& version) {
    return fmt::format(
        "cmake_minimum_required(VERSION 3.18)\nproject(user C)\n"
        "find_package(tuned_host {} CONFIG REQUIRED)\nadd_executable(user user.c)\n"
        "target_link_libraries(user PRIVATE tuned_host::tuned_host)\n",
        version);
  };
  WriteText(folder + "/src/user.c", kUser);
  WriteText(folder + "/src/CMakeLists.txt", project("0.1"));
  RunOrFail({"cmake", "-G", "Ninja", "-S", folder + "/src", "-B", folder + "/build",
             "-DCMAKE_PREFIX_PATH=" + moved});
  RunOrFail({"cmake", "--build", folder + "/build"});
  EXPECT_EQ(RunOrFail({folder + "/build/user"}), kAnswer);

  WriteText(folder + "/src/CMakeLists.txt", project("7.0"));
  const ChildResult refused = RunChild({"cmake", "-G", "Ninja", "-S", folder + "/src", "-B",
                                        folder + "/build7", "-DCMAKE_PREFIX_PATH=" + moved},
                                       "", ChildLimits{});
  EXPECT_NE(refused.exit_code, 0);
}

TEST(LibraryConsumers, HeaderIsCleanC99AndCxx) {
  const std::string folder = ScratchFolder("header"), out = LibraryFor("host").spec().out_dir;
  WriteText(folder + "/user.c", kUser);
  WriteText(folder + "/user.cpp", kUser);
  for (const std::vector<std::string>& compiler :
       {std::vector<std::string>{"cc", "-std=c99", "-pedantic-errors", folder + "/user.c"},
        std::vector<std::string>{"c++", "-std=c++11", "-pedantic-errors", folder + "/user.cpp"}}) {
    std::vector<std::string> argv = compiler;
    argv.insert(argv.end(),
                {"-Wall", "-Wextra", "-Werror", "-Wstrict-prototypes", "-o", folder + "/user", "-I",
                 out, "-L", out, "-ltuned_host", "-lpthread", "-lm"});
    if (compiler[0] == "c++") std::erase(argv, "-Wstrict-prototypes");
    RunOrFail(argv);
    EXPECT_EQ(RunOrFail({folder + "/user"}), kAnswer);
  }
}

// Two runtimes, each with its own threads, neither aware of the other; also as a shared object.
TEST(LibraryConsumers, TwoLibrariesInOneProgram) {
  const std::string folder = ScratchFolder("two"), out = LibraryFor("host").spec().out_dir;
  LibrarySpec spec = LibraryFor("host").spec();
  spec.name = "other";
  spec.out_dir = folder + "/other";
  spec.variants.clear();
  const auto other = BuildLibrary(spec, SharedBuilder());
  ASSERT_TRUE(other.ok()) << other.status();
  WriteText(folder + "/user.c", R"(
#include <stdio.h>
#include "other.h"
#include "tuned_host.h"
int main(void) {
  float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {1, 0, 0, 1, 1, 1}, c[4], d[4];
  int one, two;
  tuned_host_set_threads(2);
  other_set_threads(3);
  one = tuned_host_gemm(2, 2, 3, a, b, c), two = other_gemm(2, 2, 3, a, b, d);
  printf("%d %d %g %g\n", one, two, c[3], d[3]);
  return TUNED_HOST_OK + OTHER_OK;
}
)");
  const std::vector<std::string> includes = {"-I", out, "-I", spec.out_dir};
  std::vector<std::string> argv = {"cc", folder + "/user.c", "-o", folder + "/static"};
  argv.insert(argv.end(), includes.begin(), includes.end());
  argv.insert(argv.end(), {LibraryFor("host").files().library, other->library, "-lpthread", "-lm"});
  RunOrFail(argv);
  EXPECT_EQ(RunOrFail({folder + "/static"}), "0 0 11 11\n");

  for (const auto& [name, library] :
       {std::pair<std::string, std::string>{"one", LibraryFor("host").files().library},
        std::pair<std::string, std::string>{"two", other->library}}) {
    RunOrFail({"cc", "-shared", "-Wl,-z,defs,-z,text,--fatal-warnings", "-o",
               folder + "/lib" + name + ".so", "-Wl,--whole-archive", library,
               "-Wl,--no-whole-archive", "-lpthread", "-lm"});
  }
  argv = {"cc", folder + "/user.c", "-o", folder + "/shared"};
  argv.insert(argv.end(), includes.begin(), includes.end());
  argv.insert(argv.end(), {"-L", folder, "-lone", "-ltwo", "-Wl,-rpath," + folder});
  RunOrFail(argv);
  EXPECT_EQ(RunOrFail({folder + "/shared"}), "0 0 11 11\n");
}

}  // namespace
}  // namespace halyard
