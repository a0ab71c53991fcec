#include "edge/http/message.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.h"
#include "edge/http/url.h"

namespace mien::edge {
namespace {

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

std::string http_date() {
  std::time_t now = ::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                days.at(static_cast<std::size_t>(parts.tm_wday)), parts.tm_mday,
                months.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                parts.tm_sec);
  return text.data();
}

// As it stands in a JSON string; what a request line brought along that is not printable ASCII is shown as `?`.
std::string to_json_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  return out;
}

}  // namespace

HttpResponse problem_response(int status, std::string_view message) {
  return HttpResponse{.status = status,
                      .headers = {{"content-type", "application/problem+json"}},
                      .body = cat(R"({"type":"about:blank","title":")", reason_of(status), R"(","status":)", status,
                                  R"(,"detail":")", to_json_text(message), "\"}\n")};
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Entity";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 507: return "Insufficient Storage";
    default: return status < 400 ? "Other" : "Error";
  }
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string to_head(const HttpResponse& response, const HeadOptions& options) {
  for (const auto& [name, value] : response.headers)
    if (!is_clean(name) || !is_clean(value))
      return to_head(HttpResponse{.status = 500, .headers = {}, .body = {}}, options);
  std::string out =
      cat("HTTP/1.1 ", response.status, ' ', reason_of(response.status), "\r\nDate: ", http_date(), "\r\n");
  for (const auto& [name, value] : response.headers) out += cat(name, ": ", value, "\r\n");
  if (options.chunked) out += "Transfer-Encoding: chunked\r\n";
  else if (options.length && may_have_body(response.status)) out += cat("Content-Length: ", *options.length, "\r\n");
  out += options.keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  return out;
}

std::string to_chunk(std::string_view bytes) {
  std::array<char, 32> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  return cat(std::string_view(size.data()), bytes, "\r\n");
}

Status fill_target(HttpRequest& request, std::string_view target) {
  Target parsed = TRY(parse_target(target));
  request.path = std::move(parsed.path);
  request.query = std::move(parsed.query);
  if (!parsed.authority.empty()) request.headers["host"] = std::move(parsed.authority);
  return {};
}

Status add_header(HttpRequest& request, std::string_view name, std::string_view value) {
  static constexpr std::array<std::string_view, 6> once{"host",         "authorization",    "origin",
                                                        "content-type", "content-encoding", "if-match"};
  std::string key = to_lower(name);
  if (auto [at, added] = request.headers.emplace(key, value); !added) {
    if (std::find(once.begin(), once.end(), key) != once.end())
      return Error{.code = Code::invalid,
                   .message = cat("the header ", key, " stands twice in the request"),
                   .where = {},
                   .cause = {}};
    at->second += cat(", ", value);
  }
  return {};
}

}  // namespace mien::edge
