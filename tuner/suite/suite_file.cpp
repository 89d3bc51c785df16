#include "tuner/suite/suite_file.h"

#include <toml++/toml.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "fmt/format.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

// Far above any suite; what is no suite is not read to its end.
constexpr uintmax_t kLargestFile = 1 << 20;

// One table of the file. The first thing that is wrong stays the error; what is asked for after it
// does not matter.
class Section {
 public:
  Section(const toml::table& table, std::string file, std::string name)
      : table_(table), file_(std::move(file)), name_(std::move(name)) {}

  template <typename T>
  void Get(const std::string& key, T& value, const char* right) {
    const toml::node* node = Find(key);
    if (node == nullptr) return;
    if (const auto got = node->value_exact<T>()) {
      value = *got;
    } else {
      Refuse(*node, fmt::format("{} is not {}", key, right));
    }
  }
  template <typename T>
  void Get(const std::string& key, std::optional<T>& value, const char* right) {
    T got{};
    if (Find(key) == nullptr) return;
    Get(key, got, right);
    value = got;
  }
  // 2 is as good a number as 2.0.
  void GetNumber(const std::string& key, std::optional<double>& value, double least, double most) {
    const toml::node* node = Find(key);
    if (node == nullptr) return;
    const auto got = node->is_number() ? node->value<double>() : std::nullopt;
    if (got && *got >= least && *got <= most) {
      value = *got;
    } else {
      Refuse(*node, fmt::format("{} is not a number from {:g} to {:g}", key, least, most));
    }
  }
  void GetInteger(const std::string& key, std::optional<int64_t>& value, int64_t least,
                  int64_t most) {
    const toml::node* node = Find(key);
    if (node == nullptr) return;
    const auto got = node->value_exact<int64_t>();
    if (got && *got >= least && *got <= most) {
      value = *got;
    } else {
      Refuse(*node, fmt::format("{} is not a whole number from {} to {}", key, least, most));
    }
  }
  // A time of day or a moment may be written as TOML has them, or as text.
  void GetMoment(const std::string& key, std::string& value) {
    const toml::node* node = Find(key);
    if (node == nullptr) return;
    if (const auto* text = node->as_string()) {
      value = text->get();
    } else if (node->is_time() || node->is_date_time()) {
      std::ostringstream written;
      node->visit([&](const auto& n) {
        if constexpr (toml::is_time<decltype(n)> || toml::is_date_time<decltype(n)>) {
          written << n.get();
        }
      });
      value = written.str();
    } else {
      Refuse(*node, key + " is not a time such as \"06:30\" or 2026-11-23T06:30:00Z");
    }
  }
  void GetTexts(const std::string& key, std::vector<std::string>& value) {
    const toml::node* node = Find(key);
    if (node == nullptr) return;
    const toml::array* list = node->as_array();
    bool good = list != nullptr && !list->empty();
    for (size_t i = 0; good && i < list->size(); i++) {
      good = list->get(i)->is_string();
      if (good) value.push_back(list->get(i)->as_string()->get());
    }
    if (!good) Refuse(*node, key + " is not a list of texts");
  }
  void GetSizes(const std::string& key, std::map<std::string, int64_t>& value) {
    const toml::node* node = Find(key);
    if (node == nullptr) return;
    const toml::table* sizes = node->as_table();
    if (sizes == nullptr) return Refuse(*node, key + " is not { NAME = N }");
    Section section(*sizes, file_, key);
    for (const auto& [name, size] : *sizes) {
      std::optional<int64_t> got;
      section.GetInteger(std::string(name.str()), got, 1, INT32_MAX);
      if (got) value[std::string(name.str())] = *got;
    }
    if (auto s = section.Check(); error_.ok()) error_ = s;
  }

  // The error, or of a key that nobody asked for.
  absl::Status Check() {
    for (const auto& [key, node] : table_) {
      if (asked_.count(std::string(key.str())) != 0) continue;
      Refuse(node, fmt::format("{} is not known in {}; give one of {}", key.str(), name_,
                               absl::StrJoin(asked_, ", ")));
    }
    return error_;
  }
  std::string where() const { return WhereIs(table_); }
  void Refuse(const toml::node& node, const std::string& what) {
    if (error_.ok()) error_ = absl::InvalidArgumentError(WhereIs(node) + ": " + what);
  }

