#include "targets/artifact_header.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>

namespace halyard {
namespace {

// The fields up to e_machine are the same in both classes.
static_assert(offsetof(Elf32_Ehdr, e_machine) + 2 == kArtifactHeaderBytes);
static_assert(offsetof(Elf64_Ehdr, e_machine) + 2 == kArtifactHeaderBytes);

struct Machine {
  std::string_view triplet;  // how one begins
  std::string_view name;
  uint8_t elf_class;
  uint16_t number;
};
constexpr Machine kMachines[] = {{"x86_64-", "x86-64", ELFCLASS64, EM_X86_64},
                                 {"aarch64-", "aarch64", ELFCLASS64, EM_AARCH64},
                                 {"thumb", "32-bit Arm", ELFCLASS32, EM_ARM},
                                 {"arm", "32-bit Arm", ELFCLASS32, EM_ARM}};

std::string NameOf(uint8_t elf_class, uint16_t number) {
  for (const Machine& m : kMachines) {
    if (m.elf_class == elf_class && m.number == number) return std::string(m.name);
  }
  return fmt::format("machine {} of {} bits", number, elf_class == ELFCLASS32 ? 32 : 64);
}

}  // namespace

absl::Status CheckArtifactHeader(std::string_view head, const std::string& triplet) {
  const auto machine = std::find_if(
      std::begin(kMachines), std::end(kMachines),
      [&](const Machine& m) { return triplet.compare(0, m.triplet.size(), m.triplet) == 0; });
  if (machine == std::end(kMachines)) return absl::OkStatus();
  const auto bad = [&](const std::string& what) {
    return absl::InvalidArgumentError(
        fmt::format("bad artifact: {}, this board is {} ({})", what, machine->name, triplet));
  };
  if (head.size() < kArtifactHeaderBytes) return bad("shorter than an ELF header");
  if (head.compare(0, SELFMAG, ELFMAG) != 0) return bad("not an ELF file");
  const auto elf_class = static_cast<uint8_t>(head[EI_CLASS]);
  if ((elf_class != ELFCLASS32 && elf_class != ELFCLASS64) || head[EI_DATA] != ELFDATA2LSB) {
    return bad("an ELF file that is not little-endian of 32 or 64 bits");
  }
  uint16_t type = 0, number = 0;
  std::memcpy(&type, head.data() + offsetof(Elf64_Ehdr, e_type), sizeof type);
  std::memcpy(&number, head.data() + offsetof(Elf64_Ehdr, e_machine), sizeof number);
  if (elf_class != machine->elf_class || number != machine->number) {
    return bad("built for " + NameOf(elf_class, number));
  }
  const bool has_os = triplet.find("-none-") == std::string::npos;
  if (type != (has_os ? ET_DYN : ET_REL)) {
    return bad(fmt::format("an ELF file of type {} and not {}", type,
                           has_os ? "a shared object" : "an object"));
  }
  return absl::OkStatus();
}

absl::Status CheckArtifactFile(const std::string& path, const std::string& triplet) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError("cannot open the artifact " + path);
  std::array<char, kArtifactHeaderBytes> head{};
  file.read(head.data(), head.size());
  return CheckArtifactHeader({head.data(), static_cast<size_t>(file.gcount())}, triplet);
}

}  // namespace halyard
