#include "tuner/device_text.h"

#include <algorithm>

#include "fmt/format.h"
#include "tuner/summary.h"

namespace halyard {
namespace {

constexpr size_t kIndent = 15;  // of what a label stands before

std::string Shortened(const std::string& text, size_t most) {
  return text.size() <= most ? text : text.substr(0, most - 2) + "..";
}

// "32 KiB", "1.5 MiB": in the largest unit that keeps it at least 1.
std::string BytesText(int64_t bytes) {
  const char* const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(units)) value /= 1024, unit++;
  return fmt::format("{:.4g} {}", value, units[unit]);
}

std::string Line(const std::string& label, const std::string& text) {
  const std::string indent(kIndent, ' ');
  return fmt::format("  {:<{}}{}\n", label, kIndent - 2, Wrapped(text, indent).substr(kIndent));
}

std::string BoardText(const Device& device) {
  switch (device.board.reach) {
    case BoardReach::kVirtual:
      return fmt::format(
          "virtual: {} emulated here, cycles counted",
          device.virtual_board.qemu_cpu.empty() ? device.cpu : device.virtual_board.qemu_cpu);
    case BoardReach::kLocal:
      return "local: this machine";
    case BoardReach::kSimulated:
      return "simulated: a farm's, with times by a script";
    default:
      return device.board.ToText();
  }
}

std::string CachesText(const Device& device) {
  std::string text;
  for (size_t i = 0; i < device.caches.size(); i++) {
    const CacheLevel& c = device.caches[i];
    text += fmt::format(
        "{}L{}{} {} {}", i == 0 ? "" : ", ", i + 1, i == 0 ? "D" : "", BytesText(c.bytes),
        c.shared_by_cores == 1 ? "each core" : fmt::format("of {} cores", c.shared_by_cores));
  }
  if (text.empty()) return "none";
  return text + fmt::format("; lines of {} bytes", device.caches.front().line_bytes);
}

std::string CoresText(const Device& d) {
  const auto at = [](double ghz) { return ghz > 0 ? fmt::format(" at {:.4g} GHz", ghz) : ""; };
  if (d.clusters.empty()) {
    return fmt::format("{}, {} core{}{}", d.cpu, d.cores, d.cores == 1 ? "" : "s", at(d.clock_ghz));
  }
  std::string text;
  for (const CoreCluster& c : d.clusters) {
    text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", c.cores, c.cpu, at(c.clock_ghz));
  }
  return text;
}

// A bar for each intensity: the slope of the memory, the corner, the roof.
std::string RooflineText(const Peak& peak) {
  constexpr double kColumns = 40;
  const double balance = peak.gflops / peak.copy_gb_per_s;
  std::string text =
      Line("roofline", fmt::format("peak {:.4g} GFLOP/s, copies {:.4g} GB/s; balance {:.3g} FLOP a "
                                   "byte: below it memory is the limit",
                                   peak.gflops, peak.copy_gb_per_s, balance));
  text += fmt::format("\n  {:>9} {:>9}\n", "FLOP/byte", "GFLOP/s");
  for (const double share : {1.0 / 64, 1.0 / 16, 1.0 / 4, 1.0 / 2, 1.0, 2.0, 4.0}) {
    const double reached = Attainable(peak, share * balance);
    const auto bar = static_cast<size_t>(std::max(1.0, kColumns * reached / peak.gflops));
    text += fmt::format("  {:>9.3g} {:>9.4g} {}{}\n", share * balance, reached,
                        std::string(bar, '='), share == 1 ? " balance" : "");
  }
  return text;
}

}  // namespace

std::optional<Peak> StatedPeak(const Device& device) {
  if (device.clock_ghz <= 0 || device.copy_gb_per_s <= 0) return std::nullopt;
  return Peak{device.clock_ghz * device.peak_flop_per_cycle(), device.copy_gb_per_s};
}

double Attainable(const Peak& peak, double flop_per_byte) {
  return std::min(peak.gflops, flop_per_byte * peak.copy_gb_per_s);
}

std::string DeviceListText(const std::vector<Device>& devices, size_t columns) {
  size_t id = 2, board = 5, cpu = 3;
  for (const Device& d : devices) {
    id = std::max(id, d.id.size());
    board = std::max(board, d.board.ToText().size());
    cpu = std::max(cpu, d.cpu.size());
  }
  if (columns > 0) id = std::min(id, size_t{18}), board = std::min(board, size_t{9});
  if (columns > 0) cpu = std::min(cpu, size_t{14});
  const auto row = [&](const std::string& id_text, const std::string& board_text,
                       const std::string& cpu_text, const std::string& cores,
                       const std::string& gflops, const std::string& description) {
    const std::string line =
        fmt::format("{:<{}} {:<{}} {:<{}} {:>5} {:>7} {}", Shortened(id_text, id), id,
                    Shortened(board_text, board), board, Shortened(cpu_text, cpu), cpu, cores,
                    gflops, description);
    return (columns > 0 ? Shortened(line, columns) : line) + "\n";
  };
  std::string text = row("id", "board", "cpu", "cores", "GFLOP/s", "description");
  for (const Device& d : devices) {
    const auto peak = StatedPeak(d);
    text += row(d.id, d.board.ToText(), d.cpu, std::to_string(d.cores),
                peak ? fmt::format("{:.4g}", peak->gflops) : "-", d.description);
  }
  return text;
}

nlohmann::json DeviceListJson(const std::vector<Device>& devices) {
  nlohmann::json list = nlohmann::json::array();
  for (const Device& d : devices) {
    const auto peak = StatedPeak(d);
    list.push_back(
        {{"id", d.id},
         {"board", d.board.ToText()},
         {"board_kind", BoardKindName(d.board_kind())},
         {"cpu", d.cpu},
         {"cores", d.cores},
         {"halide_target", d.halide_target},
         {"peak_gflops", peak ? nlohmann::json(peak->gflops) : nlohmann::json()},
         {"copy_gb_per_s", peak ? nlohmann::json(peak->copy_gb_per_s) : nlohmann::json()},
         {"description", d.description}});
  }
  return list;
}

std::string DeviceText(const Device& d, const std::optional<Peak>& peak,
                       const std::vector<std::string>& sources) {
  std::string text = fmt::format("{}: {}\n", d.id, d.description);
  text += Line("board", BoardText(d));
  text += Line("cpu", CoresText(d));
  text += Line("target", d.halide_target + " (" + d.triplet + ")");
  text += Line("vectors", fmt::format("{} bits, {} registers, {:.3g} FMA a cycle and core: {:.4g} "
                                      "FLOP a cycle",
                                      8 * d.vector_bytes, d.vector_registers, d.fma_per_cycle,
                                      d.peak_flop_per_cycle()));
  text += Line("caches", CachesText(d));
  text += Line("memory", BytesText(d.memory_bytes) + "; stack " + BytesText(d.stack_bytes));
  if (d.firmware) {
    for (const MemoryRegion& region : d.firmware->memory) {
      text +=
          Line(region.name, fmt::format("{} at 0x{:08x}", BytesText(region.bytes), region.origin));
    }
  }
  text +=
      peak ? RooflineText(*peak) : Line("roofline", "not known: the board could not be measured");
  if (!sources.empty()) text += "\n  where the figures are from\n";
  for (const std::string& source : sources) {
    text += Wrapped(source, "      ").replace(4, 2, "- ") + "\n";
  }
  return text;
}

}  // namespace halyard
