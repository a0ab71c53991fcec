// How an answer looks on the line, and how a request's parts become plain values: text in, text out, no sockets.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/http/http.h"

namespace mien::edge {

// What this layer itself has to say, as a problem of RFC 9457 without a type of its own.
[[nodiscard]] HttpResponse problem_response(int status, std::string_view message);
[[nodiscard]] std::string_view reason_of(int status);
[[nodiscard]] bool may_have_body(int status);  // not 1xx, 204, 304

struct HeadOptions {
  bool keep_alive = true;
  std::optional<std::size_t> length;  // nothing: a stream
  bool chunked = false;
};
// Status line and headers, with Date, Content-Length or Transfer-Encoding, and Connection. Header values with control
// characters become 500: they would let a caller write headers of its own.
[[nodiscard]] std::string to_head(const HttpResponse& response, const HeadOptions& options);
[[nodiscard]] std::string to_chunk(std::string_view bytes);

// Request line target into path and query; of an absolute target the authority becomes the Host.
Status fill_target(HttpRequest& request, std::string_view target);
// Names to lower case; equal names are joined by ", ", except those that may stand once only (invalid).
Status add_header(HttpRequest& request, std::string_view name, std::string_view value);

}  // namespace mien::edge
