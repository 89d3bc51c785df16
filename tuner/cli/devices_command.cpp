#include "fmt/format.h"
#include "targets/device.h"
#include "tuner/cli/cli.h"

namespace halyard {
namespace {

int Show(const std::string& id) {
  const auto device = LoadDevice(id);
  if (!device.ok()) return Fail(device.status());
  const Device& d = *device;
  fmt::print("{}: {}\n", d.id, d.description);
  fmt::print("  board      {}\n  target     {}\n  cpu        {}, {} cores",
             BoardKindName(d.board_kind()), d.halide_target, d.cpu, d.cores);
  if (d.clock_ghz > 0) fmt::print(" at {} GHz", d.clock_ghz);
  fmt::print("\n  vectors    {} bits, {} registers, {} FMA/cycle\n", 8 * d.vector_bytes,
             d.vector_registers, d.fma_per_cycle);
  for (size_t i = 0; i < d.caches.size(); i++) {
    fmt::print("  L{}         {} KiB, shared by {}\n", i + 1, d.caches[i].bytes / 1024,
               d.caches[i].shared_by_cores);
  }
  if (d.firmware) {
    for (const MemoryRegion& region : d.firmware->memory) {
      fmt::print("  {:<10} {} KiB at 0x{:08x}\n", region.name, region.bytes / 1024, region.origin);
    }
  }
  fmt::print("  peak       {} f32 FLOP/cycle", d.peak_flop_per_cycle());
  if (d.clock_ghz > 0) fmt::print(", {:.1f} GFLOP/s", d.peak_flop_per_cycle() * d.clock_ghz);
  if (d.copy_gb_per_s > 0) fmt::print(", copies {} GB/s", d.copy_gb_per_s);
  fmt::print("\n");
  return kExitDone;
}

}  // namespace

int DevicesCommand(const std::vector<std::string>& args) {
  if (args.size() == 2 && args[0] == "show") return Show(args[1]);
  if (!args.empty()) {
    return Fail(
        kExitUsage,
        fmt::format("'devices {}' is not a command; give devices or devices show ID", args[0]));
  }
  for (const std::string& id : DeviceIds()) {
    const auto device = LoadDevice(id);
    if (!device.ok()) return Fail(device.status());
    fmt::print("{:<12} {:<9} {}\n", id, BoardKindName(device->board_kind()), device->description);
  }
  return kExitDone;
}

}  // namespace halyard
