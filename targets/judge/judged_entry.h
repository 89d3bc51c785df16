// What the judge of a run looks after of one entry: fills its inputs, reads what its kernel left in
// its output, and sees whether that is there again each time the kernel is timed.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "targets/judge/entry_tensors.h"
#include "targets/run_protocol.h"

namespace halyard {

class JudgedEntry {
 public:
  // REQUIRES: WhyInvalid(spec) is empty. Throws std::bad_alloc.
  JudgedEntry(const EntrySpec& spec, uint64_t seed, int fd, int64_t offset);

  // One line where an entry makes no sense, else nothing.
  static std::string WhyInvalid(const EntrySpec& spec);

  // Ahead of the checked run: every element of the output is poison.
  void PoisonOutput();
  // Once the kernel's input is prepared.
  void NotePacked();
  // Behind the checked run: what it left, and whether it kept to its output. Keeps what is at some
  // places of the output in memory of the judge's own.
  void ReadOutput(EntryResult* result);
  // Clears guards_intact or inputs_intact where the kernel has since written outside its output.
  void CheckIntegrity(EntryResult* result) const;

  // A run is to write all of the output again. The places are drawn by chance, so that a kernel
  // cannot know where it is looked at. Ahead of a timed run some of them are poisoned...
  void PoisonPlaces();
  // ...and behind it they have to hold what they held behind the checked run.
  bool PlacesAgree() const;
  // Behind a run: whether all of the output is what it was behind the checked one.
  bool OutputAgrees() const;
  // The same while it runs: poisons a place; and whether something was written there since.
  int64_t PoisonOnePlace();
  bool IsRewritten(int64_t place) const { return !tensors_.output->IsPoison(place); }

 private:
  double Projection() const;
  double SecretSum() const;

  struct Place {
    int64_t element;
    float value;  // behind the checked run
  };

  const EntrySpec spec_;
  const uint64_t seed_;
  EntryTensors tensors_;
  std::vector<uint64_t> input_checksums_;
  uint64_t packed_checksum_ = 0;
  std::mt19937_64 chance_;
  std::vector<Place> places_;
  float largest_ = 0;  // magnitude of what was at the places
  uint64_t output_checksum_ = 0;
  double secret_sum_ = 0;
  const uint64_t secret_;
  std::vector<size_t> poisoned_;
};

}  // namespace halyard
