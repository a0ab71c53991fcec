// Resources as people write them: lists, one by name, PUT with If-Match, DELETE; JSON or YAML, rehearsed or done.
#include <algorithm>

#include "base/text.h"
#include "edge/api/handlers.h"
#include "wire/yaml.h"

namespace mien::edge::api {
namespace {

// "/api/v1/personas/..." -> persona. The route table has only collections that exist.
model::ResourceKind kind_of(const Call& call) {
  auto parts = split(call.request.path, '/');
  return model::parse_resource_kind(parts.size() > 3 ? parts[3] : "").value_or(model::ResourceKind::persona);
}

using node::key_of;

// A caller with a selector sees instances that match; of other resources those whose own labels match.
bool sees(const Caller& caller, const node::View& view, const model::Resource& resource) {
  if (caller.selector.empty()) return true;
  if (resource.kind == model::ResourceKind::instance) {
    auto at = view.instances.find(InstanceName(resource.metadata.name));
    if (at != view.instances.end()) return matches(caller.selector, at->second->labels);
  }
  return matches(caller.selector, resource.metadata.labels);
}

// If-Match: "12" (a generation), * (it is there). 0: not given.
struct IfMatch {
  bool any = false;
  std::uint64_t generation = 0;
};

Result<IfMatch> if_match_of(const Call& call) {
  IfMatch match;
  std::string_view text = trim(call.request.header("if-match"));
  if (text.empty()) return match;
  if (text == "*") {
    match.any = true;
    return match;
  }
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  auto number = parse_integer(text);
  if (!number || *number <= 0) {
    return Error{.code = Code::invalid,
                 .message = cat("If-Match is the ETag of what you read, a generation such as \"12\", not ", text),
                 .where = {},
                 .cause = {}};
  }
  match.generation = static_cast<std::uint64_t>(*number);
  return match;
}

bool is_yaml(const Call& call, bool& known) {
  std::string_view type = call.request.header("content-type");
  type = trim(type.substr(0, type.find(';')));
  known = type.empty() || type == "application/json" || type == "application/yaml" || type == "application/x-yaml" ||
          type == "text/yaml";
  return type.ends_with("yaml");
}

Problem problem_of(const std::vector<wire::Diagnostic>& diagnostics) {
  Problem problem{.code = Code::invalid, .status = 0, .detail = wire::to_error(diagnostics).to_string(), .errors = {}};
  for (const auto& one : diagnostics) {
    std::string detail =
        one.line == 0 ? one.what.message : cat("line ", one.line, ", column ", one.column, ": ", one.what.message);
    problem.errors.push_back(
        {.pointer = one.what.pointer, .detail = std::move(detail), .suggestion = one.what.suggestion});
  }
  return problem;
}

// Who may change it: what is there must be in the caller's sight, and what will be there too.
bool may_write(const Call& call, const node::View& view, model::ResourceKind kind, const std::string& name,
               const model::Resource* next) {
  if (call.caller.selector.empty()) return true;
  auto present = view.resources.find(key_of(kind, name));
  if (present != view.resources.end() && !sees(call.caller, view, *present->second)) return false;
  if (present == view.resources.end() && kind == model::ResourceKind::instance) {
    auto seen = view.instances.find(InstanceName(name));
    if (seen != view.instances.end() && !matches(call.caller.selector, seen->second->labels)) return false;
  }
  return next == nullptr || matches(call.caller.selector, next->metadata.labels);
}

void refuse_labels(Call& call) {
  call.respond(Problem{.code = Code::refused,
                       .status = 0,
                       .detail = cat("your token is limited to \"", call.caller.selector,
                                     "\": it changes only what carries these labels, before and after"),
                       .errors = {}});
}

}  // namespace

void list_resources(Service& service, const CallPtr& call) {
  auto page = page_of(*call);
  if (!page) return call->respond(page.error());
  auto view = service.port().view();
  model::ResourceKind kind = kind_of(*call);
  std::string selector = call->parameter("selector");
  std::string prefix = key_of(kind, "");
  Listing listing(*page);
  for (auto at = view->resources.lower_bound(prefix); at != view->resources.end() && at->first.starts_with(prefix);
       ++at) {
    const model::Resource& resource = *at->second;
    if (!matches(selector, resource.metadata.labels) || !sees(call->caller, *view, resource)) continue;
    if (!listing.offer(resource.metadata.name, [&resource] { return document(resource); })) break;
  }
  call->respond(listing.take());
}

void get_resource(Service& service, const CallPtr& call) {
  auto view = service.port().view();
  model::ResourceKind kind = kind_of(*call);
  const std::string& name = call->path.at("name");
  auto at = view->resources.find(key_of(kind, name));
  if (at == view->resources.end() || !sees(call->caller, *view, *at->second))
    return call->not_found(to_text(kind), name);
  HttpResponse response;
  response.headers["content-type"] = "application/json";
  response.headers["etag"] = cat('"', at->second->metadata.generation, '"');
  response.body = wire::dump(document(*at->second));
  call->respond(std::move(response));
}

void put_resource(Service& service, const CallPtr& call) {
  bool known = false;
  bool yaml = is_yaml(*call, known);
  if (!known) {
    return call->respond(
        Problem{.code = Code::unsupported,
                .status = 415,
                .detail = cat("send application/json or application/yaml, not ", call->request.header("content-type")),
                .errors = {}});
  }
  auto condition = if_match_of(*call);
  if (!condition) return call->respond(condition.error());

  wire::ParsedResources parsed =
      yaml ? wire::parse_resources(call->request.body, "") : wire::parse_resource_json(call->request.body);
  if (!parsed.ok()) return call->respond(problem_of(parsed.diagnostics));
  if (parsed.resources.size() != 1)
    return call->invalid(cat("one document is put at a time, not ", parsed.resources.size()));
  model::Resource resource = std::move(parsed.resources.front().resource);
  model::ResourceKind kind = kind_of(*call);
  const std::string& name = call->path.at("name");
  if (resource.kind != kind)
    return call->invalid(
        cat("this is a ", to_text(resource.kind), ": put it to /api/v1/", collection_of(resource.kind), "/", name),
        "/kind");
  if (resource.metadata.name.empty()) resource.metadata.name = name;
  if (resource.metadata.name != name)
    return call->invalid(cat("the path names \"", name, "\", the document \"", resource.metadata.name, "\""),
                         "/metadata/name");

  auto view = service.port().view();
  bool exists = view->resources.contains(key_of(kind, name));
  if (condition->any && !exists) {
    return call->respond(Problem{.code = Code::conflict,
                                 .status = 412,
                                 .detail = cat("there is no ", to_text(kind), " \"", name, "\" to replace"),
                                 .errors = {}});
  }
  if (condition->generation != 0) resource.metadata.generation = condition->generation;
  if (!may_write(*call, *view, kind, name, &resource)) return refuse_labels(*call);

  bool from_files = call->parameter("from") == "files";
  give(service, call, node::PutResource{.resource = model::encode_resource(resource), .from_files = from_files},
       [exists](Call& answered, const node::Answer& answer) {
         Json out = Json::object();
         out["name"] = answer.name;
         out["generation"] = answer.generation;
         out["note"] = answer.note;
         out["dry_run"] = answered.flag("dry_run");
         HttpResponse response;
         response.status = exists || answered.flag("dry_run") ? 200 : 201;
         response.headers["content-type"] = "application/json";
         response.headers["etag"] = cat('"', answer.generation, '"');
         response.body = wire::dump(out);
         answered.respond(std::move(response));
       });
}

void delete_resource(Service& service, const CallPtr& call) {
  auto condition = if_match_of(*call);
  if (!condition) return call->respond(condition.error());
  auto view = service.port().view();
  model::ResourceKind kind = kind_of(*call);
  const std::string& name = call->path.at("name");
  if (!may_write(*call, *view, kind, name, nullptr)) return refuse_labels(*call);
  give(service, call, node::DeleteResource{.kind = kind, .name = name, .if_generation = condition->generation},
       answer_written);
}

}  // namespace mien::edge::api
