// The shipped library: the winners of a log as lib<name>.a with a plain C header, a manifest that
// names the record behind each variant, a CMake package and a pkg-config file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "logs/record.h"
#include "schedules/workload.h"
#include "targets/device.h"
#include "tuner/builder.h"

namespace halyard {

// Which comparison with an earlier library let a variant in (tuner/gate).
struct GateNote {
  std::string verdict, reason;  // the verdict's name; "" where that says it all
  std::string against_sha256;   // of the earlier library's manifest
  uint64_t seed = 0;            // of the inputs it was run on; 0: it was not run
  int rounds = 0;               // in turn with its predecessor
  // Time of the log's best config over the predecessor's, 95 % interval; 0: not measured.
  double ratio = 0, ratio_low = 0, ratio_high = 0;
};

// A tuned workload and the record that earned its config the place.
struct Variant {
  Record record;
  Workload workload;
  std::optional<GateNote> gate = std::nullopt;
  // Samples that the record's value is the median of, where the record is from a manifest, which
  // has the value alone.
  std::optional<int> record_samples = std::nullopt;
};

struct LibrarySpec {
  Device device;
  std::string name;  // a C identifier such as "tuned_rpi4": prefix of all the library exports
  std::vector<Variant> variants;  // in any order, at most one a workload
  std::string out_dir;            // made where there is none
  std::string commit;             // of the sources the library is built from
  std::string signing_key;        // file of the secret key that signs the manifest; empty: unsigned
};

// Paths of what was written, under LibrarySpec::out_dir.
struct LibraryFiles {
  std::string library, header, manifest, cmake_package, pkg_config;
};

// Builds every variant, every operator's fall-back for shapes never tuned, and one Halide runtime,
// and puts a dispatcher before them. Everything is built in a folder inside out_dir and renamed
// into place at the end, so a failure at any point leaves an earlier library as it was.
//
// The same spec, sources and tools give the same bytes.
//
// InvalidArgument: the name is no C identifier, a workload stands twice, or a record is not an ok
// one of that workload and device (or of another board kind or unit than the others).
// FailedPrecondition: a record's space version is not the one of these sources, the device has a
// CPU feature that cannot be checked for at run time, or another process is writing this library.
// PermissionDenied, NotFound, ResourceExhausted: out_dir cannot be written; names it.
// Errors of SignatureOf, before anything is put in place.
// Internal: a build failed; names the variant and the builder's message.
absl::StatusOr<LibraryFiles> BuildLibrary(const LibrarySpec& spec, Builder& builder);

}  // namespace halyard
