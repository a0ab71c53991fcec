#include "base/result.h"

namespace mien {

std::string_view to_text(Code code) {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::not_found: return "not_found";
    case Code::refused: return "refused";
    case Code::conflict: return "conflict";
    case Code::exhausted: return "exhausted";
    case Code::unavailable: return "unavailable";
    case Code::corrupt: return "corrupt";
    case Code::unsupported: return "unsupported";
    case Code::unknown: return "unknown";
    case Code::io: return "io";
  }
  return "unknown";
}

Error Error::within(std::string context) const {
  return Error{.code = code, .message = std::move(context), .where = {}, .cause = std::make_shared<const Error>(*this)};
}

std::string Error::to_string() const {
  std::string text = where.empty() ? message : where + ": " + message;
  if (cause) text += " (because: " + cause->to_string() + ")";
  return text;
}

}  // namespace mien
