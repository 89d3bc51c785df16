// For kernels in C that call the system themselves.
#pragma once

namespace halyard {

// Ahead of a body: SYS(NAME, a, b, c) makes a system call and is its result, -errno too. A macro
// file of the C library may be included within a function; a function of it may not be called.
inline constexpr char kSystemCalls[] = R"(
#include <asm/unistd.h>
#ifdef __aarch64__
  long call(long n, long a, long b, long c, long d, long e, long f) {
    register long x8 asm("x8") = n, x0 asm("x0") = a, x1 asm("x1") = b, x2 asm("x2") = c,
                  x3 asm("x3") = d, x4 asm("x4") = e, x5 asm("x5") = f;
    asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                 : "memory");
    return x0;
  }
#else
  long call(long n, long a, long b, long c, long d, long e, long f) {
    register long r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;
    asm volatile("syscall" : "+a"(n) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return n;
  }
#endif
#define SYS6(name, a, b, c, d, e, f) \
  call(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define SYS(name, a, b, c) SYS6(name, a, b, c, 0, 0, 0)
)";

}  // namespace halyard
