// Bytes into fewer bytes: an adaptive binary arithmetic coder (Witten, Neal & Cleary 1987, "Arithmetic Coding for Data
// Compression"; carry-free as in Mahoney 2005). Each byte is eight decisions down a tree; each node of a tree learns
// its own odds as it goes, so nothing is stored beside the bytes.
//
// For columns of small numbers of one kind, of some hundred bytes up, where the same bytes are wanted on every machine
// and from every release: what a library makes of a text may change with its version. Whole numbers only. Cost about
// 50 ns a byte either way and, of `one_before`, 256 KiB while it runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mien {

// What a byte is guessed from: nothing, or the byte before it.
enum class Guess : std::uint8_t { alone, one_before };

[[nodiscard]] std::string compress(std::string_view bytes, Guess guess);
// The `size` bytes that compress() was given, under the same guess. Nothing where the code ends before them; other
// damage gives other bytes, so what comes back is checked by who knows what it should be.
[[nodiscard]] std::optional<std::string> expand(std::string_view code, std::size_t size, Guess guess);

}  // namespace mien
