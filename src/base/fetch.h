// Memory that will be read soon is fetched while something else is computed.
#pragma once

#include <cstddef>

namespace mien {

inline void fetch(const void* what, std::size_t size) {
  constexpr std::size_t line = 64;
  const char* bytes = static_cast<const char*>(what);
  for (std::size_t i = 0; i < size; i += line) __builtin_prefetch(bytes + i);
}

}  // namespace mien
