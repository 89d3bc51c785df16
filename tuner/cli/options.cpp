#include "tuner/cli/options.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "schedules/halide_target.h"
#include "schedules/operator.h"

namespace halyard {

namespace po = boost::program_options;

namespace {

// What Boost says, as one line that names the argument and what would be right.
std::string UsageMessage(const po::error& e, const std::string& command) {
  if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&e)) {
    return fmt::format("{} is not an option of {}; {} --help lists them",
                       unknown->get_option_name(), command, command);
  }
  if (const auto* bad = dynamic_cast<const po::validation_error*>(&e)) {
    return fmt::format("{} has a value that is not of its kind; {} --help says which",
                       bad->get_option_name(), command);
  }
  return fmt::format("{}; {} --help lists the options", e.what(), command);
}

}  // namespace

absl::StatusOr<po::variables_map> ParseOptions(const std::vector<std::string>& args,
                                               const po::options_description& options,
                                               const po::positional_options_description& positional,
                                               const std::string& command) {
  po::variables_map given;
  try {
    const auto parsed =
        po::command_line_parser(args)
            .options(options)
            .positional(positional)
            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
            .run();
    po::store(parsed, given);
    po::notify(given);
  } catch (const po::error& e) {
    return absl::InvalidArgumentError(UsageMessage(e, command));
  }
  return given;
}

absl::Status OfOption(const std::string& option, const absl::Status& error) {
  return {error.code(), absl::StrCat(option, " ", error.message())};
}

void AddTaskOptions(po::options_description& options, TaskOptions& task) {
  auto add = options.add_options();
  add("op", po::value(&task.op), ("operator: " + absl::StrJoin(OperatorNames(), ", ")).c_str());
  add("shape", po::value(&task.shape),
      "gemm MxNxK; batch_gemm BxMxNxK; conv2d NxHxWxCIxCOxKHxKW[,stride=,pad=,dilation=,groups=]; "
      "softmax RxC; attention HxSxD or HxSqxSkvxD[,causal=1]");
  add("device", po::value(&task.device), kDeviceHelp);
  AddBoardOption(options, task.board);
  add("dtype", po::value(&task.dtype)->default_value("f32"), "element type");
}

absl::StatusOr<Device> DeviceFromOption(const std::string& name, const std::string& board) {
  if (name.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("--device is missing; give one of {}, or a file such as ./my-board.json",
                    absl::StrJoin(DeviceIds(), ", ")));
  }
  auto device = LoadDevice(name, board);
  if (!device.ok()) return device.status();
  if (auto s = CheckHalideTarget(*device); !s.ok()) return s;
  return device;
}

void AddBoardOption(po::options_description& options, std::string& board) {
  options.add_options()("board", po::value(&board),
                        "where its board is reached, if not as the device file says: virtual, "
                        "local, ssh:[USER@]HOST[:PORT], adb[:SERIAL], gdb:HOST:PORT");
}

absl::StatusOr<Task> TaskFromOptions(const TaskOptions& task) {
  const auto missing = [](const std::string& option, const std::string& what) {
    return absl::InvalidArgumentError(fmt::format("{} is missing; give one {}", option, what));
  };
  if (task.op.empty()) return missing("--op", "of " + absl::StrJoin(OperatorNames(), ", "));
  if (task.shape.empty()) return missing("--shape", "such as 512x512x512");
  const auto workload = MakeWorkload(task.op, task.shape, task.dtype);
  if (!workload.ok()) return workload.status();
  const auto device = DeviceFromOption(task.device, task.board);
  if (!device.ok()) return device.status();
  return MakeTask(*workload, *device);
}

}  // namespace halyard
