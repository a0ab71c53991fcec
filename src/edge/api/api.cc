#include "edge/api/api.h"

#include "base/text.h"
#include "edge/api/events.h"
#include "edge/api/polls.h"
#include "edge/api/route.h"
#include "edge/api/service.h"

namespace mien::edge {

struct Api::State {
  explicit State(ApiOptions options) : service(std::move(options)) {}
  api::Service service;
};

Api::Api(ApiOptions options) : state_(std::make_unique<State>(std::move(options))) {}

Api::~Api() = default;

namespace {

using api::Call;
using api::CallPtr;
using api::Problem;

void refuse_method(Call& call, const std::vector<std::string>& allowed) {
  std::string list;
  for (const auto& method : allowed) list += (list.empty() ? "" : ", ") + method;
  HttpResponse response =
      api::to_response(Problem{.code = Code::unsupported,
                               .status = 405,
                               .detail = cat(call.request.path, " answers ", list, ", not ", call.request.method),
                               .errors = {}},
                       call.request.path);
  response.headers["allow"] = list;
  call.respond(std::move(response));
}

void refuse_path(Call& call) {
  std::string near = api::nearest_path(call.request.path);
  call.respond(
      Problem{.code = Code::not_found,
              .status = 0,
              .detail = cat("there is nothing at ", call.request.path,
                            near.empty() ? "; /openapi.json lists what there is" : cat("; did you mean ", near, "?")),
              .errors = {}});
}

void refuse_caller(Call& call, const Denial& denial) {
  HttpResponse response =
      api::to_response(Problem{.code = Code::refused, .status = denial.status, .detail = denial.detail, .errors = {}},
                       call.request.path);
  if (denial.status == 401) response.headers["www-authenticate"] = "Bearer realm=\"mien\"";
  call.respond(std::move(response));
}

}  // namespace

void Api::handle(HttpRequest request, std::shared_ptr<Responder> responder) {
  handle(std::move(request), std::move(responder), state_->service.options.authorize);
}

void Api::handle(HttpRequest request, std::shared_ptr<Responder> responder, const Authorize& authorize) {
  api::Service& service = state_->service;
  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  call->responder = std::move(responder);
  call->counts = service.counts;

  api::Match found = api::match(call->request.method, call->request.path);
  // Who asks is settled before what there is: strangers learn nothing of the paths behind the door.
  Need need = found.route != nullptr ? found.route->need : Need::read;
  auto asked = authorize(call->request, need, service.now());
  if (const auto* denial = std::get_if<Denial>(&asked)) return refuse_caller(*call, *denial);
  call->caller = std::get<Caller>(std::move(asked));

  if (found.route == nullptr) return found.allowed.empty() ? refuse_path(*call) : refuse_method(*call, found.allowed);
  call->route = found.route;
  call->path = std::move(found.path);
  if (call->route->pace == api::Pace::at_once) return call->route->handle(service, call);
  if (!service.worker->post([&service, call] { call->route->handle(service, call); })) {
    call->respond(Error{
        .code = Code::unavailable, .message = "too many long questions at once: try again", .where = {}, .cause = {}});
  }
}

void Api::tick() {
  WallTime now = state_->service.now();
  state_->service.events->tick(now);
  state_->service.polls->tick(now);
}

void Api::close() {
  state_->service.polls->close();
  state_->service.events->close();
}

std::string_view name_of(Need need) {
  switch (need) {
    case Need::open: return "open";
    case Need::ingest: return "ingest";
    case Need::read: return "viewer";
    case Need::agent: return "agent";
    case Need::write: return "operator";
    case Need::admin: return "admin";
  }
  return "admin";
}

}  // namespace mien::edge
