#include "wire/diagnostic.h"

#include <algorithm>

#include "base/text.h"
#include "wire/detail/source_text.h"

namespace mien::wire {
namespace {

struct Paint {
  std::string_view bold, red, yellow, blue, off;
};
constexpr Paint plain{"", "", "", "", ""};
constexpr Paint bright{"\x1b[1m", "\x1b[1;31m", "\x1b[1;35m", "\x1b[1;34m", "\x1b[0m"};

// Control characters of the source never reach a terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte == 0x7f ? ' ' : c);
  }
  return out;
}

std::string place_of(const Diagnostic& diagnostic) {
  std::string where = diagnostic.file;
  if (diagnostic.line > 0) where += cat(where.empty() ? "line " : ":", diagnostic.line, ':', diagnostic.column);
  if (!where.empty()) return where;
  if (!diagnostic.what.pointer.empty()) return diagnostic.what.pointer;
  return diagnostic.resource;
}

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string render(const Diagnostic& diagnostic, Colour colour) {
  const Paint& paint = colour == Colour::always ? bright : plain;
  bool error = diagnostic.what.gravity == model::Gravity::error;
  std::string where = place_of(diagnostic);
  std::string out =
      cat(paint.bold, printable(where), where.empty() ? "" : ": ", paint.off, error ? paint.red : paint.yellow,
          model::to_text(diagnostic.what.gravity), ":", paint.off, " ", printable(diagnostic.what.message), "\n");
  if (diagnostic.line > 0) {
    std::string number = std::to_string(diagnostic.line);
    std::string gutter(std::max<std::size_t>(5, number.size()) - number.size(), ' ');
    out += cat(paint.blue, gutter, number, " | ", paint.off, printable(diagnostic.source_line), "\n");
    std::string marks(diagnostic.length > 1 ? diagnostic.length - 1 : 0, '~');
    std::size_t column = diagnostic.shown_column > 0 ? diagnostic.shown_column : diagnostic.column;
    std::string indent(column > 0 ? column - 1 : 0, ' ');
    out += cat(paint.blue, std::string(gutter.size() + number.size(), ' '), " | ", paint.off, indent,
               error ? paint.red : paint.yellow, "^", marks, paint.off, "\n");
  }
  if (!diagnostic.what.suggestion.empty())
    out += cat(paint.blue, "     help: ", paint.off, printable(diagnostic.what.suggestion), "\n");
  return out;
}

std::string render(const std::vector<Diagnostic>& diagnostics, Colour colour) {
  std::string out;
  std::size_t errors = 0;
  for (const Diagnostic& each : diagnostics) {
    out += render(each, colour);
    if (each.what.gravity == model::Gravity::error) ++errors;
  }
  if (diagnostics.size() < 2) return out;
  std::size_t warnings = diagnostics.size() - errors;
  out += cat(errors, errors == 1 ? " error" : " errors");
  if (warnings > 0) out += cat(", ", warnings, warnings == 1 ? " warning" : " warnings");
  return out + "\n";
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& each) { return each.what.gravity == model::Gravity::error; });
}

Error to_error(const std::vector<Diagnostic>& diagnostics) {
  for (const Diagnostic& each : diagnostics) {
    if (each.what.gravity != model::Gravity::error) continue;
    std::string message = each.what.message;
    if (!each.what.suggestion.empty()) message += cat("; ", each.what.suggestion);
    return Error{.code = Code::invalid, .message = std::move(message), .where = place_of(each), .cause = {}};
  }
  return Error{.code = Code::invalid, .message = "there is no error", .where = {}, .cause = {}};
}

namespace detail {

SourceText::SourceText(std::string_view text, std::string_view file) : text_(text), file_(file) {
  starts_.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') starts_.push_back(i + 1);
}

std::string_view SourceText::line(std::size_t number) const {
  if (number == 0 || number > starts_.size()) return {};
  std::size_t start = starts_[number - 1];
  std::string_view out = text_.substr(start, text_.find('\n', start) - start);
  if (out.ends_with('\r')) out.remove_suffix(1);
  return out;
}

Diagnostic SourceText::at(Place place, model::Diagnostic what) const {
  constexpr std::size_t longest = 200;
  constexpr std::size_t before = 60;  // of a longer line, how much stays left of the place
  Diagnostic out;
  out.what = std::move(what);
  out.file = file_;
  if (place.line == 0) return out;
  std::string_view whole = line(place.line);
  std::size_t column = std::min(place.column > 0 ? place.column - 1 : 0, whole.size());
  out.line = place.line;
  out.column = characters(whole.substr(0, column)) + 1;
  std::size_t length = std::min(place.length, whole.size() - column);
  std::string_view shown = whole;
  if (whole.size() <= longest) {
    out.length = std::max<std::size_t>(1, characters(whole.substr(column, length)));
    out.source_line = whole;
    return out;
  }
  std::size_t start = column > before ? column - before : 0;
  while (start > 0 && (whole[start] & 0xC0) == 0x80) --start;
  shown = whole.substr(start, longest);
  while (!shown.empty() && !is_utf8(shown)) shown.remove_suffix(1);
  out.source_line = cat(start > 0 ? "..." : "", shown);
  out.shown_column = characters(whole.substr(start, column - start)) + 1 + (start > 0 ? 3 : 0);
  out.length = std::max<std::size_t>(1, std::min(length, shown.size() - (column - start)));
  return out;
}

}  // namespace detail
}  // namespace mien::wire
