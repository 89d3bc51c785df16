#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "logs/migrations.h"
#include "logs/sqlite_log.h"

namespace halyard {
namespace {

using Mode = SqliteConnection::Mode;

// A log's file under the name the user gave and the one it really has: locks and side files go by
// the latter, messages by the former.
struct LogFile {
  std::string name;
  std::string file;
  int64_t bytes = -1;  // -1: does not exist
};

absl::StatusOr<LogFile> FindLog(const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("--log is empty; name a file");
  LogFile log{.name = path, .file = ""};
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  if (error) {
    return absl::InvalidArgumentError(fmt::format("--log {}: {}", path, error.message()));
  }
  log.file = std::filesystem::absolute(real).string();
  struct stat info;
  if (stat(log.file.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) {
      return absl::InvalidArgumentError(fmt::format("--log {} is a folder; name a file", path));
    }
    // Opening a pipe or device could block for ever.
    if (!S_ISREG(info.st_mode)) {
      return absl::InvalidArgumentError(
          fmt::format("{} is not a Halyard log (not a regular file); name another --log", path));
    }
    log.bytes = info.st_size;
  } else if (errno != ENOENT) {
    const std::string message = fmt::format("--log {}: {}", path, strerror(errno));
    return errno == EACCES ? absl::PermissionDeniedError(message)
                           : absl::InvalidArgumentError(message);
  }
  return log;
}

// Root may write anywhere, so for it the mode bits are asked too: `chmod a-w` means it.
bool IsWritable(const std::string& file) {
  struct stat info;
  return stat(file.c_str(), &info) == 0 && (info.st_mode & 0222) != 0 &&
         access(file.c_str(), W_OK) == 0;
}

absl::Status CheckWritable(const LogFile& log) {
  const std::string folder = std::filesystem::path(log.file).parent_path().string();
  if (!std::filesystem::is_directory(folder)) {
    return absl::NotFoundError(fmt::format(
        "--log {}: folder {} does not exist; create it or name another --log", log.name, folder));
  }
  if (log.bytes >= 0 && !IsWritable(log.file)) {
    return absl::PermissionDeniedError(
        fmt::format("log {} is read-only; make it writable or name another --log", log.name));
  }
  if (!IsWritable(folder)) {
    return absl::PermissionDeniedError(
        fmt::format("log {}: folder {} is read-only; make it writable or name another --log",
                    log.name, folder));
  }
  return absl::OkStatus();
}

// Looks at the header without touching file or folder, so that a wrong --log stays as it is.
absl::Status CheckIsLog(const LogFile& log) {
  if (access(log.file.c_str(), R_OK) != 0) {
    return absl::PermissionDeniedError(
        fmt::format("log {} cannot be read: {}", log.name, strerror(errno)));
  }
  if (log.bytes == 0) {
    return absl::InvalidArgumentError(
        fmt::format("{} is not a Halyard log (an empty file); name another --log", log.name));
  }
  const auto header = SqliteConnection::Open(log.file, {"log", log.name}, Mode::kImmutable);
  if (!header.ok()) return header.status();
  const absl::Status status = ReadLogVersion(*header).status();
  // A kill in mid-checkpoint leaves a main file that is whole only together with its WAL, which is
  // not looked at here; the real open does that.
  return absl::IsDataLoss(status) ? absl::OkStatus() : status;
}

void RemoveWithSideFiles(const std::string& file) {
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) unlink((file + suffix).c_str());
}

absl::Status UseWal(const SqliteConnection& log) {
  absl::StatusOr<SqliteStatement> wal = log.Prepare("PRAGMA journal_mode = WAL");
  if (!wal.ok()) return wal.status();
  const absl::StatusOr<bool> row = wal->Step();
  if (!row.ok()) return row.status();
  if (wal->Text(0) != "wal") {
    return absl::FailedPreconditionError(
        fmt::format("{} must lie on a local disk (no shared memory there)", log.name().ToText()));
  }
  return absl::OkStatus();
}

absl::Status FillNewLog(const std::string& file, const std::string& name) {
  const auto log = SqliteConnection::Open(file, {"log", name}, Mode::kCreate);
  if (!log.ok()) return log.status();
  absl::Status status = MigrateLog(*log);
  return status.ok() ? UseWal(*log) : status;
}

// A kill leaves either no log or a whole one: made aside, then renamed.
absl::Status CreateLog(const LogFile& log) {
  const std::string aside = log.file + ".new";
  RemoveWithSideFiles(aside);
  absl::Status status = FillNewLog(aside, log.name);
  if (status.ok()) {
    // What a removed log left behind would be replayed into the new one.
    for (const char* suffix : {"-journal", "-wal", "-shm"}) unlink((log.file + suffix).c_str());
    if (rename(aside.c_str(), log.file.c_str()) != 0) {
      status = absl::InternalError(
          fmt::format("log {} cannot be created: {}", log.name, strerror(errno)));
    }
  }
  if (!status.ok()) {
    RemoveWithSideFiles(aside);
    return status;
  }
  const std::string folder = std::filesystem::path(log.file).parent_path().string();
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  return absl::OkStatus();
}

absl::StatusOr<SqliteConnection> OpenWritable(const LogFile& log) {
  auto connection = SqliteConnection::Open(log.file, {"log", log.name}, Mode::kReadWrite);
  if (!connection.ok()) return connection.status();
  absl::Status status = ReadLogVersion(*connection).status();
  if (!status.ok()) return status;
  if (connection->IsReadOnly()) {
    return absl::PermissionDeniedError(fmt::format("log {} is read-only", log.name));
  }
  // FULL: in WAL mode NORMAL may lose the last commits when the power goes.
  status = connection->Execute("PRAGMA synchronous = FULL");
  if (status.ok()) status = UseWal(*connection);
  if (status.ok()) status = MigrateLog(*connection);
  if (!status.ok()) return status;
  return connection;
}

absl::StatusOr<std::unique_ptr<MeasurementLog>> OpenForWriting(const LogFile& log) {
  absl::Status status = CheckWritable(log);
  // An empty file, as mktemp makes, is as good as none.
  if (status.ok() && log.bytes > 0) status = CheckIsLog(log);
  if (!status.ok()) return status;

  absl::StatusOr<LogWriterLock> lock = LogWriterLock::Acquire(log.file, log.name);
  if (!lock.ok()) return lock.status();
  // Asked again: the former writer may have created it before it let go.
  const absl::StatusOr<LogFile> now = FindLog(log.name);
  if (!now.ok()) return now.status();
  const bool is_new = now->bytes < 0;
  if (now->bytes <= 0) status = CreateLog(log);
  if (!status.ok()) return status;

  absl::StatusOr<SqliteConnection> connection = OpenWritable(log);
  if (!connection.ok()) {
    if (is_new) RemoveWithSideFiles(log.file);
    return connection.status();
  }
  return std::make_unique<SqliteLog>(*std::move(lock), *std::move(connection));
}

absl::StatusOr<SqliteConnection> OpenReadable(const LogFile& log) {
  auto connection = SqliteConnection::Open(log.file, {"log", log.name}, Mode::kReadOnly);
  if (connection.ok()) {
    const absl::StatusOr<int> version = ReadLogVersion(*connection);
    if (version.ok()) return connection;
    connection = version.status();
  }
  // Reading a WAL database needs its index beside it, which a read-only folder does not allow. No
  // WAL there means that the main file is complete, and nobody can be changing it.
  std::error_code error;
  const bool has_wal = std::filesystem::file_size(log.file + "-wal", error) > 0 && !error;
  const std::string folder = std::filesystem::path(log.file).parent_path().string();
  if (has_wal || IsWritable(folder)) return connection.status();
  return SqliteConnection::Open(log.file, {"log", log.name}, Mode::kImmutable);
}

absl::StatusOr<std::unique_ptr<MeasurementLog>> OpenForReading(const LogFile& log) {
  if (log.bytes < 0) {
    return absl::NotFoundError(
        fmt::format("log {} does not exist; name an existing --log", log.name));
  }
  absl::Status status = CheckIsLog(log);
  if (!status.ok()) return status;
  absl::StatusOr<SqliteConnection> connection = OpenReadable(log);
  if (!connection.ok()) return connection.status();
  const absl::StatusOr<int> version = ReadLogVersion(*connection);
  if (!version.ok()) return version.status();
  if (*version < kLogVersion) {
    // Reading must not change the file, so an older one is brought up to date in memory.
    auto copy = SqliteConnection::Open("", {"log", log.name}, Mode::kMemory);
    if (!copy.ok()) return copy.status();
    status = connection->CopyTo(*copy);
    if (status.ok()) status = MigrateLog(*copy);
    if (!status.ok()) return status;
    connection = std::move(copy);
  }
  return std::make_unique<SqliteLog>(std::nullopt, *std::move(connection));
}

}  // namespace

absl::StatusOr<std::unique_ptr<MeasurementLog>> OpenSqliteLog(const std::string& path,
                                                              LogMode mode) {
  const absl::StatusOr<LogFile> log = FindLog(path);
  if (!log.ok()) return log.status();
  return mode == LogMode::kWrite ? OpenForWriting(*log) : OpenForReading(*log);
}

}  // namespace halyard
