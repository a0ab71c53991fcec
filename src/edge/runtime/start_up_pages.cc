#include "edge/runtime/start_up_pages.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "edge/collect/kernel_file.h"
#include "edge/collect/procfs.h"

namespace mien::edge {
namespace {

std::optional<std::uint64_t> parse_address(std::string_view text) {
  std::uint64_t out = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  if (text.empty() || failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// "7f00-7f80 r-xp 0000 08:01 42   /usr/lib/libc.so.6"; nothing for the other lines of smaps, and for other mappings.
std::optional<AddressRange> file_mapping(std::string_view line) {
  std::string_view range = next_word(line);
  std::string_view access = next_word(line);
  std::size_t dash = range.find('-');
  if (dash == std::string_view::npos || (access != "r-xp" && access != "r--p")) return std::nullopt;
  for (int skipped = 0; skipped < 3; ++skipped) next_word(line);  // offset, device, inode
  auto begin = parse_address(range.substr(0, dash));
  auto end = parse_address(range.substr(dash + 1));
  if (!begin || !end || *begin >= *end || !next_word(line).starts_with('/')) return std::nullopt;
  return AddressRange{.begin = *begin, .end = *end};
}

// The dynamic linker's lock is held: nothing that is named here can be unloaded, and another mapping take its place.
int release_of(dl_phdr_info* object, std::size_t, void* unchanged) {
  const auto& ranges = *static_cast<const std::vector<AddressRange>*>(unchanged);
  static const auto page = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_PAGESIZE)));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
    std::uint64_t begin = (object->dlpi_addr + part.p_vaddr) / page * page;
    std::uint64_t end = (object->dlpi_addr + part.p_vaddr + part.p_memsz + page - 1) / page * page;
    auto whole = std::find(ranges.begin(), ranges.end(), AddressRange{.begin = begin, .end = end});
    // Refused (locked pages): they stay.
    if (whole != ranges.end()) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

std::vector<AddressRange> unchanged_file_mappings(std::string_view smaps) {
  std::vector<AddressRange> out;
  std::optional<AddressRange> mapping;
  std::string_view line;
  while (next_line(smaps, line)) {
    std::string_view rest = line;
    std::string_view first = next_word(rest);
    if (!first.ends_with(':')) mapping = file_mapping(line);
    else if (first == "Anonymous:" && mapping && next_word(rest) == "0") out.push_back(*mapping);
  }
  return out;
}

void release_start_up_pages() {
  ::malloc_trim(0);
  std::vector<AddressRange> unchanged = unchanged_file_mappings(read_text("/proc/self/smaps").value_or(std::string{}));
  ::dl_iterate_phdr(&release_of, &unchanged);
}

}  // namespace mien::edge
