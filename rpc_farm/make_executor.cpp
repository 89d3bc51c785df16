#include <fmt/format.h>
#include <unistd.h>

#include "rpc_farm/executor.h"
#include "rpc_farm/gdb_executor.h"
#include "rpc_farm/local_executor.h"
#include "rpc_farm/qemu_user_executor.h"

namespace halyard {
namespace {

absl::Status RequireFile(const std::string& path, int access_mode, const char* what) {
  if (access(path.c_str(), access_mode) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "{} {} is missing: build the target halyard_board_files, or point HALYARD_DATA_DIR at a "
      "folder that has it",
      what, path));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> MakeExecutor(const Device& device) {
  if (device.firmware) {
    auto executor = GdbExecutor::Make(device);
    if (!executor.ok()) return executor.status();
    return *std::move(executor);
  }
  const std::string runner = DataPath("board_runner/" + device.toolchain + "/board_runner");
  if (absl::Status s = RequireFile(runner, X_OK, "the board runner"); !s.ok()) return s;
  if (device.board_kind() == BoardKind::kPhysical) {
    return std::make_unique<LocalExecutor>(runner, device);
  }
  if (device.toolchain != "aarch64-linux-gnu") {
    return absl::FailedPreconditionError(
        fmt::format("no virtual board for {} ({})", device.id, device.toolchain));
  }
  const std::string plugin = DataPath("virtual_board/libcount_plugin.so");
  if (absl::Status s = RequireFile(plugin, R_OK, "the counting plugin"); !s.ok()) return s;
  auto executor = QemuUserExecutor::Make("qemu-aarch64", plugin, runner, device);
  if (!executor.ok()) return executor.status();
  return std::move(*executor);
}

}  // namespace halyard
