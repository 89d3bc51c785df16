#include "tests/fuzz/elf_mutation.h"

#include <cstring>
#include <random>

#include "tests/fuzz/json_mutation.h"

namespace halyard {
namespace {

// Headers and the tables that a loader reads lie at the beginning, as linkers write them.
constexpr size_t kTables = 1024;

uint64_t Odd(std::mt19937& random, uint64_t before, size_t size) {
  const uint64_t some[] = {0,
                           1,
                           2,
                           size,
                           size - 1,
                           size + 1,
                           size / 2,
                           before + 1,
                           before - 1,
                           before * 2,
                           before + 4096,
                           uint64_t{1} << random() % 64,
                           (uint64_t{1} << random() % 64) - 1,
                           ~uint64_t{0} - random() % 64,
                           random() % (size + 1),
                           random()};
  return some[random() % std::size(some)];
}

// A piece of the file goes over another of the same alignment: a table's entry over another's.
void CopyPiece(uint8_t* data, size_t size, std::mt19937& random) {
  const size_t bytes = size_t{8} << random() % 4;
  if (size < bytes) return;
  const size_t from = random() % (size - bytes + 1) & ~size_t{7};
  const size_t to = random() % (size - bytes + 1) & ~size_t{7};
  std::memmove(data + to, data + from, bytes);
}

}  // namespace

size_t MutateElf(uint8_t* data, size_t size, size_t most, unsigned seed) {
  std::mt19937 random(seed);
  if (size < 64 || random() % 8 == 0) return LLVMFuzzerMutate(data, size, most);
  for (unsigned i = 0; i < 1 + random() % 3; ++i) {
    if (random() % 8 == 0) {
      CopyPiece(data, size, random);
      continue;
    }
    const size_t width = size_t{2} << random() % 3;
    const size_t end = (random() % 4 != 0 && size > kTables ? kTables : size) / width;
    uint8_t* const at = data + random() % end * width;
    uint64_t value = 0;
    std::memcpy(&value, at, width);  // little-endian, as the files are
    value = Odd(random, value, size);
    std::memcpy(at, &value, width);
  }
  return size;
}

}  // namespace halyard
