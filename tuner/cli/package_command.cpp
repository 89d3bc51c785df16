#include <boost/program_options.hpp>
#include <iostream>

#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/package.h"
#include "tuner/task_records.h"

namespace halyard {

int PackageCommand(const std::vector<std::string>& args) {
  namespace po = boost::program_options;
  std::string device_id, board, log_path, out_dir;
  po::options_description d("tune package --device ID|FILE [options]");
  auto add = d.add_options();
  add("device", po::value(&device_id), kDeviceHelp);
  AddBoardOption(d, board);
  add("log", po::value(&log_path)->default_value("tuned.db"), "measurement log");
  add("out", po::value(&out_dir)->default_value("out"), "folder of the libraries");
  add("help,h", "print this");
  const auto given = ParseOptions(args, d, {}, "tune package");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << d;
    return kExitDone;
  }
  const auto device = DeviceFromOption(device_id, board);
  if (!device.ok()) return Fail(device.status());
  if (auto s = CheckWritableFolder(out_dir); !s.ok()) return Fail(s);
  const auto log = OpenSqliteLog(log_path, LogMode::kRead);
  if (!log.ok()) return Fail(log.status());
  auto builder = MakeWorkerBuilder({});
  if (!builder.ok()) return Fail(builder.status());
  const auto files = PackageFromLog(*device, **log, **builder, out_dir);
  if (!files.ok()) return Fail(files.status());
  const auto note = OtherHardwareNote(**log, *device);
  if (note.ok() && !note->empty()) fmt::print(stderr, "tune: '{}': {}\n", log_path, *note);
  fmt::print("{}\n{}\n{}\n", files->library, files->header, files->manifest);
  return kExitDone;
}

}  // namespace halyard
