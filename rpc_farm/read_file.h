// What another program has left in a file.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace halyard {

// All bytes; none where it cannot be read, which whoever makes sense of them reports.
inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace halyard
