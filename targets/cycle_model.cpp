#include "targets/cycle_model.h"

namespace halyard {

absl::Status ReadVirtualBoard(JsonFields fields, VirtualBoard* board) {
  fields.Text("qemu_cpu", &board->qemu_cpu);
  fields.PositiveNumber("issue_width", &board->issue_width);
  if (const nlohmann::json* rates = fields.Required("per_cycle"); rates != nullptr) {
    if (!rates->is_object() || rates->empty()) {
      fields.Fail("per_cycle", "must be an object of rates");
    } else {
      for (const auto& [name, rate] : rates->items()) {
        fields.AsPositive("per_cycle." + name, rate, &board->per_cycle[name]);
      }
    }
  }
  return fields.Finish();
}

}  // namespace halyard
