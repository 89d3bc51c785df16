// tune report: a log as one page, or its essentials at a terminal.

#include <boost/program_options.hpp>
#include <chrono>
#include <iostream>

#include "fmt/format.h"
#include "logs/measurement_log.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/report/report.h"
#include "tuner/report/report_page.h"
#include "tuner/report/report_text.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

struct Arguments {
  std::string log, output, library, against;
  bool terminal = false;
};

po::options_description Options(Arguments& a) {
  po::options_description d("tune report [LOG] [options]", 79, 40);
  auto add = d.add_options();
  add("log", po::value(&a.log)->default_value("tuned.db"), "measurement log; it is read only");
  add("output,o", po::value(&a.output),
      "the page to write: one file that opens offline (report.html)");
  add("term", po::bool_switch(&a.terminal),
      "print the essentials instead; with -o the page is written too");
  add("library", po::value(&a.library), "folder of a library, to show what it holds");
  add("against", po::value(&a.against), "folder of the library before it, to compare");
  add("help,h", "print this");
  return d;
}

absl::StatusOr<std::optional<LibraryTable>> LibraryOf(const Arguments& a) {
  if (a.library.empty()) {
    if (a.against.empty()) return std::nullopt;
    return absl::InvalidArgumentError(
        "--against is a library to compare another with; give that one with --library DIR");
  }
  auto now = ReadShippedLibrary(a.library);
  if (!now.ok()) return OfOption("--library", now.status());
  if (a.against.empty()) return CompareLibraries(*std::move(now), std::nullopt);
  auto before = ReadShippedLibrary(a.against);
  if (!before.ok()) return OfOption("--against", before.status());
  return CompareLibraries(*std::move(now), *std::move(before));
}

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

int ReportCommand(const std::vector<std::string>& args) {
  Arguments a;
  const po::options_description options = Options(a);
  po::positional_options_description positional;
  positional.add("log", 1);
  const auto given = ParseOptions(args, options, positional, "tune report");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << options;
    return kExitDone;
  }
  if (a.output.empty() && given->count("output") == 0 && !a.terminal) a.output = "report.html";
  const bool writes = !a.terminal || given->count("output") != 0;
  auto library = LibraryOf(a);
  if (!library.ok()) return Fail(library.status());
  const auto log = OpenSqliteLog(a.log, LogMode::kRead);
  if (!log.ok()) return Fail(log.status());
  if (writes) {
    if (auto s = CheckReportPath(a.output); !s.ok()) return Fail(s);
  }
  auto report = GatherReport(**log, a.log, NowMs());
  if (absl::IsNotFound(report.status())) {
    return Fail(kExitNothingValid, std::string(report.status().message()));
  }
  if (!report.ok()) return Fail(report.status());
  report->library = *std::move(library);
  if (writes) {
    if (auto s = WriteReport(*report, a.output); !s.ok()) return Fail(s);
  }
  std::cout << (a.terminal ? ReportText(*report) : a.output + "\n");
  std::cout.flush();
  return kExitDone;
}

}  // namespace halyard
