// What is to be written, worked out once and read by everything that writes a file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schedules/epilogue.h"
#include "schedules/operator.h"
#include "tuner/library/library_builder.h"
#include "tuner/library/operator_contract.h"

namespace halyard {

// Whether the workload takes its constant operand laid out ahead.
bool IsPacked(const Workload& workload);

struct PlannedVariant {
  const Variant* variant = nullptr;
  std::string symbol;
  bool packed = false;    // takes its constant operand laid out ahead
  bool parallel = false;  // has loops that run on several threads; known once built
  Epilogue epilogue;      // not empty: of the functions with an epilogue
  // Known once built. Inputs, then the output, as the object declares them.
  std::vector<BufferSpec> tensors;
  std::optional<PrepareSpec> prepare;
  std::optional<ScratchBytes> scratch;
  std::string object_path, object_sha256;
  int64_t workspace_bytes = 0, stack_bytes = 0;  // on a device without an operating system
};

struct PlannedOperator {
  const Operator* op = nullptr;
  const OperatorContract* contract = nullptr;
  std::string fallback_symbol;
  std::string fallback_path, fallback_sha256;  // known once built
  std::vector<PlannedVariant> variants;        // those without an epilogue first
};

struct LibraryPlan {
  const LibrarySpec* spec = nullptr;  // not owned
  std::string prefix;                 // the name in capitals, before macros and enumerators
  std::vector<PlannedOperator> operators;

  // Whether an operator has functions with an epilogue. It then has a constant operand, too.
  static bool HasEpilogue(const Operator& op);
  // Attributes that are arguments of an operator's function; the others choose one.
  static std::vector<AttributeSpec> CallAttributes(const Operator& op);
  // Sizes and those attributes of an operator, as its function takes them.
  static std::vector<std::string> SizeNames(const Operator& op);
  static std::vector<int64_t> SizesOf(const Operator& op, const Workload& workload);
  // Functions the library exports.
  std::vector<std::string> ExportedSymbols() const;
};

// Checks the spec (see BuildLibrary) and gives every variant its symbol.
absl::StatusOr<LibraryPlan> PlanLibrary(const LibrarySpec& spec);

}  // namespace halyard
