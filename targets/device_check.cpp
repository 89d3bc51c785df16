#include "targets/device_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>

namespace halyard {
namespace {

bool IsPowerOfTwo(int64_t n) { return std::has_single_bit(static_cast<uint64_t>(n)); }

// The limits are an order of magnitude above any board of today: they catch MHz given as GHz and
// bits given as bytes, not a good processor.
void CheckRange(JsonFields& fields, const char* name, double value, double least, double most,
                const char* unit) {
  if (value >= least && value <= most) return;
  fields.Fail(name, fmt::format("is {:g}; give {} from {:g} to {:g}", value, unit, least, most));
}

void CheckCaches(const Device& device, JsonFields& fields) {
  for (size_t i = 0; i < device.caches.size(); i++) {
    const CacheLevel& level = device.caches[i];
    const auto fail = [&](const char* name, const std::string& what) {
      fields.Fail(fmt::format("caches[{}].{}", i, name), what);
    };
    if (!IsPowerOfTwo(level.line_bytes)) {
      fail("line_bytes", fmt::format("is {}; give a power of two", level.line_bytes));
    }
    if (level.line_bytes > level.bytes) {
      fail("line_bytes",
           fmt::format("is {}, more than the cache's {} bytes", level.line_bytes, level.bytes));
    }
    if (level.shared_by_cores > device.cores) {
      fail("shared_by_cores",
           fmt::format("is {}, and the device has {} cores", level.shared_by_cores, device.cores));
    }
    if (level.bytes > device.memory_bytes) {
      fields.Fail("memory_bytes", fmt::format("is {}, less than caches[{}] with {}",
                                              device.memory_bytes, i, level.bytes));
    }
    if (i == 0) continue;
    const CacheLevel& inner = device.caches[i - 1];
    if (level.bytes < inner.bytes) {
      fail("bytes", fmt::format("is {}, less than the {} of the cache before it; give the level "
                                "nearest to the core first",
                                level.bytes, inner.bytes));
    }
    if (level.shared_by_cores < inner.shared_by_cores) {
      fail("shared_by_cores", fmt::format("is {}, less than the {} of the cache before it",
                                          level.shared_by_cores, inner.shared_by_cores));
    }
  }
}

// The compilers of kernels and of what goes around them must mean one processor.
void CheckTriplet(const Device& device, JsonFields& fields) {
  const std::string& triplet = device.triplet;
  const std::string machine = triplet.substr(0, triplet.find('-'));
  const std::string& target = device.halide_target;
  const bool good = target.starts_with("x86-64-")   ? machine == "x86_64"
                    : target.starts_with("arm-64-") ? machine == "aarch64"
                    : target.starts_with("arm-32-")
                        ? machine.starts_with("arm") || machine.starts_with("thumb")
                        : true;
  if (good) return;
  fields.Fail("triplet",
              fmt::format("'{}' is of another processor than halide_target '{}'", triplet, target));
}

}  // namespace

bool IsDeviceId(const std::string& id) {
  const auto alphanumeric = [](unsigned char c) { return std::isalnum(c) != 0; };
  if (id.empty() || !alphanumeric(static_cast<unsigned char>(id.front()))) return false;
  return std::all_of(id.begin(), id.end(), [&](unsigned char c) {
    return alphanumeric(c) || c == '-' || c == '_' || c == '.';
  });
}

void CheckHardware(const Device& device, JsonFields& fields) {
  CheckTriplet(device, fields);
  CheckRange(fields, "cores", device.cores, 1, 1024, "a number");
  if (!IsPowerOfTwo(device.vector_bytes)) {
    fields.Fail("vector_bytes", fmt::format("is {}; give a power of two", device.vector_bytes));
  }
  CheckRange(fields, "vector_bytes", device.vector_bytes, 4, 256, "bytes");
  CheckRange(fields, "vector_registers", device.vector_registers, 4, 128, "a number");
  CheckRange(fields, "fma_per_cycle", device.fma_per_cycle, 0.01, 16, "vector FMAs a cycle");
  CheckRange(fields, "clock_ghz", device.clock_ghz, 0.001, 20, "GHz");
  CheckRange(fields, "copy_gb_per_s", device.copy_gb_per_s, 0.0001, 20000, "GB/s");
  CheckCaches(device, fields);
  if (device.stack_bytes > device.memory_bytes) {
    fields.Fail("stack_bytes", fmt::format("is {}, more than the memory's {} bytes",
                                           device.stack_bytes, device.memory_bytes));
  }
}

}  // namespace halyard
