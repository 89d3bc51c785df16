// A library for each listed Linux device: of the right machine and ABI, with nothing left to
// resolve but a C library, and the example that comes with it, linked and run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tests/device_test_name.h"
#include "tests/integration/library/library_under_test.h"
#include "tuner/package.h"

// Behind Halide.h, some of whose names are macros here.
#include <elf.h>

namespace halyard {
namespace {

using testing::AllOf;
using testing::HasSubstr;

bool IsAndroid(const Device& device) { return device.triplet.ends_with("-android"); }

// Listed devices whose programs run under qemu-aarch64 here.
std::vector<std::string> Arm64Devices() {
  std::vector<std::string> ids;
  for (const std::string& id : DeviceIds()) {
    const auto device = LoadDevice(id);
    if (device.ok() && device->triplet.starts_with("aarch64-linux-")) ids.push_back(id);
  }
  return ids;
}

LibraryFiles BuildFor(const Device& device) {
  LibrarySpec spec{device, LibraryName(device), {}, ScratchFolder(device.id), "0123456789ab"};
  int64_t id = 1;
  for (const char* text : {"attention:2x24x8:f32", "softmax:19x70:f32"}) {
    spec.variants.push_back(MakeVariant(text, device, id % 2 == 1, id));
    id++;
  }
  const auto files = BuildLibrary(spec, SharedBuilder());
  EXPECT_TRUE(files.ok()) << files.status();
  return files.ok() ? *files : LibraryFiles{};
}

// The object in the archive that `path` names; archives of a library have one.
std::string MemberOf(const std::string& path) {
  const std::string archive = ReadText(path);
  constexpr size_t kMagic = 8, kHeader = 60, kSizeAt = 48, kSizeDigits = 10;
  for (size_t at = kMagic; at + kHeader < archive.size();) {
    const size_t bytes = std::stoul(archive.substr(at + kSizeAt, kSizeDigits));
    if (archive.compare(at + kHeader, SELFMAG, ELFMAG) == 0) {
      return archive.substr(at + kHeader, bytes);
    }
    at += kHeader + bytes + bytes % 2;
  }
  ADD_FAILURE() << path << " has no object";
  return "";
}

struct DeviceLibrary {
  Device device;
  LibraryFiles files;
};

class DeviceLibraries : public testing::TestWithParam<std::string> {
 protected:
  // Built once a device.
  static const DeviceLibrary& Of(const std::string& id) {
    static std::map<std::string, DeviceLibrary> built;
    if (built.count(id) == 0) {
      const Device device = LoadDevice(id).value();
      built[id] = {device, BuildFor(device)};
    }
    return built.at(id);
  }
};

// As the example's comment has it.
std::string CompileExample(const Device& device, const std::vector<std::string>& more = {}) {
  const std::string folder = ScratchFolder(device.id), name = LibraryName(device);
  std::vector<std::string> argv = {device.toolchain + "-gcc",
                                   "-static",
                                   "-O2",
                                   "-Wall",
                                   "-Wextra",
                                   "-Werror",
                                   "-DLIBRARY=" + name,
                                   HALYARD_EXAMPLES "/arm64/main.c"};
  argv.insert(argv.end(), more.begin(), more.end());
  argv.insert(argv.end(), {"-I", folder, "-L", folder, "-l" + name, "-lpthread", "-lm",
                           "-Wl,--fatal-warnings", "-o", folder + "/example"});
  RunOrFail(argv);
  return folder + "/example";
}

TEST_P(DeviceLibraries, IsOfItsMachineAndAbi) {
  const std::string object = MemberOf(Of(GetParam()).files.library);
  ASSERT_GE(object.size(), sizeof(Elf64_Ehdr));
  Elf64_Ehdr header;
  std::memcpy(&header, object.data(), sizeof header);
  EXPECT_EQ(header.e_ident[EI_CLASS], ELFCLASS64);
  EXPECT_EQ(header.e_ident[EI_DATA], ELFDATA2LSB);
  EXPECT_EQ(header.e_machine, EM_AARCH64);
  EXPECT_EQ(header.e_type, ET_REL);
  // A linker makes the whole program's stack executable where one object does not say otherwise.
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  std::memcpy(sections.data(), &object[header.e_shoff], header.e_shnum * sizeof(Elf64_Shdr));
  const char* names = &object[sections[header.e_shstrndx].sh_offset];
  int stack_notes = 0;
  for (const Elf64_Shdr& section : sections) {
    if (std::strcmp(names + section.sh_name, ".note.GNU-stack") != 0) continue;
    EXPECT_EQ(section.sh_flags & SHF_EXECINSTR, 0u);
    stack_notes++;
  }
  EXPECT_GE(stack_notes, 1);
}

TEST_P(DeviceLibraries, NeedsOnlyACLibrary) {
  std::set<std::string> allowed = CLibrarySymbols();
  if (IsAndroid(Of(GetParam()).device)) allowed.insert("__android_log_print");
  std::istringstream lines(RunOrFail({"llvm-nm-14", "-P", "-u", Of(GetParam()).files.library}));
  int needed = 0;
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.find(' ');
    if (space == std::string::npos || line.back() == ':') continue;
    EXPECT_TRUE(allowed.count(line.substr(0, space))) << line;
    needed++;
  }
  EXPECT_GT(needed, 10);
}

TEST_P(DeviceLibraries, ExampleRunsAndIsRight) {
  const Device& device = Of(GetParam()).device;
  std::vector<std::string> more;
  if (IsAndroid(device)) {
    // What the phone's own liblog has.
    const std::string log = ScratchFolder(device.id) + "/liblog.c";
    std::ofstream(log) << "int __android_log_print(int p, const char* t, const char* f, ...);\n"
                          "int __android_log_print(int p, const char* t, const char* f, ...) {\n"
                          "  return (void)p, (void)t, (void)f, 0;\n}\n";
    more = {log};
  }
  const std::string program = CompileExample(device, more);
  const auto run = [&](std::vector<std::string> args) {
    args.insert(args.begin(), {"qemu-aarch64", "-cpu", device.virtual_board.qemu_cpu, program});
    return RunOrFail(args);
  };
  EXPECT_EQ(run({"attention", "2", "24", "8"}).rfind("attention 2x24x8 (tuned)", 0), 0u);
  EXPECT_EQ(run({"softmax", "19", "70"}).rfind("softmax 19x70 (tuned)", 0), 0u);
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"attention", "3", "50", "16"},
        std::vector<std::string>{"gemm", "33", "17", "29"},
        std::vector<std::string>{"conv2d", "1", "9", "8", "5", "12", "3", "3", "2", "1"}}) {
    EXPECT_THAT(run(args), AllOf(HasSubstr("(fall-back)"), HasSubstr(": right\n")));
  }
}

