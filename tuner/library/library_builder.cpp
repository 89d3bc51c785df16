#include "tuner/library/library_builder.h"

#include <cstdio>
#include <map>

#include "fmt/format.h"
#include "rpc_farm/sha256.h"
#include "tuner/library/cxx_header_parts.h"
#include "tuner/library/firmware_library.h"
#include "tuner/library/generated_text.h"
#include "tuner/library/library_plan.h"
#include "tuner/library/link_archive.h"
#include "tuner/library/signature.h"
#include "tuner/library/staging_folder.h"

namespace halyard {
namespace {

// Fills in what is known of each object once it is built. Returns the runtime's path.
absl::StatusOr<std::string> BuildObjects(LibraryPlan& plan, Builder& builder) {
  const std::string& device = plan.spec->device.loaded_from;
  std::vector<BuildRequest> requests = {{BuildKind::kRuntime, "", "", device}};
  for (const PlannedOperator& planned : plan.operators) {
    requests.push_back(
        {BuildKind::kGenericObject, planned.op->name(), "", device, planned.fallback_symbol});
    for (const PlannedVariant& v : planned.variants) {
      requests.push_back({BuildKind::kWholeObject, v.variant->workload.ToText(),
                          v.variant->record.config, device, v.symbol});
    }
  }
  const std::vector<BuildResult> results = builder.Build(requests);
  for (size_t i = 0; i < results.size(); i++) {
    if (results[i].outcome == Outcome::kOk) continue;
    const BuildRequest& r = requests[i];
    const std::string what = r.kind == BuildKind::kRuntime ? "the runtime"
                             : r.kind == BuildKind::kGenericObject
                                 ? "the fall-back of " + r.workload
                                 : r.workload + " " + r.config;
    return absl::InternalError(fmt::format("building {} for {}: {}: {}", what, device,
                                           OutcomeName(results[i].outcome), results[i].message));
  }
  size_t next = 1;
  for (PlannedOperator& planned : plan.operators) {
    planned.fallback_path = results[next].path;
    planned.fallback_sha256 = results[next++].sha256;
    for (PlannedVariant& v : planned.variants) {
      const BuildResult& built = results[next++];
      if (built.entries.size() != 1 ||
          built.entries[0].inputs.size() != planned.op->InputShapes(v.variant->workload).size() ||
          built.entries[0].prepare.has_value() != v.packed) {
        return absl::InternalError(fmt::format("the builder did not say what buffers {} declares",
                                               v.variant->workload.ToText()));
      }
      v.tensors = built.entries[0].inputs;
      v.tensors.push_back(built.entries[0].output);
      v.prepare = built.entries[0].prepare;
      v.scratch = built.scratch;
      const auto object = ReadStagedFile(built.path);
      if (!object.ok()) return object.status();
      // The call that Halide lowers every parallel loop to; an undefined symbol, so it stands there
      // by name. (A packed variant's object has it of the packing, too: its parts then run one
      // after another, as those of a kernel with loops of its own.)
      v.parallel = object->find("halide_do_par_for") != std::string::npos;
      v.object_path = built.path;
      v.object_sha256 = built.sha256;
    }
  }
  return results[0].path;
}

absl::Status LinkLibrary(const LibraryPlan& plan, const std::string& runtime,
                         const CCompiler& compiler, const StagingFolder& staging) {
  const std::string& name = plan.spec->name;
  const auto dispatcher = DispatcherText(plan);
  if (!dispatcher.ok()) return dispatcher.status();
  const std::string source = name + "_dispatcher.c", object = staging.PathOf("dispatcher.o");
  if (auto s = staging.Write(source, *dispatcher); !s.ok()) return s;
  if (auto s = CompileC(compiler, staging.PathOf(source), object); !s.ok()) return s;
  std::vector<std::string> objects = {object};
  for (const std::string part : {"scratch", "thread_pool"}) {
    objects.push_back(staging.PathOf(part + ".o"));
    if (auto s = CompileC(compiler, DataPath("kernel_runtime/" + part + ".c"), objects.back());
        !s.ok()) {
      return s;
    }
  }
  for (const PlannedOperator& planned : plan.operators) {
    objects.push_back(planned.fallback_path);
    for (const PlannedVariant& v : planned.variants) objects.push_back(v.object_path);
  }
  return MakeArchive(objects, runtime, plan.ExportedSymbols(), staging.PathOf(""),
                     staging.PathOf("lib" + name + ".a"));
}

}  // namespace

absl::StatusOr<LibraryFiles> BuildLibrary(const LibrarySpec& spec, Builder& builder) {
  auto plan = PlanLibrary(spec);
  if (!plan.ok()) return plan.status();
  const bool has_os = spec.device.has_os();
  if (has_os) {
    if (const auto cpu = CpuCheckText(spec.device.halide_target); !cpu.ok()) return cpu.status();
  }
  const auto compiler = FindCCompiler(spec.device);
  if (!compiler.ok()) return compiler.status();
  const auto staging = StagingFolder::Make(spec.out_dir, spec.name);
  if (!staging.ok()) return staging.status();
  absl::StatusOr<std::string> runtime = "";
  if (has_os) {
    runtime = BuildObjects(*plan, builder);
    if (!runtime.ok()) return runtime.status();
  } else if (auto s = BuildFirmwareVariants(*plan, builder); !s.ok()) {
    return s;
  }

  const std::string library = "lib" + spec.name + ".a", header = spec.name + ".h";
  const std::string package = fmt::format("lib/cmake/{0}/{0}Config", spec.name);
  const std::string header_text = has_os ? HeaderText(*plan) : FirmwareHeaderText(*plan);
  if (auto s = (*staging)->Write(header, header_text); !s.ok()) return s;
  const absl::Status linked = has_os ? LinkLibrary(*plan, *runtime, *compiler, **staging)
                                     : LinkFirmwareLibrary(*plan, *compiler, **staging);
  if (!linked.ok()) return linked;
  const auto bytes = ReadStagedFile((*staging)->PathOf(library));
  if (!bytes.ok()) return bytes.status();

  std::vector<std::pair<std::string, std::string>> texts = {
      {package + "Version.cmake", CMakeConfigVersionText(*plan)},
      {package + ".cmake", CMakeConfigText(*plan)},
      {spec.name + ".pc", PkgConfigText(*plan)}};
  if (has_os) texts.emplace_back(spec.name + ".hpp", CxxHeaderText(*plan));
  std::map<std::string, std::string> digests = {{library, Sha256Hex(*bytes)},
                                                {header, Sha256Hex(header_text)}};
  for (const auto& [file, text] : texts) digests[file] = Sha256Hex(text);
  const std::string manifest = ManifestText(*plan, builder.compiler(), compiler->version, digests);
  if (!spec.signing_key.empty()) {
    const auto signature = SignatureOf(manifest, spec.signing_key);
    if (!signature.ok()) return signature.status();
    texts.emplace_back(kSignatureFile, *signature + "\n");
  }
  const std::string dir = spec.out_dir.empty() ? "" : spec.out_dir + "/";
  // The manifest last: its digests tell whether the files beside it are the ones it is about.
  texts.emplace_back(kManifestFile, manifest);
  for (const auto& [file, text] : texts) {
    if (auto s = (*staging)->Write(file, text); !s.ok()) return s;
  }
  for (const std::string& file : {library, header}) {
    if (auto s = (*staging)->Publish(file); !s.ok()) return s;
  }
  // Of an earlier library, of which it would say that this one was changed.
  if (spec.signing_key.empty()) std::remove((dir + kSignatureFile).c_str());
  for (const auto& [file, text] : texts) {
    if (auto s = (*staging)->Publish(file); !s.ok()) return s;
  }
  return LibraryFiles{dir + library, dir + header, dir + kManifestFile, dir + package + ".cmake",
                      dir + spec.name + ".pc"};
}

}  // namespace halyard
