// A complaint about something a person wrote, with the place it was written at, shown the way a good compiler does:
//
//   web.yaml:12:5: error: unknown key `limts`
//      12 |     limts: {system.memory.utilization: {max: 95%}}
//         |     ^~~~~
//      help: did you mean `limits`?
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/validate.h"

namespace mien::wire {

struct Diagnostic {
  model::Diagnostic what;
  std::string resource;          // "Persona/web-frontend"; empty where it is not known
  std::string file;              // empty for a request body
  std::size_t line = 0;          // from 1; 0: no place
  std::size_t column = 0;        // from 1, in characters
  std::size_t shown_column = 0;  // where that is within source_line, from 1; 0: the same
  std::size_t length = 0;        // of what is underlined, in characters
  std::string source_line;       // without its line end; of a long one the part around the place
};

enum class Colour : unsigned char { never, always };

// Ends with a newline.
[[nodiscard]] std::string render(const Diagnostic& diagnostic, Colour colour);
// All of them, and a last line that counts errors and warnings when there are several.
[[nodiscard]] std::string render(const std::vector<Diagnostic>& diagnostics, Colour colour);
[[nodiscard]] bool has_errors(const std::vector<Diagnostic>& diagnostics);
// The first error as an Error, for callers that can carry only one.
[[nodiscard]] Error to_error(const std::vector<Diagnostic>& diagnostics);

}  // namespace mien::wire
