#include "targets/kernel_runtime/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "HalideRuntime.h"

// What the Halide runtime does around every iteration; tests run without that runtime.
extern "C" int halide_do_task(void* context, halide_task_t body, int i, uint8_t* closure) {
  return body(context, i, closure);
}
extern "C" int halide_default_do_par_for(void*, halide_task_t, int, int, uint8_t*);

namespace {

// Runs `body(i)` for i from `min`, counting how often each i came.
struct Loop {
  std::vector<std::atomic<int>> runs;
  std::function<int(int)> body;
  int min;

  static int Task(void*, int i, uint8_t* closure) {
    auto* self = reinterpret_cast<Loop*>(closure);
    self->runs[i - self->min]++;
    return self->body ? self->body(i) : 0;
  }
  int Run() {
    return halide_default_do_par_for(nullptr, Task, min, static_cast<int>(runs.size()),
                                     reinterpret_cast<uint8_t*>(this));
  }
  Loop(int first, int size, std::function<int(int)> f = nullptr)
      : runs(size), body(std::move(f)), min(first) {}
  bool EachRan(int times) const {
    return std::all_of(runs.begin(), runs.end(), [&](auto& r) { return r == times; });
  }
};

class ThreadPool : public testing::Test {
 protected:
  void SetUp() override { halide_set_num_threads(4); }
};

TEST_F(ThreadPool, RunsEachIterationOnce) {
  for (int size : {0, 1, 2, 3, 4, 5, 7, 64, 1000}) {
    Loop loop(-3, size);
    EXPECT_EQ(loop.Run(), 0);
    EXPECT_TRUE(loop.EachRan(1)) << size;
  }
}

TEST_F(ThreadPool, ManyShortLoopsAfterEachOther) {
  Loop loop(0, 9);
  for (int i = 0; i < 20000; i++) ASSERT_EQ(loop.Run(), 0);
  EXPECT_TRUE(loop.EachRan(20000));
}

// Workers sleep after a while without work; the loop after that wakes them.
TEST_F(ThreadPool, LoopsAfterPauses) {
  Loop loop(0, 8, [](int) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return 0;
  });
  for (int i = 1; i <= 5; i++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(loop.Run(), 0);
    EXPECT_TRUE(loop.EachRan(i));
  }
}

TEST_F(ThreadPool, UsesSeveralThreads) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  Loop loop(0, 8, [&](int) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
    return 0;
  });
  EXPECT_EQ(loop.Run(), 0);
  EXPECT_EQ(threads.size(), 4u);
}

TEST_F(ThreadPool, OneSlowIterationDoesNotHoldTheOthersBack) {
  Loop loop(0, 64, [](int i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(i == 0 ? 100 : 1));
    return 0;
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(loop.Run(), 0);
  // The 15 others of the slow one's share are taken over by whoever is done.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(190));
}

TEST_F(ThreadPool, GivesAnErrorBack) {
  Loop loop(0, 1000, [](int i) { return i == 500 ? -7 : 0; });
  EXPECT_EQ(loop.Run(), -7);
  Loop next(0, 10);
  EXPECT_EQ(next.Run(), 0);
  EXPECT_TRUE(next.EachRan(1));
}

TEST_F(ThreadPool, LoopsInsideLoops) {
  std::atomic<int> inner_runs = 0;
  Loop outer(0, 5, [&](int) {
    Loop inner(0, 7, [&](int) { return inner_runs++, 0; });
    return inner.Run();
  });
  EXPECT_EQ(outer.Run(), 0);
  EXPECT_EQ(inner_runs, 35);
}

// An outer loop of one iteration leaves the threads to the loop inside.
TEST_F(ThreadPool, LoopOfOneIsNoLoop) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  Loop outer(0, 1, [&](int) {
    Loop inner(0, 8, [&](int) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
      return 0;
    });
    return inner.Run();
  });
  EXPECT_EQ(outer.Run(), 0);
  EXPECT_GT(threads.size(), 1u);
}