 private:
  const toml::node* Find(const std::string& key) {
    asked_.insert(key);
    return table_.get(key);
  }
  std::string WhereIs(const toml::node& node) const {
    return fmt::format("{}:{}", file_, node.source().begin.line);
  }

  const toml::table& table_;
  const std::string file_, name_;
  std::set<std::string> asked_;
  absl::Status error_;
};

// Text that names a file, from the suite's folder.
std::string PathFrom(const fs::path& folder, const std::string& path) {
  if (path.empty() || fs::path(path).is_absolute()) return path;
  return (folder / path).lexically_normal().string();
}

absl::Status ReadHead(const toml::table& table, const std::string& path, SuiteFile& file) {
  Section s(table, path, "[suite]");
  const fs::path folder = fs::path(path).parent_path();
  s.Get("log", file.log, "a file's name");
  s.Get("out", file.out, "a folder's name");
  s.Get("sign", file.sign, "a file's name");
  s.GetNumber("board_minutes", file.board_minutes, 0.01, 1e6);
  s.GetMoment("deadline", file.deadline);
  s.Get("time", file.time, "a duration such as \"8h\"");
  s.GetNumber("stop_gain", file.stop_gain, 0, 99);
  s.Get("strategy", file.strategy, "a strategy's name");
  s.Get("model", file.model, "a file's name or \"none\"");
  std::optional<int64_t> seed;
  s.GetInteger("seed", seed, 0, INT64_MAX);
  if (seed) file.seed = static_cast<uint64_t>(*seed);
  s.Get("gate", file.gate, "true or false");
  file.log = PathFrom(folder, file.log);
  file.out = PathFrom(folder, file.out);
  file.sign = PathFrom(folder, file.sign);
  if (file.model && *file.model != "none") file.model = PathFrom(folder, *file.model);
  return s.Check();
}

absl::StatusOr<SuiteFileDevice> ReadDevice(const toml::table& table, const std::string& path) {
  Section s(table, path, "[[device]]");
  SuiteFileDevice d;
  d.where = s.where();
  s.Get("id", d.id, "a device's name or file");
  s.Get("board", d.board, "a board's address");
  s.Get("farm", d.farm, "HOST:PORT");
  s.Get("farm_certificates", d.farm_certificates, "a folder's name");
  s.Get("farm_tags", d.farm_tags, "tags such as \"lab,fan\"");
  std::optional<int64_t> priority;
  s.GetInteger("farm_priority", priority, -100, 100);
  d.farm_priority = static_cast<int>(priority.value_or(0));
  if (auto status = s.Check(); !status.ok()) return status;
  if (d.id.empty()) {
    return absl::InvalidArgumentError(d.where +
                                      ": a device without id; give one such as "
                                      "id = \"rpi4\"");
  }
  const fs::path folder = fs::path(path).parent_path();
  d.farm_certificates = PathFrom(folder, d.farm_certificates);
  if (d.id.find('/') != std::string::npos) d.id = PathFrom(folder, d.id);
  return d;
}

absl::StatusOr<SuiteFileWorkloads> ReadWorkloads(const toml::table& table,
                                                 const std::string& path) {
  Section s(table, path, "[[workloads]]");
  SuiteFileWorkloads w;
  w.where = s.where();
  s.Get("file", w.file, "a file's name");
  s.GetTexts("list", w.lines);
  s.GetInteger("batch", w.batch, 1, INT32_MAX);
  s.GetSizes("dims", w.dims);
  s.GetTexts("devices", w.devices);
  std::optional<double> priority;
  s.GetNumber("priority", priority, 1e-3, 1e6);
  w.priority = priority.value_or(1);
  if (auto status = s.Check(); !status.ok()) return status;
  if (w.file.empty() == w.lines.empty()) {
    return absl::InvalidArgumentError(
        w.where +
        ": workloads are a file or a list; give one of the two, such as "
        "file = \"net.onnx\"");
  }
  w.file = PathFrom(fs::path(path).parent_path(), w.file);
  return w;
}

