#include "tuner/library/firmware_library.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "targets/elf32.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

// What is left to the program: what compilers call on their own account, which every C library for
// such a device has, and the names of Arm's run-time ABI for it (RTABI, section 4.3.4).
bool MayBeUndefined(const std::string& symbol) {
  static const std::set<std::string> allowed = {"memcpy", "memmove", "memset"};
  return allowed.count(symbol) != 0 || absl::StartsWith(symbol, "__aeabi_memcpy") ||
         absl::StartsWith(symbol, "__aeabi_memmove") ||
         absl::StartsWith(symbol, "__aeabi_memset") || absl::StartsWith(symbol, "__aeabi_memclr");
}

// struct buffer and its array of dimensions, in the generated source; registers and locals.
constexpr int64_t kBytesPerTensor = 40 + 8 * 16 + 4, kSavedBytes = 160;

absl::Status ReadNeeds(PlannedVariant& v) {
  const auto bytes = ReadStagedFile(v.object_path);
  if (!bytes.ok()) return bytes.status();
  const auto elf = ParseElf32(*bytes);
  if (!elf.ok()) return elf.status();
  const auto workspace = elf->ValueOf(v.symbol + "_workspace_bytes");
  if (!workspace.ok()) return workspace.status();
  v.workspace_bytes = *workspace;
  // With the function around the kernel: a buffer and its dimensions a tensor, and what it saves.
  v.stack_bytes = static_cast<int64_t>(elf->frame_bytes) +
                  static_cast<int64_t>(v.tensors.size()) * kBytesPerTensor + kSavedBytes;
  return absl::OkStatus();
}

}  // namespace

absl::Status BuildFirmwareVariants(LibraryPlan& plan, Builder& builder) {
  std::erase_if(plan.operators, [](const PlannedOperator& p) { return p.variants.empty(); });
  const std::string& device = plan.spec->device.loaded_from;
  std::vector<BuildRequest> requests;
  std::vector<PlannedVariant*> variants;
  for (PlannedOperator& planned : plan.operators) {
    for (PlannedVariant& v : planned.variants) {
      requests.push_back({BuildKind::kWholeObject, v.variant->workload.ToText(),
                          v.variant->record.config, device, v.symbol});
      variants.push_back(&v);
    }
  }
  const std::vector<BuildResult> results = builder.Build(requests);
  for (size_t i = 0; i < results.size(); i++) {
    const BuildResult& built = results[i];
    if (built.outcome != Outcome::kOk || built.entries.size() != 1) {
      return absl::InternalError(fmt::format("building {} {} for {}: {}: {}", requests[i].workload,
                                             requests[i].config, device, OutcomeName(built.outcome),
                                             built.message));
    }
    PlannedVariant& v = *variants[i];
    v.tensors = built.entries[0].inputs;
    v.tensors.push_back(built.entries[0].output);
    v.prepare = built.entries[0].prepare;
    v.object_path = built.path;
    v.object_sha256 = built.sha256;
    if (absl::Status s = ReadNeeds(v); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status LinkFirmwareLibrary(const LibraryPlan& plan, const CCompiler& compiler,
                                 const StagingFolder& staging) {
  const std::string& name = plan.spec->name;
  std::string source;
  for (const char* part : {"workspace.h", "workspace.c"}) {
    const auto text = ReadStagedFile(DataPath(std::string("kernel_runtime/") + part));
    if (!text.ok()) return text.status();
    source += absl::StrReplaceAll(*text, {{"#include \"workspace.h\"\n", ""}});
  }
  source += FirmwareSourceText(plan);
  const std::string file = name + "_functions.c", object = staging.PathOf("functions.o");
  if (auto s = staging.Write(file, source); !s.ok()) return s;
  if (auto s = CompileC(compiler, staging.PathOf(file), object); !s.ok()) return s;
  std::vector<std::string> objects = {object};
  for (const PlannedOperator& planned : plan.operators) {
    for (const PlannedVariant& v : planned.variants) objects.push_back(v.object_path);
  }
  const std::string whole = staging.PathOf("whole.o");
  if (auto s = LinkObjects(objects, whole); !s.ok()) return s;
  const auto bytes = ReadStagedFile(whole);
  if (!bytes.ok()) return bytes.status();
  const auto elf = ParseElf32(*bytes);
  if (!elf.ok()) return elf.status();
  for (const auto& [symbol, what] : elf->symbols) {
    if (what.defined || MayBeUndefined(symbol)) continue;
    return absl::InternalError(
        fmt::format("the library of {} would need {} of its user", plan.spec->device.id, symbol));
  }
  return ArchiveObject(whole, FirmwareExports(plan), staging.PathOf(""),
                       staging.PathOf("lib" + name + ".a"));
}

}  // namespace halyard
