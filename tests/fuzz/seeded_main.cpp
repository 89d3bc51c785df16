// Runs a fuzz target without libFuzzer, so that any compiler's build does it as a test: over its
// corpus, then over mutations of that, whose random numbers have a fixed seed.
//
//   tracker_fuzz CORPUS [EXECUTIONS [ONLY]]      ONLY: the one execution of that number
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);
// Of targets whose input has a structure.
extern "C" __attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size,
                                                                size_t most, unsigned seed);

namespace {

constexpr size_t kMostBytes = 4096;
constexpr unsigned kSeed = 20'240'901;

std::mt19937 bytes_random;  // of LLVMFuzzerMutate, which has no argument for it
char crash_line[160];       // written by a signal's handler, which may not format

void Report(int signal_number) {
  if (write(STDERR_FILENO, crash_line, std::strlen(crash_line)) < 0) _exit(1);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

std::vector<std::string> ReadCorpus(const std::string& folder) {
  std::vector<std::string> names, inputs;
  for (const auto& file : std::filesystem::directory_iterator(folder)) names.push_back(file.path());
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    std::ifstream file(name, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

void RunOne(const std::string& input) {
  // Of its own size, so that a read beyond it is seen.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::string Mutated(const std::vector<std::string>& corpus, std::mt19937& random) {
  std::string input = corpus[random() % corpus.size()];
  const size_t most = std::max(kMostBytes, input.size());
  const size_t rounds = size_t{1} << random() % 4;
  for (size_t i = 0; i < rounds; ++i) {
    const size_t size = input.size();
    input.resize(most);
    auto* data = reinterpret_cast<uint8_t*>(input.data());
    const unsigned seed = random();
    bytes_random.seed(seed);
    input.resize(LLVMFuzzerCustomMutator != nullptr
                     ? LLVMFuzzerCustomMutator(data, size, most, seed)
                     : LLVMFuzzerMutate(data, size, most));
  }
  return input;
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most) {
  std::mt19937& random = bytes_random;
  const size_t at = size == 0 ? 0 : random() % size;
  switch (random() % 5) {
    case 0:  // inserts some bytes
      for (size_t n = 1 + random() % 8; n > 0 && size < most; --n, ++size) {
        std::memmove(data + at + 1, data + at, size - at);
        data[at] = static_cast<uint8_t>(random());
      }
      return size;
    case 1: {  // takes some away
      const size_t n = std::min<size_t>(size - at, 1 + random() % 8);
      std::memmove(data + at, data + at + n, size - at - n);
      return size - n;
    }
    case 2: {  // copies a piece elsewhere
      if (size == 0) return 0;
      const size_t to = random() % size;
      const size_t n = std::min(size - std::max(at, to), size_t{1} + random() % 16);
      std::memmove(data + to, data + at, n);
      return size;
    }
    case 3:
      if (size > 0) data[at] = static_cast<uint8_t>(data[at] ^ 1U << random() % 8);
      return size;
    default:
      if (size > 0) data[at] = static_cast<uint8_t>(random());
      return size;
  }
}

int main(int argc, char** argv) {
  const auto number = [&](int i, uint64_t otherwise) {
    if (i >= argc) return otherwise;
    uint64_t n = 0;
    const char* end = argv[i] + std::strlen(argv[i]);
    if (std::from_chars(argv[i], end, n).ptr != end) {
      std::fprintf(stderr, "%s: '%s' is no number\n", argv[0], argv[i]);
      _exit(2);
    }
    return n;
  };
  if (argc < 2 || argc > 4 || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr, "usage: %s CORPUS [EXECUTIONS [ONLY]]; CORPUS is a folder\n", argv[0]);
    return 2;
  }
  const uint64_t executions = number(2, 1000), only = number(3, UINT64_MAX);
  const std::vector<std::string> corpus = ReadCorpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: the corpus %s is empty\n", argv[0], argv[1]);
    return 2;
  }
  for (const int crash : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) signal(crash, Report);
  for (uint64_t i = 0; i < executions + corpus.size(); ++i) {
    if (only != UINT64_MAX && i != only) continue;
    std::snprintf(crash_line, sizeof crash_line,
                  "\nexecution %llu failed; again with the arguments CORPUS %llu %llu\n",
                  static_cast<unsigned long long>(i), static_cast<unsigned long long>(executions),
                  static_cast<unsigned long long>(i));
    std::mt19937 random(kSeed + static_cast<unsigned>(i));
    RunOne(i < corpus.size() ? corpus[i] : Mutated(corpus, random));
  }
  std::printf("%zu inputs of the corpus, %llu mutations of them: nothing found\n", corpus.size(),
              static_cast<unsigned long long>(executions));
  return 0;
}