// Every [[name]] of the file.
template <typename T, typename Read>
absl::Status ReadEach(const toml::table& root, const std::string& name, const std::string& path,
                      Read read, std::vector<T>& all) {
  const toml::node* node = root.get(name);
  const toml::array* tables = node != nullptr ? node->as_array() : nullptr;
  if (tables == nullptr || !tables->is_homogeneous<toml::table>()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}:{}: {}; give each as [[{}]]", path, node != nullptr ? node->source().begin.line : 1,
        node != nullptr ? name + " is something else" : "there is no " + name, name));
  }
  for (const toml::node& table : *tables) {
    auto one = read(*table.as_table(), path);
    if (!one.ok()) return one.status();
    all.push_back(*std::move(one));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SuiteFile> ReadSuiteFile(const std::string& path) {
  std::error_code error;
  std::ifstream in(path, std::ios::binary);
  if (!in || fs::is_directory(path, error)) {
    return absl::NotFoundError(fmt::format("'{}' cannot be read; give a suite's file", path));
  }
  if (fs::file_size(path, error) > kLargestFile && !error) {
    return absl::InvalidArgumentError(fmt::format("'{}' is over 1 MiB; give a suite's file", path));
  }
  const std::string text(std::istreambuf_iterator<char>(in), {});
  toml::table root;
  try {
    root = toml::parse(text, path);
  } catch (const toml::parse_error& e) {
    return absl::InvalidArgumentError(fmt::format("{}:{}: no TOML: {}", path, e.source().begin.line,
                                                  std::string(e.description())));
  }
  for (const auto& [key, node] : root) {
    if (key.str() == "suite" || key.str() == "device" || key.str() == "workloads") continue;
    return absl::InvalidArgumentError(
        fmt::format("{}:{}: {} is not known; give [suite], [[device]], [[workloads]]", path,
                    node.source().begin.line, key.str()));
  }
  SuiteFile file;
  file.log = "tuned.db";
  file.out = "out";
  const toml::table none;
  const toml::node* head = root.get("suite");
  if (head != nullptr && !head->is_table()) {
    return absl::InvalidArgumentError(fmt::format("{}:{}: suite is something else; give [suite]",
                                                  path, head->source().begin.line));
  }
  if (auto s = ReadHead(head != nullptr ? *head->as_table() : none, path, file); !s.ok()) return s;
  if (auto s = ReadEach(root, "device", path, ReadDevice, file.devices); !s.ok()) return s;
  if (auto s = ReadEach(root, "workloads", path, ReadWorkloads, file.workloads); !s.ok()) return s;
  return file;
}

absl::StatusOr<std::chrono::system_clock::time_point> DeadlineFrom(
    const std::string& text, std::chrono::system_clock::time_point now) {
  const auto wrong = [&](const std::string& why) {
    return absl::InvalidArgumentError(fmt::format(
        "deadline '{}' {}; give a time such as 06:30 or 2026-11-23T06:30:00Z", text, why));
  };
  int hours = 0, minutes = 0, read = 0;
  const int parts = std::sscanf(text.c_str(), "%2d:%2d%n", &hours, &minutes, &read);
  const std::string rest = parts == 2 ? text.substr(static_cast<size_t>(read)) : "";
  const absl::Time from = absl::FromChrono(now);
  if (parts == 2 && (rest.empty() || rest == ":00")) {
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return wrong("is no time of day");
    const absl::TimeZone zone = absl::LocalTimeZone();
    absl::CivilDay day = absl::ToCivilDay(from, zone);
    const auto at = [&] {
      return absl::FromCivil(absl::CivilMinute(day.year(), day.month(), day.day(), hours, minutes),
                             zone);
    };
    if (at() <= from) ++day;
    return absl::ToChronoTime(at());
  }
  absl::Time moment;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &moment, &error)) return wrong("is no time");
  if (moment <= from) return wrong("is past");
  return absl::ToChronoTime(moment);
}

}  // namespace halyard
