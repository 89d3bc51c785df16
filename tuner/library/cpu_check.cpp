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

}  // namespace

absl::StatusOr<std::string> CpuCheckText(const std::string& halide_target) {
  const std::vector<std::string> parts = absl::StrSplit(halide_target, '-');
  CpuidBits bits;
  // The first three name architecture, width and system.
  for (size_t i = 3; i < parts.size(); i++) {
    if (parts[0] != "x86" || !AddFeature(parts[i], bits)) {
      return absl::FailedPreconditionError(
          fmt::format("target '{}' has feature '{}', which cannot be checked for at run time",
                      halide_target, parts[i]));
    }
  }
  if (parts[0] == "x86") return X86Text(bits);
  return "/* Built for the baseline of the architecture, which every such CPU has. */\n"
         "static int cpu_supported(void) { return 1; }\n";
}

}  // namespace halyard