TEST_F(ThreadPool, SeveralCallersAtOnce) {
  std::vector<std::thread> callers;
  std::atomic<int> wrong = 0;
  for (int c = 0; c < 3; c++) {
    callers.emplace_back([&] {
      for (int i = 0; i < 500; i++) {
        Loop loop(i, 13);
        if (loop.Run() != 0 || !loop.EachRan(1)) wrong++;
      }
    });
  }
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ThreadPool, ChildOfForkHasThreadsOfItsOwn) {
  Loop before(0, 100);
  EXPECT_EQ(before.Run(), 0);
  const pid_t child = fork();
  if (child == 0) {
    Loop loop(0, 100);
    const bool right = loop.Run() == 0 && loop.EachRan(1);
    exit(right ? 0 : 1);  // by way of the destructor that ends the workers
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  Loop after(0, 100);
  EXPECT_EQ(after.Run(), 0);
}

// A pool of the program's own that starts a thread an iteration, or leaves some out.
struct ProgramsPool {
  std::atomic<int> loops = 0;
  int left_out = 0, strays = 0;

  static void ParallelFor(void* context, int n, void (*body)(void*, int), void* body_context) {
    auto* self = static_cast<ProgramsPool*>(context);
    self->loops++;
    std::vector<std::thread> threads;
    for (int i = 0; i < n - self->left_out; i++) threads.emplace_back(body, body_context, i);
    for (int i = 0; i < self->strays; i++) body(body_context, n + i), body(body_context, -1 - i);
    for (std::thread& t : threads) t.join();
  }
};

class ProgramsThreads : public testing::Test {
 protected:
  ProgramsPool pool_;
  void SetUp() override { halyard_set_parallel_for(ProgramsPool::ParallelFor, &pool_); }
  void TearDown() override { halyard_set_parallel_for(nullptr, nullptr); }
};

TEST_F(ProgramsThreads, RunEachIterationOnce) {
  for (int size : {0, 1, 2, 7, 64}) {
    Loop loop(-3, size);
    EXPECT_EQ(loop.Run(), 0);
    EXPECT_TRUE(loop.EachRan(1)) << size;
  }
  EXPECT_EQ(pool_.loops, 3) << "loops of one or none are not worth it";
  halyard_set_parallel_for(nullptr, nullptr);
  Loop loop(0, 8);
  EXPECT_EQ(loop.Run(), 0);
  EXPECT_TRUE(loop.EachRan(1));
  EXPECT_EQ(pool_.loops, 3);
}

TEST_F(ProgramsThreads, AreNotAskedFromInsideALoop) {
  std::atomic<int> inner_runs = 0;
  Loop outer(0, 5, [&](int) {
    const auto here = std::this_thread::get_id();
    Loop inner(0, 7, [&](int) {
      EXPECT_EQ(std::this_thread::get_id(), here);
      return inner_runs++, 0;
    });
    return inner.Run();
  });
  EXPECT_EQ(outer.Run(), 0);
  EXPECT_EQ(inner_runs, 35);
  EXPECT_EQ(pool_.loops, 1);
  EXPECT_EQ(outer.Run(), 0) << "the caller's thread is outside again";
  EXPECT_EQ(pool_.loops, 2);
}

TEST_F(ProgramsThreads, GiveAnErrorBack) {
  Loop loop(0, 50, [](int i) { return i == 20 ? -7 : 0; });
  EXPECT_EQ(loop.Run(), -7);
  Loop inside(0, 4, [](int) {
    Loop inner(0, 4, [](int i) { return i == 3 ? -9 : 0; });
    return inner.Run();
  });
  EXPECT_EQ(inside.Run(), -9);
  Loop next(0, 10);
  EXPECT_EQ(next.Run(), 0);
  EXPECT_TRUE(next.EachRan(1));
}

TEST_F(ProgramsThreads, ThatLeaveIterationsOutAreAnError) {
  pool_.left_out = 1;
  Loop loop(0, 10);
  EXPECT_EQ(loop.Run(), halide_error_code_generic_error);
  pool_.left_out = 0, pool_.strays = 2;
  Loop strayed(0, 10);
  EXPECT_EQ(strayed.Run(), 0) << "iterations that are none do nothing";
  EXPECT_TRUE(strayed.EachRan(1));
}

TEST_F(ThreadPool, ThreadsCanBeTakenAwayAndGivenBack) {
  for (int threads : {1, 3, 2, 6, 1, 4}) {
    const int before = halide_set_num_threads(threads);
    EXPECT_GE(before, 1);
    EXPECT_EQ(halide_set_num_threads(threads), threads);
    std::mutex mutex;
    std::set<std::thread::id> seen;
    Loop loop(0, 12, [&](int) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
      return 0;
    });
    EXPECT_EQ(loop.Run(), 0);
    EXPECT_TRUE(loop.EachRan(1));
    EXPECT_LE(seen.size(), static_cast<size_t>(threads));
  }
}

}  // namespace
