#include "targets/board_runner/count.h"

#include <HalideRuntime.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <new>

#include "targets/board_runner/count_arena.h"
#include "targets/virtual_board/markers.h"

namespace halyard {
namespace {

#if defined(__aarch64__)
template <int kMarker>
inline void Mark() {
  asm volatile("hint %0" : : "i"(kMarker) : "memory");
}
#elif defined(__x86_64__)
template <int kMarker>
inline void Mark() {
  asm volatile("nopl %c0(%%rax)" : : "i"(HALYARD_X86_MARKER_PATTERN + kMarker) : "memory");
}
#else
// No emulator with the plugin runs this architecture; a counted run is only a checked run.
template <int kMarker>
inline void Mark() {}
#endif

CountArena arena;
// A parallel loop inside a task belongs to that task: its cores are busy already.
int parallel_depth = 0;
// That share a parallel loop.
int loop_threads = 1;

int SerialParFor(void* user_context, halide_task_t task, int min, int size, uint8_t* closure) {
  const bool outermost = parallel_depth++ == 0;
  if (outermost) Mark<HALYARD_MARKER_PARALLEL_BEGIN>();
  int result = 0;
  // Shares as thread_pool.c deals them.
  const int shares = std::max(1, std::min(loop_threads, size));
  int share = 0;
  for (int i = min; i < min + size && result == 0; ++i) {
    const auto next = [&] { return static_cast<int64_t>(size) * (share + 1) / shares; };
    for (; outermost && i - min >= next(); ++share) Mark<HALYARD_MARKER_NEXT_CORE>();
    result = task(user_context, i, closure);
    if (outermost) Mark<HALYARD_MARKER_TASK_END>();
  }
  if (outermost) Mark<HALYARD_MARKER_PARALLEL_END>();
  --parallel_depth;
  return result;
}

void* ArenaMalloc(void*, size_t bytes) { return arena.Allocate(bytes); }
void ArenaFree(void*, void* p) { arena.Free(p); }

// The kernel's stack is a mapping of its own: where the runner's begins depends on the lengths of
// paths and of the environment, and with it would the instructions of every memcpy to it.
class KernelStack {
 public:
  KernelStack() {
    base_ = mmap(nullptr, kBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base_ == MAP_FAILED) throw std::bad_alloc();
    mprotect(base_, kGuardBytes, PROT_NONE);
  }
  ~KernelStack() { munmap(base_, kBytes + kGuardBytes); }
  KernelStack(const KernelStack&) = delete;
  KernelStack& operator=(const KernelStack&) = delete;

  void* usable() const { return static_cast<uint8_t*>(base_) + kGuardBytes; }
  static constexpr size_t kBytes = 8u << 20;  // Linux's usual limit for a main thread

 private:
  // A frame larger than a page must not step over the guard.
  static constexpr size_t kGuardBytes = 1u << 20;
  void* base_ = nullptr;
};

struct CountedCall {
  Kernel* kernel;
  bool prepared;
  int result;
  ucontext_t caller;
  ucontext_t callee;
};
// makecontext passes no pointers portably; and its place does not depend on the runner's stack.
CountedCall current_call;

void RunBetweenMarkers() {
  CountedCall& call = current_call;
  Mark<HALYARD_MARKER_KERNEL_BEGIN>();
  if (call.prepared) call.result = call.kernel->Run();
  Mark<HALYARD_MARKER_KERNEL_END>();
}

}  // namespace

void ConfigureCounting(int threads) {
  loop_threads = threads;
  halide_set_custom_do_par_for(SerialParFor);
  halide_set_custom_malloc(ArenaMalloc);
  halide_set_custom_free(ArenaFree);
}

int CountedRun(Kernel& kernel, bool prepared, bool caches_warm) {
  KernelStack stack;
  CountedCall& call = current_call;
  call = {};
  call.kernel = &kernel;
  call.prepared = prepared;
  getcontext(&call.callee);
  call.callee.uc_stack.ss_sp = stack.usable();
  call.callee.uc_stack.ss_size = KernelStack::kBytes;
  call.callee.uc_link = &call.caller;
  makecontext(&call.callee, RunBetweenMarkers, 0);
  if (caches_warm && prepared) {
    Mark<HALYARD_MARKER_WARM_BEGIN>();
    kernel.TouchOperands();
    Mark<HALYARD_MARKER_WARM_END>();
  }
  swapcontext(&call.caller, &call.callee);
  return call.result;
}

}  // namespace halyard
