#include <fmt/format.h>
#include <unistd.h>

#include "rpc_farm/adb_link.h"
#include "rpc_farm/executor.h"
#include "rpc_farm/gdb_executor.h"
#include "rpc_farm/link_executor.h"
#include "rpc_farm/local_executor.h"
#include "rpc_farm/qemu_user_executor.h"
#include "rpc_farm/ssh_link.h"

namespace halyard {
namespace {

absl::Status RequireFile(const std::string& path, int access_mode, const char* what) {
  if (access(path.c_str(), access_mode) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "{} {} is missing: build the target halyard_board_files, or point HALYARD_DATA_DIR at a "
      "folder that has it",
      what, path));
}

absl::StatusOr<std::unique_ptr<Executor>> MakeVirtual(const Device& device,
                                                      const std::string& runner,
                                                      std::shared_ptr<const Sandbox> sandbox) {
  const std::string architecture = device.toolchain.substr(0, device.toolchain.find('-'));
  if (architecture != "aarch64" && architecture != "x86_64") {
    return absl::FailedPreconditionError(
        fmt::format("no virtual board for {} ({})", device.id, device.toolchain));
  }
  const std::string plugin = DataPath("virtual_board/libcount_plugin.so");
  if (absl::Status s = RequireFile(plugin, R_OK, "the counting plugin"); !s.ok()) return s;
  auto executor =
      QemuUserExecutor::Make("qemu-" + architecture, plugin, runner, device, std::move(sandbox));
  if (!executor.ok()) return executor.status();
  return std::move(*executor);
}

absl::StatusOr<std::unique_ptr<Executor>> MakeLinked(std::unique_ptr<BoardLink> link,
                                                     const Device& device,
                                                     const std::string& runner) {
  auto executor = LinkExecutor::Make(std::move(link), runner, device);
  if (!executor.ok()) return executor.status();
  return std::move(*executor);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> MakeExecutor(const Device& device,
                                                       std::shared_ptr<const Sandbox> sandbox) {
  if (device.board_kind() == BoardKind::kSimulated) {
    return absl::FailedPreconditionError(
        fmt::format("{}: simulated boards are a farm's: give --farm HOST:PORT", device.id));
  }
  if (device.firmware) {
    auto executor = GdbExecutor::Make(device);
    if (!executor.ok()) return executor.status();
    return *std::move(executor);
  }
  const std::string runner = DataPath("board_runner/" + device.toolchain + "/board_runner");
  if (absl::Status s = RequireFile(runner, X_OK, "the board runner"); !s.ok()) return s;
  switch (device.board.reach) {
    case BoardReach::kLocal:
      return std::make_unique<LocalExecutor>(runner, device, "/sys", std::move(sandbox));
    case BoardReach::kVirtual:
      return MakeVirtual(device, runner, std::move(sandbox));
    case BoardReach::kSsh:
      return MakeLinked(std::make_unique<SshLink>(device.board), device, runner);
    case BoardReach::kAdb:
      return MakeLinked(std::make_unique<AdbLink>(device.board), device, runner);
    case BoardReach::kGdb:
    case BoardReach::kSimulated:
      break;
  }
  return absl::FailedPreconditionError(fmt::format(
      "{}: no board of {} is reached over {}", device.id, device.toolchain, device.board.ToText()));
}

}  // namespace halyard
