// `mien score --format sequence`: how odd is each trace against traces that are known to be ordinary?
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"

namespace mien::app {

struct SequenceOptions {
  std::vector<std::string> inputs = {};  // one trace each; gzip is unpacked; "-" is standard input
  std::vector<std::string> train = {};   // ordinary ones, at least one
  std::string output = "-";              // path or "-"
  bool explain = false;                  // the measures of each trace on standard error
};

// One line per input, in their order: its score with six decimals. Notes go to `err`. Nothing is written unless every
// file could be read. Errors: not_found, io, invalid.
[[nodiscard]] Status score_sequences(const SequenceOptions& options, std::ostream& out, std::ostream& err);

}  // namespace mien::app
