#include "tuner/gate/previous_library.h"

#include "fmt/format.h"
#include "tuner/candidate_runner.h"

namespace halyard {
namespace {

std::string BoardText(BoardKind kind, const std::string& unit) {
  return fmt::format("{} of a {} board", unit, BoardKindName(kind));
}

// Empty, or what is wrong with the library, behind its name.
std::string WhyOther(const ShippedLibrary& library, const Device& device) {
  if (library.device != device.id) {
    return fmt::format("is a library for {}; give one for {}", library.device, device.id);
  }
  const auto then = BoardText(library.board_kind, library.unit);
  const auto now = BoardText(device.board_kind(), UnitOf(device.board_kind()));
  if (then == now) return "";
  return fmt::format(
      "was measured in {}, --board of {} is in {}; give the board it was measured on", then,
      device.id, now);
}

}  // namespace

absl::StatusOr<ShippedLibrary> ReadPreviousLibrary(const std::string& folder,
                                                   const Device& device) {
  auto library = ReadShippedLibrary(folder);
  if (!library.ok()) return library;
  if (const std::string why = WhyOther(*library, device); !why.empty()) {
    return absl::InvalidArgumentError(fmt::format("'{}' {}", folder, why));
  }
  return library;
}

}  // namespace halyard
