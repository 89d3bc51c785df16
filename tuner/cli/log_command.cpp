#include <boost/program_options.hpp>
#include <fstream>
#include <iostream>

#include "fmt/chrono.h"
#include "fmt/format.h"
#include "logs/hardware_names.h"
#include "logs/measurement_log.h"
#include "logs/queries.h"
#include "targets/device_snapshot.h"
#include "tuner/cli/cli.h"

namespace halyard {
namespace {

constexpr const char* kUsage = "give tune log best|stats|export|import [--log FILE] [FILE]";

int Best(const MeasurementLog& log) {
  const auto names = HardwareNames::Of(log);
  if (!names.ok()) return Fail(names.status());
  const auto records = BestRecords(log, {});
  if (!records.ok()) return Fail(records.status());
  for (const Record& r : *records) {
    const std::string hardware =
        r.device_snapshot == nullptr ? "" : HardwareText(*r.device_snapshot);
    fmt::print("{}  {}  {:.6g} {} ({}, {}, record {})\n    {}\n", r.workload,
               names->DeviceText(r.device, hardware), r.value(), r.unit,
               BoardKindName(r.board_kind), r.phase, r.id, r.config);
  }
  return kExitDone;
}

int PrintStats(const MeasurementLog& log) {
  const auto names = HardwareNames::Of(log);
  if (!names.ok()) return Fail(names.status());
  const auto stats = Stats(log);
  if (!stats.ok()) return Fail(stats.status());
  fmt::print("{:>7} {:>5} {:>12} {:<16} {}\n", "trials", "ok %", "best", "last", "task");
  for (const TaskStats& t : *stats) {
    const std::time_t last = t.last_unix_ms / 1000;
    fmt::print("{:>7} {:>5.1f} {:>12} {:%Y-%m-%d %H:%M} {}@{} ({}, {})\n", t.trials,
               100 * t.ok_share(), t.best ? fmt::format("{:.6g}", t.best->value()) : "-",
               fmt::localtime(last), t.key.workload,
               names->DeviceText(t.key.device, t.key.hardware), t.key.unit,
               BoardKindName(t.key.board_kind));
  }
  return kExitDone;
}

int Export(const MeasurementLog& log, const std::string& file) {
  if (file.empty()) {
    const auto s = ExportJsonLines(log, std::cout);
    return s.ok() ? kExitDone : Fail(s);
  }
  std::ofstream out(file);
  if (!out) return Fail(kExitUsage, fmt::format("'{}' cannot be written; give another file", file));
  const auto s = ExportJsonLines(log, out);
  out.close();
  if (s.ok() && !out)
    return Fail(kExitInfrastructure, fmt::format("'{}' could not be written whole", file));
  return s.ok() ? kExitDone : Fail(s);
}

int Import(MeasurementLog& log, const std::string& file) {
  std::ifstream in;
  if (!file.empty()) {
    in.open(file);
    if (!in)
      return Fail(kExitUsage, fmt::format("'{}' cannot be read; give a JSON lines file", file));
  }
  const auto count = ImportJsonLines(file.empty() ? std::cin : in, log);
  if (!count.ok()) return Fail(count.status());
  fmt::print("{} records imported\n", *count);
  return kExitDone;
}

}  // namespace

int LogCommand(const std::vector<std::string>& args) {
  namespace po = boost::program_options;
  std::string command, log_path, file;
  po::options_description d;
  auto add = d.add_options();
  add("command", po::value(&command));
  add("file", po::value(&file));
  add("log", po::value(&log_path)->default_value("tuned.db"));
  po::positional_options_description positional;
  positional.add("command", 1).add("file", 1);
  po::variables_map given;
  try {
    po::store(po::command_line_parser(args).options(d).positional(positional).run(), given);
    po::notify(given);
  } catch (const po::error& e) {
    return Fail(kExitUsage, std::string(e.what()) + "; " + kUsage);
  }
  const bool writes = command == "import";
  if (command != "best" && command != "stats" && command != "export" && !writes) {
    return Fail(kExitUsage, fmt::format("'log {}' is not a command; {}", command, kUsage));
  }
  auto log = OpenSqliteLog(log_path, writes ? LogMode::kWrite : LogMode::kRead);
  if (!log.ok()) return Fail(log.status());
  if (command == "best") return Best(**log);
  if (command == "stats") return PrintStats(**log);
  return writes ? Import(**log, file) : Export(**log, file);
}

}  // namespace halyard
