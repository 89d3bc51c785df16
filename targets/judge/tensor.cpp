#include "targets/judge/tensor.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "targets/counter_rng.h"

namespace halyard {
namespace {

constexpr uint8_t kCanary = 0xC5;
// Quiet bit clear: arithmetic that reads it gives a quiet NaN, so this pattern in an output means
// that nothing was stored there.
constexpr uint32_t kPoison = 0x7fa5a5a5u;
constexpr uint32_t kExponent = 0x7f800000u;
constexpr int64_t kAlign = 64;
// Inaccessible bytes on either side, which cost address space only: a kernel that is wrong is so by
// a row or a tile, which would step over a single page. A multiple of every Linux page size.
constexpr size_t kGuard = 1 << 20;

bool AllCanary(const uint8_t* begin, const uint8_t* end) {
  return std::all_of(begin, end, [](uint8_t b) { return b == kCanary; });
}

int64_t RoundUp(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

int64_t DataBytes(int64_t elements) {
  return RoundUp(elements * static_cast<int64_t>(sizeof(float)), kAlign);
}

}  // namespace

// At least a cache line of canary in front, whatever the size.
int64_t Tensor::MappedBytes(int64_t elements) {
  return RoundUp(DataBytes(elements) + kAlign, sysconf(_SC_PAGESIZE));
}

Tensor::Tensor(int64_t elements, int fd, int64_t offset) : elements_(elements) {
  const auto inner = static_cast<size_t>(MappedBytes(elements));
  mapping_bytes_ = inner + 2 * kGuard;
  void* p = mmap(nullptr, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<uint8_t*>(p);
  slack_begin_ = mapping_ + kGuard;
  slack_end_ = slack_begin_ + inner;
  constexpr int kUse = PROT_READ | PROT_WRITE;
  const bool mapped =
      fd < 0 ? mprotect(slack_begin_, inner, kUse) == 0
             : mmap(slack_begin_, inner, kUse, MAP_SHARED | MAP_FIXED, fd, offset) != MAP_FAILED;
  if (!mapped) {
    munmap(mapping_, mapping_bytes_);
    throw std::bad_alloc();
  }
  data_ = reinterpret_cast<float*>(slack_end_ - DataBytes(elements));
}

Tensor::~Tensor() { munmap(mapping_, mapping_bytes_); }

void Tensor::WriteGuards() {
  std::memset(slack_begin_, kCanary, reinterpret_cast<uint8_t*>(data_) - slack_begin_);
  uint8_t* data_end = reinterpret_cast<uint8_t*>(data_ + elements_);
  std::memset(data_end, kCanary, slack_end_ - data_end);
}

void Tensor::FillUniform(uint64_t seed, uint64_t stream) {
  for (int64_t i = 0; i < elements_; ++i) {
    data_[i] = CounterUniform(seed, stream, static_cast<uint64_t>(i));
  }
}

void Tensor::Poison() {
  auto* words = reinterpret_cast<uint32_t*>(data_);
  std::fill(words, words + elements_, kPoison);
}

void Tensor::Poison(int64_t i) {
  // Another process may be writing there.
  reinterpret_cast<volatile uint32_t*>(data_)[i] = kPoison;
}

bool Tensor::IsPoison(int64_t i) const {
  return reinterpret_cast<const volatile uint32_t*>(data_)[i] == kPoison;
}

Tensor::ScanResult Tensor::Scan() const {
  ScanResult result;
  for (int64_t i = 0; i < elements_; ++i) {
    uint32_t bits;
    std::memcpy(&bits, data_ + i, sizeof(bits));
    result.poison_left += bits == kPoison;
    result.non_finite += (bits & kExponent) == kExponent;
  }
  return result;
}

bool Tensor::GuardsIntact() const {
  return AllCanary(slack_begin_, reinterpret_cast<const uint8_t*>(data_)) &&
         AllCanary(reinterpret_cast<const uint8_t*>(data_ + elements_), slack_end_);
}

uint64_t Tensor::Checksum() const {
  uint64_t sum = 0x9e3779b97f4a7c15ull;
  for (int64_t i = 0; i < elements_; ++i) {
    uint32_t bits;
    std::memcpy(&bits, data_ + i, sizeof(bits));
    sum = std::rotl(sum, 5) ^ (bits * 0xbf58476d1ce4e5b9ull);
  }
  return sum;
}

}  // namespace halyard
