// A folder inside the output folder in which a library is built before its files are renamed into
// place; inside, so that the rename stays within one file system.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace halyard {

// Holds a lock while it lives and goes with all its contents. What a killed process left there is
// removed by the next.
class StagingFolder {
 public:
  // Makes `out_dir` where there is none, and `out_dir`/.<name>.partial. Errors as BuildLibrary's.
  static absl::StatusOr<std::unique_ptr<StagingFolder>> Make(const std::string& out_dir,
                                                             const std::string& name);
  StagingFolder(const StagingFolder&) = delete;
  StagingFolder& operator=(const StagingFolder&) = delete;
  ~StagingFolder();

  std::string PathOf(const std::string& file) const { return path_ + "/" + file; }
  // Writes a new file here, or says why not.
  absl::Status Write(const std::string& file, const std::string& contents) const;
  // Flushes `file` to disk and moves it to the same place under the output folder.
  absl::Status Publish(const std::string& file) const;

 private:
  StagingFolder(std::string out_dir, std::string path, int lock, std::string made)
      : out_dir_(std::move(out_dir)), path_(std::move(path)), lock_(lock), made_(std::move(made)) {}

  const std::string out_dir_, path_;
  const int lock_;
  const std::string made_;  // the outermost folder this made, removed again if it stays empty
};

absl::StatusOr<std::string> ReadStagedFile(const std::string& path);

}  // namespace halyard
