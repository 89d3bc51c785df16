// The tensors of one entry, in memory that the judge of a run and the process of its kernel share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "targets/judge/tensor.h"
#include "targets/run_protocol.h"

namespace halyard {

struct EntryTensors {
  // Over the file `fd` from `offset` on, one behind the other, in the order of the members. Throws
  // std::bad_alloc where there is no memory.
  EntryTensors(const EntrySpec& spec, int fd, int64_t offset);

  // Of the file; more than any file where the extents' product is.
  static int64_t MappedBytes(const EntrySpec& spec);

  std::vector<std::unique_ptr<Tensor>> inputs;
  std::unique_ptr<Tensor> packed;  // nullptr: nothing is prepared
  std::unique_ptr<Tensor> output;
};

}  // namespace halyard
