// tune doctor: whether a device can be tuned, before anything is.

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/doctor/doctor.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

struct Arguments {
  std::string device, board;
  bool json = false;
};

po::options_description Options(Arguments& a) {
  po::options_description d("tune doctor --device ID [options]", 79, 40);
  auto add = d.add_options();
  add("device", po::value(&a.device), "device id (tune devices lists them) or file");
  AddBoardOption(d, a.board);
  add("json", po::bool_switch(&a.json), "print one JSON object instead of the lines");
  add("help,h", "print this");
  return d;
}

nlohmann::json Json(const Device& device, const std::vector<Step>& steps, bool failed,
                    double seconds) {
  nlohmann::json list = nlohmann::json::array();
  for (const Step& s : steps) {
    list.push_back({{"name", s.name},
                    {"verdict", VerdictName(s.verdict)},
                    {"found", s.found},
                    {"fix", s.fix}});
  }
  return {{"device", device.id},
          {"board", device.board.ToText()},
          {"board_kind", BoardKindName(device.board_kind())},
          {"verdict", failed ? "failed" : "ok"},
          {"steps", list},
          {"seconds", seconds}};
}

int Run(const Arguments& a, const Device& device) {
  const auto begin = std::chrono::steady_clock::now();
  const auto told = [&](const Step& step) {
    if (a.json) return;
    std::cout << StepText(step) << std::endl;  // a step may take a while: each is shown at once
  };
  std::vector<Step> steps;
  const auto executor = MakeExecutor(device);
  steps.push_back(BoardStep(device, executor));
  told(steps.back());
  if (executor.ok()) {
    auto builder = MakeWorkerBuilder({});
    if (!builder.ok()) return Fail(builder.status());
    for (Step& s : Examine(device, **executor, **builder, Depth::kFull, told)) {
      steps.push_back(std::move(s));
    }
  }
  const bool failed = std::any_of(steps.begin(), steps.end(),
                                  [](const Step& s) { return s.verdict == Verdict::kFailed; });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (a.json) std::cout << Json(device, steps, failed, took.count()).dump(2) << "\n";
  std::cout.flush();
  return failed ? kExitInfrastructure : kExitDone;
}

}  // namespace

int DoctorCommand(const std::vector<std::string>& args) {
  Arguments a;
  const po::options_description options = Options(a);
  const auto given = ParseOptions(args, options, {}, "tune doctor");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << options;
    return kExitDone;
  }
  if (a.device.empty()) {
    return Fail(kExitUsage, "--device is missing; tune devices lists them");
  }
  const auto device = LoadDevice(a.device, a.board);
  if (!device.ok()) return Fail(device.status());
  return Run(a, *device);
}

}  // namespace halyard
