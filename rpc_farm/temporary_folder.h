// A folder that lives as long as the object.
#pragma once

#include <filesystem>
#include <string>

namespace halyard {

class TemporaryFolder {
 public:
  // In `parent`, which is the machine's folder for temporary files unless it is given.
  explicit TemporaryFolder(const std::filesystem::path& parent = {});
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }  // empty: could not be made

 private:
  std::string path_;
};

}  // namespace halyard
