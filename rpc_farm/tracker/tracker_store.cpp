#include "rpc_farm/tracker/tracker_store.h"

#include <fmt/format.h>

#include <initializer_list>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "logs/sqlite_connection.h"

namespace halyard {
namespace {

// Doubles and lists are texts: SQLite's own real type has no exact text, and plain SQL no list.
constexpr char kSchema[] = R"(
  CREATE TABLE sessions(id TEXT PRIMARY KEY, user TEXT NOT NULL, label TEXT NOT NULL,
                        floor INTEGER NOT NULL, acknowledged TEXT NOT NULL);
  CREATE TABLE requests(id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, user TEXT NOT NULL,
                        priority INTEGER NOT NULL, device TEXT NOT NULL, tags TEXT NOT NULL,
                        payload BLOB NOT NULL, time_limit_ms INTEGER NOT NULL,
                        state INTEGER NOT NULL, board TEXT NOT NULL, epoch INTEGER NOT NULL,
                        losses INTEGER NOT NULL, result BLOB NOT NULL);
  CREATE TABLE boards(name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, draining INTEGER NOT NULL,
                      quarantine TEXT NOT NULL, held INTEGER NOT NULL);
  CREATE TABLE rulers(device TEXT PRIMARY KEY, canary TEXT NOT NULL);
)";

constexpr char kPutRequest[] = R"(
  INSERT INTO requests VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)
  ON CONFLICT(id) DO UPDATE SET state=excluded.state, board=excluded.board, epoch=excluded.epoch,
                                losses=excluded.losses, result=excluded.result)";

// Bytes that mark an SQLite file as a tracker's ("HlyT").
constexpr int64_t kApplicationId = 0x486c7954;

class SqliteTrackerStore : public TrackerStore {
 public:
  explicit SqliteTrackerStore(SqliteConnection connection) : connection_(std::move(connection)) {}

  absl::Status Prepare();
  absl::StatusOr<StoredFarm> Load() override;

  void PutSession(const StoredSession& s) override {
    Write(put_session_, [&](SqliteStatement& put) {
      put.Bind(s.id).Bind(s.user).Bind(s.label).Bind(static_cast<int64_t>(s.floor));
      put.Bind(absl::StrJoin(s.acknowledged, " "));
    });
  }
  void EraseSession(const std::string& id) override {
    Write(erase_session_, [&](SqliteStatement& erase) { erase.Bind(id); });
  }
  void PutRequest(const FarmMemory::Request& r) override {
    Write(put_request_, [&](SqliteStatement& put) {
      const FarmRequest& q = r.request;
      put.Bind(q.id).Bind(++sequence_).Bind(q.user).Bind(int64_t{q.priority}).Bind(q.device);
      put.Bind(absl::StrJoin(q.tags, " ")).BindBytes(q.payload);
      put.Bind(int64_t{q.time_limit.count()}).Bind(static_cast<int64_t>(r.status.state));
      put.Bind(r.status.board).Bind(static_cast<int64_t>(r.epoch));
      put.Bind(int64_t{r.status.losses}).BindBytes(r.status.result);
    });
  }
  void EraseRequest(const std::string& id) override {
    Write(erase_request_, [&](SqliteStatement& erase) { erase.Bind(id); });
  }
  void PutBoard(const std::string& name, const FarmMemory::Board& b) override {
    Write(put_board_, [&](SqliteStatement& put) {
      put.Bind(name).Bind(static_cast<int64_t>(b.epoch)).Bind(int64_t{b.draining});
      put.Bind(b.quarantine).Bind(int64_t{b.held});
    });
  }
  void PutRuler(const std::string& device, double canary) override {
    Write(put_ruler_,
          [&](SqliteStatement& put) { put.Bind(device).Bind(fmt::format("{:.17g}", canary)); });
  }

  absl::Status Commit() override {
    absl::Status status = std::exchange(failed_, absl::OkStatus());
    if (!std::exchange(writing_, false)) return status;
    if (status.ok()) status = connection_.Execute("COMMIT");
    if (!status.ok()) (void)connection_.Execute("ROLLBACK");
    return status;
  }

 private:
  template <typename Bind>
  void Write(std::unique_ptr<SqliteStatement>& statement, Bind bind) {
    if (!failed_.ok()) return;
    if (!writing_) failed_ = connection_.Execute("BEGIN IMMEDIATE");
    if (!failed_.ok()) return;
    writing_ = true;
    bind(*statement);
    if (const auto stepped = statement->Step(); !stepped.ok()) failed_ = stepped.status();
    statement->Reset();
  }

  // Runs `row` for each row.
  template <typename Row>
  absl::Status Each(const char* sql, Row row) {
    auto select = connection_.Prepare(sql);
    if (!select.ok()) return select.status();
    while (true) {
      const auto more = select->Step();
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
      row(*select);
    }
  }

  SqliteConnection connection_;
  std::unique_ptr<SqliteStatement> put_session_, erase_session_, put_request_, erase_request_,
      put_board_, put_ruler_;
  int64_t sequence_ = 0;  // of the last request that was put
  bool writing_ = false;
  absl::Status failed_;
};

