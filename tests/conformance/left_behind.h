// What a run could leave behind on the tuner's side.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>

namespace halyard {

size_t OpenFiles();      // of this process
std::string Children();  // the processes that this thread started and that are not waited for

// The folder for temporary files while it lives: other programs use the usual one.
class TemporaryFilesIn {
 public:
  explicit TemporaryFilesIn(const std::string& folder);
  ~TemporaryFilesIn();
  TemporaryFilesIn(const TemporaryFilesIn&) = delete;
  TemporaryFilesIn& operator=(const TemporaryFilesIn&) = delete;

  std::set<std::string> Names() const;

 private:
  const std::string folder_;
  std::optional<std::string> usual_;
};

}  // namespace halyard
