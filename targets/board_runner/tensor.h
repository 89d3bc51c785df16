// Tensors a kernel is run on, guarded against a kernel that is wrong.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halyard {

// f32 elements between two inaccessible MiB. The data start is 64-byte aligned and as close to
// the trailing one as that allows; what lies between data and those holds a canary pattern.
// Throws std::bad_alloc where there is no memory.
class Tensor {
 public:
  explicit Tensor(int64_t elements);
  ~Tensor();
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;

  float* data() const { return data_; }
  int64_t elements() const { return elements_; }

  // Element i becomes CounterUniform(seed, stream, i).
  void FillUniform(uint64_t seed, uint64_t stream);
  // Every element becomes a signalling NaN no arithmetic produces.
  void Poison();
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
