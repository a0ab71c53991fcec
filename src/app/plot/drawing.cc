#include "app/plot/drawing.h"

namespace mien::app {
namespace {

// Of a character in the widest of the usual fonts (DejaVu Sans), in parts of its size.
double width_of_character(char c) {
  if (c == 'i' || c == 'j' || c == 'l' || c == '\'' || c == '|' || c == '.' || c == ',' || c == ' ' || c == ':')
    return 0.34;
  if (c == 'm' || c == 'M' || c == 'w' || c == 'W' || c == '%' || c == '@') return 1.0;
  if (c >= 'A' && c <= 'Z') return 0.78;
  return 0.64;
}

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }

}  // namespace

double width_of_label(std::string_view text, double size, bool bold) {
  double sum = 0;
  for (char c : text) sum += begins_character(c) ? width_of_character(c) : 0;
  return sum * size * (bold ? 1.13 : 1);
}

std::string shorten_label(std::string_view text, double width, double size, bool bold) {
  if (width_of_label(text, size, bold) <= width) return std::string(text);
  while (!text.empty() && width_of_label(text, size, bold) + size > width) {
    do text.remove_suffix(1);
    while (!text.empty() && !begins_character(text.back()));
  }
  if (!text.empty() && !begins_character(text.back())) text.remove_suffix(1);
  return std::string(text) + "…";
}

}  // namespace mien::app
