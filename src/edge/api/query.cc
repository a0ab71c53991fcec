#include "edge/api/query.h"

#include "base/text.h"
#include "model/text_quantity.h"

namespace mien::edge::api {
namespace {

Error invalid(std::string message) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
}

}  // namespace

Result<Duration> duration_of(const Json& json) {
  if (json.is_string()) return model::parse_duration(json.get<std::string>());
  constexpr double longest = 3e9;  // a century in seconds: beyond it nanoseconds overflow
  if (json.is_number() && json.get<double>() >= 0 && json.get<double>() < longest)
    return from_seconds(json.get<double>());
  return invalid("a duration is a text such as \"2h\" or a number of seconds");
}

Result<WallTime> time_parameter(const Call& call, const std::string& name, WallTime now, WallTime otherwise) {
  std::string text = call.parameter(name);
  if (text.empty()) return otherwise;
  if (text == "now") return now;
  if (auto time = parse_time(text)) return *time;
  // "+" of an offset arrives as a space from clients that do not encode it.
  std::string mended = text;
  if (std::size_t at = mended.rfind(' '); at != std::string::npos && at > 11) mended[at] = '+';
  if (auto time = parse_time(mended)) return *time;
  if (auto seconds = parse_double(text); seconds && *seconds > 1e8 && *seconds < 9e9)
    return WallTime{static_cast<std::int64_t>(*seconds * 1e9)};
  std::string_view back = text;
  if (back.starts_with('-')) back.remove_prefix(1);
  if (auto duration = model::parse_duration(back)) return now - *duration;
  return invalid(cat("`", name, "` is a time: 2026-11-22T10:00:00Z, seconds since 1970, or -15m; not \"", text, "\""));
}

Result<Json> body_of(const Call& call) {
  if (trim(call.request.body).empty()) return Json::object();
  Json body = TRY(wire::parse_document(call.request.body));
  if (!body.is_object()) return invalid("the body is a JSON object");
  return body;
}

std::optional<std::string> text_member(const Json& body, const char* name) {
  auto at = body.find(name);
  if (at == body.end() || !at->is_string()) return std::nullopt;
  return at->get<std::string>();
}

std::optional<std::uint64_t> number_member(const Json& body, const char* name) {
  auto at = body.find(name);
  if (at == body.end() || !at->is_number_integer() || at->get<std::int64_t>() < 0) return std::nullopt;
  return at->get<std::uint64_t>();
}

}  // namespace mien::edge::api
