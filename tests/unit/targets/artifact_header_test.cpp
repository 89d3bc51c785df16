#include "targets/artifact_header.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>

namespace halyard {
namespace {

constexpr char kX86[] = "x86_64-linux-gnu", kArm[] = "aarch64-linux-gnu",
               kAndroid[] = "aarch64-linux-android", kCortexM[] = "thumbv7em-none-eabihf";

std::string Header(uint8_t elf_class, uint16_t machine, uint16_t type = ET_DYN) {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = elf_class;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = type;
  header.e_machine = machine;
  return {reinterpret_cast<const char*>(&header), kArtifactHeaderBytes};
}

std::string WhyNot(const std::string& head, const std::string& triplet) {
  const absl::Status status = CheckArtifactHeader(head, triplet);
  EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status));
  return std::string(status.message());
}

TEST(ArtifactHeader, EachBoardTakesWhatIsBuiltForIt) {
  EXPECT_EQ(WhyNot(Header(ELFCLASS64, EM_X86_64), kX86), "");
  EXPECT_EQ(WhyNot(Header(ELFCLASS64, EM_AARCH64), kArm), "");
  EXPECT_EQ(WhyNot(Header(ELFCLASS64, EM_AARCH64), kAndroid), "");
  EXPECT_EQ(WhyNot(Header(ELFCLASS32, EM_ARM, ET_REL), kCortexM), "");
  EXPECT_EQ(WhyNot(Header(ELFCLASS64, EM_RISCV), "riscv64-linux-gnu"), "");
}

TEST(ArtifactHeader, AnotherMachinesIsNamed) {
  EXPECT_EQ(WhyNot(Header(ELFCLASS64, EM_X86_64), kArm),
            "bad artifact: built for x86-64, this board is aarch64 (aarch64-linux-gnu)");
  EXPECT_EQ(WhyNot(Header(ELFCLASS64, EM_AARCH64, ET_REL), kCortexM),
            "bad artifact: built for aarch64, this board is 32-bit Arm (thumbv7em-none-eabihf)");
  EXPECT_EQ(WhyNot(Header(ELFCLASS64, EM_RISCV), kX86),
            "bad artifact: built for machine 243 of 64 bits, this board is x86-64 "
            "(x86_64-linux-gnu)");
  // The x32 ABI: the same machine.
  EXPECT_EQ(WhyNot(Header(ELFCLASS32, EM_X86_64), kX86),
            "bad artifact: built for machine 62 of 32 bits, this board is x86-64 "
            "(x86_64-linux-gnu)");
}

TEST(ArtifactHeader, WhatIsNoArtifactIsSaid) {
  EXPECT_EQ(WhyNot("", kArm),
            "bad artifact: shorter than an ELF header, this board is aarch64 (aarch64-linux-gnu)");
  const std::string good = Header(ELFCLASS64, EM_AARCH64);
  EXPECT_NE(WhyNot(good.substr(1), kArm), "");
  EXPECT_EQ(WhyNot(std::string(100, 'x'), kArm),
            "bad artifact: not an ELF file, this board is aarch64 (aarch64-linux-gnu)");
  std::string big_endian = good;
  big_endian[EI_DATA] = ELFDATA2MSB;
  EXPECT_NE(WhyNot(big_endian, kArm).find("not little-endian"), std::string::npos);
  EXPECT_NE(WhyNot(Header(ELFCLASS64, EM_AARCH64, ET_EXEC), kArm).find("not a shared object"),
            std::string::npos);
  EXPECT_NE(WhyNot(Header(ELFCLASS32, EM_ARM, ET_EXEC), kCortexM).find("not an object"),
            std::string::npos);
  EXPECT_TRUE(absl::IsNotFound(CheckArtifactFile("/no/such/file", kArm)));
}

}  // namespace
}  // namespace halyard
