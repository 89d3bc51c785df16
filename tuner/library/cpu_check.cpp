#include <algorithm>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

// Registers of CPUID as the generated function names them, and the bits as <cpuid.h> does.
struct CpuidBits {
  std::vector<std::string> leaf1_ecx, leaf7_ebx, leaf7_ecx, leaf7_eax_sub1, extended_ecx;
  bool avx_state = false, avx512_state = false;
};

void Add(std::vector<std::string>& to, std::initializer_list<const char*> bits) {
  to.insert(to.end(), bits.begin(), bits.end());
}

// Halide hands LLVM the oldest processor with the target's widest vectors (CodeGen_X86::mcpu), so
// a target brings in what that processor has besides the feature it is named after: a Haswell's
// bit manipulation comes with avx2.
bool AddFeature(const std::string& feature, CpuidBits& bits) {
  if (feature == "sse41") {
    Add(bits.leaf1_ecx, {"bit_SSE4_1"});
  } else if (feature == "avx") {
    bits.avx_state = true;
    Add(bits.leaf1_ecx, {"bit_AVX", "bit_SSE4_2", "bit_POPCNT"});
  } else if (feature == "avx2") {
    bits.avx_state = true;
    Add(bits.leaf1_ecx, {"bit_AVX", "bit_FMA", "bit_F16C", "bit_MOVBE", "bit_POPCNT"});
    Add(bits.leaf7_ebx, {"bit_AVX2", "bit_BMI", "bit_BMI2"});
    Add(bits.extended_ecx, {"bit_LZCNT"});
  } else if (feature == "fma") {
    Add(bits.leaf1_ecx, {"bit_FMA"});
  } else if (feature == "f16c") {
    Add(bits.leaf1_ecx, {"bit_F16C"});
  } else if (feature == "avx512") {
    bits.avx512_state = true;
    Add(bits.leaf7_ebx, {"bit_AVX512F", "bit_AVX512CD"});
  } else if (feature == "avx512_skylake") {
    bits.avx512_state = true;
    Add(bits.leaf7_ebx,
        {"bit_AVX512F", "bit_AVX512CD", "bit_AVX512BW", "bit_AVX512DQ", "bit_AVX512VL"});
  } else if (feature == "avx512_cannonlake") {
    Add(bits.leaf7_ebx, {"bit_AVX512IFMA"});
    Add(bits.leaf7_ecx, {"bit_AVX512VBMI"});
  } else if (feature == "avx512_sapphirerapids") {
    Add(bits.leaf7_ecx, {"bit_AVX512VNNI", "bit_AVX512VBMI2", "bit_AVX512BITALG",
                         "bit_AVX512VPOPCNTDQ", "bit_GFNI", "bit_VAES", "bit_VPCLMULQDQ"});
    Add(bits.leaf7_eax_sub1, {"bit_AVX512BF16", "bit_AVXVNNI"});
  } else {
    return false;
  }
  return true;
}

std::string Mask(const std::string& leaf, const std::string& registers, const std::string& reg,
                 std::vector<std::string> bits) {
  if (bits.empty()) return "";
  std::sort(bits.begin(), bits.end());
  bits.erase(std::unique(bits.begin(), bits.end()), bits.end());
  return fmt::format(
      "  if (!{}({}, {}&eax, &ebx, &ecx, &edx)) return 0;\n"
      "  wanted = {};\n"
      "  if (({} & wanted) != wanted) return 0;\n",
      registers.empty() ? "__get_cpuid" : "__get_cpuid_count", leaf, registers,
      absl::StrJoin(bits, " | "), reg);
}

