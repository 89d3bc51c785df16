// SQLite with statuses in place of codes and destructors in place of finalizers.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace halyard {

// What messages call a database: "log tuned.db". A file that is none is answered by "name another
// --log": `what` is also the flag that names it.
struct SqliteName {
  std::string what;
  std::string path;
  std::string ToText() const { return what + " " + path; }
};

// A prepared statement. Parameters are bound in order; a failed bind is reported by Step.
// REQUIRES: does not outlive its connection.
class SqliteStatement {
 public:
  SqliteStatement(sqlite3_stmt* statement, SqliteName name);

  SqliteStatement& Bind(std::string_view text);
  SqliteStatement& BindBytes(std::string_view bytes);  // Text() reads them
  SqliteStatement& Bind(int64_t value);
  absl::StatusOr<bool> Step();  // true: there is a row to read
  void Reset();                 // for the next round of binds

  int64_t Integer(int column) const;
  std::string Text(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  SqliteName name_;
  int bound_ = 0;
  int bind_error_ = SQLITE_OK;
};

// One database connection. Not thread-safe.
class SqliteConnection {
 public:
  enum class Mode {
    kReadOnly,
    kReadWrite,  // of an existing file
    kCreate,
    // Reads the main file only: no locks, no side files, nothing created. The file must not change
    // meanwhile, except that its header may always be read.
    kImmutable,
    kMemory,
  };

  // Most trouble with a file shows only at first use.
  static absl::StatusOr<SqliteConnection> Open(const std::string& file, const SqliteName& name,
                                               Mode mode);

  absl::Status Execute(const std::string& sql) const;
  absl::StatusOr<SqliteStatement> Prepare(const std::string& sql) const;
  // First column of the first row. REQUIRES: there is one.
  absl::StatusOr<int64_t> Integer(const std::string& sql) const;
  // Runs BEGIN IMMEDIATE, `body`, COMMIT; rolls back where any of them fails.
  template <typename Body>
  absl::Status Transaction(Body body) const;

  // Copies everything into `to`, replacing what is there.
  absl::Status CopyTo(const SqliteConnection& to) const;
  bool IsReadOnly() const;
  bool HasMoved() const;  // the path no longer leads to the open file

  sqlite3* handle() const { return db_.get(); }
  const SqliteName& name() const { return name_; }

 private:
  struct Closer {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
  };
  SqliteConnection(sqlite3* db, SqliteName name) : db_(db), name_(std::move(name)) {}

  std::unique_ptr<sqlite3, Closer> db_;
  SqliteName name_;
};

template <typename Body>
absl::Status SqliteConnection::Transaction(Body body) const {
  absl::Status status = Execute("BEGIN IMMEDIATE");
  if (!status.ok()) return status;
  status = body();
  if (status.ok()) status = Execute("COMMIT");
  // SQLite has rolled back by itself after some errors; a second ROLLBACK would be one more error.
  if (!status.ok() && !sqlite3_get_autocommit(handle())) (void)Execute("ROLLBACK");
  return status;
}

}  // namespace halyard
