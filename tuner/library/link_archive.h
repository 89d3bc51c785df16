// Compiling the dispatcher and making one object, then one archive, of everything.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "targets/device.h"

namespace halyard {

struct CCompiler {
  std::string program;
  std::string version;  // first line of --version
  std::vector<std::string> flags;
};

// `cc` where objects of the device are this machine's own, else <toolchain>-gcc.
// NotFound: names the compiler to install.
absl::StatusOr<CCompiler> FindCCompiler(const Device& device);

// Internal: what the compiler said, first line.
absl::Status CompileC(const CCompiler& compiler, const std::string& source,
                      const std::string& object);

// One relocatable object of several.
absl::Status LinkObjects(const std::vector<std::string>& objects, const std::string& whole);

// Makes `archive` of the object `whole`, in which only `exported` stays visible. `scratch`: a
// folder.
absl::Status ArchiveObject(const std::string& whole, const std::vector<std::string>& exported,
                           const std::string& scratch, const std::string& archive);

// Makes `archive` of one relocatable object in which only `exported` is visible, so that another
// library's copy of the Halide runtime in the same program is another runtime. `scratch`: a folder.
absl::Status MakeArchive(const std::vector<std::string>& objects, const std::string& runtime,
                         const std::vector<std::string>& exported, const std::string& scratch,
                         const std::string& archive);

}  // namespace halyard
