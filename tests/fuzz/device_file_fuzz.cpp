// Device files: JSON that a person writes.
#include "targets/device_file.h"
#include "targets/device_snapshot.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/json_mutation.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto root = nlohmann::json::parse(data, data + size, nullptr, false);
  if (root.is_discarded()) return 0;  // said by who reads the file
  const auto read = halyard::ParseDevice(root, "device.json");
  if (!read.ok()) {
    const auto message = read.status().message();
    halyard::Require(absl::IsInvalidArgument(read.status()) || absl::IsNotFound(read.status()),
                     "a bad file, or the core that it names, is at fault");
    halyard::Require(message.find('\n') == std::string::npos, "one line");
    return 0;
  }
  const halyard::Device& device = read->device;
  if (read->detect) return 0;
  halyard::Require(device.cores > 0 && device.memory_bytes > 0, "a device can be searched for");
  halyard::Require(device.peak_flop_per_cycle() > 0, "a device has a roof");
  (void)device.level2_bytes();
  (void)halyard::DeviceSnapshot(device).dump();
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return halyard::MutateJson(data, size, most, seed);
}
