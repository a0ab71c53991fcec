// Instances, their drift and their series; personas by hand.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "edge/api/handlers.h"
#include "edge/api/query.h"

namespace mien::edge::api {
namespace {

Beside beside(const Service& service, const node::View& view) {
  return {*view.board, service.options.prometheus_door->cardinality, service.now()};
}

using Seen = std::shared_ptr<const node::InstanceView>;

std::shared_ptr<const model::Resource> written_of(const node::View& view, const std::string& name) {
  auto at = view.resources.find("instance/" + name);
  return at == view.resources.end() ? nullptr : at->second;
}

// Hosts first, then by name: the key both sorts and pages.
std::string order_of(model::InstanceType type, const std::string& name) {
  bool first = type == model::InstanceType::host || type == model::InstanceType::guest;
  return (first ? "0/" : "1/") + name;
}

// The instance named in the path, if it is there and the caller sees it; answers 404 otherwise, and says so when a file
// speaks of it but nothing has been heard of it yet.
Seen find_instance(const node::View& view, Call& call) {
  const std::string& name = call.path.at("name");
  auto at = view.instances.find(InstanceName(name));
  if (at != view.instances.end() && sees(call.caller, *at->second)) return at->second;
  auto written = written_of(view, name);
  if (at == view.instances.end() && written && matches(call.caller.selector, written->metadata.labels)) {
    call.respond(Problem{.code = Code::not_found,
                         .status = 0,
                         .detail = cat("instance \"", name, "\" is declared but has not reported yet"),
                         .errors = {}});
  } else {
    call.not_found("instance", name);
  }
  return nullptr;
}

bool is_type(const Call& call, model::InstanceType type) {
  std::string wanted = call.parameter("type");
  return wanted.empty() || wanted == to_text(type);
}

}  // namespace

void list_instances(Service& service, const CallPtr& call) {
  auto page = page_of(*call);
  if (!page) return call->respond(page.error());
  auto view = service.port().view();
  struct Item {
    std::shared_ptr<const model::Resource> written;
    Seen seen;
  };
  std::map<std::string, Item> items;
  std::string selector = call->parameter("selector");
  for (const auto& [name, seen] : view->instances) {
    if (!sees(call->caller, *seen) || !matches(selector, seen->labels) || !is_type(*call, seen->type)) continue;
    items[order_of(seen->type, name.value)] = {written_of(*view, name.value), seen};
  }
  // Those that files speak of but nothing has been heard of yet.
  for (const auto& [key, written] : view->resources) {
    if (written->kind != model::ResourceKind::instance ||
        view->instances.contains(InstanceName(written->metadata.name)))
      continue;
    if (!matches(call->caller.selector, written->metadata.labels) || !matches(selector, written->metadata.labels))
      continue;
    if (!call->parameter("type").empty()) continue;
    items["2/" + written->metadata.name] = {written, nullptr};
  }
  Listing listing(*page);
  for (const auto& [key, item] : items) {
    if (!listing.offer(key, [&, &item = item] {
          return instance_document(item.written.get(), item.seen.get(), beside(service, *view));
        }))
      break;
  }
  call->respond(listing.take());
}

void get_instance(Service& service, const CallPtr& call) {
  auto view = service.port().view();
  const std::string& name = call->path.at("name");
  auto written = written_of(*view, name);
  auto at = view->instances.find(InstanceName(name));
  Seen seen = at == view->instances.end() ? nullptr : at->second;
  bool visible = seen ? sees(call->caller, *seen) : written && matches(call->caller.selector, written->metadata.labels);
  if (!visible) return call->not_found("instance", name);
  HttpResponse response;
  response.headers["content-type"] = "application/json";
  if (written) response.headers["etag"] = cat('"', written->metadata.generation, '"');
  response.body = wire::dump(instance_document(written.get(), seen.get(), beside(service, *view)));
  call->respond(std::move(response));
}

void get_drift(Service& service, const CallPtr& call) {
  auto view = service.port().view();
  if (Seen seen = find_instance(*view, *call))
    call->respond(drift_document(*seen, beside(service, *view), call->caller.blanked));
}

void list_drift(Service& service, const CallPtr& call) {
  auto page = page_of(*call);
  if (!page) return call->respond(page.error());
  auto view = service.port().view();
  std::map<std::string, Seen> worst_first;
  std::string selector = call->parameter("selector");
  for (const auto& [name, seen] : view->instances) {
    if (!sees(call->caller, *seen) || !matches(selector, seen->labels) || !is_type(*call, seen->type)) continue;
    // Those with an open finding before those without, then by score; ties by name. The key pages as well as it sorts.
    double score = std::isfinite(seen->drift.score) ? std::clamp(seen->drift.score, 0.0, 1.0) : 1.0;
    std::string rank = std::to_string(static_cast<std::int64_t>(1e9 * (1 - score)) + 1'000'000'000);
    worst_first[cat(seen->findings.empty() ? '1' : '0', rank, '/', name.value)] = seen;
  }
  Listing listing(*page);
  for (const auto& [key, seen] : worst_first) {
    if (!listing.offer(
            key, [&, &seen = seen] { return drift_document(*seen, beside(service, *view), call->caller.blanked); }))
      break;
  }
  Json out = listing.take();
  out["at"] = document(view->at);
  call->respond(out);
}

namespace {

// What is expected of one series now: learned (its newest deviation), and declared by the persona.
Json expected_band(const node::InstanceView& seen, const model::Series& series) {
  Json band = Json::object();
  for (const auto& deviation : seen.drift.metrics) {
    if (deviation.name != series.metric || deviation.attributes != series.attributes) continue;
    band["at"] = document(seen.drift.at);
    band["expected"] = document(deviation.expected);
    band["low"] = document(deviation.low);
    band["high"] = document(deviation.high);
  }
  auto declared = seen.expectation.metrics.find(series.metric.value);
  if (declared != seen.expectation.metrics.end()) band["declared"] = document(declared->second);
  return band.empty() ? Json(nullptr) : band;
}

Json series_document(const node::InstanceView& seen, const store::HistorySeries& one) {
  Json out = Json::object();
  out["metric"] = one.series.metric.value;
  out["attributes"] = document(one.series.attributes);
  out["unit"] = one.series.kind == model::SeriesKind::counter ? one.series.unit + "/s" : one.series.unit;
  out["expected"] = expected_band(seen, one.series);
  Json at = Json::array();
  Json mean = Json::array();
  Json min = Json::array();
  Json max = Json::array();
  Json count = Json::array();
  for (const auto& point : one.points) {
    at.push_back(point.at.ns / 1'000'000);
    mean.push_back(document(point.mean));
    min.push_back(document(point.min));
    max.push_back(document(point.max));
    count.push_back(point.count);
  }
  out["at"] = std::move(at);
  out["mean"] = std::move(mean);
  out["min"] = std::move(min);
  out["max"] = std::move(max);
  out["count"] = std::move(count);
  return out;
}

}  // namespace

void get_series(Service& service, const CallPtr& call) {
  auto view = service.port().view();
  Seen seen = find_instance(*view, *call);
  if (!seen) return;
  WallTime now = service.now();
  auto from = time_parameter(*call, "from", now, now - 15min);
  if (!from) return call->respond(from.error());
  // A client's clock may be ahead of ours: what it asks for is not there yet.
  auto to = time_parameter(*call, "to", now, std::max(now, *from + 1ms));
  if (!to) return call->respond(to.error());
  if (!(*from < *to)) return call->invalid("`from` must be before `to`");

  store::HistoryQuery query;
  query.instance = seen->name;
  query.metric = call->parameter("metric");
  query.from = *from;
  query.to = *to;
  // All metrics at once are for an overview: fewer points each, so that an answer stays a few megabytes.
  query.max_points = query.metric.empty() ? 300 : 3600;
  auto read = service.port().history().read(query);
  if (!read) return call->respond(read.error());
  Json out = Json::object();
  out["instance"] = seen->name.value;
  out["metric"] = query.metric;
  out["from"] = document(*from);
  out["to"] = document(*to);
  Json series = Json::array();
  for (const auto& one : *read) series.push_back(series_document(*seen, one));
  out["series"] = std::move(series);
  call->respond(out);
}

void activate(Service& service, const CallPtr& call) {
  auto view = service.port().view();
  Seen seen = find_instance(*view, *call);
  if (!seen) return;
  auto body = body_of(*call);
  if (!body) return call->respond(body.error());
  auto persona = text_member(*body, "persona");
  if (!persona || persona->empty()) return call->invalid("`persona` names the persona to activate", "/persona");
  if (!view->resources.contains("persona/" + *persona)) return call->not_found("persona", *persona);
  Duration lasting{};
  if (body->contains("for")) {
    auto parsed = duration_of((*body)["for"]);
    if (!parsed) return call->invalid(parsed.error().message, "/for");
    lasting = *parsed;
  }
  give(service, call, node::Activate{.persona = PersonaName(*persona), .instance = seen->name, .lasting = lasting},
       answer_written);
}

void deactivate(Service& service, const CallPtr& call) {
  auto view = service.port().view();
  Seen seen = find_instance(*view, *call);
  if (!seen) return;
  auto body = body_of(*call);
  if (!body) return call->respond(body.error());
  std::string persona = text_member(*body, "persona").value_or("");
  give(service, call, node::Deactivate{.persona = PersonaName(persona), .instance = seen->name}, answer_written);
}

}  // namespace mien::edge::api
