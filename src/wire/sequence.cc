#include "wire/sequence.h"

#include <utility>

#include "base/text.h"

namespace mien::wire {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_of_a_name(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("_-.:/@+").find(c) != std::string_view::npos;
}

}  // namespace

SequenceReader::SequenceReader(std::string name, std::function<void(std::string_view)> take)
    : name_(std::move(name)), take_(std::move(take)) {}

Error SequenceReader::wrong(std::string message) const {
  return Error{
      .code = Code::invalid, .message = std::move(message), .where = cat(name_, ':', line_, ':', column_), .cause = {}};
}

void SequenceReader::end_name() {
  if (partial_.empty()) return;
  ++names_;
  take_(partial_);
  partial_.clear();
}

Status SequenceReader::feed(std::string_view bytes) {
  for (char c : bytes) {
    ++column_;
    if (is_blank(c)) {
      end_name();
      if (c == '\n') {
        ++line_;
        column_ = 0;
      }
      continue;
    }
    if (c == '(' || c == '=' || c == '<')
      return wrong(cat("`", std::string_view(&c, 1),
                       "` is not part of a name; of a tracer's output only the names of the calls are wanted, apart by "
                       "blanks: openat read close"));
    if (c == ',' || c == ';')
      return wrong("names stand apart by blanks or line ends, not by commas: openat read close");
    if (!is_of_a_name(c))
      return wrong(cat("byte 0x", to_hex(std::string_view(&c, 1)),
                       " is not part of a name; a trace is text, such as `openat read close` or `257 0 3`"));
    if (partial_.size() == longest_name)
      return wrong(cat("a name has at most ", longest_name,
                       " characters; write names or integers apart by blanks: openat read close"));
    partial_.push_back(c);
  }
  return {};
}

Status SequenceReader::finish() {
  end_name();
  if (names_ == 0)
    return Error{.code = Code::invalid,
                 .message = "holds no name; write the calls of one trace, apart by blanks: openat read close",
                 .where = name_,
                 .cause = {}};
  return {};
}

}  // namespace mien::wire
