#include "rpc_farm/artifact_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "fmt/format.h"
#include "targets/run_protocol.h"

namespace halyard {

absl::StatusOr<std::string> ReadArtifact(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size > static_cast<uintmax_t>(kMostArtifactBytes)) {
    return absl::InvalidArgumentError(
        fmt::format("the artifact is larger than {} MiB", kMostArtifactBytes >> 20));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError("cannot open the artifact " + path);
  return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace halyard
