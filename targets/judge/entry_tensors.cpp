#include "targets/judge/entry_tensors.h"

namespace halyard {

EntryTensors::EntryTensors(const EntrySpec& spec, int fd, int64_t offset) {
  const auto next = [&](const BufferSpec& buffer) {
    auto tensor = std::make_unique<Tensor>(buffer.elements(), fd, offset);
    offset += Tensor::MappedBytes(buffer.elements());
    return tensor;
  };
  for (const BufferSpec& input : spec.inputs) inputs.push_back(next(input));
  if (spec.prepare) packed = next(spec.prepare->packed);
  output = next(spec.output);
}

int64_t EntryTensors::MappedBytes(const EntrySpec& spec) {
  int64_t bytes = Tensor::MappedBytes(spec.output.elements());
  if (spec.prepare) bytes += Tensor::MappedBytes(spec.prepare->packed.elements());
  for (const BufferSpec& input : spec.inputs) bytes += Tensor::MappedBytes(input.elements());
  return bytes;
}

}  // namespace halyard
