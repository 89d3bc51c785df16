// Times configs of one task beside each other, for work on a space:
//   measure_config WORKLOAD DEVICE CONFIG...
// such as `measure_config softmax:64x1000:f32 host "form=store vec=16 ..."`; a config is checked
// like any candidate. A knob left out has its value from the safe config.

#include <algorithm>
#include <sstream>

#include "fmt/format.h"
#include "tuner/candidate_runner.h"

namespace halyard {
namespace {

// The safe config with the knobs that `text` names.
Config ReadConfig(const ScheduleSpace& space, const std::string& text) {
  std::istringstream safe(space.ToText(space.safe())), given(text);
  std::map<std::string, std::string> values;
  for (auto* words : {&safe, &given}) {
    for (std::string word; *words >> word;) {
      values[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    }
  }
  std::string whole;
  for (const Knob& k : space.knobs()) whole += k.name + "=" + values[k.name] + " ";
  whole.pop_back();
  return space.canonical(space.Parse(whole).value());
}

int Measure(const std::string& workload, const std::string& device,
            const std::vector<std::string>& texts) {
  const Task task = MakeTask(ParseWorkload(workload).value(), LoadDevice(device).value());
  const auto executor = MakeExecutor(task.device).value();
  const auto builder = MakeWorkerBuilder({}).value();
  std::vector<Config> configs;
  std::vector<BuildRequest> requests;
  for (const std::string& text : texts) {
    const Config c = ReadConfig(task.space, text);
    if (const std::string why = task.space.why_invalid(c); !why.empty()) {
      fmt::print(stderr, "{}: {}\n", task.space.ToText(c), why);
      return 2;
    }
    configs.push_back(c);
    requests.push_back({BuildKind::kConfig, workload, task.space.ToText(c), device});
  }
  const auto built = builder->Build(requests);
  CandidateRunner runner(task, *executor, 1);
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < configs.size(); i++) {
      const MeasureResult m = runner.Measure(configs[i], built[i], {});
      fmt::print("{:>12.6g}  {}  {}\n",
                 m.samples.empty() ? 0 : *std::min_element(m.samples.begin(), m.samples.end()),
                 m.outcome == Outcome::kOk ? "ok" : m.message + built[i].message,
                 task.space.ToText(configs[i]));
    }
  }
  return 0;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "build-worker") return halyard::BuildWorkerMain();
  if (argc < 4) {
    fmt::print(stderr, "measure_config WORKLOAD DEVICE CONFIG...\n");
    return 2;
  }
  return halyard::Measure(argv[1], argv[2], {argv + 3, argv + argc});
}
