#include "edge/api/route.h"

#include <algorithm>

#include "base/text.h"
#include "edge/api/handlers.h"

namespace mien::edge::api {
namespace {

constexpr const char* none = "";
constexpr const char* json = "application/json";

std::vector<Parameter> paged(std::vector<Parameter> more = {}) {
  more.push_back({"limit", "How many at most: 1 to 5000, 500 when not said", "integer"});
  more.push_back({"after", "The `next` of the page before"});
  return more;
}

const Parameter selector{"selector", "Only what has these labels: role=web,tier!=back,critical"};
const Parameter dry_run{"dry_run", "true: say what would happen, and do nothing", "boolean"};

void add_resources(std::vector<Route>& table) {
  for (const char* collection : {"personas", "pools", "policies", "signals", "instances"}) {
    std::string list = cat("/api/v1/", collection);
    std::string one = list + "/{name}";
    bool instances = std::string_view(collection) == "instances";
    if (instances) {
      table.push_back({"GET", list, Need::read, list_instances, collection, "Instances with their status, hosts first",
                       paged({selector, {"type", "host, guest, container, service or external"}}), none, json});
      table.push_back(
          {"GET", one, Need::read, get_instance, collection, "One instance with its status", {}, none, json});
    } else {
      table.push_back({"GET", list, Need::read, list_resources, collection, cat("All ", collection), paged({selector}),
                       none, json});
      table.push_back(
          {"GET", one, Need::read, get_resource, collection, "One of them; ETag is its generation", {}, none, json});
    }
    table.push_back({"PUT",
                     one,
                     Need::write,
                     put_resource,
                     collection,
                     "Write it: If-Match says which generation is replaced",
                     {dry_run, {"from", "files: it is kept in files, and a later change by hand is told so"}},
                     "application/json, application/yaml",
                     json});
    table.push_back({"DELETE",
                     one,
                     Need::write,
                     delete_resource,
                     collection,
                     "Delete it: If-Match says which generation",
                     {dry_run},
                     none,
                     json});
  }
}

void add_instances(std::vector<Route>& table) {
  const char* tag = "instances";
  table.push_back({"GET", "/api/v1/drift", Need::read, list_drift, "drift", "Drift of every instance, worst first",
                   paged({selector, {"type", "host, guest, container, service or external"}}), none, json});
  table.push_back({"GET",
                   "/api/v1/instances/{name}/drift",
                   Need::read,
                   get_drift,
                   "drift",
                   "Drift of one instance, with the reasons",
                   {},
                   none,
                   json});
  table.push_back({"GET",
                   "/api/v1/instances/{name}/series",
                   Need::read,
                   get_series,
                   tag,
                   "What was observed, and the band that is expected",
                   {{"metric", "One metric; all of them when not said"},
                    {"from", "2026-11-22T10:00:00Z, seconds since 1970, or -15m"},
                    {"to", "The same; now when not said"}},
                   none,
                   json,
                   Pace::reads_disk});
  table.push_back({"GET", "/api/v1/instances/{name}/facts", Need::read, list_facts, tag,
                   "What its agent saw that matters to security, newest first; kept 30 days",
                   paged({{"kind", "execution, listener, connection, write, sensitive_read, privilege, ..."},
                          {"from", "2026-11-22T10:00:00Z, seconds since 1970, or -15m; a day ago when not said"},
                          {"to", "The same; now when not said"}}),
                   none, json, Pace::reads_disk});
  table.push_back({"GET",
                   "/api/v1/instances/{name}/outside",
                   Need::read,
                   get_outside,
                   tag,
                   "What others say of it: alerts that fire elsewhere, and its newest log records",
                   {},
                   none,
                   json});
  table.push_back({"POST",
                   "/api/v1/instances/{name}/activate",
                   Need::write,
                   activate,
                   tag,
                   "Give it a persona by hand: {\"persona\",\"for\"}",
                   {dry_run},
                   json,
                   json});
  table.push_back({"POST",
                   "/api/v1/instances/{name}/deactivate",
                   Need::write,
                   deactivate,
                   tag,
                   "End that: {\"persona\"} or {}",
                   {dry_run},
                   json,
                   json});
}

void add_findings(std::vector<Route>& table) {
  const char* tag = "findings";
  table.push_back({"GET", "/api/v1/findings", Need::read, list_findings, tag,
                   "Findings, newest first; open ones unless all=true",
                   paged({{"all", "true: those that are over too", "boolean"},
                          {"instance", "Of one instance"},
                          {"kind", "spike, level, limit, ..."},
                          {"state", "open, acknowledged or resolved"},
                          {"severity", "info, low, medium, high or critical"},
                          selector}),
                   none, json, Pace::reads_disk});
  table.push_back({"GET", "/api/v1/findings/{id}", Need::read, get_finding, tag, "One finding", {}, none, json});
  table.push_back({"POST",
                   "/api/v1/findings/{id}/ack",
                   Need::write,
                   acknowledge,
                   tag,
                   "Say that it was seen: {\"comment\"}",
                   {dry_run},
                   json,
                   json});
  table.push_back({"GET",
                   "/api/v1/explain/{name...}",
                   Need::read,
                   explain,
                   tag,
                   "From a finding or an instance back to the samples",
                   {},
                   none,
                   json,
                   Pace::reads_disk});
  table.push_back({"GET",
                   "/api/v1/why/{name...}",
                   Need::read,
                   why,
                   tag,
                   "Why something was done, or nothing: of an action, a decision or an instance",
                   {},
                   none,
                   json,
                   Pace::reads_disk});
}

void add_actions(std::vector<Route>& table) {
  const char* tag = "actions";
  table.push_back(
      {"GET", "/api/v1/actions", Need::read, list_actions, tag, "Actions, newest first, and how often each step helped",
       paged({{"state", "open (all that is not over), proposed, ordered, applied, reverting, reverted, ..."},
              {"instance", "About, on or through one instance"}}),
       none, json, Pace::reads_disk});
  table.push_back({"GET", "/api/v1/actions/{id}", Need::read, get_action, tag, "One action", {}, none, json});
  struct Verb {
    const char* name;
    void (*handle)(Service&, const CallPtr&);
    const char* summary;
  };
  for (const Verb& verb : {Verb{"approve", approve_action, "Let a proposed action happen"},
                           Verb{"reject", reject_action, "Say no to a proposed action"},
                           Verb{"revert", revert_action, "Take it back now: every value becomes what it was"}}) {
    table.push_back({"POST",
                     cat("/api/v1/actions/{id}/", verb.name),
                     Need::write,
                     verb.handle,
                     tag,
                     verb.summary,
                     {dry_run},
                     none,
                     json});
  }
  table.push_back({"GET", "/api/v1/decisions", Need::read, list_decisions, tag,
                   "What was decided about findings, newest first: rules, guards and outcome",
                   paged({{"instance", "About or on one instance"}, {"finding", "About one finding"}}), none, json,
                   Pace::reads_disk});
  table.push_back({"GET", "/api/v1/decisions/{id}", Need::read, get_decision, tag, "One decision", {}, none, json});
  table.push_back({"GET",
                   "/api/v1/holds",
                   Need::read,
                   list_holds,
                   tag,
                   "Who holds acting or learning, and until when",
                   {},
                   none,
                   json});
  table.push_back(
      {"POST",
       "/api/v1/holds",
       Need::write,
       put_hold,
       tag,
       "Stop automatic action, or learning: {\"instance\" or \"pool\",\"learning\",\"for\"}; {} is everything",
       {dry_run},
       json,
       json});
  table.push_back({"POST",
                   "/api/v1/holds/resume",
                   Need::write,
                   end_hold,
                   tag,
                   "End that hold: {\"instance\" or \"pool\",\"learning\"}, as it was put",
                   {dry_run},
                   json,
                   json});
  table.push_back({"POST",
                   "/api/v1/release",
                   Need::write,
                   release,
                   tag,
                   "Hand back: end every lease of {\"instance\"}, or {\"all\": true}",
                   {dry_run},
                   json,
                   json});
}

void add_past(std::vector<Route>& table) {
  const char* tag = "history";
  table.push_back({"GET", "/api/v1/personas/{name}/generations", Need::read, list_generations, tag,
                   "What people wrote, newest first", paged(), none, json, Pace::reads_disk});
  table.push_back({"GET",
                   "/api/v1/personas/{name}/generations/{generation}",
                   Need::read,
                   get_generation,
                   tag,
                   "One generation",
                   {},
                   none,
                   json});
  table.push_back({"POST",
                   "/api/v1/personas/{name}/rollback",
                   Need::write,
                   rollback_persona,
                   tag,
                   "Return to a generation: {\"to\"}",
                   {dry_run},
                   json,
                   json});
  table.push_back({"GET", "/api/v1/revisions", Need::read, list_revisions, tag, "What was learned, by name",
                   paged({{"persona", "Of one persona"}, {"instance", "Of one instance"}}), none, json,
                   Pace::reads_disk});
  table.push_back({"POST",
                   "/api/v1/revisions/rollback",
                   Need::write,
                   rollback_revision,
                   tag,
                   "Return one instance to a revision: {\"persona\",\"instance\",\"to\"}",
                   {dry_run},
                   json,
                   json});
  table.push_back({"GET",
                   "/api/v1/revisions/{name...}",
                   Need::read,
                   get_revision,
                   tag,
                   "One revision: web-frontend@web-01/12",
                   {},
                   none,
                   json});
  table.push_back({"GET", "/api/v1/audit", Need::read, list_audit, "audit", "What happened, in order",
                   paged({{"since", "A time, or -1h"}}), none, json, Pace::reads_disk});
  table.push_back({"GET",
                   "/api/v1/audit/verify",
                   Need::read,
                   verify_audit,
                   "audit",
                   "Whether the chain holds; the first broken link is named",
                   {},
                   none,
                   json,
                   Pace::reads_disk});
  table.push_back(
      {"GET", "/api/v1/audit/head", Need::read, get_audit_head, "audit", "The newest signed head", {}, none, json});
}

void add_agents(std::vector<Route>& table) {
  const char* tag = "agents";
  table.push_back({"POST",
                   "/api/v1/enrollments",
                   Need::admin,
                   make_enrollment,
                   tag,
                   "A one-time token with which an agent joins: {\"ttl\"}",
                   {},
                   json,
                   json});
  table.push_back({"POST",
                   "/api/v1/enroll",
                   Need::open,
                   redeem_enrollment,
                   tag,
                   "Trade it for a token of the agent's own: {\"token\",\"agent\"}",
                   {},
                   json,
                   json});
  table.push_back({"GET",
                   "/api/v1/ca",
                   Need::open,
                   get_authority,
                   tag,
                   "The manager's own certificate authority",
                   {},
                   none,
                   "application/x-pem-file"});
  table.push_back({"GET",
                   "/api/v1/agents/{name}/directives",
                   Need::agent,
                   poll_directives,
                   tag,
                   "What an agent is to do; waits up to 30 s for news",
                   {{"after", "The number of the newest that is known", "integer"}},
                   none,
                   json});
  table.push_back({"POST",
                   "/api/v1/agents/{name}/reports",
                   Need::agent,
                   take_reports,
                   tag,
                   "What became of orders, and what may be done there; answered once it is in the log",
                   {},
                   json,
                   json});
  table.push_back({"POST",
                   "/v1/metrics",
                   Need::ingest,
                   take_metrics,
                   "ingest",
                   "OTLP/HTTP metrics, protobuf or JSON; gzip, zstd or neither",
                   {},
                   "application/x-protobuf, application/json",
                   "application/x-protobuf, application/json"});
  table.push_back({"POST",
                   "/api/v1/write",
                   Need::ingest,
                   take_remote_write,
                   "ingest",
                   "Prometheus remote-write 1.0 and 2.0, by the content type; snappy",
                   {},
                   "application/x-protobuf",
                   "text/plain"});
  table.push_back({"POST",
                   "/v1/logs",
                   Need::ingest,
                   take_logs,
                   "ingest",
                   "OTLP/HTTP logs: counted by severity, the newest records kept",
                   {},
                   "application/x-protobuf, application/json",
                   "application/x-protobuf, application/json"});
  table.push_back({"POST",
                   "/api/v1/alerts",
                   Need::ingest,
                   take_alerts,
                   "ingest",
                   "Alertmanager's webhook: alerts that other rules raised about instances",
                   {},
                   json,
                   json});
}

void add_operation(std::vector<Route>& table) {
  const char* tag = "operation";
  table.push_back({"GET",
                   "/api/v1/backup",
                   Need::admin,
                   backup,
                   tag,
                   "The ledger and the keys, as one file",
                   {},
                   none,
                   "application/vnd.mien.backup",
                   Pace::reads_disk});
  table.push_back({"POST",
                   "/api/v1/replay",
                   Need::write,
                   replay,
                   tag,
                   "What would have been found, decided and done, or the proof of what was: JSON lines, streamed",
                   {{"dry_run", "Only check what is asked", "boolean"}},
                   json,
                   "application/x-ndjson"});
  table.push_back({"GET",
                   "/events",
                   Need::read,
                   follow_events,
                   tag,
                   "CloudEvents 1.0 as server-sent events; resumes by Last-Event-ID",
                   {{"type", "Only these, comma separated: finding takes finding.opened too"},
                    {"after", "As Last-Event-ID", "integer"}},
                   none,
                   "text/event-stream"});
  table.push_back({"GET",
                   "/metrics",
                   Need::read,
                   metrics,
                   tag,
                   "Prometheus text or OpenMetrics, by Accept",
                   {},
                   none,
                   "text/plain, application/openmetrics-text"});
  table.push_back({"GET", "/healthz", Need::open, health, tag, "It runs", {}, none, json});
  table.push_back(
      {"GET", "/readyz", Need::open, readiness, tag, "It has recovered and answers; 503 until then", {}, none, json});
  table.push_back({"GET", "/openapi.json", Need::open, openapi, tag, "This description", {}, none, json});
  table.push_back({"GET", "/", Need::open, page, tag, "The page that shows drift, live", {}, none, "text/html"});
  table.push_back({"GET", "/page.js", Need::open, page_script, tag, "Its script", {}, none, "text/javascript"});
  table.push_back({"GET", "/page.css", Need::open, page_style, tag, "Its style", {}, none, "text/css"});
}

bool is_parameter(std::string_view part) { return part.starts_with('{'); }

// Matches one pattern; fills what its parameters stand for.
bool fits(std::string_view pattern, std::string_view path, std::map<std::string, std::string>& values) {
  auto wanted = split(pattern, '/');
  auto given = split(path, '/');
  bool takes_rest = wanted.back().ends_with("...}");
  if (takes_rest ? given.size() < wanted.size() : given.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!is_parameter(wanted[i])) {
      if (wanted[i] != given[i]) return false;
      continue;
    }
    bool rest = takes_rest && i + 1 == wanted.size();
    std::string_view name = wanted[i].substr(1, wanted[i].size() - (rest ? 5 : 2));
    std::string_view value = rest ? path.substr(static_cast<std::size_t>(given[i].data() - path.data())) : given[i];
    if (value.empty()) return false;
    values[std::string(name)] = std::string(value);
  }
  return true;
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> table = [] {
    std::vector<Route> made;
    add_resources(made);
    add_instances(made);
    add_findings(made);
    add_actions(made);
    add_past(made);
    add_agents(made);
    add_operation(made);
    return made;
  }();
  return table;
}

Match match(std::string_view method, std::string_view path) {
  Match found;
  std::string_view asked = method == "HEAD" ? "GET" : method;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  for (const Route& route : routes()) {
    std::map<std::string, std::string> values;
    if (!fits(route.path, path, values)) continue;
    if (route.method == asked) {
      found.route = &route;
      found.path = std::move(values);
      found.allowed.clear();
      return found;
    }
    if (std::find(found.allowed.begin(), found.allowed.end(), route.method) == found.allowed.end())
      found.allowed.push_back(route.method);
  }
  return found;
}

std::string nearest_path(std::string_view path) {
  auto given = split(path, '/');
  std::vector<std::string> candidates;
  for (const Route& route : routes()) {
    auto parts = split(route.path, '/');
    if (parts.size() != given.size()) continue;
    std::string candidate;
    for (std::size_t i = 1; i < parts.size(); ++i) candidate += cat('/', is_parameter(parts[i]) ? given[i] : parts[i]);
    candidates.push_back(std::move(candidate));
  }
  std::vector<std::string_view> known(candidates.begin(), candidates.end());
  // People forget the prefix as well.
  for (const char* prefix : {"/api/v1", "/api"}) {
    std::string whole = cat(prefix, path);
    if (match("GET", whole).route != nullptr) return whole;
  }
  auto near = nearest(path, known);
  return near ? std::string(*near) : std::string{};
}

}  // namespace mien::edge::api
