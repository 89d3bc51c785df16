// What tuning brings on each device: device_table [--trials N] [--folder FOLDER] [DEVICE...] tunes
// one workload of each operator on the devices given (ids or files; all listed ones but the host),
// packages a library, links the example with it and runs that under qemu, and prints a table. A row
// is printed as soon as it is known; what the log in FOLDER has is not measured again, so that the
// same command goes on where it was stopped. Virtual cycles do not mind company; trials a second
// do.

#include <fmt/format.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "targets/child_process.h"
#include "targets/device.h"
#include "tuner/package.h"

namespace halyard {
namespace {

using nlohmann::json;

struct Arguments {
  int trials = 64;
  std::string folder = "device_table";
  std::vector<std::string> devices;
};

struct Work {
  std::string op, shape;
  std::vector<std::string> example;  // the shape as the example takes it
};

// What a board computes in a fraction of a second, and qemu in a few.
const std::vector<Work> kLarge = {
    {"gemm", "256x256x256", {"256", "256", "256"}},
    {"conv2d", "1x28x28x64x64x3x3,pad=1", {"1", "28", "28", "64", "64", "3", "3", "1", "1"}},
    {"softmax", "512x1000", {"512", "1000"}},
    {"attention", "4x256x64", {"4", "256", "64"}}};
// What fits a microcontroller's RAM, weights and all.
const std::vector<Work> kSmall = {
    {"gemm", "32x32x32", {"32", "32", "32"}},
    {"conv2d", "1x16x16x8x16x3x3,pad=1", {"1", "16", "16", "8", "16", "3", "3", "1", "1"}},
    {"softmax", "1x256", {"1", "256"}},
    {"attention", "2x32x16", {"2", "32", "16"}}};
constexpr int64_t kSmallMemory = 64 << 20;

std::string LastLine(const std::string& text) {
  const std::string trimmed = text.substr(0, text.find_last_not_of('\n') + 1);
  return trimmed.substr(trimmed.rfind('\n') + 1);
}

ChildResult RunFor(std::chrono::seconds deadline, const std::vector<std::string>& argv) {
  ChildLimits limits;
  limits.deadline = deadline;
  return RunChild(argv, "", limits);
}

// How the example of a Cortex-M is linked; it checks all of kSmall at once.
std::vector<std::string> FirmwareExample(const Device& device, const std::string& name) {
  std::string prefix = name;
  for (char& ch : prefix) ch = static_cast<char>(std::toupper(static_cast<unsigned char>(ch)));
  std::vector<std::string> argv = {"-mcpu=" + device.firmware->llc_cpu,
                                   "-mthumb",
                                   "-mfloat-abi=hard",
                                   "-mfpu=auto",
                                   "-nostartfiles",
                                   "-DALL",
                                   fmt::format("-DHEADER=\"{}.h\"", name),
                                   "-DNAME=" + name,
                                   "-DPREFIX=" + prefix,
                                   "-T",
                                   HALYARD_EXAMPLES "/cortex-m/mps.ld",
                                   HALYARD_EXAMPLES "/cortex-m/main.c"};
  if (device.firmware->emulator.machine == "mps3-an547") {
    argv.emplace_back("-Wl,--defsym=secure=0x10000000");
  }
  return argv;
}

std::vector<std::string> LinuxExample(const Device& device, const std::string& name,
                                      const std::string& out) {
  std::vector<std::string> argv = {"-static", "-DLIBRARY=" + name,
                                   HALYARD_EXAMPLES "/arm64/main.c"};
  if (device.triplet.ends_with("-android")) {
    // The one function of the phone's liblog that there is a call of.
    std::ofstream(out + "/liblog.c")
        << "int __android_log_print(int p, const char* t, const char* f, ...) { return 0; }\n";
    argv.push_back(out + "/liblog.c");
  }
  return argv;
}

// Links the example with the device's library. "": what went wrong was printed.
std::string LinkExample(const Arguments& a, const Device& device) {
  const std::string out = a.folder + "/out/" + device.id, name = LibraryName(device);
  const std::string program = out + "/example";
  std::vector<std::string> argv =
      device.firmware ? FirmwareExample(device, name) : LinuxExample(device, name, out);
  argv.insert(argv.begin(), {device.toolchain + "-gcc", "-O2"});
  argv.insert(argv.end(), {"-I", out, "-L", out, "-l" + name});
  if (!device.firmware) argv.emplace_back("-lpthread");
  argv.insert(argv.end(), {"-lm", "-o", program});
  const ChildResult r = RunFor(std::chrono::minutes(2), argv);
  if (r.exit_code == 0) return program;
  fmt::print(stderr, "{}: the example cannot be linked: {}\n", device.id, LastLine(r.err));
  return "";
}

// "right", "WRONG", or why there is no answer.
std::string ExampleSays(const Device& device, const std::string& program, const Work& work) {
  if (program.empty()) return "-";
  if (device.firmware) {
    const ChildResult r =
        RunFor(std::chrono::minutes(1),
               {"qemu-system-arm", "-M", device.firmware->emulator.machine, "-nographic",
                "-monitor", "none", "-serial", "none", "-semihosting", "-kernel", program});
    if (!r.started) return "no qemu";
    const std::string line = fmt::format("{} {}: right", work.op, work.shape);
    return (r.out + r.err).find(line) != std::string::npos ? "right" : "WRONG";
  }
  std::vector<std::string> argv = {"qemu-aarch64", "-cpu", device.virtual_board.qemu_cpu, program,
                                   work.op};
  argv.insert(argv.end(), work.example.begin(), work.example.end());
  const ChildResult r = RunFor(std::chrono::minutes(10), argv);
  if (!r.started) return "no qemu";
  if (r.timed_out) return "too slow";
  if (r.out.find("(tuned)") == std::string::npos) return r.exit_code == 0 ? "not tuned" : "failed";
  return r.exit_code == 0 ? "right" : "WRONG";
}

void PrintHead() {
  fmt::print("{:<17} {:<31} {:>11} {:>11} {:>6} {:>8} {:>7} {}\n", "device", "workload", "safe",
             "best", "ratio", "trials/s", "seconds", "example");
}

void PrintRow(const Device& device, const Work& work, const json& r, const std::string& example) {
  const json& safe = r["baseline"]["value"];
  const double best = r["best"]["value"];
  fmt::print("{:<17} {:<31} {:>11} {:>11.4g} {:>6} {:>8.1f} {:>7.0f} {}\n", device.id,
             (work.op + " " + work.shape).substr(0, 31),
             safe.is_null() ? "-" : fmt::format("{:.4g}", safe.get<double>()), best,
             safe.is_null() ? "-" : fmt::format("{:.2f}", safe.get<double>() / best),
             r["trials_per_second"].get<double>(), r["seconds"].get<double>(), example);
  std::fflush(stdout);
}

// Tunes one workload. Null: what went wrong was printed.
json Tune(const Arguments& a, const std::string& device, const Work& work) {
  fmt::print(stderr, "{} {} {}\n", device, work.op, work.shape);
  const ChildResult r =
      RunFor(std::chrono::hours(2),
             {HALYARD_TUNE, "--op", work.op, "--shape", work.shape, "--device", device, "--trials",
              std::to_string(a.trials), "--stop-gain", "0", "--peer", "none", "--json", "--log",
              a.folder + "/tuned.db", "--out", a.folder + "/out"});
  if (r.exit_code == 0) return json::parse(r.out);
  fmt::print(stderr, "{} {}: {}\n", device, work.op, LastLine(r.err));
  return {};
}

bool TuneDevice(const Arguments& a, const std::string& name) {
  const auto device = LoadDevice(name);
  if (!device.ok()) {
    fmt::print(stderr, "device_table: {}\n", std::string(device.status().message()));
    return false;
  }
  const bool small = device->memory_bytes < kSmallMemory;
  std::vector<std::pair<Work, json>> tuned;
  bool good = true;
  for (const Work& work : small ? kSmall : kLarge) {
    json result = Tune(a, name, work);
    good = good && !result.is_null();
    if (!result.is_null()) tuned.emplace_back(work, std::move(result));
  }
  // Each run packages what the log has, so that the last one's library has them all.
  const std::string program = tuned.empty() ? std::string() : LinkExample(a, *device);
  for (const auto& [work, result] : tuned) {
    const std::string example = ExampleSays(*device, program, work);
    good = good && example == "right";
    PrintRow(*device, work, result, example);
  }
  return good;
}

int Main(const std::vector<std::string>& args) {
  Arguments a;
  for (size_t i = 0; i < args.size(); i++) {
    const bool has_value = i + 1 < args.size();
    if (args[i] == "--trials" && has_value && std::atoi(args[i + 1].c_str()) > 0) {
      a.trials = std::atoi(args[++i].c_str());
    } else if (args[i] == "--folder" && has_value) {
      a.folder = args[++i];
    } else if (args[i].starts_with("-")) {
      fmt::print(stderr, "device_table: {}: give [--trials N] [--folder FOLDER] [DEVICE...]\n",
                 args[i]);
      return 2;
    } else {
      a.devices.push_back(args[i]);
    }
  }
  if (a.devices.empty()) {
    a.devices = DeviceIds();
    std::erase(a.devices, "host");
  }
  std::filesystem::create_directories(a.folder);
  PrintHead();
  bool good = true;
  for (const std::string& device : a.devices) good = TuneDevice(a, device) && good;
  return good ? 0 : 4;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) { return halyard::Main({argv + 1, argv + argc}); }
