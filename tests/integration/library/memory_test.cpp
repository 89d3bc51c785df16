// What attention over a long sequence costs in memory beyond its tensors, in the function as
// shipped.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>

#include "fmt/format.h"
#include "schedules/knob_sets.h"
#include "schedules/task.h"
#include "tests/integration/library/library_under_test.h"

namespace halyard {
namespace {

constexpr int64_t kKeys = 65536, kDepth = 64;
constexpr double kMostMiB = 64;

std::string WorkloadText(int64_t queries) {
  return fmt::format("attention:1x{}x{}x{}:f32", queries, kKeys, kDepth);
}

// The form that searches end with on long sequences, in register tiles as large as the device has
// room for.
std::string ChunkedConfig(const Task& task) {
  for (int64_t vectors : {4, 2, 1}) {
    Config c = task.space.safe();
    const auto& knobs = task.space.knobs();
    SetLabel(knobs, "form", "chunked", c);
    for (const auto& [knob, value] : std::initializer_list<std::pair<const char*, int64_t>>{
             {"m", 8}, {"l", 256}, {"s_lane", vectors}, {"o_lane", vectors}, {"unroll_k", 4}}) {
      SetKnob(knobs, knob, value, c);
    }
    c = task.space.canonical(c);
    if (task.space.valid(c)) return task.space.ToText(c);
  }
  return "";
}

class AttentionMemory {
 public:
  explicit AttentionMemory(const std::vector<int64_t>& queries) {
    const Device device = LoadDevice("host").value();
    LibrarySpec spec{device, "long_host", {}, ScratchFolder("memory/out"), "0123456789ab"};
    for (int64_t q : queries) {
      Variant v = MakeVariant(WorkloadText(q), device, true, q);
      v.record.config = ChunkedConfig(MakeTask(v.workload, device));
      spec.variants.push_back(v);
    }
    const auto files = BuildLibrary(spec, SharedBuilder());
    EXPECT_TRUE(files.ok()) << files.status();
    program_ = ScratchFolder("memory") + "/attention_memory";
    const std::string source = std::string(HALYARD_TEST_SOURCES) + "/attention_memory.c";
    RunOrFail({"cc", "-O1", "-Wall", "-Wextra", "-Werror", source, "-o", program_,
               "-DLIBRARY=long_host", "-DLIBRARY_HEADER=\"long_host.h\"", "-I", spec.out_dir, "-L",
               spec.out_dir, "-llong_host", "-lpthread", "-lm"});
  }

  // MiB that a call with so many queries adds to the process's peak; NaN where it fails.
  double MiB(int64_t queries) const {
    const std::string out = RunOrFail({program_, fmt::format("{}", queries),
                                       fmt::format("{}", kKeys), fmt::format("{}", kDepth)});
    const double mib = out.empty() ? std::nan("") : std::atof(out.c_str()) / 1024;
    std::cout << queries << " queries, " << kKeys << " keys: " << mib << " MiB\n";
    return mib;
  }

 private:
  std::string program_;
};

// All 65,536 queries take a machine of two cores five seconds, so that two shorter lengths stand
// for them: at the rate memory grows between the two, if it does, the whole stays below the limit.
// What is per task and per key is the same in all three. HALYARD_WHOLE_ATTENTION runs the whole.
TEST(LibraryMemory, AttentionOverALongSequenceNeedsLittle) {
  if (std::getenv("HALYARD_WHOLE_ATTENTION") != nullptr) {
    EXPECT_LT(AttentionMemory({kKeys}).MiB(kKeys), kMostMiB);
    return;
  }
  constexpr int64_t kFew = 2048, kMore = 8192;
  const AttentionMemory memory({kFew, kMore});
  const double few = memory.MiB(kFew), more = memory.MiB(kMore);
  // The transposed K at least, or it was not this kernel that was watched.
  EXPECT_GE(more, kKeys * kDepth * 4 >> 20);
  const double per_query = std::max(0.0, (more - few) / (kMore - kFew));
  EXPECT_LT(more + per_query * (kKeys - kMore), kMostMiB);
}

}  // namespace
}  // namespace halyard
