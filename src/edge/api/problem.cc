#include "edge/api/problem.h"

#include "base/text.h"
#include "edge/api/document.h"

namespace mien::edge::api {

int status_of(Code code) {
  switch (code) {
    case Code::invalid: return 400;
    case Code::not_found: return 404;
    case Code::refused: return 403;
    case Code::conflict: return 409;
    case Code::exhausted: return 429;
    case Code::unavailable: return 503;
    case Code::corrupt: return 500;
    case Code::unsupported: return 501;
    case Code::unknown: return 504;
    case Code::io: return 500;
  }
  return 500;
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Error";
  }
}

HttpResponse to_response(const Problem& problem, const std::string& instance) {
  HttpResponse response;
  response.status = problem.status != 0 ? problem.status : status_of(problem.code);
  Json body = Json::object();
  body["type"] = cat("urn:mien:problem:", to_text(problem.code));
  body["title"] = std::string(reason_of(response.status));
  body["status"] = response.status;
  body["detail"] = problem.detail;
  body["instance"] = instance;
  if (!problem.errors.empty()) {
    Json errors = Json::array();
    for (const auto& item : problem.errors) {
      Json entry = Json::object();
      entry["pointer"] = item.pointer;
      entry["detail"] = item.detail;
      if (!item.suggestion.empty()) entry["suggestion"] = item.suggestion;
      errors.push_back(std::move(entry));
    }
    body["errors"] = std::move(errors);
  }
  response.headers["content-type"] = "application/problem+json";
  response.body = wire::dump(body);
  // A sender that is told to wait keeps what it has and tries again (OTLP/HTTP: 429 and 503 are retryable).
  if (response.status == 429 || response.status == 503)
    response.headers["retry-after"] = response.status == 429 ? "1" : "5";
  return response;
}

Problem problem_of(const Error& error) {
  Problem problem{.code = error.code, .status = 0, .detail = error.to_string(), .errors = {}};
  // Where a document is wrong is a pointer into it; other errors happen at a file or an address.
  if (error.code == Code::invalid && error.where.starts_with('/'))
    problem.errors.push_back({.pointer = error.where, .detail = error.message, .suggestion = {}});
  return problem;
}

}  // namespace mien::edge::api
