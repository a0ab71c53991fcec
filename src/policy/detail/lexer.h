// The words of an expression: numbers with their units, texts in quotes, names and signs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mien::policy::detail {

enum class TokenKind : std::uint8_t { number, text, name, sign, end };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;  // of a text: without its quotes
  std::size_t begin = 0;  // offsets in the expression, with the quotes
  std::size_t finish = 0;
};

// Errors: invalid, `where` is "column N". The last token is `end`. Tokens point into `text`.
[[nodiscard]] Result<std::vector<Token>> tokenize(std::string_view text);

[[nodiscard]] Error error_at(std::size_t offset, std::string message);

}  // namespace mien::policy::detail
