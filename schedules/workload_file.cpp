#include "schedules/workload_file.h"

#include <fstream>
#include <regex>
#include <set>

#include "fmt/format.h"

namespace halyard {
namespace {

// Far above any workload with a comment. std::regex takes stack for each character.
constexpr size_t kLongestLine = 1000;

}  // namespace

absl::StatusOr<std::vector<ListedWorkload>> ReadWorkloadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    return absl::NotFoundError(fmt::format(
        "'{}' cannot be read; give a file of lines such as gemm 512x512x512  # x12", path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return ParseWorkloadLines(lines, path);
}

absl::StatusOr<std::vector<ListedWorkload>> ParseWorkloadLines(
    const std::vector<std::string>& lines, const std::string& name) {
  static const std::regex form(R"(\s*(\S+)\s+(\S+)\s*(?:#\s*x(\d{1,6}))?\s*)");
  static const std::regex nothing(R"(\s*(#.*)?)");
  std::vector<ListedWorkload> listed;
  std::set<std::string> seen;
  int number = 0;
  for (const std::string& line : lines) {
    number++;
    if (line.size() > kLongestLine) {
      return absl::InvalidArgumentError(fmt::format("{}:{}: has {} characters; give at most {}",
                                                    name, number, line.size(), kLongestLine));
    }
    std::smatch part;
    if (std::regex_match(line, nothing)) continue;
    if (!std::regex_match(line, part, form)) {
      return absl::InvalidArgumentError(fmt::format(
          "{}:{}: not `OP SHAPE`, such as gemm 512x512x512, nor that and `# xN`", name, number));
    }
    const auto workload = MakeWorkload(part[1], part[2], "f32");
    if (!workload.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("{}:{}: {}", name, number, std::string(workload.status().message())));
    }
    if (!seen.insert(workload->ToText()).second) {
      return absl::InvalidArgumentError(
          fmt::format("{}:{}: {} stands twice", name, number, workload->ToText()));
    }
    if (part[3].matched && std::stoi(part[3]) == 0) {
      return absl::InvalidArgumentError(
          fmt::format("{}:{}: x0 calls of {}; give x1 or more", name, number, workload->ToText()));
    }
    listed.push_back({*workload, part[3].matched ? std::stoi(part[3]) : 1});
  }
  return listed;
}

}  // namespace halyard
