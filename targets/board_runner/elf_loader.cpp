#include "targets/board_runner/elf_loader.h"

#include <elf.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstring>

#include "targets/run_protocol.h"

namespace halyard {
namespace {

// Larger than the largest page size an object may be linked for, so that a segment's alignment
// always holds.
constexpr uint64_t kImageAlign = 64 * 1024;
constexpr uint64_t kMaxImageBytes = 1u << 30;
constexpr uint64_t kPage = 4096;
// A compiler's names are far shorter; what is shown of one is shorter still.
constexpr uint64_t kLongestName = 4096, kLongestShown = 200;

struct RelocationTypes {
  uint16_t machine;
  const char* name;
  uint32_t absolute, glob_dat, jump_slot, relative;
};
constexpr RelocationTypes kX86 = {EM_X86_64,         "x86-64",           R_X86_64_64,
                                  R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT, R_X86_64_RELATIVE};
constexpr RelocationTypes kArm = {EM_AARCH64,         "aarch64",           R_AARCH64_ABS64,
                                  R_AARCH64_GLOB_DAT, R_AARCH64_JUMP_SLOT, R_AARCH64_RELATIVE};
#if defined(__x86_64__)
constexpr RelocationTypes kNative = kX86;
#elif defined(__aarch64__)
constexpr RelocationTypes kNative = kArm;
#else
#error "the board runner knows x86-64 and aarch64"
#endif

std::string MachineName(uint16_t machine) {
  if (machine == kX86.machine) return kX86.name;
  if (machine == kArm.machine) return kArm.name;
  return "machine " + std::to_string(machine);
}

// A name out of the file, for the one line of an error: the reply that carries it is UTF-8.
std::string Shown(const std::string& name) {
  std::string shown = name.substr(0, kLongestShown);
  for (char& c : shown) {
    if (c <= ' ' || c > '~') c = '?';
  }
  return shown;
}

}  // namespace

class ElfReader {
 public:
  ElfReader(const std::vector<uint8_t>& file, const LoadedElf::Resolver& resolve)
      : file_(file), resolve_(resolve), elf_(new LoadedElf) {}

  std::unique_ptr<LoadedElf> Run(std::string* error) {
    if (ReadHeader() && MapSegments() && ReadDynamic() && CountSymbols() &&
        Relocate(rela_, rela_bytes_) && Relocate(plt_rela_, plt_rela_bytes_) && CollectExports() &&
        Protect()) {
      return std::move(elf_);
    }
    *error = error_;
    return nullptr;
  }

 private:
  bool Fail(const std::string& what) {
    error_ = "bad artifact: " + what;
    return false;
  }

  template <typename T>
  bool FromFile(uint64_t offset, T* out) const {
    if (offset > file_.size() || file_.size() - offset < sizeof(T)) return false;
    std::memcpy(out, file_.data() + offset, sizeof(T));
    return true;
  }
  bool InImage(uint64_t vaddr, uint64_t bytes) const {
    return vaddr <= image_bytes_ && bytes <= image_bytes_ - vaddr;
  }
  template <typename T>
  bool FromImage(uint64_t vaddr, T* out) const {
    if (!InImage(vaddr, sizeof(T))) return false;
    std::memcpy(out, image_ + vaddr, sizeof(T));
    return true;
  }

