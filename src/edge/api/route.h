// The one table of routes: what is answered, what it asks of its caller, and what /openapi.json says of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "edge/api/service.h"

namespace mien::edge::api {

struct Parameter {
  const char* name;
  const char* summary;
  const char* type = "string";
};

// Whether the answer is at hand, or has to be read from disk by a worker so that no io thread waits for it.
enum class Pace : std::uint8_t { at_once, reads_disk };

struct Route {
  std::string method;
  std::string path;  // "/api/v1/instances/{name}/drift"; "{name...}" last takes the rest of the path
  Need need = Need::read;
  void (*handle)(Service&, const CallPtr&) = nullptr;
  std::string tag;
  std::string summary;
  std::vector<Parameter> query;
  std::string body;  // media type of the request's body; empty: none
  std::string answer = "application/json";
  Pace pace = Pace::at_once;
};

[[nodiscard]] const std::vector<Route>& routes();

struct Match {
  const Route* route = nullptr;
  std::map<std::string, std::string> path;
  std::vector<std::string> allowed;  // methods of this path, when the method is not among them
};
[[nodiscard]] Match match(std::string_view method, std::string_view path);
// The known path nearest to one that is not known.
[[nodiscard]] std::string nearest_path(std::string_view path);

// OpenAPI 3.1 of the table.
[[nodiscard]] std::string openapi_document(const std::string& version);

}  // namespace mien::edge::api
