#include "logs/sqlite_connection.h"

#include <fmt/format.h>

#include <cctype>
#include <cerrno>
#include <utility>

namespace halyard {
namespace {

// A reader that finds the writer gone rebuilds the index under a short lock; nobody holds one
// longer.
constexpr int kBusyTimeoutMs = 10'000;

bool IsOutOfSpace(int code, int system_error) {
  if (code == SQLITE_FULL) return true;
  if (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG) return true;
  // SQLite does not always keep the errno of a write, and a write to a sound disk fails for no
  // other reason; SHMSIZE is the growth of the WAL index.
  return code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_SHMSIZE;
}

absl::Status StatusOf(sqlite3* db, const SqliteName& name) {
  const int code = sqlite3_extended_errcode(db);
  const char* text = sqlite3_errmsg(db);
  if (IsOutOfSpace(code, sqlite3_system_errno(db))) {
    return absl::ResourceExhaustedError(fmt::format(
        "{} cannot grow: disk full or file-size limit reached ({})", name.ToText(), text));
  }
  switch (code & 0xff) {
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return absl::PermissionDeniedError(
          fmt::format("{} or its folder is not accessible: {}", name.ToText(), text));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::UnavailableError(fmt::format("{} is in use: {}", name.ToText(), text));
    case SQLITE_NOTADB:
      return absl::InvalidArgumentError(fmt::format(
          "{0} is not a Halyard {1} ({2}); name another --{1}", name.path, name.what, text));
    case SQLITE_CORRUPT:
      return absl::DataLossError(fmt::format("{} is damaged: {}", name.ToText(), text));
    case SQLITE_NOMEM:
      return absl::ResourceExhaustedError(fmt::format("{}: out of memory", name.ToText()));
    default:
      return absl::InternalError(fmt::format("{}: {} (SQLite code {})", name.ToText(), text, code));
  }
}

// The path as an SQLite URI, whose own syntax needs ?, # and % escaped.
std::string ImmutableUri(const std::string& file) {
  std::string uri = "file:";
  for (unsigned char c : file) {
    if (std::isalnum(c) || c == '/' || c == '.' || c == '-' || c == '_') {
      uri += static_cast<char>(c);
    } else {
      uri += fmt::format("%{:02X}", c);
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

SqliteStatement::SqliteStatement(sqlite3_stmt* statement, SqliteName name)
    : statement_(statement), name_(std::move(name)) {}

SqliteStatement& SqliteStatement::Bind(std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  const int code = sqlite3_bind_text64(statement_.get(), ++bound_, data, text.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

SqliteStatement& SqliteStatement::BindBytes(std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  const int code =
      sqlite3_bind_blob64(statement_.get(), ++bound_, data, bytes.size(), SQLITE_TRANSIENT);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

SqliteStatement& SqliteStatement::Bind(int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), ++bound_, value);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

absl::StatusOr<bool> SqliteStatement::Step() {
  if (bind_error_ == SQLITE_TOOBIG) {
    return absl::InvalidArgumentError(
        fmt::format("{}: a text is too long to store", name_.ToText()));
  }
  if (bind_error_ == SQLITE_OK) {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW || code == SQLITE_DONE) return code == SQLITE_ROW;
  }
  return StatusOf(sqlite3_db_handle(statement_.get()), name_);
}

void SqliteStatement::Reset() {
  sqlite3_reset(statement_.get());
  bound_ = 0;
  bind_error_ = SQLITE_OK;
}

int64_t SqliteStatement::Integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string SqliteStatement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return "";
  return std::string(text, sqlite3_column_bytes(statement_.get(), column));
}

absl::StatusOr<SqliteConnection> SqliteConnection::Open(const std::string& file,
                                                        const SqliteName& name, Mode mode) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  std::string opened = file;
  switch (mode) {
    case Mode::kReadOnly:
      flags |= SQLITE_OPEN_READONLY;
      break;
    case Mode::kReadWrite:
      flags |= SQLITE_OPEN_READWRITE;
      break;
    case Mode::kCreate:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
      break;
    case Mode::kImmutable:
      flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
      opened = ImmutableUri(file);
      break;
    case Mode::kMemory:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY;
      opened = ":memory:";
      break;
  }
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(opened.c_str(), &db, flags, nullptr);
  SqliteConnection connection(db, name);
  if (db == nullptr) return absl::ResourceExhaustedError("out of memory opening " + name.ToText());
  if (code != SQLITE_OK) return StatusOf(db, name);
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  return connection;
}

absl::Status SqliteConnection::Execute(const std::string& sql) const {
  const int code = sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : StatusOf(handle(), name_);
}

absl::StatusOr<SqliteStatement> SqliteConnection::Prepare(const std::string& sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(handle(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return StatusOf(handle(), name_);
  return SqliteStatement(statement, name_);
}

absl::StatusOr<int64_t> SqliteConnection::Integer(const std::string& sql) const {
  absl::StatusOr<SqliteStatement> statement = Prepare(sql);
  if (!statement.ok()) return statement.status();
  const absl::StatusOr<bool> row = statement->Step();
  if (!row.ok()) return row.status();
  return statement->Integer(0);
}

absl::Status SqliteConnection::CopyTo(const SqliteConnection& to) const {
  sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", handle(), "main");
  if (backup == nullptr) return StatusOf(to.handle(), name_);
  sqlite3_backup_step(backup, -1);
  const int code = sqlite3_backup_finish(backup);
  return code == SQLITE_OK ? absl::OkStatus() : StatusOf(to.handle(), name_);
}

bool SqliteConnection::IsReadOnly() const { return sqlite3_db_readonly(handle(), "main") == 1; }

bool SqliteConnection::HasMoved() const {
  int moved = 0;
  sqlite3_file_control(handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

}  // namespace halyard
