#include "targets/virtual_board/memory_model.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

constexpr uint64_t kUnits = 65536;

TEST(Cache, KeepsTheNewestOfASet) {
  Cache cache(8, 2);  // 4 sets
  EXPECT_FALSE(cache.Touch(0, false));
  EXPECT_EQ(cache.Insert(0, false), Cache::kNone);
  EXPECT_EQ(cache.Insert(4, false), Cache::kNone);
  EXPECT_TRUE(cache.Touch(0, true));
  EXPECT_EQ(cache.Insert(8, false), Cache::kNone);  // 4 goes: 0 is newer
  EXPECT_FALSE(cache.Touch(4, false));
  EXPECT_TRUE(cache.Touch(0, false));
  EXPECT_TRUE(cache.Touch(8, false));
  EXPECT_EQ(cache.Insert(12, false), 0u);  // it was written to
  cache.Clear();
  EXPECT_FALSE(cache.Touch(12, false));
}

TEST(Cache, SetsNeedNotBeAPowerOfTwo) {
  Cache cache(12, 2);
  for (uint64_t line = 0; line < 12; line++) cache.Insert(line, false);
  for (uint64_t line = 0; line < 12; line++) EXPECT_TRUE(cache.Touch(line, false)) << line;
}

// One cluster of two cores: 4 KiB, 64 KiB and memory that carries 6.4 bytes a cycle.
BoardModel SmallBoard() {
  BoardModel board;
  ClusterModel cluster;
  cluster.cores = 2;
  cluster.clock_ghz = 1;
  cluster.core.dispatch_width = 4;
  cluster.core.window = 40;  // 10 cycles
  cluster.core.tlb_entries = 1024;
  cluster.core.walk_cycles = 5;
  cluster.caches = {{4096, 64, 1, 4, 4, 32}, {65536, 64, 2, 8, 20, 16}};
  board.clusters = {cluster};
  board.memory_latency_ns = 100;
  board.memory_gb_per_s = 12.8;
  board.memory_core_gb_per_s = 6.4;
  return board;
}

double Cycles(uint64_t units) { return static_cast<double>(units) / kUnits; }

TEST(MemoryModel, AMissCostsWhatTheWindowDoesNotHide) {
  MemoryModel memory(SmallBoard());
  AccessSite a, b;
  // The first access: memory, and a page-table walk.
  EXPECT_DOUBLE_EQ(Cycles(memory.Access(&a, 1 << 20, 16, false, 0)), 100 + 5 - 10);
  EXPECT_EQ(memory.Access(&a, (1 << 20) + 16, 16, false, 0), 0u);  // the same line
  EXPECT_EQ(memory.Access(&b, (1 << 20) + 32, 16, false, 0), 0u);  // of another instruction
  EXPECT_EQ(memory.memory_lines(), 1u);
}

TEST(MemoryModel, MissesInTheShadowOfAMissAreServedBesideIt) {
  MemoryModel memory(SmallBoard());
  AccessSite a, b, c;
  EXPECT_GT(memory.Access(&a, 1 << 20, 16, false, 0), 0u);
  EXPECT_EQ(memory.Access(&b, 2 << 20, 16, false, 0), 0u);
  // 50 cycles later the window has moved on.
  EXPECT_GT(memory.Access(&c, 3 << 20, 16, false, 50 * kUnits), 0u);
}

TEST(MemoryModel, AStrideIsFollowedAndOnlyItsBandwidthIsPaid) {
  MemoryModel memory(SmallBoard());
  AccessSite site;
  double first = 0, later = 0;
  // Far apart in time, so that bandwidth is no matter.
  for (uint64_t k = 0; k < 100; k++) {
    const uint64_t stall = memory.Access(&site, (1 << 20) + 192 * k, 16, false, 1000 * k * kUnits);
    (k < 4 ? first : later) += Cycles(stall);
  }
  EXPECT_GE(first, 2 * 90);
  EXPECT_EQ(later, 0);
  EXPECT_EQ(memory.memory_lines(), 100u);
}

TEST(MemoryModel, AStreamTakesWhatTheMemoryTakes) {
  MemoryModel memory(SmallBoard());
  AccessSite site;
  double stalled = 0;
  constexpr int kLines = 4000;
  for (uint64_t k = 0; k < 4 * kLines; k++) {
    stalled += Cycles(memory.Access(&site, (1 << 20) + 16 * k, 16, false, 0));
  }
  // 10 cycles a line, less what is under way at the end.
  EXPECT_NEAR(stalled, 10 * kLines, 300);
}

TEST(MemoryModel, LinesWrittenToGoBack) {
  MemoryModel memory(SmallBoard());
  AccessSite site;
  constexpr uint64_t kLines = 4096;  // four times the larger cache
  for (uint64_t k = 0; k < kLines; k++) memory.Access(&site, (1 << 20) + 64 * k, 16, true, 0);
  EXPECT_NEAR(static_cast<double>(memory.memory_lines()), 2 * kLines - 1024 - 64, 64);
}

TEST(MemoryModel, CoresShareWhatTheyShare) {
  MemoryModel memory(SmallBoard());
  AccessSite site;
  memory.Access(&site, 1 << 20, 16, false, 0);
  memory.SetCore(1);
  // In the shared level, 20 cycles away, and a walk of this core's own; not in memory.
  EXPECT_DOUBLE_EQ(Cycles(memory.Access(&site, 1 << 20, 16, false, 0)), 20 + 5 - 10);
  EXPECT_EQ(memory.memory_lines(), 1u);
}

TEST(MemoryModel, WhatIsWarmIsThere) {
  MemoryModel memory(SmallBoard());
  memory.Warm(1 << 20);
  AccessSite site;
  for (int core : {0, 1}) {
    memory.SetCore(core);
    EXPECT_EQ(memory.Access(&site, 1 << 20, 16, false, 0), 0u);
  }
  memory.Reset();
  AccessSite other;
  EXPECT_GT(memory.Access(&other, 1 << 20, 16, false, 0), 0u);
}

}  // namespace
}  // namespace halyard
