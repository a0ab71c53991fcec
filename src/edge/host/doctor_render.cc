// How the checks of `mien doctor` look: for people and as JSON.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "edge/host/doctor.h"
#include "wire/document.h"

namespace mien::edge {
namespace {

// Host names, paths and kernel words come from outside: nothing of them may move the cursor.
std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, ' ');
  return out;
}

std::string_view colour_of(CheckStatus status) {
  switch (status) {
    case CheckStatus::works: return "\x1b[32m";
    case CheckStatus::limited: return "\x1b[33m";
    case CheckStatus::missing: return "\x1b[31m";
  }
  return "";
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  if (out.size() < width) out.resize(width, ' ');
  return out;
}

}  // namespace

std::string render(const std::vector<Check>& checks, Colour colour) {
  std::size_t width = 0;
  std::array<std::size_t, 3> counts{};
  for (const Check& check : checks) {
    width = std::max(width, check.name.size());
    ++counts[static_cast<std::size_t>(check.status)];
  }
  constexpr std::size_t status_width = 7;
  const std::string indent(status_width + 2 + width + 2, ' ');
  std::string out;
  for (const Check& check : checks) {
    std::string status = padded(to_text(check.status), status_width);
    if (colour == Colour::ansi) status = cat(colour_of(check.status), status, "\x1b[0m");
    out += cat(status, "  ", padded(check.name, width), "  ", printable(check.found), '\n');
    if (check.status == CheckStatus::works) continue;
    out += cat(indent, printable(check.meaning), '\n', indent, "-> ", printable(check.remedy), '\n');
  }
  out += cat(
      '\n', counts[0], " work, ", counts[1], " limited, ", counts[2], " missing: ",
      can_run(checks) ? "mien up runs here.\n" : "mien up does not run here until what is missing above is mended.\n");
  return out;
}

std::string to_json(const std::vector<Check>& checks) {
  wire::Document list = wire::Document::array();
  for (const Check& check : checks) list.push_back(wire::to_document(check));
  wire::Document document;
  document["checks"] = std::move(list);
  document["can_run"] = can_run(checks);
  return wire::dump(document, 2);
}

}  // namespace mien::edge