std::string X86Text(const CpuidBits& bits) {
  std::string body;
  if (bits.avx_state || bits.avx512_state) {
    // XCR0: 0x6 is the SSE and AVX state, 0xe0 the mask registers and the upper halves of ZMM.
    body += fmt::format(
        "  /* The operating system has to save the wide registers, too. */\n"
        "  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE)) return 0;\n"
        "  __asm__(\"xgetbv\" : \"=a\"(eax), \"=d\"(edx) : \"c\"(0));\n"
        "  if ((eax & {0}u) != {0}u) return 0;\n",
        bits.avx512_state ? "0xe6" : "0x6");
  }
  body += Mask("1", "", "ecx", bits.leaf1_ecx);
  body += Mask("7", "0, ", "ebx", bits.leaf7_ebx);
  body += Mask("7", "0, ", "ecx", bits.leaf7_ecx);
  body += Mask("7", "1, ", "eax", bits.leaf7_eax_sub1);
  body += Mask("0x80000001u", "", "ecx", bits.extended_ecx);
  if (body.empty()) return "static int cpu_supported(void) { return 1; }\n";
  return "#include <cpuid.h>\n\n"
         "static int ask_cpu(void) {\n"
         "  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0, wanted = 0;\n" +
         body +
         "  (void)wanted;\n"
         "  return 1;\n"
         "}\n\n"
         "/* Asked once: CPUID leaves a virtual machine, which takes longer than a small kernel. "
         "*/\n"
         "static int cpu_supported(void) {\n"
         "  static int answer; /* 0: not asked, 1: no, 2: yes */\n"
         "  int known = __atomic_load_n(&answer, __ATOMIC_RELAXED);\n"
         "  if (known == 0) {\n"
         "    known = ask_cpu() ? 2 : 1;\n"
         "    __atomic_store_n(&answer, known, __ATOMIC_RELAXED);\n"
         "  }\n"
         "  return known == 2;\n"
         "}\n";
}

// Bits of AT_HWCAP and AT_HWCAP2 as the generated function names them. Linux' arm64 ABI fixes them
// (Documentation/arm64/elf_hwcaps.rst; arch/arm64/include/uapi/asm/hwcap.h), and C libraries older
// than a bit do not name it, so the text gives the numbers.
struct HwcapBits {
  std::vector<std::string> hwcap, hwcap2;
};

bool AddArm64Feature(const std::string& feature, HwcapBits& bits) {
  if (feature == "arm_dot_prod") {
    Add(bits.hwcap, {"1UL << 20 /* ASIMDDP */"});
  } else if (feature == "arm_fp16") {
    Add(bits.hwcap, {"1UL << 9 /* FPHP */", "1UL << 10 /* ASIMDHP */"});
  } else if (feature == "armv81a") {
    // What version 8.1 of the architecture demands and LLVM then takes for granted.
    Add(bits.hwcap, {"1UL << 7 /* CRC32 */", "1UL << 8 /* ATOMICS */", "1UL << 12 /* ASIMDRDM */"});
  } else if (feature == "sve") {
    Add(bits.hwcap, {"1UL << 22 /* SVE */"});
  } else if (feature == "sve2") {
    Add(bits.hwcap, {"1UL << 22 /* SVE */"});
    Add(bits.hwcap2, {"1UL << 1 /* SVE2 */"});
  } else {
    return false;
  }
  return true;
}

constexpr char kBaseline[] =
    "/* Built for the baseline of the architecture, which every such CPU has. */\n"
    "static int cpu_supported(void) { return 1; }\n";

std::string Arm64Text(const HwcapBits& bits) {
  if (bits.hwcap.empty()) return kBaseline;
  std::string body;
  for (const auto& [word, wanted] :
       {std::pair{"AT_HWCAP", bits.hwcap}, std::pair{"AT_HWCAP2", bits.hwcap2}}) {
    if (wanted.empty()) continue;
    body += fmt::format(
        "  wanted = {};\n  if ((getauxval({}) & wanted) != wanted) return 0;\n",
        absl::StrJoin(wanted, " | ",
                      [](std::string* out, const std::string& bit) { *out += "(" + bit + ")"; }),
        word);
  }
  return "#include <sys/auxv.h>\n\n"
         "static int cpu_supported(void) {\n"
         "  unsigned long wanted;\n" +
         body +
         "  return 1;\n"
         "}\n";
}

}  // namespace

absl::StatusOr<std::string> CpuCheckText(const std::string& halide_target) {
  const std::vector<std::string> parts = absl::StrSplit(halide_target, '-');
  CpuidBits bits;
  HwcapBits arm64;
  const bool is_arm64 = parts.size() > 1 && parts[0] == "arm" && parts[1] == "64";
  // The first three name architecture, width and system.
  for (size_t i = 3; i < parts.size(); i++) {
    const bool known = parts[0] == "x86" ? AddFeature(parts[i], bits)
                                         : is_arm64 && AddArm64Feature(parts[i], arm64);
    if (!known) {
      return absl::FailedPreconditionError(
          fmt::format("target '{}' has feature '{}', which cannot be checked for at run time",
                      halide_target, parts[i]));
    }
  }
  if (parts[0] == "x86") return X86Text(bits);
  return is_arm64 ? Arm64Text(arm64) : kBaseline;
}

}  // namespace halyard
