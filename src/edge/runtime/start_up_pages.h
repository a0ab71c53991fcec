// What only the start of a program needed, handed back to the kernel: free pages of the allocator, and the pages of
// code and constants that were mapped along the way (of a program with a verb for everything, most).
//
// Code that runs again is mapped again by a minor fault, from the page cache; nothing is read from disk unless the
// kernel took it meanwhile. Only what equals its file is let go: a page that a debugger or a probe changed keeps its
// whole mapping resident. From any thread, also while others run. Cost: 1 ms, and some hundred minor faults after it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace mien::edge {

struct AddressRange {
  std::uint64_t begin = 0, end = 0;
  friend bool operator==(const AddressRange&, const AddressRange&) = default;
};
// Of the text of /proc/self/smaps: private mappings of files that can not be written and have no page of their own.
[[nodiscard]] std::vector<AddressRange> unchanged_file_mappings(std::string_view smaps);

void release_start_up_pages();

}  // namespace mien::edge
