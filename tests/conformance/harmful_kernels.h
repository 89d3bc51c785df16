// Bodies of kernels that mean harm, in C, for BuildCKernel; kSystemCalls goes ahead of each.
#pragma once

namespace halyard {

// A good answer, and words for what follows it.
inline constexpr char kGoodAnswer[] = R"(
#define READ_ONLY 0
#define WRITE_NEW 0101
#define OPEN(path, flags) SYS(openat, -100, path, flags)
#define FORK() SYS(clone, 17, 0, 0)
  for (long i = 0; i < N; ++i) OUT[i] = IN[i];
)";

struct Death {
  const char* body;
  const char* message;  // of its outcome, a part
};
inline constexpr Death kDeaths[] = {
    {"*(volatile int*)8 = 1;", "killed by SIGSEGV"},
    {"__builtin_trap();", "killed by SIG"},
    {"abort();", "killed by SIGABRT"},
    {"SYS(exit_group, 0, 0, 0);", "the runner exited without a reply"}};

inline constexpr char kLoopBehindBlockedSignals[] = R"(
  unsigned long all = ~0ul;
  SYS(rt_sigprocmask, 0, &all, 0);
  for (int s = 1; s < 65; ++s) { long ignore[4] = {1}; SYS(rt_sigaction, s, ignore, 0); }
  for (;;) OUT[0] = 1;
)";

// Behind kGoodAnswer, where a sandbox forbids it.
inline constexpr char kForkBomb[] = "for (;;) FORK();";
inline constexpr char kDaemon[] = "if (FORK() == 0) { SYS(setsid, 0, 0, 0); for (;;) OUT[0] = 1; }";

inline constexpr char kTwentyGigabytes[] =
    "char* p = malloc(20000000000ul); p[5] = 1; OUT[0] = p[6];";

// What the runner would say to whom it answers, on whatever is open.
inline constexpr char kReplyOfItsOwn[] = R"(
  static const char reply[] = "{\"protocol\":4,\"error\":\"\",\"rejected\":false,"
    "\"candidates\":[[{\"kernel_error\":0,\"kernel_message\":\"\",\"samples_ns\":[1.0],"
    "\"probe_bits\":[],\"projection\":0,\"poison_left\":0,\"non_finite\":0,"
    "\"guards_intact\":true,\"inputs_intact\":true,\"reruns_agree\":true,"
    "\"serial_cycles\":0,\"regions\":[],\"instructions\":{}}]],\"peak_gflops\":0,"
    "\"copy_gb_per_s\":0}";
  for (int fd = 0; fd < 32; ++fd) SYS(write, fd, reply, sizeof(reply) - 1);
  SYS(exit_group, 0, 0, 0);
)";

}  // namespace halyard
