// A trace as text: names or integers apart by blanks or line ends, `openat read read close` or `257 0 0 3`.
//
// Fed in pieces of any size, so that a trace may have any length. A name has up to 64 of A-Z a-z 0-9 _ - . : / @ +, so
// that a binary file, or the output of a tracer with arguments and times, is refused at the first place that can not be
// a name. Errors: invalid, with NAME:LINE:COLUMN (columns count bytes) and what to write instead. Pure; cost: one pass.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mien::wire {

class SequenceReader {
 public:
  static constexpr std::size_t longest_name = 64;

  // `name` stands in errors; `take` gets each name of the trace in order, valid during the call only.
  SequenceReader(std::string name, std::function<void(std::string_view)> take);

  // The next bytes. After an error the reader is of no further use.
  [[nodiscard]] Status feed(std::string_view bytes);
  // The end: a trace without a single name is an error too.
  [[nodiscard]] Status finish();

 private:
  void end_name();
  [[nodiscard]] Error wrong(std::string message) const;

  std::string name_;
  std::function<void(std::string_view)> take_;
  std::string partial_;
  std::uint64_t line_ = 1;
  std::uint64_t column_ = 0;
  std::uint64_t names_ = 0;
};

}  // namespace mien::wire
