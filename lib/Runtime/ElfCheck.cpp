#include "ElfCheck.h"
#include <cstring>
#include <elf.h>
#include <optional>
#include <vector>

namespace attnc {
namespace {

Error bad(std::string_view why) {
  return makeError(ErrorKind::Format, "the package's code is not a valid shared object: ", why);
}

class Object {
public:
  explicit Object(std::span<const std::byte> bytes) : bytes(bytes) {}

  Status check() {
    ATTNC_CHECK(readHeaders());
    ATTNC_CHECK(readDynamic());
    return checkSymbols();
  }

private:
  template <class T> std::optional<T> at(uint64_t offset) const {
    if (offset > bytes.size() || sizeof(T) > bytes.size() - offset)
      return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  }
  /// Something at an address of the loaded image, read from the file.
  template <class T> std::optional<T> atAddress(uint64_t address) const {
    for (auto &s : segments)
      if (address >= s.p_vaddr && address - s.p_vaddr < s.p_filesz &&
          sizeof(T) <= s.p_filesz - (address - s.p_vaddr))
        return at<T>(s.p_offset + (address - s.p_vaddr));
    return std::nullopt;
  }

  Status readHeaders() {
    auto header = at<Elf64_Ehdr>(0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
      return bad("no ELF header");
#if defined(__aarch64__)
    constexpr int machine = EM_AARCH64;
#else
    constexpr int machine = EM_X86_64;
#endif
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_type != ET_DYN || header->e_machine != machine ||
        header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > 64)
      return bad("it is for another machine, or no shared object");
    for (unsigned i = 0; i < header->e_phnum; ++i) {
      auto segment = at<Elf64_Phdr>(header->e_phoff + i * sizeof(Elf64_Phdr));
      if (!segment || segment->p_offset > bytes.size() || segment->p_filesz > bytes.size() - segment->p_offset)
        return bad("a segment lies outside the file");
      if (segment->p_type == PT_INTERP || segment->p_type == PT_TLS ||
          (segment->p_type == PT_GNU_STACK && segment->p_flags & PF_X))
        return bad("it has an interpreter, thread-local storage or an executable stack");
      constexpr uint64_t most = uint64_t(1) << 40;
      if (segment->p_vaddr > most || segment->p_memsz > most || segment->p_filesz > segment->p_memsz)
        return bad("a segment has an impossible size");
      if (segment->p_type == PT_LOAD)
        segments.push_back(*segment);
      if (segment->p_type == PT_DYNAMIC)
        dynamic = *segment;
    }
    return segments.empty() || !dynamic ? Status(bad("it has no dynamic section")) : Status();
  }

  Status readDynamic() {
    for (uint64_t at_ = 0; at_ + sizeof(Elf64_Dyn) <= dynamic->p_filesz; at_ += sizeof(Elf64_Dyn)) {
      auto entry = at<Elf64_Dyn>(dynamic->p_offset + at_);
      if (!entry || entry->d_tag == DT_NULL)
        break;
      switch (entry->d_tag) {
      case DT_NEEDED: return bad("it needs another library");
      case DT_INIT:
      case DT_FINI:
      case DT_INIT_ARRAY:
      case DT_FINI_ARRAY:
      case DT_PREINIT_ARRAY:
        return bad("it runs code at load");
      case DT_SYMTAB: symbols = entry->d_un.d_ptr; break;
      case DT_GNU_HASH: gnuHash = entry->d_un.d_ptr; break;
      case DT_HASH: hash = entry->d_un.d_ptr; break;
      case DT_FLAGS_1:
        // dlclose must unload it.
        if (entry->d_un.d_val & DF_1_NODELETE)
          return bad("it cannot be unloaded");
        break;
      default: break;
      }
    }
    return {};
  }

  /// Symbols in the dynamic table: as many as the old hash table has chains, or up to the last one
  /// that the GNU hash table reaches (undefined ones come before those).
  std::optional<uint64_t> countSymbols() const {
    if (hash)
      return atAddress<uint32_t>(hash + 4);
    auto buckets = atAddress<uint32_t>(gnuHash), first = atAddress<uint32_t>(gnuHash + 4),
         bloom = atAddress<uint32_t>(gnuHash + 8);
    if (!gnuHash || !buckets || !first || !bloom || *buckets > bytes.size() || *bloom > bytes.size())
      return std::nullopt;
    uint64_t bucketsAt = gnuHash + 16 + uint64_t(*bloom) * 8, chains = bucketsAt + uint64_t(*buckets) * 4;
    uint64_t last = *first;
    bool any = false;
    for (uint64_t i = 0; i < *buckets; ++i) {
      auto bucket = atAddress<uint32_t>(bucketsAt + i * 4);
      if (!bucket)
        return std::nullopt;
      any |= *bucket != 0;
      last = std::max<uint64_t>(last, *bucket);
    }
    if (!any)
      return *first;
    for (;; ++last) {
      auto link = atAddress<uint32_t>(chains + (last - *first) * 4);
      if (!link)
        return std::nullopt;
      if (*link & 1)
        return last + 1;
    }
  }

  Status checkSymbols() const {
    auto count = countSymbols();
    if (!symbols || !count)
      return bad("its symbol table cannot be read");
    for (uint64_t i = 1; i < *count; ++i) {
      auto symbol = atAddress<Elf64_Sym>(symbols + i * sizeof(Elf64_Sym));
      if (!symbol)
        return bad("its symbol table cannot be read");
      if (symbol->st_shndx == SHN_UNDEF)
        return bad("it has an undefined symbol");
      if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC)
        return bad("it runs code at load");
    }
    return {};
  }

  std::span<const std::byte> bytes;
  std::vector<Elf64_Phdr> segments;
  std::optional<Elf64_Phdr> dynamic;
  uint64_t symbols = 0, gnuHash = 0, hash = 0;
};

} // namespace

Status checkSharedObject(std::span<const std::byte> object) { return Object(object).check(); }

} // namespace attnc
