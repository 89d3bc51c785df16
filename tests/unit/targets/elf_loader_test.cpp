#include "targets/board_runner/elf_loader.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace halyard {
namespace {

int Callee(int x) { return x + 100; }

void* Resolve(const std::string& name) {
  return name == "callee" ? reinterpret_cast<void*>(&Callee) : nullptr;
}

// A shared object with every relocation the loader knows, built by the machine's own compiler.
const std::vector<uint8_t>& SharedObject() {
  static const std::vector<uint8_t> file = [] {
    std::string folder = (std::filesystem::temp_directory_path() / "halyard-elf-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) return std::vector<uint8_t>();
    std::ofstream(folder + "/a.c") << R"(
      extern int callee(int);
      extern int absent(int) __attribute__((weak));
      int counter = 5;
      int* relative = &counter;
      int (*absolute)(int) = callee;
      int zeroed[5000];
      int entry(int x) {
        zeroed[4999] += x;
        if (absent) return -1;
        return callee(x) + absolute(1) + *relative + zeroed[4999];
      })";
    const std::string build =
        "cc -O1 -fPIC -shared -nostdlib -o " + folder + "/a.so " + folder + "/a.c";
    std::vector<uint8_t> bytes;
    std::string error;
    if (std::system(build.c_str()) == 0) ReadArtifact(folder + "/a.so", &bytes, &error);
    std::filesystem::remove_all(folder);
    return bytes;
  }();
  return file;
}

std::string ErrorOf(const std::vector<uint8_t>& file) {
  std::string error;
  LoadedElf::Load(file, Resolve, &error);
  return error;
}

TEST(ElfLoader, LoadsAndRelocates) {
  ASSERT_FALSE(SharedObject().empty());
  std::string error;
  const auto elf = LoadedElf::Load(SharedObject(), Resolve, &error);
  ASSERT_NE(elf, nullptr) << error;
  const auto entry = reinterpret_cast<int (*)(int)>(elf->Find("entry"));
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry(7), 107 + 101 + 5 + 7);
  EXPECT_EQ(elf->Find("callee"), nullptr);
  EXPECT_EQ(elf->Find("nothing"), nullptr);
}

TEST(ElfLoader, UnresolvedSymbolIsNamed) {
  std::string error;
  const auto none = [](const std::string&) -> void* { return nullptr; };
  EXPECT_EQ(LoadedElf::Load(SharedObject(), none, &error), nullptr);
  EXPECT_EQ(error, "bad artifact: undefined symbol callee");
}

TEST(ElfLoader, ForeignFilesSayWhatTheyAre) {
  EXPECT_EQ(ErrorOf({}), "bad artifact: shorter than an ELF header");
  EXPECT_EQ(ErrorOf(std::vector<uint8_t>(1000, 'x')), "bad artifact: no ELF magic");
  std::vector<uint8_t> file = SharedObject();
  const uint16_t machine = EM_RISCV;
  std::memcpy(file.data() + offsetof(Elf64_Ehdr, e_machine), &machine, 2);
  EXPECT_NE(ErrorOf(file).find("built for machine 243"), std::string::npos);
  file = SharedObject();
  file[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(ErrorOf(file), "bad artifact: not 64-bit little-endian");
}

// A reply that carries the error is UTF-8, and one line.
TEST(ElfLoader, ANameThatIsNoTextIsShownAsText) {
  std::vector<uint8_t> file = SharedObject();
  const std::string name = "callee";
  const auto at = std::search(file.begin(), file.end(), name.begin(), name.end());
  ASSERT_NE(at, file.end());
  std::copy_n("\xff\n\x01 e~", 6, at);
  const auto none = [](const std::string&) -> void* { return nullptr; };
  std::string error;
  EXPECT_EQ(LoadedElf::Load(file, none, &error), nullptr);
  EXPECT_EQ(error, "bad artifact: undefined symbol ????e~");
}

// Sixty thousand segments, each of which is all of the file, would copy terabytes.
TEST(ElfLoader, SegmentsThatAreTheSameBytesAreRefused) {
  std::vector<uint8_t> file = SharedObject();
  Elf64_Ehdr header;
  std::memcpy(&header, file.data(), sizeof header);
  header.e_phoff = file.size();
  header.e_phnum = 60'000;
  std::memcpy(file.data(), &header, sizeof header);
  Elf64_Phdr segment = {};
  file.resize(file.size() + header.e_phnum * sizeof segment);
  segment.p_type = PT_LOAD;
  segment.p_filesz = segment.p_memsz = file.size();
  for (size_t i = 0; i < header.e_phnum; ++i) {
    std::memcpy(file.data() + header.e_phoff + i * sizeof segment, &segment, sizeof segment);
  }
  EXPECT_EQ(ErrorOf(file), "bad artifact: segments overlap in the file");
}

TEST(ElfLoader, EveryTruncationIsAnErrorOrHarmless) {
  const std::vector<uint8_t>& whole = SharedObject();
  for (size_t size = 0; size < whole.size(); size += size < 2048 ? 1 : 61) {
    std::string error;
    LoadedElf::Load(std::vector<uint8_t>(whole.begin(), whole.begin() + size), Resolve, &error);
    // The header and the program headers cannot be missing unnoticed.
    if (size < 1024) {
      EXPECT_FALSE(error.empty()) << size;
    }
  }
}

// Headers, symbol and relocation tables, dynamic section: whatever a byte says, no crash.
TEST(ElfLoader, EveryMutatedByteIsAnErrorOrHarmless) {
  std::vector<uint8_t> file = SharedObject();
  for (size_t at = 0; at < file.size(); ++at) {
    const bool headers = at < 1024;
    for (int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      if (!headers && value != 0xff && value != 0x01) continue;
      const uint8_t before = file[at];
      file[at] = static_cast<uint8_t>(value);
      ErrorOf(file);
      file[at] = before;
    }
  }
}

}  // namespace
}  // namespace halyard
