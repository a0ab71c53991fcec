// Running it: health, readiness, the description of the API, a backup.
#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/route.h"

namespace mien::edge::api {

void health(Service&, const CallPtr& call) {
  Json out = Json::object();
  out["status"] = "ok";
  call->respond(out);
}

void readiness(Service& service, const CallPtr& call) {
  if (!service.options.ready()) {
    return call->respond(
        Error{.code = Code::unavailable, .message = "not ready: the log is being folded", .where = {}, .cause = {}});
  }
  auto view = service.port().view();
  Json out = Json::object();
  out["status"] = "ready";
  out["position"] = view->position;
  out["epoch"] = view->epoch;
  out["version"] = service.options.version;
  call->respond(out);
}

void openapi(Service& service, const CallPtr& call) {
  HttpResponse response;
  response.headers["content-type"] = "application/json";
  response.headers["cache-control"] = "max-age=60";
  response.body = service.openapi;
  call->respond(std::move(response));
}

void backup(Service& service, const CallPtr& call) {
  if (!call->caller.selector.empty()) {
    return call->respond(Error{.code = Code::refused,
                               .message = "your token is limited to some instances; a backup is of all of them",
                               .where = {},
                               .cause = {}});
  }
  if (!service.options.backup)
    return call->respond(Error{
        .code = Code::unsupported, .message = "this manager can not be backed up over HTTP", .where = {}, .cause = {}});
  HttpResponse head;
  head.headers["content-type"] = "application/vnd.mien.backup";
  head.headers["content-disposition"] = "attachment; filename=\"mien.backup\"";
  if (call->request.method == "HEAD") return call->respond(std::move(head));
  bool begun = false;
  Status status = service.options.backup([&](std::string_view chunk) {
    if (!begun) call->begin(head);
    begun = true;
    return call->responder->write(std::string(chunk));
  });
  // Once bytes have left, an error can only be told by the file itself: it ends without its checksum.
  if (!status && !begun) return call->respond(status.error());
  if (!begun) return call->respond(Error{.code = Code::io, .message = "the backup is empty", .where = {}, .cause = {}});
  call->responder->end();
}

}  // namespace mien::edge::api
