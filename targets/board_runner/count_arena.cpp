#include "targets/board_runner/count_arena.h"

#include <sys/mman.h>

namespace halyard {
namespace {

uint8_t* MapBytes(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<uint8_t*>(p);
}

}  // namespace

void* CountArena::Map(size_t bytes) {
  uint8_t* p = bytes > SIZE_MAX - kAlign ? nullptr : MapBytes(bytes + kAlign);
  if (p == nullptr) return nullptr;
  *reinterpret_cast<Header*>(p) = {nullptr, 0, bytes + kAlign, false};
  return p + kAlign;
}

void* CountArena::Allocate(size_t bytes) {
  if (base_ == nullptr && (base_ = MapBytes(kStackBytes)) == nullptr) return nullptr;
  if (bytes > kLargestStacked) return Map(bytes);
  const size_t block = kAlign + (bytes + kAlign - 1) / kAlign * kAlign;
  if (block > kStackBytes - top_) return Map(bytes);
  auto* header = reinterpret_cast<Header*>(base_ + top_);
  *header = {last_, top_, 0, false};
  last_ = header;
  top_ += block;
  return reinterpret_cast<uint8_t*>(header) + kAlign;
}

void CountArena::Free(void* p) {
  if (p == nullptr) return;
  auto* header = reinterpret_cast<Header*>(static_cast<uint8_t*>(p) - kAlign);
  if (header->mapped_bytes != 0) {
    munmap(header, header->mapped_bytes);
    return;
  }
  header->freed = true;
  while (last_ != nullptr && last_->freed) {
    top_ = last_->top_before;
    last_ = last_->previous;
  }
}

}  // namespace halyard
