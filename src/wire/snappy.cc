#include "wire/snappy.h"

#include <snappy.h>

#include <exception>

#include "base/text.h"

namespace mien::wire {
namespace {

Error bad(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

}  // namespace

Result<std::string> unsnap(std::string_view bytes, Bytes max_output) {
  std::size_t length = 0;
  if (!snappy::GetUncompressedLength(bytes.data(), bytes.size(), &length))
    return bad(Code::invalid,
               "the body is not snappy: it does not begin with a length; compress it in snappy's block format");
  if (length > max_output.value)
    return bad(Code::exhausted,
               cat("the snappy body of ", bytes.size(), " bytes unfolds to ", length, ", more than the ",
                   max_output.value, " bytes that are taken; send smaller requests"));
  // A block can say any length: one byte of it becomes at most 64 (a copy of three bytes), so more is a lie.
  constexpr std::size_t most_ratio = 64;
  if (length > bytes.size() * most_ratio)
    return bad(Code::invalid, cat("the body is not snappy: ", bytes.size(), " bytes can not become ", length));
  std::string out;
  try {
    if (snappy::Uncompress(bytes.data(), bytes.size(), &out)) return out;
  } catch (const std::exception& failure) {
    return bad(Code::exhausted, cat("no memory for unfolding a snappy body: ", failure.what()));
  }
  return bad(Code::invalid, cat("the snappy body of ", bytes.size(),
                                " bytes is damaged or cut short; send it whole, in the block format"));
}

std::string snap(std::string_view text) {
  std::string out;
  snappy::Compress(text.data(), text.size(), &out);
  return out;
}

}  // namespace mien::wire