INSTANTIATE_TEST_SUITE_P(Arm64, DeviceLibraries, testing::ValuesIn(Arm64Devices()),
                         [](const auto& info) { return TestNameOf(info.param); });

// A user's own device of instructions beyond the architecture's baseline.
TEST(Arm64CpuCheck, AnOlderCpuGetsAnErrorAndNoIllegalInstruction) {
  const std::string file = ScratchFolder("own") + "/dotprod.json";
  std::ofstream(file) << R"({"inherits": "rpi4", "id": "dotprod", "cpu": "Cortex-A76",
                             "halide_target": "arm-64-linux-arm_dot_prod-arm_fp16"})";
  const Device device = LoadDevice(file).value();
  BuildFor(device);
  const std::string program = CompileExample(device);
  const ChildResult old = RunChild(
      {"qemu-aarch64", "-cpu", "cortex-a72", program, "softmax", "19", "70"}, "", ChildLimits{});
  EXPECT_EQ(old.signal, 0);
  EXPECT_EQ(old.exit_code, 1);
  EXPECT_EQ(old.err, "this CPU lacks an instruction set the library was built for\n");
  EXPECT_THAT(RunOrFail({"qemu-aarch64", "-cpu", "cortex-a76", program, "softmax", "19", "70"}),
              AllOf(HasSubstr("(tuned)"), HasSubstr(": right\n")));
}

}  // namespace
}  // namespace halyard
