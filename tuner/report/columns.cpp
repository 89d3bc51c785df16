#include "tuner/report/columns.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "tuner/masked_message.h"

namespace halyard {
namespace {

using nlohmann::json;

// A compiler's error can be pages; what tells one from another stands at its beginning.
constexpr size_t kLongestMessage = 400;

std::string Quoted(const std::string& text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

// `[1,2,3]`; numbers as text because a JSON library's tree of two million nodes takes a second.
class Column {
 public:
  void Integer(int64_t number) { Add(number, "{}"); }
  void Number(double number) { Add(number, "{:.5g}"); }
  void Nothing() { text_ += "null,"; }

  // null: nothing but zeros and nothings.
  std::string Take() {
    if (!says_something_) return "null";
    text_.back() = ']';
    return "[" + std::move(text_);
  }
  std::string TakeEven() {
    says_something_ = !text_.empty();
    return says_something_ ? Take() : "[]";
  }

 private:
  template <typename Number>
  void Add(Number number, const char* format) {
    says_something_ = says_something_ || number != Number{};
    fmt::format_to(std::back_inserter(text_), fmt::runtime(format), number);
    text_ += ',';
  }

  std::string text_;
  bool says_something_ = false;
};

// Places of different texts, in the order in which they came.
class Places {
 public:
  size_t Of(const std::string& text) {
    const auto [at, first] = places_.try_emplace(text, texts_.size());
    if (first) texts_.push_back(text);
    return at->second;
  }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::unordered_map<std::string, size_t> places_;
  std::vector<std::string> texts_;
};

struct KnobColumn {
  Places values;
  std::vector<int64_t> places;  // -1: a config without this knob
};

// Configs taken apart: "form=store vec=4". What is not knob=value is a value of the knob "config".
class Knobs {
 public:
  explicit Knobs(size_t records) : records_(records) {}

  void Add(size_t row, std::string_view config) {
    while (!config.empty()) {
      const size_t end = std::min(config.find(' '), config.size());
      const std::string_view part = config.substr(0, end);
      const size_t equals = part.find('=');
      if (equals == std::string_view::npos) {
        Put(row, "config", std::string(part));
      } else {
        Put(row, std::string(part.substr(0, equals)), std::string(part.substr(equals + 1)));
      }
      config.remove_prefix(std::min(end + 1, config.size()));
    }
  }

  std::string ToText() const {
    std::string names, values, columns;
    for (size_t k = 0; k < columns_.size(); ++k) {
      const char* const comma = k == 0 ? "" : ",";
      names += comma + Quoted(names_.texts()[k]);
      values +=
          comma +
          json(columns_[k].values.texts()).dump(-1, ' ', false, json::error_handler_t::replace);
      Column column;
      for (const int64_t place : columns_[k].places) column.Integer(place);
      columns += comma + column.TakeEven();
    }
    return fmt::format(R"("knobNames":[{}],"knobValues":[{}],"knobs":[{}])", names, values,
                       columns);
  }

 private:
  void Put(size_t row, const std::string& knob, const std::string& value) {
    const size_t k = names_.Of(knob);
    if (k == columns_.size()) columns_.push_back({{}, std::vector<int64_t>(records_, -1)});
    columns_[k].places[row] = static_cast<int64_t>(columns_[k].values.Of(value));
  }

  const size_t records_;
  Places names_;
  std::vector<KnobColumn> columns_;
};

// Failures, alike ones once, with the first of them as the example.
class Messages {
 public:
  int64_t Add(const Record& r) {
    if (r.outcome == Outcome::kOk) return -1;
    const size_t place =
        masked_.Of(std::string(OutcomeName(r.outcome)) + ": " + MaskDigits(r.message));
    if (place == known_.size()) known_.push_back({r.outcome, 0, r.message});
    ++known_[place].count;
    return static_cast<int64_t>(place);
  }
  std::string ToText() const {
    std::string text;
    for (const Known& k : known_) {
      const bool cut = k.example.size() > kLongestMessage;
      text +=
          fmt::format("{}[{},{},{}]", text.empty() ? "" : ",", static_cast<int>(k.outcome), k.count,
                      Quoted(cut ? k.example.substr(0, kLongestMessage) + "..." : k.example));
    }
    return R"("messages":[)" + text + "]";
  }

 private:
  struct Known {
    Outcome outcome;
    int64_t count;
    std::string example;
  };
  Places masked_;
  std::vector<Known> known_;
};

// What a search and a library would not rank: see BestRecords.
class Unranked {
 public:
  explicit Unranked(const ReportTask& task)
      : protocol_(task.best == nullptr ? 0 : task.best->protocol) {
    for (const Record* r : task.records) {
      if (r->outcome == Outcome::kWrongResult) wrong_.emplace(r->space_version, r->config);
    }
  }
  bool Has(const Record& r) const {
    return r.protocol != protocol_ || wrong_.contains({r.space_version, r.config});
  }

 private:
  const int protocol_;
  std::set<std::pair<int, std::string_view>> wrong_;
};

// In percent.
double SpreadOf(const std::vector<double>& samples) {
  if (samples.size() < 2) return 0;
  const auto [least, most] = std::minmax_element(samples.begin(), samples.end());
  return *least > 0 ? 100 * (*most / *least - 1) : 0;
}

}  // namespace

std::string TrialColumns(const ReportTask& task, const BoardPlaces& boards) {
  Column id, time, value, outcome, mark, board, samples, spread, score, message;
  Knobs knobs(task.records.size());
  Messages messages;
  const Unranked unranked(task);
  int64_t last_id = 0, last_s = 0;
  for (size_t row = 0; row < task.records.size(); ++row) {
    const Record& r = *task.records[row];
    const bool ok = r.outcome == Outcome::kOk;
    const int64_t seconds = r.time_unix_ms / 1000;
    id.Integer(r.id - std::exchange(last_id, r.id));
    time.Integer(seconds - std::exchange(last_s, seconds));
    value.Number(ok ? r.value() : 0);
    outcome.Integer(static_cast<int64_t>(r.outcome));
    mark.Integer((r.phase == "final" ? 1 : 0) + (ok && unranked.Has(r) ? 2 : 0));
    board.Integer(static_cast<int64_t>(boards.at({r.device, r.board, r.board_kind})));
    samples.Integer(ok ? static_cast<int64_t>(r.samples.size()) : 0);
    spread.Number(ok ? SpreadOf(r.samples) : 0);
    r.predicted_score ? score.Number(*r.predicted_score) : score.Nothing();
    message.Integer(messages.Add(r));
    knobs.Add(row, r.config);
  }
  return fmt::format(
      R"({{"id":{},"time":{},"value":{},"outcome":{},"mark":{},"board":{},"samples":{},)"
      R"("spread":{},"score":{},"message":{},{},{}}})",
      id.TakeEven(), time.TakeEven(), value.TakeEven(), outcome.TakeEven(), mark.Take(),
      board.TakeEven(), samples.TakeEven(), spread.Take(), score.Take(), message.TakeEven(),
      messages.ToText(), knobs.ToText());
}

}  // namespace halyard
