// Tensors a kernel is run on, guarded against a kernel that is wrong.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halyard {

// f32 elements between two inaccessible MiB. The data start is 64-byte aligned and as close to
// the trailing one as that allows; what lies between data and those is for a canary pattern.
class Tensor {
 public:
  // Over MappedBytes(elements) bytes: those of the file `fd` from `offset` on, a multiple of the
  // page size; without a file, its own. Throws std::bad_alloc where there is no memory.
  explicit Tensor(int64_t elements, int fd = -1, int64_t offset = 0);
  ~Tensor();
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;

  static int64_t MappedBytes(int64_t elements);

  float* data() const { return data_; }
  int64_t elements() const { return elements_; }

  // Lays the canary pattern.
  void WriteGuards();
  // Element i becomes CounterUniform(seed, stream, i).
  void FillUniform(uint64_t seed, uint64_t stream);
  // Every element becomes a signalling NaN no arithmetic produces; or element i alone.
  void Poison();
  void Poison(int64_t i);
  bool IsPoison(int64_t i) const;
  struct ScanResult {
    int64_t poison_left = 0;
    int64_t non_finite = 0;
  };
  ScanResult Scan() const;
  bool GuardsIntact() const;
  uint64_t Checksum() const;

 private:
  int64_t elements_ = 0;
  uint8_t* mapping_ = nullptr;  // with both inaccessible ends
  size_t mapping_bytes_ = 0;
  uint8_t* slack_begin_ = nullptr;
  uint8_t* slack_end_ = nullptr;
  float* data_ = nullptr;
};

}  // namespace halyard
