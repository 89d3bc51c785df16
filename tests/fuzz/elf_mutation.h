// Mutations of an ELF file as what it is: numbers of 2, 4 and 8 bytes at their alignment that
// become sizes, offsets and addresses at which a reader goes wrong.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halyard {

// As LLVMFuzzerCustomMutator of libFuzzer.
size_t MutateElf(uint8_t* data, size_t size, size_t most, unsigned seed);

}  // namespace halyard
