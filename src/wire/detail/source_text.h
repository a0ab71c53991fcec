// The lines of a text, to quote them in diagnostics.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wire/detail/tree_builder.h"
#include "wire/diagnostic.h"

namespace mien::wire::detail {

class SourceText {
 public:
  SourceText(std::string_view text, std::string_view file);
  // The line's text without its end; empty beyond the last.
  [[nodiscard]] std::string_view line(std::size_t number) const;
  // A diagnostic at a place: columns become characters, a long line is cut around the place.
  [[nodiscard]] Diagnostic at(Place place, model::Diagnostic what) const;

 private:
  std::string_view text_;
  std::string file_;
  std::vector<std::size_t> starts_;
};

}  // namespace mien::wire::detail
