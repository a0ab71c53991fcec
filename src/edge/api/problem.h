// What went wrong, as application/problem+json (RFC 9457): `type` is "urn:mien:problem:CODE" with the code of
// base/result.h, so that a program can tell a conflict from a refusal; `detail` says what to do; `errors` point into
// the body.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "edge/http/http.h"

namespace mien::edge::api {

struct ProblemItem {
  std::string pointer;  // JSON pointer (RFC 6901) into the request's document
  std::string detail;
  std::string suggestion;  // what to write instead; may be empty
};

struct Problem {
  Code code = Code::invalid;
  int status = 0;  // 0: what the code means in HTTP
  std::string detail;
  std::vector<ProblemItem> errors;
};

// 400, 404, 403, 409, 429, 503, 500, 501, 504, 500: in the order of Code.
[[nodiscard]] int status_of(Code code);
[[nodiscard]] std::string_view reason_of(int status);  // "Not Found"
[[nodiscard]] HttpResponse to_response(const Problem& problem, const std::string& instance);
[[nodiscard]] Problem problem_of(const Error& error);

}  // namespace mien::edge::api
