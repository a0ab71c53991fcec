// What requests say of times, durations and small bodies.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "edge/api/service.h"

namespace mien::edge::api {

// RFC 3339, seconds since 1970, or relative to now: "-15m", "1h" (both an hour ago), "now". Not given: `otherwise`.
[[nodiscard]] Result<WallTime> time_parameter(const Call& call, const std::string& name, WallTime now,
                                              WallTime otherwise);
// "90s", "2h", "1d12h" or a number of seconds.
[[nodiscard]] Result<Duration> duration_of(const Json& json);
// The request's JSON body as an object; an empty body is an empty object.
[[nodiscard]] Result<Json> body_of(const Call& call);
constexpr std::size_t most_comment = 1000;  // bytes that a person may add to what they say
[[nodiscard]] std::optional<std::string> text_member(const Json& body, const char* name);
[[nodiscard]] std::optional<std::uint64_t> number_member(const Json& body, const char* name);

}  // namespace mien::edge::api
