#include "rpc_farm/temporary_folder.h"

#include <stdlib.h>

namespace halyard {

TemporaryFolder::TemporaryFolder(const std::filesystem::path& parent) {
  std::error_code error;
  const auto where = parent.empty() ? std::filesystem::temp_directory_path(error) : parent;
  // Else the folder would be made wherever the program was started.
  if (error) return;
  std::string pattern = (where / "halyard-XXXXXX").string();
  if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace halyard
