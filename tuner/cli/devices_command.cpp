#include <unistd.h>

#include <boost/program_options.hpp>
#include <iostream>

#include "fmt/format.h"
#include "rpc_farm/executor.h"
#include "targets/device_file.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/device_text.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

constexpr size_t kTerminalColumns = 80;

// What its file states, or what this machine is found to reach; none where it cannot be measured.
std::optional<Peak> PeakOf(const Device& device) {
  if (device.board.reach != BoardReach::kLocal) return StatedPeak(device);
  if (const auto stated = StatedPeak(device)) return stated;
  const auto executor = MakeExecutor(device);
  if (!executor.ok()) return std::nullopt;
  const auto peak = MeasurePeak(**executor, device);
  return peak.ok() ? std::optional(*peak) : std::nullopt;
}

int Show(const std::string& name, bool json) {
  const auto device = DeviceFromOption(name, "");
  if (!device.ok()) return Fail(device.status());
  const auto file = ReadDeviceJson(DevicePath(name).value());
  if (!file.ok()) return Fail(file.status());
  if (json) {
    std::cout << file->root.dump(2) << "\n";
    return kExitDone;
  }
  std::vector<std::string> sources;
  if (const auto list = file->root.find("sources"); list != file->root.end() && list->is_array()) {
    for (const auto& source : *list) {
      if (source.is_string()) sources.push_back(source);
    }
  }
  std::cout << DeviceText(*device, PeakOf(*device), sources);
  return kExitDone;
}

// A file that is wrong costs its own line, not the list.
int List(bool json) {
  std::vector<Device> devices;
  int code = kExitDone;
  for (const std::string& id : DeviceIds()) {
    auto device = DeviceFromOption(id, "");
    if (device.ok()) {
      devices.push_back(*std::move(device));
    } else {
      code = Fail(device.status());
    }
  }
  if (json) {
    std::cout << DeviceListJson(devices).dump(2) << "\n";
  } else {
    std::cout << DeviceListText(devices, isatty(STDOUT_FILENO) != 0 ? kTerminalColumns : 0);
  }
  return code;
}

}  // namespace

int DevicesCommand(const std::vector<std::string>& args) {
  std::string command, name;
  bool json = false;
  po::options_description options("tune devices [show ID|FILE] [--json]");
  auto add = options.add_options();
  add("command", po::value(&command), "show: all about one device; without it, the list");
  add("name", po::value(&name), "a listed id, or a device file of your own: ./my-board.json");
  add("json", po::bool_switch(&json), "the list, or the file with what it inherits, as JSON");
  add("help,h", "print this");
  po::positional_options_description positional;
  positional.add("command", 1).add("name", 1);
  const auto given = ParseOptions(args, options, positional, "tune devices");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << options;
    return kExitDone;
  }
  if (command.empty()) return List(json);
  if (command == "show" && !name.empty()) return Show(name, json);
  return Fail(
      kExitUsage,
      command == "show"
          ? "devices show is missing which; give an id (tune devices lists them) or a file"
          : fmt::format("'devices {}' is not a command; give devices or devices show ID|FILE",
                        command));
}

}  // namespace halyard
