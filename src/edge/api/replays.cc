#include "edge/api/replays.h"

#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/query.h"
#include "edge/clock.h"
#include "model/text_quantity.h"
#include "wire/yaml.h"

namespace mien::edge::api {
namespace {

constexpr std::size_t chunk = std::size_t{32} << 10;          // lines are sent together
constexpr std::size_t most_waiting = std::size_t{512} << 10;  // that the peer has not taken yet
constexpr Duration sign_of_life = 5s;                         // an empty line, where nothing else is to be said
constexpr Duration most_patience = 90s;                       // with a peer that takes nothing
constexpr std::size_t most_policies = 1000;

Error error_of(Code code, std::string message, std::string where = {}) {
  return {.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

Result<std::vector<model::Resource>> policies_of(const Json& list) {
  if (!list.is_array() || list.size() > most_policies)
    return error_of(Code::invalid, cat("`policies` is a list of at most ", most_policies, " Policy resources"),
                    "/policies");
  std::vector<model::Resource> policies;
  for (std::size_t i = 0; i < list.size(); ++i) {
    wire::ParsedResources parsed = wire::parse_resource_json(wire::dump(list[i]));
    std::string where = cat("/policies/", i);
    if (!parsed.ok()) {
      Error error = wire::to_error(parsed.diagnostics);
      error.where.insert(0, where);
      return error;
    }
    if (parsed.resources.size() != 1 || parsed.resources[0].resource.kind != model::ResourceKind::policy)
      return error_of(Code::invalid, "only policies can be tried in a replay", where);
    policies.push_back(std::move(parsed.resources[0].resource));
  }
  return policies;
}

Result<WallTime> since_of(const std::string& text, WallTime now) {
  if (auto time = parse_time(text)) return *time;
  if (auto back = model::parse_duration(text)) return now - *back;
  return error_of(Code::invalid, cat("`since` is a time or how long ago: 2026-11-22T10:00:00Z, 7d; not \"", text, "\""),
                  "/since");
}

Result<ReplayRequest> request_of(const Json& body, WallTime now) {
  ReplayRequest request;
  for (const auto& [key, value] : body.items()) {
    bool text = value.is_string();
    if (key == "since" && text) request.from = TRY(since_of(value.get<std::string>(), now));
    else if (key == "policies") request.policies = TRY(policies_of(value));
    else if (key == "instance" && text) request.instance = InstanceName{value.get<std::string>()};
    else if (key == "verify" && value.is_boolean()) request.verify = value.get<bool>();
    else if (key == "mode" && text) request.mode = wire::parse_enum<model::Mode>(value.get<std::string>());
    else
      return error_of(Code::invalid,
                      "a replay takes `since`, `policies`, `mode`, `instance` (texts and a list) and `verify`",
                      cat("/", key));
    if (key == "mode" && !request.mode)
      return error_of(Code::invalid, "`mode` is observe, propose or enforce", "/mode");
  }
  return request;
}

}  // namespace

// What leaves: lines in chunks, never more on the way than the peer takes.
class Replays::Stream {
 public:
  Stream(Replays& replays, CallPtr call) : replays_(replays), call_(std::move(call)), said_at_(mono_now()) {}

  bool tell(std::string line) {
    if (!line.empty()) waiting_ += line += '\n';
    else if (mono_now() - said_at_ < sign_of_life) return !is_stopping();
    else if (waiting_.empty()) waiting_ = "\n";
    return waiting_.size() < chunk && !line.empty() ? !is_stopping() : flush();
  }
  bool flush() {
    if (waiting_.empty()) return !is_stopping();
    if (!begun_) {
      HttpResponse head;
      head.headers["content-type"] = "application/x-ndjson";
      call_->begin(std::move(head));
    }
    begun_ = true;
    if (!wait_for_room()) return false;
    said_at_ = mono_now();
    return call_->responder->write(std::exchange(waiting_, {}));
  }
  [[nodiscard]] bool begun() const { return begun_; }

 private:
  bool is_stopping() {
    Lock lock(replays_.mutex_);
    return replays_.stopping_;
  }
  bool wait_for_room() {
    MonoTime until = mono_now() + most_patience;
    while (call_->responder->waiting() > most_waiting) {
      if (mono_now() >= until || !call_->responder->write({})) return false;
      Lock lock(replays_.mutex_);
      if (replays_.stopping_) return false;
      replays_.wake_.wait_for(replays_.mutex_, 10ms);
    }
    return !is_stopping();
  }

  Replays& replays_;
  CallPtr call_;
  std::string waiting_;
  MonoTime said_at_;
  bool begun_ = false;
};

Replays::~Replays() {
  {
    Lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status Replays::check() const {
  if (busy_) return error_of(Code::conflict, "another replay runs: wait for it, one is done at a time");
  return {};
}

void Replays::start(const CallPtr& call, ReplayRequest request) {
  if (Status status = check(); !status) return call->respond(status.error());
  if (busy_.exchange(true)) return call->respond(error_of(Code::conflict, "another replay runs: wait for it"));
  Lock lock(mutex_);
  if (stopping_) return call->respond(error_of(Code::unavailable, "the manager is stopping"));
  if (thread_.joinable()) thread_.join();  // it is over: it only has to be put away
  thread_ = std::thread([this, call, request = std::move(request)] {
    run(call, request);
    busy_ = false;
  });
}

void Replays::run(const CallPtr& call, const ReplayRequest& request) {
  Stream stream{*this, call};
  Status status = run_(request, [&](std::string line) { return stream.tell(std::move(line)); });
  if (!status && !stream.begun()) return call->respond(status.error());
  if (!status) {
    Json last{{"type", "error"},
              {"code", std::string(mien::to_text(status.error().code))},
              {"detail", status.error().to_string()}};
    (void)stream.tell(wire::dump(last));
  }
  (void)stream.flush();
  call->responder->end();
}

void replay(Service& service, const CallPtr& call) {
  if (!call->caller.selector.empty())
    return call->respond(
        error_of(Code::refused, "your token is limited to some instances; a replay is of all of them"));
  Replays* replays = service.options.replays.get();
  if (!replays) return call->respond(error_of(Code::unsupported, "this manager has no store to replay"));
  Result<Json> body = body_of(*call);
  if (!body) return call->respond(body.error());
  Result<ReplayRequest> request = request_of(*body, service.now());
  if (!request) return call->respond(request.error());
  if (!call->flag("dry_run")) return replays->start(call, std::move(*request));
  if (Status status = replays->check(); !status) return call->respond(status.error());
  call->respond(Json{{"note", "would be replayed"}});
}

}  // namespace mien::edge::api
