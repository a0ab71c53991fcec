// POST /v1/metrics, /v1/logs: OTLP/HTTP; POST /api/v1/write: Prometheus remote-write; POST /api/v1/alerts:
// Alertmanager. Decoded in the caller's thread, appended to the log, acknowledged.
#include <algorithm>

#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/route.h"
#include "wire/alertmanager.h"
#include "wire/otlp.h"
#include "wire/otlp_logs.h"
#include "wire/remote_write.h"
#include "wire/zstd.h"

namespace mien::edge::api {
namespace {

// An agent numbers its requests, so that one that is sent again is counted once (`Mien-Epoch`, `Mien-Sequence`).
Status take_numbers(const Call& call, model::Delivery& delivery) {
  auto number = [&call](const char* name, std::uint64_t& into) -> Status {
    std::string text(call.request.header(name));
    if (text.empty()) return {};
    auto value = parse_integer(text);
    if (!value || *value < 0) {
      return Error{.code = Code::invalid,
                   .message = cat("the header ", name, " is a number, not \"", text, "\""),
                   .where = {},
                   .cause = {}};
    }
    into = static_cast<std::uint64_t>(*value);
    return {};
  };
  if (Status status = number("mien-epoch", delivery.epoch); !status) return status;
  return number("mien-sequence", delivery.sequence);
}

// Of decoded logs, or of a delivery.
template <class Request>
std::size_t facts_in(const Request& request) {
  std::size_t facts = 0;
  for (const auto& each : request.instances) facts += each.facts.size();
  return facts;
}

// An agent speaks for its host and for what runs on it, and for nobody else: its token is no licence to move the
// persona of another machine. Returns the samples of those that it may not speak for.
std::uint64_t drop_foreign(const std::string& agent, model::Delivery& delivery) {
  std::uint64_t dropped = 0;
  std::erase_if(delivery.instances, [&](const model::DeliveredInstance& one) {
    bool own = one.instance.value == agent || one.parent.value == agent;
    if (!own) dropped += one.batch.values.size();
    return !own;
  });
  return dropped;
}

// Instances that are seen for the first time where there is no room for more: nothing of them would be kept. Returns
// their samples. What two senders bring at the same instant the machine refuses, and counts, by itself.
std::uint64_t drop_newcomers(Service& service, model::Delivery& delivery) {
  auto view = service.port().view();
  std::size_t instances = view->instances.size();
  std::uint64_t dropped = 0;
  std::erase_if(delivery.instances, [&](const model::DeliveredInstance& one) {
    if (view->instances.contains(one.instance)) return false;
    bool full = no_room(service, instances).has_value();
    if (full) dropped += one.batch.values.size();
    else ++instances;
    return full;
  });
  service.newcomers_refused += dropped;
  return dropped;
}

// Of a body that can not be taken, what the sender should do: 413 when it is too large for good, 415 when it is of
// another kind, 429 or 503 with Retry-After when it should keep it and try again.
Problem refused_body(const Error& error) {
  Problem problem = problem_of(error);
  if (error.code == Code::exhausted) problem.status = 413;
  if (error.code == Code::unsupported) problem.status = 415;
  return problem;
}

// An instance that an agent reports listens to its agent alone; offering it more would look like an impostor.
void drop_agents_own(const Service& service, model::Delivery& delivery) {
  auto view = service.port().view();
  std::erase_if(delivery.instances, [&](const model::DeliveredInstance& each) {
    auto known = view->instances.find(each.instance);
    return known != view->instances.end() && known->second->type != model::InstanceType::external;
  });
}

Problem other_type(const Call& call) {
  return {.code = Code::unsupported,
          .status = 415,
          .detail =
              cat("send application/x-protobuf or application/json, not \"", call.request.header("content-type"), "\""),
          .errors = {}};
}

// Whether somebody with a token stands for what is sent, though it comes from no agent: then it may stand beside what
// the agent of the same machine says.
bool is_vouched_for(const Caller& caller) {
  bool may = caller.role == node::Role::admin || caller.role == node::Role::operator_;
  return caller.agent.empty() && !caller.blanked && may;
}

// A client of OTLP's that speaks protobuf is answered in protobuf, also when it is refused; our own agents and clients
// that speak JSON read the problem document.
void refuse_otlp(Call& call, wire::OtlpEncoding encoding, const Problem& problem) {
  HttpResponse response = to_response(problem, call.request.path);
  if (encoding == wire::OtlpEncoding::protobuf && call.caller.agent.empty()) {
    response.headers["content-type"] = std::string(wire::content_type(encoding));
    response.body = wire::encode_otlp_status(problem.detail);
  }
  call.respond(std::move(response));
}

wire::OtlpRequest otlp_request(const Service& service, const Call& call, wire::OtlpEncoding encoding) {
  wire::OtlpRequest request;
  request.encoding = encoding;
  request.content_encoding = call.request.header("content-encoding");
  request.body = call.request.body;
  request.arrived = service.now();
  request.trusted = !call.caller.agent.empty();
  request.agent = call.caller.agent;
  return request;
}

// What of a request was written, as remote-write 2.0 asks for it (and 1.0 does no harm with).
void tell_written(HttpResponse& response, const wire::PrometheusCounts& counts) {
  response.headers["x-prometheus-remote-write-samples-written"] = std::to_string(counts.samples);
  response.headers["x-prometheus-remote-write-histograms-written"] = std::to_string(counts.histograms);
  response.headers["x-prometheus-remote-write-exemplars-written"] = "0";
}

void refuse_write(Call& call, const Problem& problem) {
  HttpResponse response = to_response(problem, call.request.path);
  tell_written(response, {});
  call.respond(std::move(response));
}

}  // namespace

void take_metrics(Service& service, const CallPtr& call) {
  auto encoding = wire::otlp_encoding(call->request.header("content-type"));
  if (!encoding) return call->respond(other_type(*call));
  wire::OtlpRequest request = otlp_request(service, *call, *encoding);
  // Unfolding takes longer than decoding what is known, and needs nothing that is locked.
  std::string unfolded;
  Result<std::string_view> body = wire::unfold(request.content_encoding, request.body, request.gzip, unfolded);
  if (!body) return refuse_otlp(*call, *encoding, refused_body(body.error()));
  request.body = *body;
  request.content_encoding = {};
  auto decode = [&] {
    Lock lock(service.start_times_mutex);
    if (!request.trusted) request.starts = &service.start_times;
    request.known = &service.known_points;
    return wire::decode_otlp(request);
  };
  Result<wire::Ingested> decoded = decode();
  if (!decoded) return refuse_otlp(*call, *encoding, refused_body(decoded.error()));

  service.options.prometheus_door->cardinality.note(decoded->overflow, service.now());
  model::Delivery delivery = std::move(decoded->delivery);
  delivery.source = call->caller.agent;
  std::uint64_t rejected = decoded->rejected;
  std::string why = decoded->why_rejected;
  if (call->caller.agent.empty()) {
    delivery.epoch = 0;
    delivery.sequence = 0;
    delivery.authenticated = is_vouched_for(call->caller);
  } else if (Status status = take_numbers(*call, delivery); !status) {
    return call->respond(status.error());
  } else if (std::uint64_t foreign = drop_foreign(call->caller.agent, delivery); foreign > 0) {
    rejected += foreign;
    why += cat(why.empty() ? "" : "; ", foreign, " samples of instances that are not on ", call->caller.agent);
  }
  if (std::uint64_t newcomers = drop_newcomers(service, delivery); newcomers > 0) {
    rejected += newcomers;
    why += cat(why.empty() ? "" : "; ", newcomers,
               " samples of new instances: ", *no_room(service, service.options.most_instances));
  }
  if (!delivery.instances.empty()) {
    if (auto taken = service.port().take_in_listed(std::move(delivery), decoded->lists); !taken)
      return refuse_otlp(*call, *encoding, problem_of(taken.error()));
  }
  HttpResponse response;
  response.headers["content-type"] = std::string(wire::content_type(*encoding));
  response.body = wire::encode_otlp_response(*encoding, rejected, why);
  call->respond(std::move(response));
}

void take_remote_write(Service& service, const CallPtr& call) {
  auto version = wire::remote_write_version(call->request.header("content-type"));
  if (!version) {
    return refuse_write(*call,
                        Problem{.code = Code::unsupported,
                                .status = 415,
                                .detail = cat("send application/x-protobuf;proto=prometheus.WriteRequest or ",
                                              "application/x-protobuf;proto=io.prometheus.write.v2.Request, not \"",
                                              call->request.header("content-type"), "\""),
                                .errors = {}});
  }
  auto body = wire::unfold_remote_write(call->request.header("content-encoding"), call->request.body);
  if (!body) return refuse_write(*call, refused_body(body.error()));
  PrometheusDoor& door = *service.options.prometheus_door;
  Result<wire::PrometheusIngested> decoded = [&] {
    Lock lock(door.mutex);
    return wire::decode_remote_write(*version, *body, service.options.prometheus, service.now(), door.memory);
  }();
  if (!decoded) return refuse_write(*call, refused_body(decoded.error()));

  door.cardinality.note(decoded->overflow, service.now());
  wire::PrometheusCounts& counts = decoded->counts;
  auto refuse = [&](std::uint64_t samples, std::string_view why) {
    if (samples == 0) return;
    samples = std::min(samples, counts.samples);  // what was made of them is not counted as theirs
    counts.samples -= samples;
    counts.invalid += samples;
    decoded->why += cat(decoded->why.empty() ? "" : "; ", samples, " samples of ", why);
  };
  // Who writes for many is no agent: an agent's own samples come numbered, by OTLP.
  if (const std::string& agent = call->caller.agent; !agent.empty())
    refuse(drop_foreign(agent, decoded->delivery), cat("instances that are not on ", agent));
  refuse(drop_newcomers(service, decoded->delivery), "new instances: there is no room for more");
  if (!decoded->delivery.instances.empty()) {
    decoded->delivery.authenticated = is_vouched_for(call->caller);
    if (auto taken = service.port().take_in_listed(std::move(decoded->delivery), decoded->lists); !taken)
      return refuse_write(*call, problem_of(taken.error()));
  }
  {
    Lock lock(door.mutex);
    door.counts += counts;
  }
  // What can not be is told by 400, which a sender logs and does not repeat; the rest of the request is written.
  HttpResponse response;
  if (counts.invalid > 0)
    response = to_response(Problem{.code = Code::invalid, .status = 400, .detail = decoded->why, .errors = {}},
                           call->request.path);
  else if (decoded->why.empty()) response.status = 204;
  else
    response = {.status = 200, .headers = {{"content-type", "text/plain; charset=utf-8"}}, .body = decoded->why + "\n"};
  tell_written(response, counts);
  call->respond(std::move(response));
}

void take_logs(Service& service, const CallPtr& call) {
  auto encoding = wire::otlp_encoding(call->request.header("content-type"));
  if (!encoding) return call->respond(other_type(*call));
  wire::OtlpRequest request = otlp_request(service, *call, *encoding);
  auto logs = wire::decode_otlp_logs(request);
  if (!logs) return refuse_otlp(*call, *encoding, refused_body(logs.error()));
  const std::string& agent = call->caller.agent;
  std::erase_if(logs->instances, [&](const wire::InstanceLogs& each) {
    if (agent.empty() || each.instance.value == agent || each.parent.value == agent) return false;
    for (const auto& [severity, count] : each.counts) {
      logs->accepted -= count;
      logs->rejected += count;
    }
    logs->accepted -= each.facts.size();
    logs->rejected += each.facts.size();
    logs->why_rejected = cat("records of instances that are not on ", agent);
    return true;
  });
  model::Delivery delivery = wire::counts_of(*logs, request.arrived);
  delivery.source = agent;
  delivery.authenticated = !agent.empty();
  if (!agent.empty()) {
    if (Status status = take_numbers(*call, delivery); !status) return call->respond(status.error());
    // An instance that an agent reports takes numbered requests only: without a number the records are shown, not
    // counted.
    if (delivery.sequence == 0) {
      delivery.instances.clear();
      if (std::size_t facts = facts_in(*logs); facts > 0) {
        logs->accepted -= facts;
        logs->rejected += facts;
        logs->why_rejected = cat(facts,
                                 " security facts came without Mien-Epoch and Mien-Sequence: they are taken once "
                                 "numbered");
        for (wire::InstanceLogs& each : logs->instances) each.facts.clear();
      }
    }
  }
  if (agent.empty()) drop_agents_own(service, delivery);
  std::size_t facts = facts_in(delivery);
  drop_newcomers(service, delivery);
  if (std::size_t lost = facts - facts_in(delivery); lost > 0) {
    logs->accepted -= lost;
    logs->rejected += lost;
    logs->why_rejected = cat(lost, " security facts of new instances: there is no room for more");
  }
  if (!delivery.instances.empty()) {
    if (auto taken = service.port().take_in(std::move(delivery)); !taken)
      return refuse_otlp(*call, *encoding, problem_of(taken.error()));
  }
  service.facts_taken += facts_in(*logs);
  service.facts_unknown += logs->unknown_facts;
  service.outside.take(*logs);
  HttpResponse response;
  response.headers["content-type"] = std::string(wire::content_type(*encoding));
  response.body = wire::encode_otlp_logs_response(*encoding, logs->rejected, logs->why_rejected);
  call->respond(std::move(response));
}

void take_alerts(Service& service, const CallPtr& call) {
  WallTime now = service.now();
  auto alerts = wire::decode_alerts(call->request.body, service.options.prometheus, now);
  if (!alerts) return call->respond(refused_body(alerts.error()));
  // What Mien itself told Alertmanager comes back where both ways are set up: it must not become evidence.
  std::erase_if(alerts->alerts, [&](const wire::ExternalAlert& alert) {
    if (!alert.name.starts_with("MienFinding") && !alert.name.starts_with("MienAlive")) return false;
    if (++alerts->refused == 1) alerts->why = "it is Mien's own alert";
    return true;
  });
  // An alert is no sign that there is such a machine: only what is watched already hears of it.
  auto view = service.port().view();
  std::erase_if(alerts->alerts, [&](const wire::ExternalAlert& alert) {
    auto known = view->instances.find(alert.instance);
    bool agent_may = call->caller.agent.empty() || alert.instance.value == call->caller.agent;
    if (known != view->instances.end() && agent_may) return false;
    if (++alerts->refused == 1) alerts->why = cat("there is no instance ", alert.instance.value);
    return true;
  });
  model::Delivery delivery = wire::series_of(alerts->alerts, now);
  drop_agents_own(service, delivery);
  if (!delivery.instances.empty()) {
    if (auto taken = service.port().take_in(std::move(delivery)); !taken) return call->respond(taken.error());
  }
  service.outside.take(*alerts);
  Json out = Json::object();
  out["taken"] = alerts->alerts.size();
  out["refused"] = alerts->refused;
  if (!alerts->why.empty()) out["note"] = alerts->why;
  call->respond(out);
}

}  // namespace mien::edge::api
