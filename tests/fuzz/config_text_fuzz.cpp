// Configs as texts, of a log or a command line, of any task: the first byte says which.
#include <algorithm>
#include <random>

#include "schedules/task.h"
#include "tests/fuzz/fuzz_input.h"

namespace halyard {
namespace {

const std::vector<Task>& Tasks() {
  static const std::vector<Task> tasks = [] {
    std::vector<Task> made;
    for (const char* device : {"rpi4", "cortex-m7"}) {
      for (const char* workload :
           {"gemm:96x64x80,act=relu:f32", "gemm:64x64x64,packed=1:f32", "softmax:32x100:f32",
            "conv2d:1x14x14x8x8x3x3,pad=1:f32", "attention:2x32x16:f32"}) {
        made.push_back(MakeTask(ParseWorkload(workload).value(), LoadDevice(device).value()));
      }
    }
    return made;
  }();
  return tasks;
}

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::sort(words.begin(), words.end());
  return words;
}

void CheckConfig(const ScheduleSpace& space, const Config& config) {
  const auto read = space.Parse(space.ToText(config));
  Require(read.ok() && *read == config, "a text is of one config");
  Require(space.config_at(space.index_of(config)) == config, "a config has a number");
  const Config canonical = space.canonical(config);
  Require(space.canonical(canonical) == canonical, "what is canonical stays");
  if (space.valid(config)) Require(canonical == config, "what is valid is canonical");
  std::mt19937_64 random(space.index_of(config));
  Require(space.Neighbour(config, random, 4).size() == config.size(), "a config has neighbours");
}

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using halyard::Require;
  halyard::FuzzInput input(data, size);
  const halyard::ScheduleSpace& space = input.Pick(halyard::Tasks()).space;
  const std::string text = input.Rest();
  const auto config = space.Parse(text);
  if (!config.ok()) {
    Require(absl::IsInvalidArgument(config.status()), "a text is at fault");
    return 0;
  }
  Require(halyard::Words(space.ToText(*config)) == halyard::Words(text),
          "what was taken is what the text says");
  halyard::CheckConfig(space, *config);
  return 0;
}
