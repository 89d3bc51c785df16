// Options of several subcommands.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "schedules/task.h"

namespace halyard {

// Parsed and stored into the variables that `options` names. InvalidArgument: one line that names
// the argument, what is wrong and what would be right; `command` is what messages call it.
absl::StatusOr<boost::program_options::variables_map> ParseOptions(
    const std::vector<std::string>& args,
    const boost::program_options::options_description& options,
    const boost::program_options::positional_options_description& positional,
    const std::string& command);

// The same error, its message behind the option that the thing was given with.
absl::Status OfOption(const std::string& option, const absl::Status& error);

inline constexpr char kDeviceHelp[] =
    "a listed device (tune devices) or a file of your own, ./my-board.json";

// What --device names, its board where --board says, if it does. Errors are those of LoadDevice and
// CheckHalideTarget; InvalidArgument where it is empty.
absl::StatusOr<Device> DeviceFromOption(const std::string& id_or_path, const std::string& board);

// --op, --shape, --device, --board, --dtype.
struct TaskOptions {
  std::string op, shape, device, board, dtype;
};
void AddTaskOptions(boost::program_options::options_description& options, TaskOptions& task);
void AddBoardOption(boost::program_options::options_description& options, std::string& board);
// InvalidArgument, NotFound: names the option that is missing or wrong.
absl::StatusOr<Task> TaskFromOptions(const TaskOptions& task);

}  // namespace halyard