  bool ReadHeader() {
    if (!FromFile(0, &header_)) return Fail("shorter than an ELF header");
    if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) return Fail("no ELF magic");
    if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB) {
      return Fail("not 64-bit little-endian");
    }
    if (header_.e_machine != kNative.machine) {
      return Fail("built for " + MachineName(header_.e_machine) + ", this board is " +
                  kNative.name);
    }
    if (header_.e_type != ET_DYN) return Fail("not a shared object");
    if (header_.e_phentsize != sizeof(Elf64_Phdr)) return Fail("odd program header size");
    uint64_t copied = 0;
    for (uint64_t i = 0; i < header_.e_phnum; ++i) {
      Elf64_Phdr segment;
      if (header_.e_phoff > file_.size() ||
          !FromFile(header_.e_phoff + i * sizeof(segment), &segment)) {
        return Fail("program headers lie outside the file");
      }
      if (segment.p_type == PT_TLS) return Fail("thread-local storage is not supported");
      if (segment.p_type == PT_DYNAMIC) dynamic_ = segment;
      if (segment.p_type != PT_LOAD) continue;
      if (segment.p_filesz > segment.p_memsz || segment.p_offset > file_.size() ||
          segment.p_filesz > file_.size() - segment.p_offset) {
        return Fail("a segment lies outside the file (truncated?)");
      }
      if (segment.p_vaddr > kMaxImageBytes || segment.p_memsz > kMaxImageBytes) {
        return Fail("a segment is too large");
      }
      // Linkers let segments share a page of the file and no more: what is copied is bounded.
      copied += segment.p_filesz;
      if (copied > 2 * file_.size()) return Fail("segments overlap in the file");
      image_bytes_ = std::max(image_bytes_, segment.p_vaddr + segment.p_memsz);
      segments_.push_back(segment);
    }
    if (segments_.empty()) return Fail("no loadable segment");
    if (dynamic_.p_type != PT_DYNAMIC) return Fail("no dynamic section");
    return true;
  }

  bool MapSegments() {
    image_bytes_ = (image_bytes_ + kPage - 1) / kPage * kPage;
    elf_->reserved_bytes_ = image_bytes_ + kImageAlign;
    void* reserved = mmap(nullptr, elf_->reserved_bytes_, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (reserved == MAP_FAILED) return Fail("no memory for the image");
    elf_->reservation_ = reserved;
    const auto start = reinterpret_cast<uintptr_t>(reserved);
    image_ = reinterpret_cast<uint8_t*>((start + kImageAlign - 1) / kImageAlign * kImageAlign);
    for (const Elf64_Phdr& segment : segments_) {
      std::memcpy(image_ + segment.p_vaddr, file_.data() + segment.p_offset, segment.p_filesz);
    }
    return true;
  }

  bool ReadDynamic() {
    for (uint64_t at = dynamic_.p_vaddr;; at += sizeof(Elf64_Dyn)) {
      Elf64_Dyn entry;
      if (at - dynamic_.p_vaddr > dynamic_.p_memsz || !FromImage(at, &entry)) {
        return Fail("the dynamic section has no end");
      }
      const uint64_t value = entry.d_un.d_val;
      switch (entry.d_tag) {
        case DT_NULL:
          return true;
        case DT_SYMTAB:
          symtab_ = value;
          break;
        case DT_STRTAB:
          strtab_ = value;
          break;
        case DT_STRSZ:
          strings_bytes_ = value;
          break;
        case DT_HASH:
          hash_ = value;
          break;
        case DT_GNU_HASH:
          gnu_hash_ = value;
          break;
        case DT_RELA:
          rela_ = value;
          break;
        case DT_RELASZ:
          rela_bytes_ = value;
          break;
        case DT_JMPREL:
          plt_rela_ = value;
          break;
        case DT_PLTRELSZ:
          plt_rela_bytes_ = value;
          break;
        case DT_NEEDED:
          return Fail("it needs another shared library");
        case DT_REL:
        case DT_RELR:
          return Fail("unsupported relocation table");
        case DT_INIT:
        case DT_INIT_ARRAY:
          return Fail("it has initialisers");
        default:
          break;
      }
    }
  }

  // A table of so many bytes came with the file: zeros beyond it are no entries, and would be gone
  // through for seconds.
  bool FitsFile(uint64_t bytes) const { return bytes <= file_.size(); }

  // The symbol table's length is told by its hash table only.
  bool CountSymbols() {
    if (symtab_ == 0 || strtab_ == 0 || !InImage(strtab_, strings_bytes_)) {
      return Fail("no symbol table");
    }
    if (hash_ != 0) {
      uint32_t chains = 0;
      if (!FromImage(hash_ + 4, &chains)) return Fail("bad hash table");
      symbols_ = chains;
    } else if (gnu_hash_ != 0) {
      if (!CountByGnuHash()) return Fail("bad GNU hash table");
    } else {
      return Fail("no symbol hash table");
    }
    const uint64_t bytes = symbols_ * sizeof(Elf64_Sym);
    if (!FitsFile(bytes) || !InImage(symtab_, bytes)) return Fail("bad symbol count");
    return true;
  }

  bool CountByGnuHash() {
    uint32_t buckets = 0, first = 0, bloom_words = 0;
    if (!FromImage(gnu_hash_, &buckets) || !FromImage(gnu_hash_ + 4, &first) ||
        !FromImage(gnu_hash_ + 8, &bloom_words)) {
      return false;
    }
    const uint64_t bucket_at = gnu_hash_ + 16 + uint64_t{8} * bloom_words;
    const uint64_t bucket_bytes = uint64_t{4} * buckets;
    if (!FitsFile(bucket_bytes) || !InImage(bucket_at, bucket_bytes)) return false;
    const uint64_t chain_at = bucket_at + bucket_bytes;
    symbols_ = first;
    for (uint64_t i = 0; i < buckets; ++i) {
      uint32_t last = 0;
      if (!FromImage(bucket_at + 4 * i, &last)) return false;
      symbols_ = std::max<uint64_t>(symbols_, last);
    }
    // From the highest bucket's first symbol its chain runs to the table's last symbol.
    for (; symbols_ >= first && FitsFile(symbols_ * sizeof(Elf64_Sym)); ++symbols_) {
      uint32_t link = 0;
      if (!FromImage(chain_at + 4 * (symbols_ - first), &link))
        return buckets == 0 || symbols_ == first;
      if ((link & 1) != 0) break;
    }
    ++symbols_;
    return true;
  }

  bool Symbol(uint64_t index, Elf64_Sym* symbol, std::string* name) {
    if (index >= symbols_ || !FromImage(symtab_ + index * sizeof(Elf64_Sym), symbol) ||
        symbol->st_name >= strings_bytes_) {
      return Fail("a symbol lies outside its table");
    }
    const char* text = reinterpret_cast<const char*>(image_ + strtab_ + symbol->st_name);
    const size_t length = strnlen(text, strings_bytes_ - symbol->st_name);
    if (length > kLongestName) return Fail("a symbol's name is too long");
    *name = std::string(text, length);
    return true;
  }

  bool SymbolValue(uint64_t index, uint64_t* value) {
    Elf64_Sym symbol;
    std::string name;
    if (!Symbol(index, &symbol, &name)) return false;
    if (symbol.st_shndx != SHN_UNDEF) {
      if (!InImage(symbol.st_value, 0))
        return Fail("symbol " + Shown(name) + " lies outside the image");
      *value = reinterpret_cast<uintptr_t>(image_) + symbol.st_value;
      return true;
    }
    *value = reinterpret_cast<uintptr_t>(resolve_(name));
    if (*value == 0 && ELF64_ST_BIND(symbol.st_info) != STB_WEAK) {
      return Fail("undefined symbol " + Shown(name));
    }
    return true;
  }

  bool Relocate(uint64_t table, uint64_t bytes) {
    if (!FitsFile(bytes) || !InImage(table, bytes)) {
      return Fail("a relocation table lies outside the image");
    }
    for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= bytes; at += sizeof(Elf64_Rela)) {
      Elf64_Rela rela;
      if (!FromImage(table + at, &rela)) return Fail("a relocation lies outside the image");
      const uint32_t type = ELF64_R_TYPE(rela.r_info);
      uint64_t value = 0;
      if (type == kNative.relative) {
        value = reinterpret_cast<uintptr_t>(image_) + rela.r_addend;
      } else if (type == kNative.absolute || type == kNative.glob_dat ||
                 type == kNative.jump_slot) {
        if (!SymbolValue(ELF64_R_SYM(rela.r_info), &value)) return false;
        value += rela.r_addend;
      } else {
        return Fail("unsupported relocation type " + std::to_string(type));
      }
      if (!InImage(rela.r_offset, 8)) return Fail("a relocation's place lies outside the image");
      std::memcpy(image_ + rela.r_offset, &value, 8);
    }
    return true;
  }

  bool CollectExports() {
    for (uint64_t i = 1; i < symbols_; ++i) {
      Elf64_Sym symbol;
      std::string name;
      if (!Symbol(i, &symbol, &name)) return false;
      if (symbol.st_shndx == SHN_UNDEF || !InImage(symbol.st_value, 1)) continue;
      elf_->exports_.emplace(std::move(name), image_ + symbol.st_value);
    }
    return true;
  }

  bool Protect() {
    for (const Elf64_Phdr& segment : segments_) {
      const uint64_t begin = segment.p_vaddr / kPage * kPage;
      const uint64_t end = (segment.p_vaddr + segment.p_memsz + kPage - 1) / kPage * kPage;
      const int protection = ((segment.p_flags & PF_R) != 0 ? PROT_READ : 0) |
                             ((segment.p_flags & PF_W) != 0 ? PROT_WRITE : 0) |
                             ((segment.p_flags & PF_X) != 0 ? PROT_EXEC : 0);
      if (mprotect(image_ + begin, end - begin, protection) != 0) {
        return Fail("cannot protect a segment");
      }
    }
    __builtin___clear_cache(reinterpret_cast<char*>(image_),
                            reinterpret_cast<char*>(image_) + image_bytes_);
    return true;
  }

  const std::vector<uint8_t>& file_;
  const LoadedElf::Resolver& resolve_;
  std::unique_ptr<LoadedElf> elf_;
  std::string error_;
  Elf64_Ehdr header_ = {};
  Elf64_Phdr dynamic_ = {};
  std::vector<Elf64_Phdr> segments_;
  uint8_t* image_ = nullptr;
  uint64_t image_bytes_ = 0;
  uint64_t symtab_ = 0, strtab_ = 0, strings_bytes_ = 0, hash_ = 0, gnu_hash_ = 0, symbols_ = 0;
  uint64_t rela_ = 0, rela_bytes_ = 0, plt_rela_ = 0, plt_rela_bytes_ = 0;
};

