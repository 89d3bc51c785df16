#include "tuner/report/report_page.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "fmt/format.h"
#include "tuner/report/page_parts.h"
#include "tuner/report/report_json.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

std::string Unfinished(const std::string& path) { return path + ".new"; }

// `page` up to and after `mark`.
std::pair<std::string_view, std::string_view> SplitAt(std::string_view page,
                                                      std::string_view mark) {
  const size_t at = page.find(mark);
  return {page.substr(0, at), page.substr(at + mark.size())};
}

// As text of an HTML element.
std::string Escaped(const std::string& text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

}  // namespace

std::string ReportPage(const Report& report) {
  const auto [to_title, after_title] = SplitAt(kPageHtml, "<!--TITLE-->");
  const auto [to_style, after_style] = SplitAt(after_title, "/*STYLE*/");
  const auto [to_data, after_data] = SplitAt(after_style, "/*DATA*/");
  const auto [to_library, after_library] = SplitAt(after_data, "/*CHART LIBRARY*/");
  const auto [to_script, end] = SplitAt(after_library, "/*SCRIPT*/");
  const std::string data = ReportJson(report);
  const std::string title = Escaped(fs::path(report.log).filename().string());
  std::string page;
  page.reserve(data.size() + (size_t{1} << 18));
  for (const std::string_view part :
       {to_title, std::string_view(title), to_style, kChartStyle, kPageStyle, to_data,
        std::string_view(data), to_library, kChartScript, to_script, kPageScript, end}) {
    page += part;
  }
  return page;
}

absl::Status CheckReportPath(const std::string& path) {
  const auto refuse = [&](const std::string& why) {
    return absl::InvalidArgumentError(fmt::format(
        "-o '{}': {}; give a file that can be written, such as report.html", path, why));
  };
  std::error_code error;
  if (path.empty()) return refuse("the name is empty");
  if (fs::is_directory(path, error)) return refuse("it is a folder");
  const bool was_there = fs::exists(Unfinished(path), error);
  std::FILE* probe = std::fopen(Unfinished(path).c_str(), "ab");
  if (probe == nullptr) return refuse(std::strerror(errno));
  std::fclose(probe);
  if (!was_there) std::remove(Unfinished(path).c_str());
  return absl::OkStatus();
}

absl::Status WriteReport(const Report& report, const std::string& path) {
  if (absl::Status s = CheckReportPath(path); !s.ok()) return s;
  const std::string fresh = Unfinished(path);
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out << ReportPage(report);
  out.close();
  if (!out || std::rename(fresh.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    std::remove(fresh.c_str());
    return absl::ResourceExhaustedError(
        fmt::format("'{}' could not be written whole: {}", path, why));
  }
  return absl::OkStatus();
}

}  // namespace halyard
