// Workloads as people type them and as files list them.
#include <fstream>

#include "rpc_farm/temporary_folder.h"
#include "schedules/operator.h"
#include "schedules/workload_file.h"
#include "tests/fuzz/fuzz_input.h"

namespace halyard {
namespace {

void CheckWorkload(const Workload& workload) {
  const std::string text = workload.ToText();
  const auto again = ParseWorkload(text);
  Require(again.ok() && *again == workload && again->ToText() == text, "a text is of one workload");
  const Operator* op = FindOperator(workload.op);
  Require(op != nullptr && workload.shape.size() == op->dim_names().size(), "its sizes have names");
  std::vector<BufferSpec> buffers = op->InputShapes(workload);
  buffers.push_back(op->OutputShape(workload));
  Require(buffers.size() >= op->input_names().size() + 1, "its inputs have names");
  for (const BufferSpec& buffer : buffers) {
    // As Halide indexes them.
    Require(buffer.elements() > 0 && buffer.elements() < int64_t{1} << 31, "a tensor is addressed");
  }
  Require(op->Flops(workload) > 0 && op->Flops(workload) < 1e30, "its work is a number");
}

void CheckRefusal(const absl::Status& status) {
  Require(absl::IsInvalidArgument(status), "a text is at fault");
  Require(!status.message().empty(), "and is told so");
}

void ReadFile(const std::string& text) {
  static const TemporaryFolder folder;
  const std::string path = folder.path() + "/workloads.txt";
  std::ofstream(path, std::ios::binary) << text;
  const auto listed = ReadWorkloadFile(path);
  if (!listed.ok()) {
    CheckRefusal(listed.status());
    return Require(listed.status().message().rfind(path + ":", 0) == 0, "file and line are named");
  }
  for (const ListedWorkload& one : *listed) {
    CheckWorkload(one.workload);
    Require(one.count > 0, "a layer is there once at least");
  }
}

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(data, data + size);
  const auto workload = halyard::ParseWorkload(text);
  if (workload.ok()) {
    halyard::CheckWorkload(*workload);
  } else {
    halyard::CheckRefusal(workload.status());
  }
  halyard::ReadFile(text);
  return 0;
}
