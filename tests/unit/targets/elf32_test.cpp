#include "targets/elf32.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>

namespace halyard {
namespace {

template <typename T>
void Append(const T& value, std::string* file) {
  file->append(reinterpret_cast<const char*>(&value), sizeof value);
}

Elf32_Ehdr Header() {
  Elf32_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS32;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = EM_ARM;
  return header;
}

// `count` segments or sections behind the header, and then some bytes.
template <typename Entry>
std::string File(Elf32_Ehdr header, const Entry& entry, uint16_t count, size_t bytes) {
  std::string file;
  Append(header, &file);
  for (int i = 0; i < count; ++i) Append(entry, &file);
  return file + std::string(bytes, 'x');
}

TEST(Elf32, ReadsSegments) {
  Elf32_Ehdr header = Header();
  header.e_phoff = sizeof header;
  header.e_phnum = 1;
  Elf32_Phdr segment = {};
  segment.p_type = PT_LOAD;
  segment.p_paddr = 0x20000000;
  segment.p_offset = sizeof header + sizeof segment;
  segment.p_filesz = 100;
  const auto elf = ParseElf32(File(header, segment, 1, 100));
  ASSERT_TRUE(elf.ok()) << elf.status();
  ASSERT_EQ(elf->segments.size(), 1u);
  EXPECT_EQ(elf->segments[0].address, 0x20000000u);
  EXPECT_EQ(elf->segments[0].bytes, std::string(100, 'x'));
  segment.p_filesz = 101;
  EXPECT_EQ(ParseElf32(File(header, segment, 1, 100)).status().message(),
            "an ELF file that is cut off");
}

// Each of thousands of headers names all of the file: gigabytes of some hundred KiB.
TEST(Elf32, ASmallFileIsNoLargeImage) {
  constexpr uint16_t kCount = 10'000;
  Elf32_Ehdr header = Header();
  header.e_phoff = sizeof header;
  header.e_phnum = kCount;
  Elf32_Phdr segment = {};
  segment.p_type = PT_LOAD;
  segment.p_filesz = sizeof header + kCount * sizeof segment;
  EXPECT_EQ(ParseElf32(File(header, segment, kCount, 0)).status().message(),
            "an ELF file whose parts overlap");
  header = Header();
  header.e_shoff = sizeof header;
  header.e_shnum = kCount;
  Elf32_Shdr table = {};
  table.sh_type = SHT_SYMTAB;
  table.sh_size = sizeof header + kCount * sizeof table;
  EXPECT_EQ(ParseElf32(File(header, table, kCount, 0)).status().message(),
            "an ELF file whose parts overlap");
}

}  // namespace
}  // namespace halyard
