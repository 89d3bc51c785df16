// Counter-based random numbers: value i of a stream is a pure function of (seed, stream, i), so a
// board and the host generate the same tensors without sending them, element by element and in any
// order. The mixer is SplitMix64's finaliser (Steele, Lea, Flood, "Fast Splittable Pseudorandom
// Number Generators", OOPSLA 2014).
#pragma once

#include <stdint.h>  // not <cstdint>: firmware is compiled without a C++ library

namespace halyard {

inline uint64_t Mix64(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

inline uint64_t CounterBits(uint64_t seed, uint64_t stream, uint64_t index) {
  const uint64_t key = Mix64(seed + 0x9e3779b97f4a7c15ull * (stream + 1));
  return Mix64(key + 0x9e3779b97f4a7c15ull * (index + 1));
}

// Uniform in [-1, 1), a multiple of 2^-23, exact in float.
inline float CounterUniform(uint64_t seed, uint64_t stream, uint64_t index) {
  const auto top24 = static_cast<int32_t>(CounterBits(seed, stream, index) >> 40);
  return static_cast<float>(top24 - (1 << 23)) * (1.0f / (1 << 23));
}

// Weight of index `i` along dimension `dim` in the whole-output projection: +1 or -1.
inline double ProjectionSign(uint64_t seed, uint64_t dim, uint64_t i) {
  return (CounterBits(seed, 1000 + dim, i) >> 63) != 0 ? 1.0 : -1.0;
}

}  // namespace halyard
