#include "edge/api/events.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/route.h"

namespace mien::edge::api {

// One follower. The subscription's callback holds the stream, and the stream its subscription: reap() breaks the ring.
struct EventHub::Stream {
  CallPtr call;
  std::vector<std::string> types;  // empty: all; "finding" takes "finding.opened" too
  std::atomic<bool> gone{false};
  std::atomic<std::int64_t> written_ns{0};
  std::uint64_t expected = 0;  // the next number, used by the subscription's thread only; 0: any
  std::shared_ptr<void> subscription;

  void write(std::string text) {
    if (!gone.load() && !call->responder->write(std::move(text))) gone.store(true);
  }
  // Not from the subscription's callback: dropping it waits for that.
  void finish() {
    subscription.reset();
    call->responder->end();
  }
  [[nodiscard]] bool wants(const std::string& type) const {
    return types.empty() || std::any_of(types.begin(), types.end(), [&type](const std::string& t) {
             return type == t || (type.size() > t.size() && type.starts_with(t) && type[t.size()] == '.');
           });
  }
};

namespace {

Json cloud_event(const std::string& id, const std::string& type, WallTime at) {
  Json event = Json::object();
  event["specversion"] = "1.0";
  event["id"] = id;
  event["source"] = "/mien";
  event["type"] = "dev.mien." + type;
  event["time"] = to_rfc3339(at);
  event["datacontenttype"] = "application/json";
  return event;
}

// Of what a notice speaks, for callers that see only some instances.
InstanceName instance_of(const node::Notice& notice) {
  if (notice.finding) return notice.finding->instance;
  if (notice.drift) return notice.drift->instance;
  if (notice.action) return notice.action->instance;
  if (notice.decision) return notice.decision->instance;
  if (notice.subject.starts_with("Instance/")) return InstanceName(notice.subject.substr(9));
  return {};
}

// A follower that resumes further back than notices are kept is told so: it reads the lists again.
std::string gap_text(std::uint64_t from, std::uint64_t to, WallTime at) {
  Json event = cloud_event(cat("gap-", to), "gap", at);
  event["subject"] = "Events";
  Json data = Json::object();
  data["from"] = from;
  data["to"] = to;
  data["detail"] = "these events are no longer kept: read the lists again";
  event["data"] = std::move(data);
  return cat("event: gap\ndata: ", wire::dump(event), "\n\n");
}

}  // namespace

std::string event_body(const std::string& id, const node::Notice& notice, bool blanked) {
  Json event = cloud_event(id, notice.type, notice.at);
  event["subject"] = notice.subject;
  Json data = Json::object();
  if (notice.finding) data = finding_document(*notice.finding, blanked);
  if (notice.drift) data = document(*notice.drift);
  if (notice.action) data = document(*notice.action);
  if (notice.decision) data = document(*notice.decision);
  event["data"] = std::move(data);
  return wire::dump(event);
}

std::string event_text(std::uint64_t number, const node::Notice& notice, bool blanked) {
  return cat("id: ", number, "\nevent: ", notice.type, "\ndata: ", event_body(std::to_string(number), notice, blanked),
             "\n\n");
}

Status EventHub::follow(Service& service, const CallPtr& call, std::uint64_t after, const std::string& types) {
  auto stream = std::make_shared<Stream>();
  stream->call = call;
  stream->expected = after == 0 ? 0 : after + 1;
  // Who resumes nothing hears of what happens from now on, not of what is still kept.
  WallTime since = after == 0 ? service.now() : WallTime{};
  if (!types.empty()) {
    for (std::string_view type : split(types, ',')) stream->types.emplace_back(trim(type));
  }
  reap();
  {
    Lock lock(mutex_);
    if (closed_) return Error{.code = Code::unavailable, .message = "the manager stops", .where = {}, .cause = {}};
    if (streams_.size() + opening_ >= most_streams) {
      return Error{.code = Code::exhausted,
                   .message = cat("more than ", most_streams, " clients follow events already: try again later"),
                   .where = {},
                   .cause = {}};
    }
    ++opening_;
  }
  HttpResponse head;
  head.headers["content-type"] = "text/event-stream";
  head.headers["x-accel-buffering"] = "no";
  call->begin(std::move(head));
  stream->written_ns.store(service.now().ns);
  stream->write(": mien\nretry: 2000\n\n");

  std::weak_ptr<Stream> weak = stream;
  node::ManagerPort* port = &service.port();
  stream->subscription = port->subscribe(after, [weak, port, since](std::uint64_t number, const node::Notice& notice) {
    auto to = weak.lock();
    if (!to || to->gone.load()) return;
    if (to->expected != 0 && number > to->expected) to->write(gap_text(to->expected, number - 1, notice.at));
    to->expected = number + 1;
    if (notice.at < since || !to->wants(notice.type)) return;
    if (!to->call->caller.selector.empty() && !sees(to->call->caller, *port->view(), instance_of(notice))) return;
    to->written_ns.store(notice.at.ns);
    to->write(event_text(number, notice, to->call->caller.blanked));
  });
  bool closed = false;
  {
    Lock lock(mutex_);
    --opening_;
    closed = closed_;
    if (!closed) streams_.push_back(stream);
  }
  if (closed) stream->finish();
  return {};
}

void EventHub::tick(WallTime now) {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    Lock lock(mutex_);
    streams = streams_;
  }
  for (const auto& stream : streams) {
    if (now - WallTime{stream->written_ns.load()} < keep_alive) continue;
    stream->written_ns.store(now.ns);
    stream->write(": still here\n\n");
  }
  reap();
}

std::size_t EventHub::open() const {
  Lock lock(mutex_);
  return streams_.size();
}

void EventHub::reap() {
  std::vector<std::shared_ptr<Stream>> dead;
  {
    Lock lock(mutex_);
    auto middle =
        std::partition(streams_.begin(), streams_.end(), [](const auto& stream) { return !stream->gone.load(); });
    dead.assign(std::make_move_iterator(middle), std::make_move_iterator(streams_.end()));
    streams_.erase(middle, streams_.end());
  }
  // Outside the lock, and here rather than wherever the last reference falls: dropping a subscription waits for its
  // callback, so the callback must never be the one that drops it.
  for (const auto& stream : dead) stream->subscription.reset();
}

void EventHub::close() {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    Lock lock(mutex_);
    closed_ = true;
    streams = std::exchange(streams_, {});
  }
  for (const auto& stream : streams) stream->finish();
}

EventHub::~EventHub() { close(); }

void follow_events(Service& service, const CallPtr& call) {
  if (call->request.method == "HEAD") {
    HttpResponse head;
    head.headers["content-type"] = "text/event-stream";
    return call->respond(std::move(head));
  }
  std::string last(call->request.header("last-event-id"));
  if (last.empty()) last = call->parameter("after");
  std::uint64_t after = 0;
  if (!last.empty()) {
    auto number = parse_integer(last);
    if (!number || *number < 0) return call->invalid(cat("Last-Event-ID is a number, not \"", last, "\""));
    after = static_cast<std::uint64_t>(*number);
  }
  if (Status status = service.events->follow(service, call, after, call->parameter("type")); !status)
    call->respond(status.error());
}

}  // namespace mien::edge::api