absl::Status SqliteTrackerStore::Prepare() {
  const std::pair<std::unique_ptr<SqliteStatement>*, const char*> statements[] = {
      {&put_session_, "INSERT OR REPLACE INTO sessions VALUES(?,?,?,?,?)"},
      {&erase_session_, "DELETE FROM sessions WHERE id=?"},
      {&put_request_, kPutRequest},
      {&erase_request_, "DELETE FROM requests WHERE id=?"},
      {&put_board_, "INSERT OR REPLACE INTO boards VALUES(?,?,?,?,?)"},
      {&put_ruler_, "INSERT OR REPLACE INTO rulers VALUES(?,?)"},
  };
  for (const auto& [to, sql] : statements) {
    auto prepared = connection_.Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *to = std::make_unique<SqliteStatement>(*std::move(prepared));
  }
  const auto last = connection_.Integer("SELECT coalesce(max(sequence), 0) FROM requests");
  if (!last.ok()) return last.status();
  sequence_ = *last;
  return absl::OkStatus();
}

absl::StatusOr<StoredFarm> SqliteTrackerStore::Load() {
  StoredFarm stored;
  absl::Status status = Each("SELECT * FROM sessions ORDER BY id", [&](const SqliteStatement& row) {
    StoredSession s{
        row.Text(0), row.Text(1), row.Text(2), static_cast<uint64_t>(row.Integer(3)), {}};
    for (const auto& text : absl::StrSplit(row.Text(4), ' ', absl::SkipEmpty())) {
      uint64_t number = 0;
      if (absl::SimpleAtoi(text, &number)) s.acknowledged.insert(number);
    }
    stored.sessions.push_back(std::move(s));
  });
  if (!status.ok()) return status;
  status = Each("SELECT * FROM requests ORDER BY sequence", [&](const SqliteStatement& row) {
    FarmMemory::Request r;
    r.request.id = row.Text(0);
    r.request.user = row.Text(2);
    r.request.priority = static_cast<int>(row.Integer(3));
    r.request.device = row.Text(4);
    r.request.tags = absl::StrSplit(row.Text(5), ' ', absl::SkipEmpty());
    r.request.payload = row.Text(6);
    r.request.time_limit = FarmDuration(row.Integer(7));
    r.status.state = static_cast<RequestState>(row.Integer(8));
    r.status.board = row.Text(9);
    r.epoch = static_cast<uint64_t>(row.Integer(10));
    r.status.losses = static_cast<int>(row.Integer(11));
    r.status.result = row.Text(12);
    stored.farm.requests.push_back(std::move(r));
  });
  if (!status.ok()) return status;
  status = Each("SELECT * FROM boards", [&](const SqliteStatement& row) {
    stored.farm.boards[row.Text(0)] = {static_cast<uint64_t>(row.Integer(1)), row.Integer(2) != 0,
                                       row.Text(3), row.Integer(4) != 0};
  });
  if (!status.ok()) return status;
  status = Each("SELECT * FROM rulers", [&](const SqliteStatement& row) {
    double canary = 0;
    if (absl::SimpleAtod(row.Text(1), &canary)) stored.rulers[row.Text(0)] = canary;
  });
  if (!status.ok()) return status;
  return stored;
}

// Makes the tables in a new file, or says why an old one is none of ours.
absl::Status RequireSchema(const SqliteConnection& connection, const std::string& file) {
  const auto application = connection.Integer("PRAGMA application_id");
  if (!application.ok()) return application.status();
  const auto tables = connection.Integer("SELECT count(*) FROM sqlite_master");
  if (!tables.ok()) return tables.status();
  if (*tables == 0) {
    return connection.Transaction([&] {
      return connection.Execute(fmt::format("{} PRAGMA application_id={}; PRAGMA user_version={}",
                                            kSchema, kApplicationId, kTrackerStateVersion));
    });
  }
  const auto version = connection.Integer("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (*application != kApplicationId) {
    return absl::InvalidArgumentError(
        fmt::format("{} is an SQLite file, but not a farm tracker's; name another --state", file));
  }
  if (*version != kTrackerStateVersion) {
    return absl::InvalidArgumentError(
        fmt::format("{} has version {}, this tracker reads version {}: use the newer one", file,
                    *version, kTrackerStateVersion));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrackerStore>> TrackerStore::Open(const std::string& file) {
  using Mode = SqliteConnection::Mode;
  auto connection = SqliteConnection::Open(file, {"state", file.empty() ? "in memory" : file},
                                           file.empty() ? Mode::kMemory : Mode::kCreate);
  if (!connection.ok()) return connection.status();
  // Exclusive: the file is this process's until it ends, and needs no shared memory. One writer
  // keeps clear of the WAL-reset bug of SQLite before 3.51.3.
  for (const char* pragma : {"PRAGMA busy_timeout=0", "PRAGMA locking_mode=EXCLUSIVE",
                             "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"}) {
    const absl::Status status = connection->Execute(pragma);
    if (absl::IsUnavailable(status)) {
      return absl::UnavailableError(fmt::format("another tracker has {}", file));
    }
    if (!status.ok()) return status;
  }
  if (absl::Status s = RequireSchema(*connection, file); !s.ok()) return s;
  auto store = std::make_unique<SqliteTrackerStore>(*std::move(connection));
  if (absl::Status s = store->Prepare(); !s.ok()) return s;
  return store;
}

}  // namespace halyard
