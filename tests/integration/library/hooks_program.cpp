// Calls a library with memory and threads of the program's own, and holds the answers, bit by bit,
// against those with the library's. Prints a line a check that went well and ends with 1 at the
// first that did not. With OpenMP where it is compiled with -fopenmp.
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "hooked.h"

namespace {

void Expect(bool good, const std::string& what) {
  if (good) return;
  std::fprintf(stderr, "wrong: %s\n", what.c_str());
  std::exit(1);
}

struct Call {
  const char* name;
  size_t outputs;
  std::function<int(float* out)> run;
};

const float* Numbers() {
  static const std::vector<float> numbers = [] {
    std::vector<float> n(1 << 18);
    for (size_t i = 0; i < n.size(); i++) n[i] = static_cast<float>(i * 7919 % 4099) / 4099 - 0.5f;
    return n;
  }();
  return numbers.data();
}

// Tuned shapes, with scratch inside parallel loops and outside, and fall-backs.
std::vector<Call> Calls() {
  const float *a = Numbers(), *b = a + 1000, *c = a + 2000;
  return {{"gemm", 200 * 300, [=](float* o) { return hooked_gemm(200, 300, 150, a, b, o); }},
          {"gemm fall-back", 90 * 70, [=](float* o) { return hooked_gemm(90, 70, 50, a, b, o); }},
          {"conv2d", 14 * 14 * 32,
           [=](float* o) { return hooked_conv2d(1, 14, 14, 32, 32, 3, 3, 1, 1, 1, 1, a, b, o); }},
          {"softmax", 64 * 3000, [=](float* o) { return hooked_softmax(64, 3000, a, o); }},
          {"attention", 2 * 300 * 32,
           [=](float* o) { return hooked_attention(2, 300, 300, 32, 0, a, b, c, o); }},
          {"attention fall-back", 3 * 70 * 16,
           [=](float* o) { return hooked_attention(3, 70, 70, 16, 1, a, b, c, o); }}};
}

std::vector<float> Answer(const Call& call) {
  std::vector<float> out(call.outputs, -77);
  const int status = call.run(out.data());
  Expect(status == HOOKED_OK, std::string(call.name) + ": " + hooked_error_text(status));
  return out;
}

bool Same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// ---- Pools ----

// What a pool was asked for.
struct Seen {
  std::atomic<int> loops{0}, inside{0};
  std::mutex mutex;
  std::set<std::thread::id> threads;
  void Here() {
    const std::lock_guard<std::mutex> lock(mutex);
    threads.insert(std::this_thread::get_id());
  }
};

thread_local bool inside_body = false;

// A loop of body calls on the thread that it is called by, watched.
void Run(Seen& seen, int index, hooked_body_function* body, void* context) {
  inside_body = true;
  body(context, index);
  inside_body = false;
  seen.Here();
}

void Enter(Seen& seen) {
  seen.loops++;
  if (inside_body) seen.inside++;
}

void Serially(void* context, int n, hooked_body_function* body, void* body_context) {
  Seen& seen = *static_cast<Seen*>(context);
  Enter(seen);
  for (int i = n - 1; i >= 0; i--) Run(seen, i, body, body_context);
}

#ifdef _OPENMP
void WithOpenMp(void* context, int n, hooked_body_function* body, void* body_context) {
  Seen& seen = *static_cast<Seen*>(context);
  Enter(seen);
#pragma omp parallel for num_threads(4) schedule(dynamic)
  for (int i = 0; i < n; i++) Run(seen, i, body, body_context);
}
#endif

// Threads that take iterations from a queue, as programs have them; the caller only waits. A loop
// that came from inside an iteration would wait for a thread for ever.
class Pool {
 public:
  Seen seen;

