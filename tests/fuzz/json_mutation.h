// Mutations of a text as what it means: a JSON document with a value changed, moved, doubled or
// gone is far likelier to get past the parser than one with a changed byte.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halyard {

// As LLVMFuzzerCustomMutator of libFuzzer.
size_t MutateJson(uint8_t* data, size_t size, size_t most, unsigned seed);

}  // namespace halyard

// Of libFuzzer, or of seeded_main.cpp where that takes its place: a mutation of plain bytes.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);
