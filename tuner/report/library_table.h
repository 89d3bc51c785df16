// A library beside the one before it, as their manifests tell.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace halyard {

struct LibraryVariant {
  std::string workload, config;
  double value = 0;
  std::string unit;  // "ns" | "virtual_cycles"
  std::string board, board_kind;
  int64_t record = 0;
};

struct LibraryManifest {
  std::string folder;  // as the user named it
  std::string name, device, commit, unit, board_kind, library_sha256;
  std::vector<LibraryVariant> variants;
};

// A variant of either library. At least one side is there.
struct LibraryRow {
  std::string workload;
  std::optional<LibraryVariant> now, before;

  // Where both are of one unit and kind of board: time now over time before, less 1.
  std::optional<double> change() const;
};

struct LibraryTable {
  LibraryManifest now;
  std::optional<LibraryManifest> before;
  std::string not_compared;      // why the two libraries' times are not compared, or ""
  std::vector<LibraryRow> rows;  // by workload
};

// Reads DIR/manifest.json. NotFound, InvalidArgument: `option` is what messages call the folder.
absl::StatusOr<LibraryManifest> ReadManifest(const std::string& folder, const std::string& option);

LibraryTable CompareLibraries(LibraryManifest now, std::optional<LibraryManifest> before);

nlohmann::json LibraryTableJson(const LibraryTable& table);

}  // namespace halyard
