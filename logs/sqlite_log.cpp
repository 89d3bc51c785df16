#include "logs/sqlite_log.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "logs/record_check.h"
#include "targets/device_snapshot.h"

namespace halyard {
namespace {

constexpr char kColumns[] =
    "workload, config, space_version, device, board, board_kind, unit, samples, outcome, message, "
    "phase, checks, artifact_sha256, compiler, protocol, environment, seed, time_unix_ms, "
    "device_snapshot, predicted_score, peak_gflops, copy_gb_per_s";
constexpr char kInsert[] =
    "INSERT INTO records ({}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

// The shortest decimal that reads back as the same double.
std::string NumberToText(double number) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
}

std::string SamplesToText(const std::vector<double>& samples) {
  std::string text;
  for (double sample : samples) {
    if (!text.empty()) text += ' ';
    text += NumberToText(sample);
  }
  return text;
}

template <typename Number>
bool NumberFromText(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool SamplesFromText(std::string_view text, std::vector<double>& samples) {
  while (!text.empty()) {
    const size_t length = std::min(text.find(' '), text.size());
    if (!NumberFromText(text.substr(0, length), samples.emplace_back())) return false;
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return true;
}

// Of a number that may be missing, which is the empty text.
std::string MaybeToText(std::optional<double> number) {
  return number ? NumberToText(*number) : "";
}

bool MaybeFromText(std::string_view text, std::optional<double>& number) {
  return text.empty() || NumberFromText(text, number.emplace());
}

// Likewise of one whose 0 says that it is not known.
std::string KnownToText(double number) { return number == 0 ? "" : NumberToText(number); }

bool KnownFromText(std::string_view text, double& number) {
  return text.empty() || NumberFromText(text, number);
}

using SnapshotTexts = std::map<int64_t, std::shared_ptr<const std::string>>;

absl::StatusOr<Record> ReadRow(const SqliteStatement& row, const SnapshotTexts& snapshots,
                               const std::string& log_name) {
  Record record;
  int column = 0;
  record.id = row.Integer(column++);
  const auto damaged = [&](std::string_view field) {
    return absl::DataLossError(fmt::format("log {}, record {}: {} '{}' cannot be read", log_name,
                                           record.id, field, row.Text(column - 1)));
  };
  record.workload = row.Text(column++);
  record.config = row.Text(column++);
  record.space_version = static_cast<int>(row.Integer(column++));
  record.device = row.Text(column++);
  record.board = row.Text(column++);
  const std::optional<BoardKind> board_kind = BoardKindFromName(row.Text(column++));
  if (!board_kind) return damaged("board_kind");
  record.board_kind = *board_kind;
  record.unit = row.Text(column++);
  if (!SamplesFromText(row.Text(column++), record.samples)) return damaged("samples");
  const std::optional<Outcome> outcome = OutcomeFromName(row.Text(column++));
  if (!outcome) return damaged("outcome");
  record.outcome = *outcome;
  record.message = row.Text(column++);
  record.phase = row.Text(column++);
  record.checks = row.Text(column++);
  record.artifact_sha256 = row.Text(column++);
  record.compiler = row.Text(column++);
  record.protocol = static_cast<int>(row.Integer(column++));
  record.environment = row.Text(column++);
  if (!NumberFromText(row.Text(column++), record.seed)) return damaged("seed");
  record.time_unix_ms = row.Integer(column++);
  const auto snapshot = snapshots.find(row.Integer(column++));
  if (snapshot != snapshots.end()) record.device_snapshot = snapshot->second;
  if (!MaybeFromText(row.Text(column++), record.predicted_score)) return damaged("predicted_score");
  if (!KnownFromText(row.Text(column++), record.peak_gflops)) return damaged("peak_gflops");
  if (!KnownFromText(row.Text(column++), record.copy_gb_per_s)) return damaged("copy_gb_per_s");
  return record;
}

void BindRow(SqliteStatement& row, const Record& record, int64_t snapshot) {
  row.Bind(record.workload)
      .Bind(record.config)
      .Bind(int64_t{record.space_version})
      .Bind(record.device)
      .Bind(record.board)
      .Bind(BoardKindName(record.board_kind))
      .Bind(record.unit)
      .Bind(SamplesToText(record.samples))
      .Bind(OutcomeName(record.outcome))
      .Bind(record.message)
      .Bind(record.phase)
      .Bind(record.checks)
      .Bind(record.artifact_sha256)
      .Bind(record.compiler)
      .Bind(int64_t{record.protocol})
      .Bind(record.environment)
      .Bind(std::to_string(record.seed))
      .Bind(record.time_unix_ms)
      .Bind(snapshot)
      .Bind(MaybeToText(record.predicted_score))
      .Bind(KnownToText(record.peak_gflops))
      .Bind(KnownToText(record.copy_gb_per_s));
}

// ` AND device_snapshot IN (...)`: the rows of the same hardware, and 0 for what is not known.
std::string SameHardware(const std::string& wanted, const SnapshotTexts& snapshots) {
  const nlohmann::json now = nlohmann::json::parse(wanted);
  std::string rows = "0";
  for (const auto& [row, text] : snapshots) {
    if (HardwareDifferences(nlohmann::json::parse(*text), now).empty()) {
      rows += fmt::format(",{}", row);
    }
  }
  return " AND device_snapshot IN (" + rows + ")";
}

// `SELECT what FROM records` with the filter's conditions bound.
absl::StatusOr<SqliteStatement> Select(const SqliteConnection& connection, const std::string& what,
                                       const RecordFilter& filter, const SnapshotTexts& snapshots,
                                       const std::string& order) {
  std::string sql = "SELECT " + what + " FROM records WHERE 1=1";
  if (!filter.workload.empty()) sql += " AND workload = ?";
  if (!filter.device.empty()) sql += " AND device = ?";
  if (!filter.unit.empty()) sql += " AND unit = ?";
  if (!filter.compiler.empty()) sql += " AND compiler = ?";
  if (filter.space_version) sql += " AND space_version = ?";
  if (filter.outcome) sql += " AND outcome = ?";
  if (!filter.device_snapshot.empty()) sql += SameHardware(filter.device_snapshot, snapshots);
  absl::StatusOr<SqliteStatement> select = connection.Prepare(sql + order);
  if (!select.ok()) return select;
  if (!filter.workload.empty()) select->Bind(filter.workload);
  if (!filter.device.empty()) select->Bind(filter.device);
  if (!filter.unit.empty()) select->Bind(filter.unit);
  if (!filter.compiler.empty()) select->Bind(filter.compiler);
  if (filter.space_version) select->Bind(int64_t{*filter.space_version});
  if (filter.outcome) select->Bind(OutcomeName(*filter.outcome));
  return select;
}

}  // namespace

SqliteLog::SqliteLog(std::optional<LogWriterLock> lock, SqliteConnection connection)
    : lock_(std::move(lock)), connection_(std::move(connection)) {}

absl::StatusOr<SqliteLog::Snapshots> SqliteLog::ReadSnapshots() const {
  absl::StatusOr<SqliteStatement> select =
      connection_.Prepare("SELECT id, snapshot FROM device_snapshots");
  if (!select.ok()) return select.status();
  Snapshots snapshots;
  while (true) {
    const absl::StatusOr<bool> row = select->Step();
    if (!row.ok()) return row.status();
    if (!*row) return snapshots;
    auto text = std::make_shared<const std::string>(select->Text(1));
    if (!nlohmann::json::accept(*text)) {
      return absl::DataLossError(fmt::format("log {}, device snapshot {} cannot be read",
                                             connection_.name().path, select->Integer(0)));
    }
    snapshots[select->Integer(0)] = std::move(text);
  }
}

absl::StatusOr<int64_t> SqliteLog::RowOfSnapshot(const std::string& snapshot) {
  for (const char* sql : {"INSERT OR IGNORE INTO device_snapshots (snapshot) VALUES (?)",
                          "SELECT id FROM device_snapshots WHERE snapshot = ?"}) {
    absl::StatusOr<SqliteStatement> statement = connection_.Prepare(sql);
    if (!statement.ok()) return statement.status();
    statement->Bind(snapshot);
    const absl::StatusOr<bool> row = statement->Step();
    if (!row.ok()) return row.status();
    if (*row) return statement->Integer(0);
  }
  return absl::InternalError(connection_.name().ToText() + " lost a device snapshot");
}

absl::Status SqliteLog::Insert(const std::vector<Record>& records, std::vector<int64_t>& ids) {
  absl::StatusOr<SqliteStatement> insert = connection_.Prepare(fmt::format(kInsert, kColumns));
  if (!insert.ok()) return insert.status();
  std::map<std::string, int64_t> rows;
  for (const Record& record : records) {
    int64_t snapshot = 0;
    if (record.device_snapshot != nullptr) {
      const auto [at, first] = rows.try_emplace(*record.device_snapshot, 0);
      if (first) {
        const absl::StatusOr<int64_t> row = RowOfSnapshot(at->first);
        if (!row.ok()) return row.status();
        at->second = *row;
      }
      snapshot = at->second;
    }
    insert->Reset();
    BindRow(*insert, record, snapshot);
    const absl::StatusOr<bool> done = insert->Step();
    if (!done.ok()) return done.status();
    ids.push_back(sqlite3_last_insert_rowid(connection_.handle()));
  }
  return absl::OkStatus();
}

absl::Status SqliteLog::Append(std::vector<Record>& records) {
  if (!lock_) {
    return absl::FailedPreconditionError(connection_.name().ToText() + " is open for reading only");
  }
  for (size_t i = 0; i < records.size(); ++i) {
    const absl::Status status = NormalizeRecord(records[i]);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("record {} of {}: {}", i + 1, records.size(), std::string(status.message())));
    }
  }
  if (records.empty()) return absl::OkStatus();

