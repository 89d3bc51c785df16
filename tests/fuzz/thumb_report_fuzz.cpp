// Reports of the plugin that counts a Cortex-M core's cycles: lines of words and numbers.
#include <cmath>

#include "rpc_farm/thumb_report.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using halyard::Require;
  const std::string text(data, data + size);
  const auto counted = halyard::LastThumbCount(text);
  if (!counted.ok()) {
    Require(absl::IsInternal(counted.status()), "garbage is the plugin's fault");
    Require(counted.status().message().find('\n') == std::string_view::npos, "one line");
    return 0;
  }
  Require(std::isfinite(counted->cycles) && counted->cycles >= 0, "cycles are a number");
  // What was read says the same when it is written again.
  std::string again = std::to_string(static_cast<uint64_t>(counted->cycles));
  for (const auto& [name, count] : counted->instructions) {
    Require(count >= 0, "a count counts");
    Require(name.find_first_of(" \n=") == std::string::npos, "a class of instructions has a name");
    again += " " + name + "=" + std::to_string(count);
  }
  const auto read = halyard::LastThumbCount(again);
  Require(read.ok() && read->instructions == counted->instructions, "counts survive the way");
  return 0;
}
