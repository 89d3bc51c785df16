// The C++ header: clean in two standards, with and without exceptions, and right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "rpc_farm/sha256.h"
#include "tests/integration/library/host_library.h"
#include "tests/integration/library/library_under_test.h"

namespace halyard {
namespace {

const std::string kSource = HALYARD_TEST_SOURCES "/cxx_program.cpp";

class LibraryCxxHeader : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(LibraryCxxHeader, IsCleanAndRight) {
  const std::string folder = HostLibraryFolder(), program = folder + "/cxx_program";
  std::vector<std::string> argv = {
      "c++", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic-errors", "-Wshadow", "-Wconversion"};
  argv.insert(argv.end(), GetParam().begin(), GetParam().end());
  argv.insert(argv.end(), {kSource, "-I", folder, "-L", folder, "-ltuned_host", "-lpthread", "-lm",
                           "-o", program});
  RunOrFail(argv);
  EXPECT_EQ(RunOrFail({program}), "right\n");
}

INSTANTIATE_TEST_SUITE_P(
    Dialects, LibraryCxxHeader,
    testing::Values(std::vector<std::string>{"-std=c++17", "-fsanitize=address,undefined"},
                    std::vector<std::string>{"-std=c++20"},
                    std::vector<std::string>{"-std=c++17", "-fno-exceptions", "-fno-rtti"}));

TEST(LibraryCxx, AnAnswerThatNobodyLooksAtIsAWarning) {
  const std::string folder = HostLibraryFolder(), source = folder + "/unread.cpp";
  std::ofstream(source) << "#include \"tuned_host.hpp\"\n"
                           "void f(float* x) { tuned_host::softmax(1, 1, {x, 1}, {x + 1, 1}); }\n";
  const ChildResult r = RunChild({"c++", "-std=c++17", "-Wall", "-Werror", "-fsyntax-only", source},
                                 "", ChildLimits{});
  EXPECT_NE(r.exit_code, 0);
  EXPECT_THAT(r.err, testing::HasSubstr("nodiscard"));
}

TEST(LibraryCxx, CMakeFindsTheHeaderInAMovedLibrary) {
  const std::string folder = ScratchFolder("cxx_cmake"), moved = folder + "/moved here";
  std::filesystem::copy(HostLibraryFolder(), moved, std::filesystem::copy_options::recursive);
  std::filesystem::create_directories(folder + "/src");
  std::ofstream(folder + "/src/CMakeLists.txt")
      << "cmake_minimum_required(VERSION 3.18)\nproject(user CXX)\nset(CMAKE_CXX_STANDARD 17)\n"
         "find_package(tuned_host CONFIG REQUIRED)\nadd_executable(user user.cpp)\n"
         "target_link_libraries(user PRIVATE tuned_host::tuned_host)\n";
  std::filesystem::copy_file(kSource, folder + "/src/user.cpp");
  RunOrFail({"cmake", "-G", "Ninja", "-S", folder + "/src", "-B", folder + "/build",
             "-DCMAKE_PREFIX_PATH=" + moved});
  RunOrFail({"cmake", "--build", folder + "/build"});
  EXPECT_EQ(RunOrFail({folder + "/build/user"}), "right\n");
}

TEST(LibraryCxx, TheManifestHasTheHeadersDigest) {
  const std::string folder = HostLibraryFolder();
  const auto manifest = nlohmann::json::parse(ReadText(folder + "/manifest.json"));
  EXPECT_EQ(manifest["files"]["tuned_host.hpp"], Sha256Hex(ReadText(folder + "/tuned_host.hpp")));
}

}  // namespace
}  // namespace halyard