  explicit Pool(int threads) {
    for (int t = 0; t < threads; t++) {
      threads_.emplace_back([this] { Work(); });
    }
  }
  ~Pool() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& t : threads_) t.join();
  }
  static void ParallelFor(void* context, int n, hooked_body_function* body, void* body_context) {
    Pool& pool = *static_cast<Pool*>(context);
    Enter(pool.seen);
    std::unique_lock<std::mutex> lock(pool.mutex_);
    int left = n;
    for (int i = 0; i < n; i++) {
      pool.queue_.push_back([&pool, &left, i, body, body_context] {
        Run(pool.seen, i, body, body_context);
        const std::lock_guard<std::mutex> done(pool.mutex_);
        if (--left == 0) pool.changed_.notify_all();
      });
    }
    pool.changed_.notify_all();
    pool.changed_.wait(lock, [&] { return left == 0; });
  }

 private:
  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const std::function<void()> task = std::move(queue_.back());
      queue_.pop_back();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Leaves out the last iteration.
void TooFew(void*, int n, hooked_body_function* body, void* body_context) {
  for (int i = 0; i + 1 < n; i++) body(body_context, i);
}

void TryPool(const char* name, hooked_parallel_for_function* parallel_for, void* context,
             const Seen& seen, const std::vector<std::vector<float>>& answers) {
  const std::vector<Call> calls = Calls();
  hooked_set_parallel_for(parallel_for, context);
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < calls.size(); i++) {
      Expect(Same(Answer(calls[i]), answers[i]), std::string(name) + ": " + calls[i].name);
    }
  }
  // And two callers at a time.
  std::thread other([&] { Expect(Same(Answer(calls[0]), answers[0]), "the second caller's"); });
  Expect(Same(Answer(calls[4]), answers[4]), "the first caller's");
  other.join();
  hooked_set_parallel_for(nullptr, nullptr);
  const int loops = seen.loops;
  Expect(loops >= 3 * static_cast<int>(calls.size()), std::string(name) + " was hardly asked");
  Expect(seen.inside == 0, std::string(name) + " was asked from inside a body");
  for (size_t i = 0; i < calls.size(); i++)
    Expect(Same(Answer(calls[i]), answers[i]), "afterwards");
  Expect(seen.loops == loops, std::string(name) + " was asked after it was taken back");
  std::printf("%s: the same, %s\n", name,
              seen.threads.size() > 1 ? "several threads" : "one thread");
}

// ---- Memory ----

struct Memory {
  std::mutex mutex;
  std::map<void*, size_t> live;
  int64_t asked = 0, fail_from = INT64_MAX;
  size_t in_use = 0, most = 0;
  bool misplaced = false;

  static void* Allocate(void* context, size_t alignment, size_t bytes) {
    Memory& m = *static_cast<Memory*>(context);
    const std::lock_guard<std::mutex> lock(m.mutex);
    if (m.asked++ >= m.fail_from) return nullptr;
    void* block = nullptr;
    if (posix_memalign(&block, alignment, bytes + alignment) != 0) return nullptr;
    std::memset(block, 0xff, bytes + alignment);  // NaN
    if (m.misplaced) block = static_cast<char*>(block) + 4;
    m.live[block] = bytes;
    m.in_use += bytes;
    m.most = std::max(m.most, m.in_use);
    return block;
  }
  static void Release(void* context, void* block, size_t, size_t bytes) {
    Memory& m = *static_cast<Memory*>(context);
    const std::lock_guard<std::mutex> lock(m.mutex);
    const auto found = m.live.find(block);
    Expect(found != m.live.end() && found->second == bytes, "a block that was never handed out");
    m.live.erase(found);
    m.in_use -= bytes;
    std::free(m.misplaced ? static_cast<char*>(block) - 4 : block);
  }
};

