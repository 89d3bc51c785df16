#include "tests/conformance/left_behind.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace halyard {

namespace fs = std::filesystem;

size_t OpenFiles() {
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // as the one that lists them is
    const fs::path file = fs::read_symlink(entry.path(), gone);
    count += gone ? 0 : 1;
  }
  return count;
}

std::string Children() {
  std::ifstream file("/proc/thread-self/children");
  std::string text;
  std::getline(file, text);
  return text;
}

TemporaryFilesIn::TemporaryFilesIn(const std::string& folder) : folder_(folder) {
  if (const char* usual = std::getenv("TMPDIR")) usual_ = usual;
  fs::create_directory(folder_);
  setenv("TMPDIR", folder_.c_str(), 1);
}

TemporaryFilesIn::~TemporaryFilesIn() {
  usual_ ? setenv("TMPDIR", usual_->c_str(), 1) : unsetenv("TMPDIR");
}

std::set<std::string> TemporaryFilesIn::Names() const {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_)) names.insert(entry.path().filename());
  return names;
}

}  // namespace halyard
