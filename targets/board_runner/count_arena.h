// The heap of a counted kernel.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halyard {

// Blocks whose addresses, modulo the page, depend only on the calls made to it; so does the number
// of instructions a call takes. Small blocks are stacked and reclaimed from the top, as serial
// loops free in reverse order; large ones are mappings of their own. Not thread-safe.
class CountArena {
 public:
  void* Allocate(size_t bytes);  // 128-byte aligned, as Halide's own; nullptr without memory
  void Free(void* p);            // nullptr is allowed

 private:
  struct Header {
    Header* previous;
    size_t top_before;
    size_t mapped_bytes;  // 0: on the stack
    bool freed;
  };
  static constexpr size_t kAlign = 128;
  static constexpr size_t kStackBytes = 64u << 20;
  static constexpr size_t kLargestStacked = 1u << 20;
  static_assert(sizeof(Header) <= kAlign);

  void* Map(size_t bytes);

  uint8_t* base_ = nullptr;
  size_t top_ = 0;
  Header* last_ = nullptr;
};

}  // namespace halyard
