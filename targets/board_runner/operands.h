// The tensors one entry is run on, and what is found in them afterwards.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "targets/board_runner/tensor.h"
#include "targets/run_protocol.h"

namespace halyard {

// Where an entry's tensors lie in a file that judge and worker share: inputs, what is prepared, the
// output, one behind the other from `begin`.
struct SharedLayout {
  SharedLayout(const EntrySpec& spec, int64_t begin);
  std::vector<int64_t> inputs;
  int64_t packed = 0;
  int64_t output = 0;
  int64_t end = 0;
};

// Where tensors may begin behind so many other bytes of that file.
int64_t TensorsBegin(int64_t bytes);

class Operands {
 public:
  // One line about what makes no sense in `spec`; empty: it does.
  static std::string Problem(const EntrySpec& spec);

  // In memory of this process. REQUIRES: Problem(spec) is empty. Both throw std::bad_alloc where
  // the tensors do not fit.
  Operands(const EntrySpec& spec, uint64_t seed);
  // In `file`; the judge fills the inputs.
  Operands(const EntrySpec& spec, uint64_t seed, int file, const SharedLayout& layout);

  const EntrySpec& spec() const { return spec_; }
  const std::vector<std::unique_ptr<Tensor>>& inputs() const { return inputs_; }
  const Tensor* packed() const { return packed_.get(); }  // nullptr: nothing is prepared
  const Tensor& output() const { return *output_; }

  void PoisonOutput() { output_->Poison(); }
  void PoisonPacked();
  // What is prepared may not change after this.
  void KeepPacked();

  // Reads a byte of each cache line of what the kernel is given, the output last.
  void TouchOperands() const;
  // Counts what is unwritten and not finite, and checks the integrity.
  void Scan(EntryResult* result) const;
  // That, and what the host judges by.
  void ReadOutput(EntryResult* result) const;

  // Puts a wrong but plausible value into some elements of the output, drawn anew each time, that
  // the next run has to put right: too few to be felt in the caches, enough that a kernel which
  // does a tenth of its work is caught within some samples.
  void PlaceDecoys();
  // How many of them the run has left.
  int64_t DecoysLeft() const;

 private:
  Operands(const EntrySpec& spec, uint64_t seed,
           std::unique_ptr<Tensor> (*make)(int64_t, int, int64_t), int file,
           const SharedLayout& layout);
  void CheckIntegrity(EntryResult* result) const;
  double Projection() const;

  struct Decoy {
    int64_t element;
    float right;
    float placed;
  };
  EntrySpec spec_;
  uint64_t seed_ = 0;
  std::vector<std::unique_ptr<Tensor>> inputs_;
  std::vector<uint64_t> input_checksums_;
  std::unique_ptr<Tensor> packed_;
  uint64_t packed_checksum_ = 0;
  std::unique_ptr<Tensor> output_;
  std::vector<Decoy> decoys_;
  std::random_device draw_;  // nothing that a kernel could foresee
};

// True where the answer may still be right, so that timing it means something.
bool WorthTiming(const EntryResult& result);

}  // namespace halyard
