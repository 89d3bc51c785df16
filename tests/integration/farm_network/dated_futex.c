// Beside libfaketime, which leaves system calls alone: a wait until a date, which gRPC's timers are
// (absl's futex), is a wait until that date of the faked clock.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>

typedef long (*SystemCall)(long, ...);

enum { kSecond = 1000000000 };

// `date` of the faked clock, on the kernel's.
static struct timespec RealDate(SystemCall call, const struct timespec* date) {
  struct timespec faked, real, result;
  clock_gettime(CLOCK_REALTIME, &faked);
  call(SYS_clock_gettime, CLOCK_REALTIME, &real);
  result.tv_sec = date->tv_sec - faked.tv_sec + real.tv_sec;
  result.tv_nsec = date->tv_nsec - faked.tv_nsec + real.tv_nsec;
  while (result.tv_nsec < 0) result.tv_nsec += kSecond, result.tv_sec--;
  while (result.tv_nsec >= kSecond) result.tv_nsec -= kSecond, result.tv_sec++;
  return result;
}

long syscall(long number, ...) {
  const SystemCall call = (SystemCall)dlsym(RTLD_NEXT, "syscall");
  long a[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(arguments, long);
  va_end(arguments);
  struct timespec until;
  if (number == SYS_futex && (a[1] & FUTEX_CLOCK_REALTIME) != 0 && a[3] != 0) {
    until = RealDate(call, (const struct timespec*)a[3]);
    a[3] = (long)&until;
  }
  return call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
