#include "targets/board_runner/count_arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace halyard {
namespace {

TEST(CountArena, BlocksAreAlignedAndApart) {
  CountArena arena;
  std::vector<std::pair<uint8_t*, size_t>> blocks;
  for (size_t bytes : {0, 1, 128, 1000, 70'000, 3 << 20}) {
    auto* p = static_cast<uint8_t*>(arena.Allocate(bytes));
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 128, 0u);
    std::memset(p, static_cast<int>(blocks.size()), bytes);
    blocks.emplace_back(p, bytes);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    for (size_t b = 0; b < blocks[i].second; ++b) ASSERT_EQ(blocks[i].first[b], i);
  }
  for (const auto& block : blocks) arena.Free(block.first);
}

TEST(CountArena, FreedBlocksComeBackInAnyOrderOfFreeing) {
  CountArena arena;
  void* first = arena.Allocate(100);
  for (int i = 0; i < 10'000; ++i) {
    void* a = arena.Allocate(50'000);
    void* b = arena.Allocate(200'000);
    arena.Free(i % 2 == 0 ? a : b);
    arena.Free(i % 2 == 0 ? b : a);
  }
  void* next = arena.Allocate(1);
  EXPECT_EQ(static_cast<uint8_t*>(next) - static_cast<uint8_t*>(first), 256);
  arena.Free(nullptr);
}

TEST(CountArena, OutgrowingTheStackStillWorks) {
  CountArena arena;
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(arena.Allocate(1 << 20));
  for (void* block : blocks) {
    ASSERT_NE(block, nullptr);
    std::memset(block, 1, 1 << 20);
  }
  for (void* block : blocks) arena.Free(block);
  EXPECT_EQ(arena.Allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(arena.Allocate(size_t{1} << 60), nullptr);
}

}  // namespace
}  // namespace halyard
