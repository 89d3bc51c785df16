#include "schedules/operator.h"

#include "absl/strings/str_join.h"
#include "schedules/ops/operators.h"

namespace halyard {

std::string Operator::ShapeText(const Workload& workload) const {
  return absl::StrJoin(workload.shape, "x");
}

double Operator::Bytes(const Workload& workload) const {
  double elements = static_cast<double>(OutputShape(workload).elements());
  for (const BufferSpec& b : InputShapes(workload)) elements += static_cast<double>(b.elements());
  return 4.0 * elements;
}

namespace {
const std::vector<const Operator*>& Operators() {
  static const std::vector<const Operator*> all = {GemmOperator(), BatchGemmOperator(),
                                                   Conv2dOperator(), SoftmaxOperator(),
                                                   AttentionOperator()};
  return all;
}
}  // namespace

const Operator* FindOperator(const std::string& name) {
  for (const Operator* op : Operators()) {
    if (op->name() == name) return op;
  }
  return nullptr;
}

std::vector<std::string> OperatorNames() {
  std::vector<std::string> names;
  for (const Operator* op : Operators()) names.push_back(op->name());
  return names;
}

}  // namespace halyard
