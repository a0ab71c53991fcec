// GET /metrics: Prometheus text 0.0.4, or OpenMetrics 1.0 where the scraper asks for it.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/text.h"
#include "edge/api/events.h"
#include "edge/api/findings_book.h"
#include "edge/api/handlers.h"
#include "edge/api/tally.h"
#include "remedy/rank.h"

namespace mien::edge::api {
namespace {

using LabelList = std::vector<std::pair<const char*, std::string>>;

// Writes families in either text format; they differ in how counters are declared and in the last line.
class Exposition {
 public:
  explicit Exposition(bool open_metrics) : open_metrics_(open_metrics) {}

  void family(const std::string& name, const char* type, const char* help) {
    name_ = name;
    counter_ = std::string_view(type) == "counter";
    std::string declared = counter_ && !open_metrics_ ? name + "_total" : name;
    text_ += cat("# HELP ", declared, " ", help, "\n# TYPE ", declared, " ", type, "\n");
  }
  void sample(double value, const LabelList& labels = {}) {
    text_ += name_;
    if (counter_) text_ += "_total";
    char separator = '{';
    for (const auto& [key, label] : labels) {
      text_ += cat(separator, key, "=\"", escaped(label), '"');
      separator = ',';
    }
    if (!labels.empty()) text_ += '}';
    text_ += cat(' ', number(value), '\n');
  }
  [[nodiscard]] std::string take() {
    if (open_metrics_) text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  static std::string escaped(const std::string& label) {
    std::string out;
    for (char c : label) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n') out += "\\n";
      else out += c;
    }
    return out;
  }
  static std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    return to_text(value);
  }
  bool open_metrics_;
  bool counter_ = false;
  std::string name_;
  std::string text_;
};

// The instances that get series of their own: a scrape stays bounded whatever the fleet grows to.
constexpr std::size_t most_shown = 2'000;
struct InstancesShown {
  std::vector<const node::InstanceView*> all;
  std::size_t left_out = 0;
};

InstancesShown shown_of(const Caller& caller, const node::View& view) {
  InstancesShown shown;
  for (const auto& [name, seen] : view.instances) {
    if (!sees(caller, *seen)) continue;
    if (shown.all.size() < most_shown) shown.all.push_back(seen.get());
    else ++shown.left_out;
  }
  return shown;
}

void write_counters(Exposition& out, const node::Counters& counters) {
  for_each_field(counters, [&out](const char* name, const std::uint64_t& value) {
    out.family(cat("mien_", name), "counter", "Counted since the shard was made; see the guide");
    out.sample(static_cast<double>(value));
  });
}

// The same under one name, so that one rule watches everything that was not taken, and says why.
void write_refused(Exposition& out, const Service& service, const node::Counters& counters) {
  out.family("mien_refused_items", "counter", "What was not taken in, or not acted on, by reason");
  auto refused = [&out](const char* what, const char* reason, std::uint64_t count) {
    out.sample(static_cast<double>(count), {{"what", what}, {"reason", reason}});
  };
  refused("frame", "duplicate", counters.frames_duplicate);
  refused("sample", "duplicate", counters.samples_duplicate);
  refused("sample", "future", counters.samples_future);
  refused("sample", "late", counters.samples_late);
  refused("sample", "limit", counters.samples_refused);
  refused("sample", "newcomer", service.newcomers_refused.load());
  refused("instance", "limit", counters.instances_refused);
  refused("command", "refused", counters.commands_refused);
}

void write_findings(Exposition& out, const Caller& caller, const node::View& view) {
  std::map<std::pair<model::FindingKind, model::Severity>, std::size_t> open;
  for (const auto& [name, seen] : view.instances) {
    if (!sees(caller, *seen)) continue;
    for (const model::Finding& finding : seen->findings) ++open[{finding.kind, finding.severity}];
  }
  out.family("mien_findings", "gauge", "Findings that are open or acknowledged, by kind and severity");
  for (const auto& [key, count] : open)
    out.sample(static_cast<double>(count),
               {{"kind", std::string(to_text(key.first))}, {"severity", std::string(to_text(key.second))}});
}

// What was promised, and at most how much of it was broken: nobody can say which findings were false, so all count.
void write_false_alarms(Exposition& out, const Service& service, const InstancesShown& shown) {
  std::map<InstanceName, std::size_t> opened = service.findings_book->opened_since(service.now() - FindingsBook::week);
  auto measured = [&opened](const node::InstanceView& seen) {
    auto known = opened.find(seen.name);
    return static_cast<double>(known == opened.end() ? 0 : known->second);
  };
  out.family("mien_false_alarms_promised", "gauge", "False alarms a week that the persona allows at most");
  for (const node::InstanceView* seen : shown.all)
    out.sample(seen->expectation.false_alarms_per_week, {{"instance_name", seen->name.value}});
  out.family("mien_false_alarms_measured", "gauge", "Judged findings opened within seven days: an upper bound");
  for (const node::InstanceView* seen : shown.all) out.sample(measured(*seen), {{"instance_name", seen->name.value}});
  out.family("mien_false_alarms_left", "gauge", "Promised less measured; below zero the promise may be broken");
  for (const node::InstanceView* seen : shown.all)
    out.sample(seen->expectation.false_alarms_per_week - measured(*seen), {{"instance_name", seen->name.value}});
}

void write_instances(Exposition& out, const InstancesShown& shown, const node::View& view) {
  auto each = [&](auto&& visit) {
    for (const node::InstanceView* seen : shown.all) visit(seen->name.value, *seen);
  };
  out.family("mien_drift_score", "gauge", "How far the instance is from its persona, 0 to 1");
  each([&out](const std::string& name, const node::InstanceView& seen) {
    out.sample(seen.drift.score,
               {{"instance_name", name}, {"type", std::string(to_text(seen.type))}, {"persona", seen.persona.value}});
  });
  out.family("mien_drift_alarm_level", "gauge", "The score above which an episode opens");
  each([&out](const std::string& name, const node::InstanceView& seen) {
    out.sample(seen.drift.alarm_level, {{"instance_name", name}});
  });
  out.family("mien_instance_state", "gauge", "1 for the state the instance is in");
  each([&out](const std::string& name, const node::InstanceView& seen) {
    out.sample(1, {{"instance_name", name}, {"state", std::string(to_text(seen.drift.state))}});
  });
  out.family("mien_instance_findings", "gauge", "Findings that are open or acknowledged");
  each([&out](const std::string& name, const node::InstanceView& seen) {
    out.sample(static_cast<double>(seen.findings.size()), {{"instance_name", name}});
  });
  out.family("mien_instance_last_sample_timestamp_seconds", "gauge", "Time of the newest sample");
  each([&out](const std::string& name, const node::InstanceView& seen) {
    out.sample(static_cast<double>(seen.last_seen.ns) * 1e-9, {{"instance_name", name}});
  });
  out.family("mien_instance_conditions", "gauge", "Conditions that people should know of");
  each([&out](const std::string& name, const node::InstanceView& seen) {
    if (!seen.conditions.empty()) out.sample(static_cast<double>(seen.conditions.size()), {{"instance_name", name}});
  });
  auto largest = [](const node::InstanceView& seen, double node::SlowMetric::*bits) {
    double most = model::missing;
    for (const node::SlowMetric& slow : seen.slow->metrics) most = std::fmax(most, slow.*bits);
    return most;
  };
  out.family(
      "mien_window_divergence_bits", "gauge",
      "The most that a metric's values of the newest whole hour and day are spread otherwise than in healthy hours");
  each([&](const std::string& name, const node::InstanceView& seen) {
    for (const auto& [window, bits] :
         {std::pair{"1h", &node::SlowMetric::hour_bits}, {"1d", &node::SlowMetric::day_bits}})
      if (double most = largest(seen, bits); !std::isnan(most))
        out.sample(most, {{"instance_name", name}, {"window", window}});
  });
  out.family("mien_departure_bits", "gauge", "The most that what was learned has left what is declared");
  each([&out](const std::string& name, const node::InstanceView& seen) {
    if (!seen.slow->departure_of.empty()) out.sample(seen.slow->departure_bits, {{"instance_name", name}});
  });
  out.family("mien_moving_metrics", "gauge", "Metrics whose level goes one way, day after day");
  each([&out](const std::string& name, const node::InstanceView& seen) {
    auto moving = std::count_if(seen.slow->metrics.begin(), seen.slow->metrics.end(),
                                [](const node::SlowMetric& slow) { return slow.moving; });
    if (moving > 0) out.sample(static_cast<double>(moving), {{"instance_name", name}});
  });
  out.family("mien_instances", "gauge", "Instances known");
  out.sample(static_cast<double>(view.instances.size()));
  out.family("mien_instances_not_shown", "gauge", "Instances beyond the limit, without series of their own here");
  out.sample(static_cast<double>(shown.left_out));
}

void write_audit(Exposition& out, const node::View& view) {
  out.family("mien_audit_sequence", "gauge", "Links of the audit chain");
  out.sample(static_cast<double>(view.audit_sequence));
  // Published outside, so that a cut tail contradicts what a scraper remembers.
  if (!view.audit_head) return;
  std::string hash(view.audit_head->hash.begin(), view.audit_head->hash.end());
  out.family("mien_audit_head", "gauge", "Sequence of the newest signed head; its hash and signature are labels");
  out.sample(static_cast<double>(view.audit_head->sequence),
             {{"hash", to_hex(hash)}, {"signature", to_hex(view.audit_head->signature)}});
  out.family("mien_audit_head_timestamp_seconds", "gauge", "When it was signed");
  out.sample(static_cast<double>(view.audit_head->at.ns) * 1e-9);
}

void write_actions(Exposition& out, const Service& service, const node::ActionBoard& board) {
  out.family("mien_actions", "counter", "Actions that came to a state and an effect since this process started");
  for (const auto& [key, count] : service.tally->actions()) {
    const auto& [state, verb, effect] = key;
    out.sample(static_cast<double>(count), {{"state", std::string(to_text(state))},
                                            {"verb", std::string(to_text(verb))},
                                            {"effect", std::string(to_text(effect))}});
  }
  out.family("mien_decisions", "counter", "Decisions by policy and outcome since this process started");
  for (const auto& [key, count] : service.tally->decisions())
    out.sample(static_cast<double>(count),
               {{"policy", key.first.value}, {"outcome", std::string(to_text(key.second))}});

  std::map<model::ActionState, std::size_t> open;
  for (const auto& [id, action] : board.actions) {
    if (!model::is_finished(action.state)) ++open[action.state];
  }
  out.family("mien_open_actions", "gauge", "Actions that are not over, by state");
  for (auto state : {model::ActionState::proposed, model::ActionState::ordered, model::ActionState::applied,
                     model::ActionState::reverting})
    out.sample(static_cast<double>(open[state]), {{"state", std::string(to_text(state))}});

  auto stuck = std::count_if(board.actions.begin(), board.actions.end(),
                             [](const auto& each) { return model::is_stuck(each.second); });
  out.family("mien_stuck_actions", "gauge", "Actions that can not be taken back yet");
  out.sample(static_cast<double>(stuck));

  auto each_rank = [&](const char* name, const char* help, auto&& value) {
    out.family(name, "gauge", help);
    for (const auto& [key, rank] : board.ranks) {
      if (rank.trials == 0) continue;
      out.sample(value(rank),
                 {{"policy", key.policy.value}, {"step", std::to_string(key.step)}, {"persona", key.persona.value}});
    }
  };
  each_rank("mien_action_success_ratio", "Share of judged actions that helped", [](const remedy::Rank& rank) {
    return static_cast<double>(rank.successes) / static_cast<double>(rank.trials);
  });
  each_rank("mien_action_success_ratio_low", "Lower end of its 95 % interval",
            [](const remedy::Rank& rank) { return remedy::success_interval(rank).low; });
  each_rank("mien_action_success_ratio_high", "Upper end of its 95 % interval",
            [](const remedy::Rank& rank) { return remedy::success_interval(rank).high; });

  out.family("mien_budget_left", "gauge", "Actions that a policy may still take in its window");
  for (const auto& [policy, budget] : board.budgets) {
    std::uint32_t taken = budget.spent + budget.granted;
    out.sample(static_cast<double>(budget.actions > taken ? budget.actions - taken : 0), {{"policy", policy.value}});
  }
  auto held =
      std::count_if(board.agents.begin(), board.agents.end(), [](const auto& each) { return each.second.held; });
  out.family("mien_holds", "gauge", "Holds in force: by command, and by the hold file of a machine");
  out.sample(static_cast<double>(board.holds.size()), {{"by", "command"}});
  out.sample(static_cast<double>(held), {{"by", "file"}});
  out.family("mien_policy_problems", "gauge", "Policies that are left out because they are broken");
  out.sample(static_cast<double>(board.problems.size()));
}

void write_requests(Exposition& out, const Service& service) {
  out.family("mien_newcomer_samples_refused", "counter", "Samples of new instances for which there is no room");
  out.sample(static_cast<double>(service.newcomers_refused.load()));
  out.family("mien_security_facts", "counter", "Security facts that agents sent");
  out.sample(static_cast<double>(service.facts_taken.load()), {{"known", "true"}});
  out.sample(static_cast<double>(service.facts_unknown.load()), {{"known", "false"}});
  out.family("mien_http_requests", "counter", "Requests answered");
  for (const auto& [key, count] : service.counts->all()) {
    const auto& [method, route, status] = key;
    out.sample(static_cast<double>(count), {{"method", method}, {"route", route}, {"status", std::to_string(status)}});
  }
  out.family("mien_http_event_streams", "gauge", "Clients that follow /events");
  out.sample(static_cast<double>(service.events->open()));
}

void write_prometheus(Exposition& out, const Service& service) {
  PrometheusDoor& door = *service.options.prometheus_door;
  wire::PrometheusCounts counts;
  wire::PrometheusMemory::Remembered remembered;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  {
    Lock lock(door.mutex);
    counts = door.counts;
    remembered = door.memory.remembered();
    answered = door.scrapes_answered;
    failed = door.scrapes_failed;
  }
  out.family("mien_prometheus_samples", "counter", "Samples by remote-write and scrape, and what became of them");
  auto sample = [&out](const char* outcome, std::uint64_t count) {
    out.sample(static_cast<double>(count), {{"outcome", outcome}});
  };
  sample("kept", counts.samples - counts.not_kept);
  sample("understood", counts.not_kept);
  sample("no_instance", counts.unnamed);
  sample("refused", counts.invalid);
  out.family("mien_scrapes", "counter", "Targets asked for their metrics, and whether they answered");
  out.sample(static_cast<double>(answered), {{"outcome", "answered"}});
  out.sample(static_cast<double>(failed), {{"outcome", "failed"}});
  out.family("mien_prometheus_histograms", "counter", "Native histograms taken");
  out.sample(static_cast<double>(counts.histograms));
  out.family("mien_prometheus_series_ended", "counter", "Staleness markers: series that were said to have ended");
  out.sample(static_cast<double>(counts.ended));
  std::size_t otlp_series = 0;
  std::uint64_t otlp_emptied = 0;
  {
    Lock lock(service.start_times_mutex);
    otlp_series = service.known_points.roster.series();
    otlp_emptied = service.known_points.emptied;
  }
  const LabelList remote_write{{"door", "remote_write"}};
  const LabelList otlp{{"door", "otlp"}};
  out.family("mien_door_series", "gauge", "Series that a door knows by the bytes they come in");
  out.sample(static_cast<double>(remembered.series), remote_write);
  out.sample(static_cast<double>(otlp_series), otlp);
  out.family("mien_door_series_decoded", "counter", "Series that were not known there and were decoded the slow way");
  out.sample(static_cast<double>(remembered.slowly), remote_write);
  out.family("mien_door_series_emptied", "counter", "Times that all of them were forgotten for want of room");
  out.sample(static_cast<double>(remembered.emptied), remote_write);
  out.sample(static_cast<double>(otlp_emptied), otlp);
}

void write_cardinality(Exposition& out, const Service& service) {
  out.family("mien_series_limit_label_values", "gauge",
             "Different values of the label that makes more series of an instance than there may be");
  for (const auto& each : service.options.prometheus_door->cardinality.offences(service.now()))
    out.sample(static_cast<double>(each.widest.values),
               {{"instance_name", each.instance.value}, {"label", each.widest.label}});
}

void write_outside(Exposition& out, const Service& service) {
  OutsideBoard::Counts counts = service.outside.counts();
  out.family("mien_log_records", "counter", "Log records by OTLP, and what became of them");
  out.sample(static_cast<double>(counts.log_records), {{"outcome", "taken"}});
  out.sample(static_cast<double>(counts.log_records_refused), {{"outcome", "refused"}});
  out.family("mien_outside_alerts", "counter", "Alerts by Alertmanager's webhook, and what became of them");
  out.sample(static_cast<double>(counts.alerts), {{"outcome", "taken"}});
  out.sample(static_cast<double>(counts.alerts_refused), {{"outcome", "refused"}});
}

// What left, by destination. Names of the settings, so their number is bounded by those.
void write_outbound(Exposition& out, const Service& service) {
  auto meters = service.options.outbound->all();
  out.family("mien_outbound", "counter", "Alerts, events and requests that left, and what became of them");
  for (const auto& meter : meters) {
    auto sample = [&](const char* outcome, std::uint64_t count) {
      out.sample(static_cast<double>(count),
                 {{"kind", meter->kind}, {"destination", meter->name}, {"outcome", outcome}});
    };
    sample("delivered", meter->delivered);
    sample("retried", meter->failed);
    sample("refused", meter->refused);
    sample("shed", meter->shed);
  }
  out.family("mien_notify_held_back", "counter",
             "Findings that the fleet's budget kept from people, told later or not");
  out.sample(static_cast<double>(service.options.outbound->held_back.load()));
  out.family("mien_outbound_waiting", "gauge", "Letters in the outbox of a destination");
  for (const auto& meter : meters)
    out.sample(static_cast<double>(meter->waiting.load()), {{"kind", meter->kind}, {"destination", meter->name}});
  out.family("mien_outbound_delivered_timestamp_seconds", "gauge", "When something was delivered last");
  for (const auto& meter : meters)
    out.sample(static_cast<double>(meter->delivered_at_ns.load()) * 1e-9,
               {{"kind", meter->kind}, {"destination", meter->name}});
}

void write_process(Exposition& out) {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  out.family("process_cpu_seconds", "counter", "User and system time of this process");
  out.sample(seconds(use.ru_utime) + seconds(use.ru_stime));
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  if (statm >> pages >> resident) {
    auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    out.family("process_resident_memory_bytes", "gauge", "Resident memory of this process");
    out.sample(resident * page);
    out.family("process_virtual_memory_bytes", "gauge", "Virtual memory of this process");
    out.sample(pages * page);
  }
}

}  // namespace

void metrics(Service& service, const CallPtr& call) {
  bool open_metrics = call->request.header("accept").find("application/openmetrics-text") != std::string_view::npos;
  auto view = service.port().view();
  Exposition out(open_metrics);
  out.family("mien_build_info", "gauge", "1, with the version");
  out.sample(1, {{"version", service.options.version}});
  write_counters(out, view->counters);
  out.family("mien_log_position", "gauge", "The newest record that was folded");
  out.sample(static_cast<double>(view->position));
  InstancesShown shown = shown_of(call->caller, *view);
  write_refused(out, service, view->counters);
  write_findings(out, call->caller, *view);
  write_instances(out, shown, *view);
  write_false_alarms(out, service, shown);
  write_actions(out, service, *view->board);
  write_audit(out, *view);
  write_requests(out, service);
  write_prometheus(out, service);
  write_cardinality(out, service);
  write_outside(out, service);
  write_outbound(out, service);
  write_process(out);
  HttpResponse response;
  response.headers["content-type"] = open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                  : "text/plain; version=0.0.4; charset=utf-8";
  response.body = out.take();
  call->respond(std::move(response));
}

}  // namespace mien::edge::api