void TryMemory(const std::vector<std::vector<float>>& answers) {
  const std::vector<Call> calls = Calls();
  Memory memory;
  Expect(hooked_set_allocator(Memory::Allocate, nullptr, &memory) == HOOKED_BAD_ARGUMENT, "half");
  Expect(hooked_set_allocator(nullptr, Memory::Release, &memory) == HOOKED_BAD_ARGUMENT, "half");
  Expect(hooked_set_allocator(Memory::Allocate, Memory::Release, &memory) == HOOKED_OK, "status");
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < calls.size(); i++) {
      Expect(Same(Answer(calls[i]), answers[i]), std::string("own memory: ") + calls[i].name);
    }
  }
  Expect(memory.most > 64 << 10 && memory.asked > 4, "these kernels have next to no scratch");
  Expect(!memory.live.empty(), "nothing was kept for the next call");
  hooked_free_scratch();
  Expect(memory.live.empty(), "free_scratch left blocks");

  // Every request fails once, with all that follow it.
  int refused = 0;
  for (size_t i = 0; i < calls.size(); i++) {
    for (int64_t fail_from = 0;; fail_from++) {
      memory.asked = 0, memory.fail_from = fail_from;
      std::vector<float> out(calls[i].outputs);
      const int status = calls[i].run(out.data());
      hooked_free_scratch();
      Expect(memory.live.empty(), std::string("a leak: ") + calls[i].name);
      if (status == HOOKED_OK) {
        Expect(Same(out, answers[i]), std::string("not all memory: ") + calls[i].name);
        break;
      }
      Expect(status == HOOKED_OUT_OF_MEMORY, std::string(calls[i].name) + "'s status");
      refused++;
    }
  }
  Expect(refused > 4, "hardly any request failed");
  memory.fail_from = INT64_MAX;

  memory.misplaced = true;
  std::vector<float> out(calls[4].outputs);
  Expect(calls[4].run(out.data()) == HOOKED_OUT_OF_MEMORY && memory.live.empty(), "misaligned");
  memory.misplaced = false;

  // What is kept goes back before others take over.
  Answer(calls[0]), Answer(calls[4]);
  Memory next;
  Expect(hooked_set_allocator(Memory::Allocate, Memory::Release, &next) == HOOKED_OK, "status");
  Expect(memory.live.empty(), "kept blocks of the memory before");
  Answer(calls[4]);
  Expect(hooked_set_allocator(nullptr, nullptr, nullptr) == HOOKED_OK, "status");
  Expect(next.live.empty() && next.asked > 0, "kept blocks of the second memory");
  const int64_t asked = memory.asked + next.asked;
  for (size_t i = 0; i < calls.size(); i++)
    Expect(Same(Answer(calls[i]), answers[i]), "afterwards");
  Expect(memory.asked + next.asked == asked, "asked after it was taken back");
  std::printf("memory: the same, nothing lost\n");
}

// A pool and memory of one's own, and no memory inside the pool's iterations.
void TryBoth(const std::vector<std::vector<float>>& answers) {
  const Call attention = Calls()[4];
  Pool pool(3);
  Memory memory;
  hooked_set_parallel_for(Pool::ParallelFor, &pool);
  hooked_set_allocator(Memory::Allocate, Memory::Release, &memory);
  Expect(Same(Answer(attention), answers[4]), "both");
  const int64_t enough = memory.asked;
  for (int64_t fail_from = 0; fail_from < enough; fail_from++) {
    hooked_free_scratch();
    memory.asked = 0, memory.fail_from = fail_from;
    std::vector<float> out(attention.outputs);
    const int status = attention.run(out.data());
    Expect(status == HOOKED_OUT_OF_MEMORY || Same(out, answers[4]), "both, no memory");
    hooked_free_scratch();
    Expect(memory.live.empty(), "both, a leak");
  }
  hooked_set_allocator(nullptr, nullptr, nullptr);
  hooked_set_parallel_for(nullptr, nullptr);
  std::printf("both: the same\n");
}

}  // namespace

int main() {
  hooked_set_threads(3);
  std::vector<std::vector<float>> answers;
  for (const Call& call : Calls()) answers.push_back(Answer(call));
  {
    Pool pool(4);
    TryPool("threads", Pool::ParallelFor, &pool, pool.seen, answers);
    Pool one(1);
    TryPool("a pool of one", Pool::ParallelFor, &one, one.seen, answers);
  }
  Seen serial;
  TryPool("serial", Serially, &serial, serial, answers);
#ifdef _OPENMP
  Seen openmp;
  TryPool("OpenMP", WithOpenMp, &openmp, openmp, answers);
#endif
  hooked_set_parallel_for(TooFew, nullptr);
  std::vector<float> out(Calls()[0].outputs);
  Expect(Calls()[0].run(out.data()) == HOOKED_KERNEL_FAILED, "an iteration that was left out");
  hooked_set_parallel_for(nullptr, nullptr);
  TryMemory(answers);
  TryBoth(answers);
  return 0;
}
