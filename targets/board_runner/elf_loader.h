// Loads an artifact, an ELF64 shared object for this CPU, into the runner itself. A loader of our
// own because a static program has no dynamic linker, and because an artifact may call nothing but
// the functions it is shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace halyard {

class LoadedElf {
 public:
  // Address of a named function, nullptr where artifacts may not call it.
  using Resolver = std::function<void*(const std::string&)>;

  // Maps, relocates and protects the object in `file`. Any malformed or unsupported file gives
  // nullptr and one line in *error; bytes of the file are never trusted as sizes or offsets.
  static std::unique_ptr<LoadedElf> Load(const std::vector<uint8_t>& file, const Resolver& resolve,
                                         std::string* error);
  ~LoadedElf();
  LoadedElf(const LoadedElf&) = delete;
  LoadedElf& operator=(const LoadedElf&) = delete;

  // Address of an exported symbol, nullptr where there is none.
  void* Find(const std::string& symbol) const;

 private:
  friend class ElfReader;
  LoadedElf() = default;

  void* reservation_ = nullptr;
  size_t reserved_bytes_ = 0;
  std::map<std::string, void*> exports_;
};

// Whole file in memory; false and one line in *error where it cannot be read.
bool ReadArtifact(const std::string& path, std::vector<uint8_t>* file, std::string* error);

}  // namespace halyard
