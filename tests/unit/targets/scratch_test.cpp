#include "targets/kernel_runtime/scratch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <vector>

extern "C" void* halide_default_malloc(void*, size_t);
extern "C" void halide_default_free(void*, void*);

namespace {

constexpr size_t kLarge = 1 << 20;

void* Take(size_t bytes) {
  void* p = halide_default_malloc(nullptr, bytes);
  if (p != nullptr) std::memset(p, 0x5a, bytes);
  return p;
}
void Give(void* p) { halide_default_free(nullptr, p); }

class Scratch : public testing::Test {
 protected:
  void TearDown() override { halyard_free_scratch(); }
};

TEST_F(Scratch, BlocksAreAligned) {
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{70000}, size_t{5} << 20}) {
    void* p = Take(bytes);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 128, 0u) << bytes;
    Give(p);
  }
  Give(nullptr);
}

TEST_F(Scratch, LargeBlockIsKeptForTheNextCall) {
  void* first = Take(kLarge);
  Give(first);
  void* smaller = Take(kLarge * 3 / 4);
  EXPECT_EQ(smaller, first);
  void* second = Take(kLarge);
  EXPECT_NE(second, first) << "in use";
  Give(smaller);
  Give(second);
}

TEST_F(Scratch, TooLargeForTheAddressSpaceIsRefused) {
  EXPECT_EQ(halide_default_malloc(nullptr, SIZE_MAX), nullptr);
  EXPECT_EQ(halide_default_malloc(nullptr, SIZE_MAX / 4), nullptr);
  void* p = Take(kLarge);
  EXPECT_NE(p, nullptr);
  Give(p);
}

// Many sizes, none of which serves another: the oldest are given up.
TEST_F(Scratch, BlocksNobodyAsksForAreGivenUp) {
  size_t bytes = 64 << 10;
  for (int i = 0; i < 12; i++, bytes = bytes * 9 / 4) Give(Take(bytes));
  // The address sanitizer and valgrind would tell of a block that was lost or freed twice.
  void* p = Take(64 << 10);
  EXPECT_NE(p, nullptr);
  Give(p);
}

TEST_F(Scratch, ThreadsTakeAndGive) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([t] {
      std::mt19937 rng(t);
      std::vector<std::pair<unsigned char*, size_t>> held;
      for (int i = 0; i < 2000; i++) {
        if (held.size() < 6 && rng() % 2 == 0) {
          const size_t bytes = 1000 + rng() % 300000;
          auto* p = static_cast<unsigned char*>(halide_default_malloc(nullptr, bytes));
          p[0] = p[bytes - 1] = static_cast<unsigned char>(t);
          held.emplace_back(p, bytes);
        } else if (!held.empty()) {
          const auto [p, bytes] = held.back();
          ASSERT_EQ(p[0], t);
          ASSERT_EQ(p[bytes - 1], t);
          Give(p);
          held.pop_back();
        }
      }
      for (const auto& [p, bytes] : held) Give(p);
    });
  }
  for (std::thread& t : threads) t.join();
}

// Memory of the program's own: what is out, and how often it was asked.
struct Memory {
  std::map<void*, size_t> out;
  int asked = 0;
  bool empty = false;
  size_t off_by = 0;

  static void* Allocate(void* context, size_t alignment, size_t bytes) {
    auto* m = static_cast<Memory*>(context);
    m->asked++;
    if (m->empty) return nullptr;
    EXPECT_EQ(alignment, 128u);
    void* whole = std::aligned_alloc(alignment, (bytes / alignment + 2) * alignment);
    void* block = static_cast<char*>(whole) + m->off_by;
    m->out[block] = bytes;
    return block;
  }
  static void Release(void* context, void* block, size_t alignment, size_t bytes) {
    auto* m = static_cast<Memory*>(context);
    EXPECT_EQ(alignment, 128u);
    ASSERT_EQ(m->out.count(block), 1u);
    EXPECT_EQ(m->out[block], bytes);
    m->out.erase(block);
    std::free(static_cast<char*>(block) - m->off_by);
  }
};

class ProgramsMemory : public Scratch {
 protected:
  Memory memory_;
  void SetUp() override { halyard_set_allocator(Memory::Allocate, Memory::Release, &memory_); }
  void TearDown() override {
    halyard_set_allocator(nullptr, nullptr, nullptr);
    EXPECT_TRUE(memory_.out.empty()) << "what was kept is given back when others take over";
  }
};

TEST_F(ProgramsMemory, SmallAndLargeBlocksComeFromIt) {
  for (size_t bytes : {size_t{1}, size_t{70000}, size_t{5} << 20}) {
    const int asked = memory_.asked;
    void* p = Take(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 128, 0u);
    EXPECT_EQ(memory_.asked, asked + 1);
    Give(p);
  }
}

TEST_F(ProgramsMemory, LargeBlocksAreKeptUntilScratchIsFreed) {
  void* first = Take(kLarge);
  Give(first);
  EXPECT_EQ(memory_.out.size(), 1u);
  EXPECT_EQ(Take(kLarge), first);
  EXPECT_EQ(memory_.asked, 1);
  Give(first);
  halyard_free_scratch();
  EXPECT_TRUE(memory_.out.empty());
}

TEST_F(ProgramsMemory, WhatIsKeptIsGivenBackBeforeARequestFails) {
  Give(Take(kLarge));
  memory_.empty = true;
  EXPECT_EQ(halide_default_malloc(nullptr, kLarge * 4), nullptr);
  EXPECT_TRUE(memory_.out.empty());
  EXPECT_EQ(halide_default_malloc(nullptr, 8), nullptr);
  memory_.empty = false;
  Give(Take(kLarge * 4));
}

TEST_F(ProgramsMemory, AMisalignedBlockIsGivenBack) {
  memory_.off_by = 4;
  EXPECT_EQ(halide_default_malloc(nullptr, 1000), nullptr);
  EXPECT_EQ(halide_default_malloc(nullptr, kLarge), nullptr);
  EXPECT_TRUE(memory_.out.empty());
}

TEST_F(ProgramsMemory, KeptBlocksOfTheCLibraryStayThere) {
  halyard_set_allocator(nullptr, nullptr, nullptr);
  Give(Take(kLarge));
  halyard_set_allocator(Memory::Allocate, Memory::Release, &memory_);
  void* p = Take(kLarge);
  EXPECT_EQ(memory_.asked, 1);
  Give(p);
}

}  // namespace
