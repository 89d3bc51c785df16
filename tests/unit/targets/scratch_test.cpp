#include "targets/kernel_runtime/scratch.h"

#include <gtest/gtest.h>

#include <cstring>
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

}  // namespace
