// A library beside the one before it, as their manifests tell.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tuner/library/shipped_library.h"

namespace halyard {

// A variant of either library. At least one side is there.
struct LibraryRow {
  std::string workload;
  std::optional<ShippedVariant> now, before;

  // Where both are of one unit and kind of board: time now over time before, less 1.
  std::optional<double> change() const;
};

struct LibraryTable {
  ShippedLibrary now;
  std::optional<ShippedLibrary> before;
  std::string not_compared;      // why the two libraries' times are not compared, or ""
  std::vector<LibraryRow> rows;  // by workload
};

LibraryTable CompareLibraries(ShippedLibrary now, std::optional<ShippedLibrary> before);

nlohmann::json LibraryTableJson(const LibraryTable& table);

}  // namespace halyard
