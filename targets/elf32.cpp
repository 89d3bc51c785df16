#include "targets/elf32.h"

#include <elf.h>
#include <fmt/format.h>

#include <cstring>

namespace halyard {
namespace {

// Reads structs at offsets, every one checked against the end of the file.
class File {
 public:
  explicit File(const std::string& bytes) : bytes_(bytes), left_(4 * bytes.size()) {}

  template <typename T>
  T At(uint64_t offset) {
    T value{};
    if (Takes(offset, sizeof(T))) std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }
  std::string Bytes(uint64_t offset, uint64_t size) {
    return Takes(offset, size) ? bytes_.substr(offset, size) : "";
  }
  bool bad() const { return !why_.empty(); }
  const std::string& why() const { return why_; }

 private:
  // Names are read for each table of symbols and the rest once. Thousands of headers that all name
  // the same megabytes would make terabytes of a small file.
  bool Takes(uint64_t offset, uint64_t size) {
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      why_ = "an ELF file that is cut off";
    } else if (size > left_) {
      why_ = "an ELF file whose parts overlap";
    } else {
      left_ -= size;
      return true;
    }
    return false;
  }

  const std::string& bytes_;
  uint64_t left_;
  std::string why_;
};

std::string TextAt(const std::string& table, uint32_t offset) {
  return offset < table.size() ? std::string(table.c_str() + offset) : "";
}

void ReadSymbols(File& file, const Elf32_Shdr& section, const std::string& names, Elf32* elf) {
  for (uint64_t at = 0; at + sizeof(Elf32_Sym) <= section.sh_size && !file.bad();
       at += sizeof(Elf32_Sym)) {
    const auto symbol = file.At<Elf32_Sym>(section.sh_offset + at);
    const std::string name = TextAt(names, symbol.st_name);
    if (ELF32_ST_BIND(symbol.st_info) == STB_LOCAL || name.empty()) continue;
    elf->symbols[name] = {symbol.st_value, symbol.st_shndx != SHN_UNDEF};
  }
}

// A function's address, then its frame as ULEB128.
uint64_t SumFrames(const std::string& bytes) {
  uint64_t sum = 0;
  for (size_t at = sizeof(uint32_t); at < bytes.size(); at += sizeof(uint32_t)) {
    uint64_t frame = 0;
    for (int shift = 0; at < bytes.size() && shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(bytes[at++]);
      frame |= uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) break;
    }
    sum += frame;
  }
  return sum;
}

void ReadSections(File& file, const Elf32_Ehdr& header, Elf32* elf) {
  std::vector<Elf32_Shdr> sections;
  for (int i = 0; i < header.e_shnum && !file.bad(); ++i) {
    sections.push_back(
        file.At<Elf32_Shdr>(header.e_shoff + static_cast<uint64_t>(i) * sizeof(Elf32_Shdr)));
  }
  if (header.e_shstrndx >= sections.size()) return;
  const auto names_of = [&](uint32_t index) {
    if (index >= sections.size()) return std::string();
    return file.Bytes(sections[index].sh_offset, sections[index].sh_size);
  };
  const std::string names = names_of(header.e_shstrndx);
  for (const Elf32_Shdr& section : sections) {
    if (section.sh_type == SHT_SYMTAB) ReadSymbols(file, section, names_of(section.sh_link), elf);
    if ((section.sh_flags & SHF_ALLOC) != 0 && (section.sh_flags & SHF_WRITE) == 0) {
      elf->code_bytes += section.sh_size;
    }
    if (TextAt(names, section.sh_name) == ".stack_sizes") {
      elf->frame_bytes += SumFrames(file.Bytes(section.sh_offset, section.sh_size));
    }
  }
}

}  // namespace

absl::StatusOr<uint32_t> Elf32::ValueOf(const std::string& symbol) const {
  const auto found = symbols.find(symbol);
  if (found == symbols.end() || !found->second.defined) {
    return absl::NotFoundError(fmt::format("no symbol {}", symbol));
  }
  return found->second.value;
}

absl::StatusOr<Elf32> ParseElf32(const std::string& bytes) {
  File file(bytes);
  const auto header = file.At<Elf32_Ehdr>(0);
  if (file.bad() || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return absl::InvalidArgumentError("not an ELF file");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != EM_ARM) {
    return absl::InvalidArgumentError(fmt::format(
        "an ELF file for machine {}, not for 32-bit Arm ({})", header.e_machine, EM_ARM));
  }
  Elf32 elf;
  elf.relocatable = header.e_type == ET_REL;
  elf.entry = header.e_entry;
  for (int i = 0; i < header.e_phnum && !file.bad(); ++i) {
    const auto segment =
        file.At<Elf32_Phdr>(header.e_phoff + static_cast<uint64_t>(i) * sizeof(Elf32_Phdr));
    if (segment.p_type != PT_LOAD || segment.p_filesz == 0) continue;
    elf.segments.push_back({segment.p_paddr, file.Bytes(segment.p_offset, segment.p_filesz)});
  }
  ReadSections(file, header, &elf);
  if (file.bad()) return absl::InvalidArgumentError(file.why());
  return elf;
}

}  // namespace halyard
