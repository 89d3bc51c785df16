#include "targets/device_file.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace halyard {
namespace {

using nlohmann::json;

// Reads the fields of one JSON object, remembers the first thing wrong, and knows which fields
// nobody asked for.
class Fields {
 public:
  Fields(const json& object, std::string file, std::string prefix)
      : object_(object), file_(std::move(file)), prefix_(std::move(prefix)) {
    if (!object_.is_object()) Fail(prefix_.empty() ? "the file" : prefix_, "must be an object");
  }

  void Text(const char* name, std::string* out) {
    const json* value = Required(name);
    if (value == nullptr) return;
    if (!value->is_string() || value->get<std::string>().empty()) {
      return Fail(prefix_ + name, "must be a non-empty string");
    }
    *out = value->get<std::string>();
  }
  template <typename Int>
  void PositiveInt(const char* name, Int* out) {
    const json* value = Required(name);
    if (value == nullptr) return;
    constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<Int>::max());
    if (!value->is_number_unsigned() || *value == 0 || value->get<uint64_t>() > kMax) {
      return Fail(prefix_ + name, "must be a positive integer");
    }
    *out = value->get<Int>();
  }
  void PositiveNumber(const char* name, double* out) {
    const json* value = Required(name);
    if (value != nullptr) AsPositive(prefix_ + name, *value, out);
  }
  void OptionalBool(const char* name, bool* out) {
    const json* value = Find(name);
    if (value == nullptr) return;
    if (!value->is_boolean()) return Fail(prefix_ + name, "must be true or false");
    *out = value->get<bool>();
  }
  void Note(const char* name) { Find(name); }
  const json* Required(const char* name) {
    const json* value = Find(name);
    if (value == nullptr) Fail(prefix_ + name, "is missing");
    return value;
  }
  const json* Find(const char* name) {
    known_.insert(name);
    if (!object_.is_object()) return nullptr;
    const auto it = object_.find(name);
    return it == object_.end() ? nullptr : &*it;
  }
  void AsPositive(const std::string& field, const json& value, double* out) {
    if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() <= 0) {
      return Fail(field, "must be a positive number");
    }
    *out = value.get<double>();
  }
  void Fail(const std::string& field, const std::string& what) {
    if (status_.ok()) {
      status_ = absl::InvalidArgumentError(fmt::format("{}: {} {}", file_, field, what));
    }
  }
  absl::Status Finish() {
    if (object_.is_object()) {
      for (const auto& [name, value] : object_.items()) {
        if (known_.count(name) == 0) Fail(prefix_ + name, "is not a field of a device file");
      }
    }
    return status_;
  }

 private:
  const json& object_;
  std::string file_;
  std::string prefix_;
  std::set<std::string> known_;
  absl::Status status_;
};

absl::Status ReadCaches(Fields& fields, const std::string& file, std::vector<CacheLevel>* caches) {
  const json* list = fields.Required("caches");
  if (list == nullptr) return absl::OkStatus();
  if (!list->is_array()) {
    fields.Fail("caches", "must be a list");
    return absl::OkStatus();
  }
  for (size_t i = 0; i < list->size(); ++i) {
    CacheLevel level;
    Fields cache((*list)[i], file, fmt::format("caches[{}].", i));
    cache.PositiveInt("bytes", &level.bytes);
    cache.PositiveInt("line_bytes", &level.line_bytes);
    cache.PositiveInt("shared_by_cores", &level.shared_by_cores);
    if (absl::Status status = cache.Finish(); !status.ok()) return status;
    caches->push_back(level);
  }
  return absl::OkStatus();
}

absl::Status ReadVirtualBoard(Fields& fields, const std::string& file, VirtualBoard* board) {
  const json* object = fields.Required("virtual_board");
  if (object == nullptr) return absl::OkStatus();
  Fields inner(*object, file, "virtual_board.");
  inner.Text("qemu_cpu", &board->qemu_cpu);
  inner.PositiveNumber("issue_width", &board->issue_width);
  if (const json* rates = inner.Required("per_cycle"); rates != nullptr) {
    if (!rates->is_object() || rates->empty()) {
      inner.Fail("virtual_board.per_cycle", "must be an object of rates");
    } else {
      for (const auto& [name, rate] : rates->items()) {
        inner.AsPositive("virtual_board.per_cycle." + name, rate, &board->per_cycle[name]);
      }
    }
  }
  return inner.Finish();
}

void ReadBoardKind(Fields& fields, BoardKind* kind) {
  std::string text;
  fields.Text("board_kind", &text);
  if (text == BoardKindName(BoardKind::kVirtual)) {
    *kind = BoardKind::kVirtual;
  } else if (text == BoardKindName(BoardKind::kPhysical)) {
    *kind = BoardKind::kPhysical;
  } else if (!text.empty()) {
    fields.Fail("board_kind", "must be physical or virtual");
  }
}

// What detection finds where the file says "detect": true.
absl::Status ReadHardware(Fields& fields, const std::string& file, Device* device) {
  fields.Text("halide_target", &device->halide_target);
  fields.Text("triplet", &device->triplet);
  fields.Text("cpu", &device->cpu);
  fields.PositiveInt("cores", &device->cores);
  fields.PositiveInt("vector_bytes", &device->vector_bytes);
  fields.PositiveInt("vector_registers", &device->vector_registers);
  fields.PositiveNumber("clock_ghz", &device->clock_ghz);
  fields.PositiveNumber("copy_gb_per_s", &device->copy_gb_per_s);
  fields.PositiveInt("memory_bytes", &device->memory_bytes);
  return ReadCaches(fields, file, &device->caches);
}

}  // namespace

absl::StatusOr<DeviceFile> ParseDeviceFile(const std::string& text, const std::string& file) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) return absl::InvalidArgumentError(file + ": not valid JSON");
  DeviceFile result;
  Device& device = result.device;
  Fields fields(root, file, "");
  fields.Note("source");
  fields.Note("sources");
  fields.Text("id", &device.id);
  fields.Text("description", &device.description);
  fields.PositiveNumber("fma_per_cycle", &device.fma_per_cycle);
  fields.PositiveInt("stack_bytes", &device.stack_bytes);
  fields.OptionalBool("detect", &result.detect);
  ReadBoardKind(fields, &device.board_kind);
  if (!result.detect) {
    if (absl::Status status = ReadHardware(fields, file, &device); !status.ok()) return status;
  }
  if (device.board_kind == BoardKind::kVirtual) {
    absl::Status status = ReadVirtualBoard(fields, file, &device.virtual_board);
    if (!status.ok()) return status;
  }
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  return result;
}

}  // namespace halyard