std::unique_ptr<LoadedElf> LoadedElf::Load(const std::vector<uint8_t>& file,
                                           const Resolver& resolve, std::string* error) {
  return ElfReader(file, resolve).Run(error);
}

LoadedElf::~LoadedElf() {
  if (reservation_ != nullptr) munmap(reservation_, reserved_bytes_);
}

void* LoadedElf::Find(const std::string& symbol) const {
  const auto it = exports_.find(symbol);
  return it == exports_.end() ? nullptr : it->second;
}

bool ReadArtifact(const std::string& path, std::vector<uint8_t>* file, std::string* error) {
  std::FILE* f = std::fopen(path.c_str(), "rb");
  if (f == nullptr) {
    *error = "cannot open the artifact " + path;
    return false;
  }
  file->clear();
  uint8_t chunk[65536];
  size_t n = 0;
  while ((n = std::fread(chunk, 1, sizeof(chunk), f)) > 0 &&
         static_cast<int64_t>(file->size()) <= kMostArtifactBytes) {
    file->insert(file->end(), chunk, chunk + n);
  }
  std::fclose(f);
  if (static_cast<int64_t>(file->size()) > kMostArtifactBytes) {
    *error = "the artifact is larger than " + std::to_string(kMostArtifactBytes >> 20) + " MiB";
    return false;
  }
  return true;
}

}  // namespace halyard
