// Builds libraries through the real builder and calls them, natively or emulated, from outside.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "schedules/epilogue.h"
#include "targets/child_process.h"
#include "tuner/library/library_builder.h"

namespace halyard {

// A folder of this process that goes when it ends.
std::string ScratchFolder(const std::string& name);

Builder& SharedBuilder();

// Variants of all four operators, from safe configs and others drawn at random.
LibrarySpec SmallSpec(const std::string& device, const std::string& name,
                      const std::string& out_dir);
Variant MakeVariant(const std::string& workload, const Device& device, bool safe, int64_t id);

// The device's C compiler and what runs its programs here ({} natively).
std::string CompilerOf(const std::string& device);
std::vector<std::string> LauncherOf(const std::string& device);

// What a library may need of libc, libm and libpthread: names that glibc, musl and bionic (from
// Android 5.0) all have; no __*_chk, no __isoc*, nothing of libgcc. Android's own run-time library
// adds its log to them.
const std::set<std::string>& CLibrarySymbols();

// Runs a command; a failure is a test failure that shows what it printed.
std::string RunOrFail(const std::vector<std::string>& argv, const std::string& input = "");
std::string ReadText(const std::string& path);

struct Call {
  std::string op;
  std::vector<int64_t> sizes;  // dimensions, then attributes
  int null_mask = 0;
  bool packed = false;  // pack first, then call with what was packed
  // Where given, the functions with an epilogue are called, also for an empty one.
  std::optional<Epilogue> epilogue = std::nullopt;
  bool counted = false;  // its parallel loops run on one thread, their iterations counted
};
// The call that a variant is tuned for.
Call CallOf(const Workload& workload);
struct CallResult {
  int status = -1;
  bool tuned = false;
  int iterations = 0;  // of the outermost parallel loops, where they were counted
  std::vector<float> output;
};

std::string Describe(const Call& call);

// The workload of a call, or why there is none.
absl::StatusOr<Workload> WorkloadOf(const Call& call);
// Input `i` element `e` of every call.
float InputValue(int i, int64_t e);
// Each element is within the operator's tolerance of its reference.
void ExpectRight(const Call& call, const CallResult& result);

// A library built once per device, with a program that calls it.
class LibraryUnderTest {
 public:
  // That of SmallSpec.
  explicit LibraryUnderTest(const std::string& device);
  explicit LibraryUnderTest(LibrarySpec spec);
  const LibrarySpec& spec() const { return spec_; }
  const LibraryFiles& files() const { return files_; }
  // Calls that are refused get one element a tensor.
  std::vector<CallResult> Run(const std::vector<Call>& calls) const;

 private:
  LibrarySpec spec_;
  LibraryFiles files_;
  std::string program_;
};

const LibraryUnderTest& LibraryFor(const std::string& device);

}  // namespace halyard
