/* The three functions of the C library that compilers call whether or not there is one. */
#include <stddef.h>
#include <stdint.h>

static int aligned(const void* a, const void* b) {
  return (((uintptr_t)a | (uintptr_t)b) & 3) == 0;
}

void* memcpy(void* restrict to, const void* restrict from, size_t bytes) {
  uint8_t* t = to;
  const uint8_t* f = from;
  if (aligned(t, f)) {
    for (; bytes >= 4; bytes -= 4, t += 4, f += 4) *(uint32_t*)t = *(const uint32_t*)f;
  }
  while (bytes-- != 0) *t++ = *f++;
  return to;
}

void* memmove(void* to, const void* from, size_t bytes) {
  uint8_t* t = (uint8_t*)to + bytes;
  const uint8_t* f = (const uint8_t*)from + bytes;
  if ((uintptr_t)to <= (uintptr_t)from) return memcpy(to, from, bytes);
  while (bytes-- != 0) *--t = *--f;
  return to;
}

void* memset(void* to, int value, size_t bytes) {
  uint8_t* t = to;
  const uint32_t word = (uint8_t)value * 0x01010101u;
  if (aligned(t, t)) {
    for (; bytes >= 4; bytes -= 4, t += 4) *(uint32_t*)t = word;
  }
  while (bytes-- != 0) *t++ = (uint8_t)value;
  return to;
}

/* The same under the names of the Run-time ABI for the Arm Architecture, section 4.3.4. */
#define ALIAS(name, of) __attribute__((alias(#of))) __typeof__(of) name
ALIAS(__aeabi_memcpy, memcpy);
ALIAS(__aeabi_memcpy4, memcpy);
ALIAS(__aeabi_memcpy8, memcpy);
ALIAS(__aeabi_memmove, memmove);
ALIAS(__aeabi_memmove4, memmove);
ALIAS(__aeabi_memmove8, memmove);

void __aeabi_memset(void* to, size_t bytes, int value) { memset(to, value, bytes); }
void __aeabi_memclr(void* to, size_t bytes) { memset(to, 0, bytes); }
__attribute__((alias("__aeabi_memset"))) void __aeabi_memset4(void*, size_t, int);
__attribute__((alias("__aeabi_memset"))) void __aeabi_memset8(void*, size_t, int);
__attribute__((alias("__aeabi_memclr"))) void __aeabi_memclr4(void*, size_t);
__attribute__((alias("__aeabi_memclr"))) void __aeabi_memclr8(void*, size_t);
