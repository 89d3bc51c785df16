// What the texts of one operator in the dispatcher share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tuner/library/library_plan.h"

namespace halyard {

// A $NAME-like mark and what takes its place.
using Marks = std::vector<std::pair<std::string, std::string>>;

// `{2, {8, 16}}`, a struct shape.
std::string ShapeInitializer(const BufferSpec& tensor);
// Those of a variant's tensors, the constant operand as packed where it is.
std::string ShapeInitializers(const PlannedVariant& variant);

// The functions with an epilogue of an operator that has them; `marks` are those of the operator.
std::string DispatcherFusedText(const std::string& library, const PlannedOperator& planned,
                                Marks marks);

}  // namespace halyard
