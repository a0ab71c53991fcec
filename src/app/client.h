// The command line's side of the HTTP API: requests with the right token, answers as documents, problems as Errors that
// say what to do.
//
// Blocking, single-threaded. Errors: unavailable (no server there: exit 5), and what the server's problem document says
// (invalid, not_found, refused, conflict, ...). A token found by itself is sent to this machine only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/http/http.h"
#include "wire/document.h"

namespace mien::app {

using Query = std::map<std::string, std::string>;
using Connect = std::function<std::unique_ptr<edge::HttpClient>(edge::HttpTarget)>;

struct ClientOptions {
  std::string server;  // URL
  std::string token;   // empty: none
  std::string ca_pem;
};

struct Written {
  int status = 0;  // 201: it was not there before
  wire::Document document;
};

class Client {
 public:
  Client(ClientOptions options, const Connect& connect);

  [[nodiscard]] Result<wire::Document> get(const std::string& path, const Query& query = {});
  // All pages as one: {"items": [...], "next": null} and what else the first page says.
  [[nodiscard]] Result<wire::Document> list(const std::string& path, Query query = {});
  [[nodiscard]] Result<Written> put(const std::string& path, const Query& query, std::string body);
  [[nodiscard]] Result<wire::Document> post(const std::string& path, const wire::Document& body,
                                            const Query& query = {});
  [[nodiscard]] Result<wire::Document> remove(const std::string& path, const Query& query = {});
  // The body of a GET, piece by piece.
  [[nodiscard]] Status download(const std::string& path, const std::function<bool(std::string_view)>& on_chunk);
  // The body of the answer to a POST, piece by piece, for as long as it comes.
  [[nodiscard]] Status stream(const std::string& path, const wire::Document& body,
                              const std::function<bool(std::string_view)>& on_chunk);
  [[nodiscard]] const std::string& server() const { return options_.server; }

 private:
  [[nodiscard]] Result<edge::HttpResponse> send(edge::HttpRequest request);
  [[nodiscard]] edge::HttpRequest request(std::string method, const std::string& path, const Query& query) const;
  [[nodiscard]] Error unreachable(const Error& error) const;
  [[nodiscard]] Error problem(const edge::HttpResponse& response) const;

  ClientOptions options_;
  std::unique_ptr<edge::HttpClient> http_;
};

// The whole of a small file. Errors: not_found, io.
[[nodiscard]] Result<std::string> read_small_file(const std::string& path);

}  // namespace mien::app