  const std::lock_guard<std::mutex> guard(mutex_);
  if (connection_.HasMoved()) {
    return absl::FailedPreconditionError(connection_.name().ToText() +
                                         " was moved or removed while it was open");
  }
  std::vector<int64_t> ids;
  const absl::Status status = connection_.Transaction([&] { return Insert(records, ids); });
  if (!status.ok()) return status;
  for (size_t i = 0; i < records.size(); ++i) records[i].id = ids[i];
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Record>> SqliteLog::Query(const RecordFilter& filter) const {
  const std::lock_guard<std::mutex> guard(mutex_);
  const absl::StatusOr<Snapshots> snapshots = ReadSnapshots();
  if (!snapshots.ok()) return snapshots.status();
  absl::StatusOr<SqliteStatement> select =
      Select(connection_, std::string("id, ") + kColumns, filter, *snapshots, " ORDER BY id");
  if (!select.ok()) return select.status();
  std::vector<Record> records;
  while (true) {
    const absl::StatusOr<bool> row = select->Step();
    if (!row.ok()) return row.status();
    if (!*row) return records;
    absl::StatusOr<Record> record = ReadRow(*select, *snapshots, connection_.name().path);
    if (!record.ok()) return record.status();
    records.push_back(*std::move(record));
  }
}

absl::StatusOr<int64_t> SqliteLog::Count(const RecordFilter& filter) const {
  const std::lock_guard<std::mutex> guard(mutex_);
  const absl::StatusOr<Snapshots> snapshots = ReadSnapshots();
  if (!snapshots.ok()) return snapshots.status();
  absl::StatusOr<SqliteStatement> select = Select(connection_, "COUNT(*)", filter, *snapshots, "");
  if (!select.ok()) return select.status();
  const absl::StatusOr<bool> row = select->Step();
  if (!row.ok()) return row.status();
  return select->Integer(0);
}

absl::StatusOr<std::vector<LoggedDevice>> SqliteLog::Devices() const {
  const std::lock_guard<std::mutex> guard(mutex_);
  const absl::StatusOr<Snapshots> snapshots = ReadSnapshots();
  if (!snapshots.ok()) return snapshots.status();
  absl::StatusOr<SqliteStatement> select = connection_.Prepare(
      "SELECT device, device_snapshot, COUNT(*) FROM records "
      "GROUP BY device, device_snapshot ORDER BY device, device_snapshot");
  if (!select.ok()) return select.status();
  std::vector<LoggedDevice> devices;
  while (true) {
    const absl::StatusOr<bool> row = select->Step();
    if (!row.ok()) return row.status();
    if (!*row) return devices;
    const auto snapshot = snapshots->find(select->Integer(1));
    devices.push_back({std::string(select->Text(0)),
                       snapshot == snapshots->end() ? nullptr : snapshot->second,
                       select->Integer(2)});
  }
}

}  // namespace halyard
