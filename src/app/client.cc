#include "app/client.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "base/text.h"

namespace mien::app {
namespace {

constexpr Duration answer_timeout = 60s;
constexpr std::size_t largest_small_file = 1U << 20U;

Error failure(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

Code code_of_status(int status) {
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422: return Code::invalid;
    case 401:
    case 403:
    case 421: return Code::refused;
    case 404: return Code::not_found;
    case 409:
    case 412: return Code::conflict;
    case 429: return Code::exhausted;
    case 501: return Code::unsupported;
    case 503: return Code::unavailable;
    case 504: return Code::unknown;
    default: return Code::io;
  }
}

std::string text_of(const wire::Document& document, const char* key) {
  auto at = document.find(key);
  return at != document.end() && at->is_string() ? at->get<std::string>() : std::string{};
}

// "urn:mien:problem:conflict" is more precise than a status.
Code code_of_problem(const wire::Document& problem, int status) {
  constexpr std::string_view prefix = "urn:mien:problem:";
  std::string type = text_of(problem, "type");
  if (!type.starts_with(prefix)) return code_of_status(status);
  for (unsigned char number = 1; number <= static_cast<unsigned char>(Code::io); ++number) {
    auto code = static_cast<Code>(number);
    if (to_text(code) == std::string_view(type).substr(prefix.size())) return code;
  }
  return code_of_status(status);
}

}  // namespace

Client::Client(ClientOptions options, const Connect& connect) : options_(std::move(options)) {
  edge::HttpTarget target;
  target.url = options_.server;
  target.ca_pem = options_.ca_pem;
  http_ = connect(std::move(target));
}

edge::HttpRequest Client::request(std::string method, const std::string& path, const Query& query) const {
  edge::HttpRequest made;
  made.method = std::move(method);
  made.path = path;
  made.query = query;
  made.headers["accept"] = "application/json, application/problem+json";
  made.headers["user-agent"] = "mien";
  if (!options_.token.empty()) made.headers["authorization"] = "Bearer " + options_.token;
  return made;
}

Error Client::unreachable(const Error& error) const {
  if (error.code != Code::unavailable) return error;
  const Error* first = &error;  // what the transport said; the request it was about is known
  while (first->cause) first = first->cause.get();
  return failure(Code::unavailable, cat("no server answers at ", options_.server, " (", first->message,
                                        "): start it with `mien up`, or name another with --server"));
}

Error Client::problem(const edge::HttpResponse& response) const {
  Result<wire::Document> parsed = wire::parse_document(response.body);
  if (!parsed || !parsed->is_object()) {
    return failure(code_of_status(response.status), cat(options_.server, " answered ", response.status,
                                                        ", which is no answer of Mien: is --server right?"));
  }
  std::string message = text_of(*parsed, "detail");
  if (message.empty()) message = cat("the server answered ", response.status, " ", text_of(*parsed, "title"));
  if (auto errors = parsed->find("errors"); errors != parsed->end() && errors->is_array()) {
    for (const wire::Document& each : *errors) {
      if (!each.is_object()) continue;
      std::string detail = text_of(each, "detail");
      if (message.find(detail) == std::string::npos) message += cat("\n  ", text_of(each, "pointer"), ": ", detail);
      if (std::string suggestion = text_of(each, "suggestion");
          !suggestion.empty() && message.find(suggestion) == std::string::npos) {
        message += cat("; write ", suggestion);
      }
    }
  }
  return failure(code_of_problem(*parsed, response.status), std::move(message));
}

Result<edge::HttpResponse> Client::send(edge::HttpRequest request) {
  Result<edge::HttpResponse> response = http_->send(request, answer_timeout);
  if (!response) return unreachable(response.error());
  if (response->status < 200 || response->status > 299) return problem(*response);
  return response;
}

Result<wire::Document> Client::get(const std::string& path, const Query& query) {
  edge::HttpResponse response = TRY(send(request("GET", path, query)));
  return wire::parse_document(response.body);
}

Result<wire::Document> Client::list(const std::string& path, Query query) {
  query.emplace("limit", "1000");
  wire::Document whole = TRY(get(path, query));
  if (!whole.is_object() || !whole.contains("items") || !whole["items"].is_array()) {
    return failure(Code::corrupt, cat(options_.server, path, " did not answer with a list: is it of another version?"));
  }
  while (whole.contains("next") && whole["next"].is_string()) {
    std::string after = whole["next"].get<std::string>();
    if (query["after"] == after) break;  // a server that does not move on
    query["after"] = after;
    wire::Document page = TRY(get(path, query));
    if (!page.is_object() || !page.contains("items") || !page["items"].is_array()) break;
    for (wire::Document& item : page["items"]) whole["items"].push_back(std::move(item));
    whole["next"] = page.contains("next") ? page["next"] : wire::Document(nullptr);
  }
  whole["next"] = nullptr;
  return whole;
}

Result<Written> Client::put(const std::string& path, const Query& query, std::string body) {
  edge::HttpRequest made = request("PUT", path, query);
  made.headers["content-type"] = "application/json";
  made.body = std::move(body);
  edge::HttpResponse response = TRY(send(std::move(made)));
  return Written { .status = response.status, .document = TRY(wire::parse_document(response.body)) };
}

Result<wire::Document> Client::post(const std::string& path, const wire::Document& body, const Query& query) {
  edge::HttpRequest made = request("POST", path, query);
  made.headers["content-type"] = "application/json";
  made.body = wire::dump(body);
  edge::HttpResponse response = TRY(send(std::move(made)));
  return wire::parse_document(response.body);
}

Result<wire::Document> Client::remove(const std::string& path, const Query& query) {
  edge::HttpResponse response = TRY(send(request("DELETE", path, query)));
  if (response.body.empty()) return wire::Document::object();
  return wire::parse_document(response.body);
}

Status Client::download(const std::string& path, const std::function<bool(std::string_view)>& on_chunk) {
  Status status = http_->stream(request("GET", path, {}), on_chunk);
  if (!status) return unreachable(status.error());
  return {};
}

Status Client::stream(const std::string& path, const wire::Document& body,
                      const std::function<bool(std::string_view)>& on_chunk) {
  edge::HttpRequest made = request("POST", path, {});
  made.headers["content-type"] = "application/json";
  made.body = wire::dump(body);
  Status status = http_->stream(made, on_chunk);
  if (!status) return unreachable(status.error());
  return {};
}

Result<std::string> read_small_file(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) {
    text.resize(largest_small_file + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) {
    int reason = errno;
    return failure(reason == ENOENT ? Code::not_found : Code::io,
                   cat("can not read ", path, ": ", std::generic_category().message(reason)));
  }
  if (text.size() > largest_small_file)
    return failure(Code::invalid, cat(path, " is larger than ", largest_small_file, " bytes"));
  return text;
}

}  // namespace mien::app
