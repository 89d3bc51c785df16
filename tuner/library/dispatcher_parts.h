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

// `{1100, 0}`, a struct run.
std::string RunInitializer(const PlannedVariant& variant);
// For each of the operator's tensors '1' where its outermost extent is the first size, so that a
// part of the problem has a part of it, else '0'.
std::string SplitText(const PlannedOperator& planned);

// What the generated text of all operators needs to run a problem in parts.
std::string PartsText();

// The functions with an epilogue of an operator that has them; `marks` are those of the operator.
std::string DispatcherFusedText(const std::string& library, const PlannedOperator& planned,
                                Marks marks);

}  // namespace halyard
