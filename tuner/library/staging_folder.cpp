#include "tuner/library/staging_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "fmt/format.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

absl::Status FileError(int error, const std::string& what, const std::string& path) {
  const std::string text = fmt::format("{} {}: {}", what, path, std::strerror(error));
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(text + "; give a folder that can be written");
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(text + "; the earlier library, if any, is untouched");
    case ENOENT:
    case ENOTDIR:
    case EEXIST:
      return absl::NotFoundError(text + "; give a folder, or a path where one can be made");
    default:
      return absl::UnknownError(text);
  }
}

// The outermost folder on the way to `path` that does not exist yet, "" where all do.
std::string FirstMissing(const fs::path& path) {
  std::error_code error;
  fs::path missing;
  for (fs::path p = path; !p.empty() && !fs::exists(p, error); p = p.parent_path()) missing = p;
  return missing.string();
}

void RemoveIfEmpty(fs::path path, const std::string& outermost) {
  if (outermost.empty()) return;
  for (;; path = path.parent_path()) {
    if (rmdir(path.c_str()) != 0 || path == fs::path(outermost)) return;
  }
}

absl::Status FlushToDisk(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool flushed = fd >= 0 && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  return flushed ? absl::OkStatus() : FileError(error, "cannot write", path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<StagingFolder>> StagingFolder::Make(const std::string& out_dir,
                                                                   const std::string& name) {
  const fs::path out = fs::absolute(out_dir.empty() ? "." : out_dir).lexically_normal();
  const std::string made = FirstMissing(out);
  std::error_code error;
  fs::create_directories(out, error);
  if (error) return FileError(error.value(), "cannot make output folder", out.string());
  struct stat about {};
  if (stat(out.c_str(), &about) != 0) return FileError(errno, "cannot use", out.string());
  if (!S_ISDIR(about.st_mode)) return FileError(ENOTDIR, "cannot use", out.string());
  // The mode is what its owner meant, also where this runs as root.
  if ((about.st_mode & 0222) == 0) return FileError(EACCES, "cannot write in", out.string());

  const std::string path = (out / fmt::format(".{}.partial", name)).string();
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) {
    const int why = errno;
    RemoveIfEmpty(out, made);
    return FileError(why, "cannot write in", out.string());
  }
  const int lock = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0) return FileError(errno, "cannot use", path);
  struct stat named {
  }, opened{};
  // A folder that its owner removed between the two calls above is as good as busy.
  if (flock(lock, LOCK_EX | LOCK_NB) != 0 || fstat(lock, &opened) != 0 ||
      stat(path.c_str(), &named) != 0 || named.st_ino != opened.st_ino) {
    close(lock);
    return absl::FailedPreconditionError(
        fmt::format("another process is writing {} in {}; wait for it", name, out.string()));
  }
  for (const fs::directory_entry& left : fs::directory_iterator(path, error)) {
    fs::remove_all(left.path(), error);
  }
  return std::unique_ptr<StagingFolder>(new StagingFolder(out.string(), path, lock, made));
}

StagingFolder::~StagingFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  RemoveIfEmpty(out_dir_, made_);
  close(lock_);
}

absl::Status StagingFolder::Write(const std::string& file, const std::string& contents) const {
  const std::string path = PathOf(file);
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  if (error) return FileError(error.value(), "cannot write", path);
  const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return FileError(errno, "cannot write", path);
  size_t done = 0;
  while (done < contents.size()) {
    const ssize_t n = write(fd, contents.data() + done, contents.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int why = n < 0 ? errno : ENOSPC;
      close(fd);
      return FileError(why, "cannot write", path);
    }
    done += static_cast<size_t>(n);
  }
  if (close(fd) != 0) return FileError(errno, "cannot write", path);
  return absl::OkStatus();
}

absl::Status StagingFolder::Publish(const std::string& file) const {
  if (auto s = FlushToDisk(PathOf(file)); !s.ok()) return s;
  const std::string to = out_dir_ + "/" + file;
  std::error_code error;
  fs::create_directories(fs::path(to).parent_path(), error);
  if (error) return FileError(error.value(), "cannot make folder of", to);
  if (rename(PathOf(file).c_str(), to.c_str()) != 0) return FileError(errno, "cannot replace", to);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadStagedFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  if (!file) return absl::NotFoundError(fmt::format("cannot read {}", path));
  return bytes;
}

}  // namespace halyard
