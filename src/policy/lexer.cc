#include "policy/detail/lexer.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace mien::policy::detail {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_part(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

// What stands below the line of a rate: `200MB/s`, `1/week`.
constexpr std::array<std::string_view, 9> periods{"s", "min", "minute", "h", "hour", "d", "day", "w", "week"};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> out;
    while (true) {
      while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
      if (at_ == text_.size()) break;
      out.push_back(TRY(next()));
    }
    out.push_back({.kind = TokenKind::end, .text = {}, .begin = at_, .finish = at_});
    return out;
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] Token token_since(std::size_t begin, TokenKind kind) const {
    return {.kind = kind, .text = text_.substr(begin, at_ - begin), .begin = begin, .finish = at_};
  }

  Result<Token> next() {
    char c = peek();
    if (c == '\'' || c == '"') return quoted();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (is_letter(c) || c == '_') return name();
    return sign();
  }

  Result<Token> quoted() {
    std::size_t begin = at_;
    std::size_t end = text_.find(text_[begin], begin + 1);
    if (end == std::string_view::npos) return error_at(begin, "a text begins here and never ends: close its quotes");
    at_ = end + 1;
    return Token{
        .kind = TokenKind::text, .text = text_.substr(begin + 1, end - begin - 1), .begin = begin, .finish = at_};
  }

  // Digits, a unit, and what the unit is per: 0.6, 1e-9, 80%, 1h30m, 200MB/s, 1/week.
  Token number() {
    std::size_t begin = at_;
    bool plain = true;  // only digits and points so far
    while (true) {
      char c = peek();
      bool exponent = plain && (c == 'e' || c == 'E') && (peek(1) == '-' || peek(1) == '+') && is_digit(peek(2));
      if (exponent) at_ += 2;
      else if (is_digit(c) || is_letter(c) || c == '.') ++at_;
      else break;
      plain = plain && (is_digit(c) || c == '.');
    }
    if (peek() == '%') ++at_;
    else if (peek() == '/') skip_period();
    return token_since(begin, TokenKind::number);
  }

  void skip_period() {
    std::size_t length = 0;
    while (is_name_part(peek(1 + length)) || peek(1 + length) == '.') ++length;
    std::string_view word = text_.substr(at_ + 1, length);
    bool called = peek(1 + length) == '(';
    if (!called && std::find(periods.begin(), periods.end(), word) != periods.end()) at_ += 1 + length;
  }

  Result<Token> name() {
    std::size_t begin = at_;
    while (is_name_part(peek()) || (peek() == '.' && is_name_part(peek(1)))) ++at_;
    Token token = token_since(begin, TokenKind::name);
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> words{
        {{"and", "&&"}, {"or", "||"}, {"not", "!"}, {"AND", "&&"}, {"OR", "||"}, {"NOT", "!"}}};
    for (const auto& [word, meant] : words)
      if (token.text == word) return error_at(begin, cat("`", word, "` is written ", meant, " here"));
    return token;
  }

  Result<Token> sign() {
    std::size_t begin = at_;
    constexpr std::array<std::string_view, 6> pairs{"&&", "||", "<=", ">=", "==", "!="};
    for (std::string_view pair : pairs) {
      if (text_.substr(at_, 2) != pair) continue;
      at_ += 2;
      return token_since(begin, TokenKind::sign);
    }
    char c = peek();
    if (std::string_view("<>!+-*/(),.").find(c) != std::string_view::npos) {
      ++at_;
      return token_since(begin, TokenKind::sign);
    }
    if (c == '&' || c == '|' || c == '=') return error_at(begin, cat("`", c, "` stands alone: write ", c, c));
    bool printable = c > ' ' && c < 0x7F;
    return error_at(begin, printable ? cat("`", c, "` has no meaning here")
                                     : std::string("this character has no meaning outside a text"));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Error error_at(std::size_t offset, std::string message) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = cat("column ", offset + 1), .cause = {}};
}

Result<std::vector<Token>> tokenize(std::string_view text) { return Lexer(text).run(); }

}  // namespace mien::policy::detail
