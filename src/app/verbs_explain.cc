// explain and why: from a finding back to the samples, what may be written in a resource, and why nothing was done.
#include <algorithm>
#include <cmath>

#include "app/verbs.h"
#include "app/views.h"
#include "base/text.h"
#include "model/schema.h"

namespace mien::app {
namespace {

constexpr std::size_t audit_shown = 8;
constexpr double least_surprise = 1;  // bits: less is as expected

struct ExplainArguments {
  std::string subject;
};

// "persona", "persona.drift.limits": then nobody needs to be asked.
bool is_schema_path(std::string_view subject) {
  return model::parse_resource_kind(subject.substr(0, subject.find('.'))).has_value();
}

// A limit is a line that people drew: neither expected nor improbable.
bool is_limit(const wire::Document& finding) { return text_at(finding, "/kind") == "limit"; }

void print_plot(Session& session, const wire::Document& series, const wire::Document& walk,
                const wire::Document& finding) {
  WallTime opened = finding.is_object() ? time_at(finding, "/opened_at") : WallTime{};
  Plot plot{.title = series_text(series), .points = {}, .band = {}, .mark = {}};
  std::string wanted;
  if (opened.ns != 0) plot.mark = opened;
  for (const wire::Document& step : walk) {
    const wire::Document& deviation = member_at(step, "/deviation");
    if (deviation.is_object() && series_text(deviation) == plot.title) {
      plot.band = std::pair{number_at(deviation, "/low"), number_at(deviation, "/high")};
      wanted = wanted_text(finding, deviation);
    }
  }
  for (const wire::Document& sample : member_at(series, "/samples")) {
    if (!sample.is_array() || sample.size() != 2 || !sample[0].is_string() || !sample[1].is_number()) continue;
    if (auto at = parse_time(sample[0].get<std::string>()))
      plot.points.push_back({.at = *at, .value = sample[1].get<double>()});
  }
  if (plot.points.empty()) return;
  const PlotPoint& newest = plot.points.back();
  plot.title += cat("   newest ", short_number(newest.value), wanted.empty() ? "" : ", ", wanted);
  session.out << "\n" << render(plot, session.style);
}

void print_next_steps(Session& session, const wire::Document& finding) {
  std::string id = text_at(finding, "/id");
  std::string instance = text_at(finding, "/instance");
  Table table({{.title = "WHAT NEXT"}, {.title = ""}});
  table.add({cat("mien drift ", instance, " --watch"), "is it still so?"});
  table.add({cat("mien why ", instance), "why nothing was done"});
  if (text_at(finding, "/state") == "open") table.add({cat("mien ack ", id, " --comment TEXT"), "say that you know"});
  if (is_limit(finding))
    table.add({"mien explain persona.drift.limits", "the limit is declared: change it in the persona if it is wrong"});
  session.out << "\n" << table.render(session.style);
}

void print_walk(Session& session, const wire::Document& answer) {
  const wire::Document& walk = member_at(answer, "/walk");
  wire::Document finding;
  session.out << paint(printable(text_at(answer, "/subject")), Colour::bold, session.style) << "\n";
  std::size_t number = 0;
  for (const wire::Document& step : walk) {
    if (member_at(step, "/finding").is_object()) finding = member_at(step, "/finding");
    double bits = number_at(step, "/deviation/bits");
    if (finding.is_null() && bits < least_surprise) continue;  // of an instance: what is as expected explains nothing
    session.out << " " << ++number << ". " << printable(text_at(step, "/text")) << "\n";
    if (bits >= least_surprise && !is_limit(finding)) {
      session.out << "    surprise " << to_text(bits, 3) << " bits: about one healthy sample in "
                  << short_number(std::exp2(std::min(bits, 1000.0))) << " looks so\n";
    }
  }
  if (finding.is_object()) {
    session.out << "confidence " << to_text(number_at(finding, "/confidence"), 4) << ", score "
                << score_text(number_at(finding, "/score")) << "\n";
  }
  for (const wire::Document& step : walk) {
    for (const wire::Document& series : member_at(step, "/series")) print_plot(session, series, walk, finding);
  }
  if (finding.is_object()) print_next_steps(session, finding);
}

Status explain(Session& session, const ExplainArguments& arguments) {
  if (is_schema_path(arguments.subject)) {
    std::string text = TRY(model::explain_schema(arguments.subject));
    if (!print_document(session, wire::Document{{"subject", arguments.subject}, {"text", text}}))
      session.out << text << (text.ends_with('\n') ? "" : "\n");
    return {};
  }
  Client* client = TRY(session.manager());
  wire::Document answer = TRY(client->get("/api/v1/explain/" + arguments.subject));
  if (!print_document(session, answer)) print_walk(session, answer);
  return {};
}

// ---- why ----

struct WhyArguments {
  std::string subject;
  std::string at;
};

bool is_about(const wire::Document& event, const std::string& subject, const std::vector<std::string>& findings) {
  std::string whom = text_at(event, "/subject");
  if (whom == cat("Instance/", subject) || whom.find(cat("@", subject, "/")) != std::string::npos) return true;
  if (text_at(event, "/detail").starts_with(cat(subject, ": "))) return true;  // a finding of it
  return std::any_of(findings.begin(), findings.end(), [&](const std::string& id) { return whom.ends_with(id); });
}

// The last lines of the record that speak of it, up to `until`.
Result<wire::Document> audit_of(Client& client, const std::string& subject, const std::vector<std::string>& findings,
                                WallTime until) {
  WallTime since = until - 24h;
  wire::Document list = TRY(client.list("/api/v1/audit", {{"since", to_rfc3339(since)}}));
  wire::Document kept = wire::Document::array();
  for (const wire::Document& event : member_at(list, "/items")) {
    if (time_at(event, "/at") <= until && is_about(event, subject, findings)) kept.push_back(event);
  }
  while (kept.size() > audit_shown) kept.erase(kept.begin());
  return kept;
}

void print_audit(Session& session, const wire::Document& events) {
  if (events.empty()) return;
  session.out << "\nthe record, newest last\n";
  Table table({{.title = "AT"},
               {.title = "WHO"},
               {.title = "WHAT"},
               {.title = "TO"},
               {.title = "CAUSE"},
               {.title = "DETAIL", .shrinks = true}});
  for (const wire::Document& event : events) {
    table.add({text_at(event, "/at"), text_at(event, "/actor"), text_at(event, "/verb"), text_at(event, "/subject"),
               text_at(event, "/cause"), text_at(event, "/detail")});
  }
  session.out << table.render(session.style);
}

// Findings that were open at that moment.
Result<wire::Document> open_at(Client& client, const std::string& instance, WallTime at) {
  wire::Document list = TRY(client.list("/api/v1/findings", {{"all", "true"}, {"instance", instance}}));
  wire::Document open = wire::Document::array();
  for (const wire::Document& finding : member_at(list, "/items")) {
    WallTime resolved = time_at(finding, "/resolved_at");
    if (time_at(finding, "/opened_at") <= at && (resolved.ns == 0 || at < resolved)) open.push_back(finding);
  }
  return open;
}

std::vector<std::string> ids_of(const wire::Document& findings) {
  std::vector<std::string> ids;
  for (const wire::Document& finding : findings) ids.push_back(text_at(finding, "/id"));
  return ids;
}

// The question of a moment in the past, answered from what was kept of it.
Status why_at(Session& session, Client& client, const WhyArguments& arguments) {
  std::optional<WallTime> at = parse_time(arguments.at);
  if (!at) return usage_error(cat("--at is a time such as 2026-11-22T09:50:00Z, not ", arguments.at));
  (void)TRY(client.get(cat("/api/v1/instances/", arguments.subject)));  // is there such an instance at all
  wire::Document open = TRY(open_at(client, arguments.subject, *at));
  wire::Document events = TRY(audit_of(client, arguments.subject, ids_of(open), *at));
  wire::Document answer{
      {"subject", "Instance/" + arguments.subject}, {"at", to_rfc3339(*at)}, {"findings", open}, {"audit", events}};
  if (print_document(session, answer)) return {};
  session.out << paint(cat(printable(arguments.subject), " at ", to_rfc3339(*at)), Colour::bold, session.style) << "\n";
  if (open.empty())
    session.out << "  no finding was open then, so no policy had anything to match and nothing was done\n";
  else
    session.out << "  these were open then; no action was recorded, so no policy matched\n"
                << findings_table(session, open).render(session.style);
  print_audit(session, events);
  return {};
}

Status why(Session& session, const WhyArguments& arguments) {
  Client* client = TRY(session.manager());
  if (!arguments.at.empty()) return why_at(session, *client, arguments);
  wire::Document answer = TRY(client->get("/api/v1/why/" + arguments.subject));
  Result<wire::Document> events =
      audit_of(*client, arguments.subject, ids_of(member_at(answer, "/drift/findings")), session.now());
  answer["audit"] = events ? *events : wire::Document::array();
  if (print_document(session, answer)) return {};
  session.out << paint(printable(text_at(answer, "/subject")), Colour::bold, session.style)
              << (member_at(answer, "/done").empty() ? ": nothing was done, because" : ": this was done") << "\n";
  for (const wire::Document& done : member_at(answer, "/done"))
    session.out << "  - " << printable(done.is_string() ? done.get<std::string>() : wire::dump(done)) << "\n";
  for (const wire::Document& reason : member_at(answer, "/reasons")) {
    if (reason.is_string() && !reason.get<std::string>().empty())
      session.out << "  - " << printable(reason.get<std::string>()) << "\n";
  }
  if (!member_at(answer, "/drift/findings").empty())
    session.out << "\n" << findings_table(session, member_at(answer, "/drift/findings")).render(session.style);
  print_audit(session, answer["audit"]);
  if (!events) session.err << "the record could not be read: " << printable(events.error().to_string()) << "\n";
  return {};
}

}  // namespace

void add_explain_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<ExplainArguments>();
  CLI::App* verb =
      add_verb(program, "explain", "Walk from a finding or an instance back to the samples, or describe a kind",
               "What is wrong, and why");
  verb->add_option("SUBJECT", arguments->subject, "FINDING, INSTANCE or KIND[.path]")->required();
  on_chosen(verb, session, [arguments](Session& s) { return explain(s, *arguments); });
}

void add_why_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<WhyArguments>();
  CLI::App* verb = add_verb(program, "why", "Say why something was done, or why nothing was", "What is wrong, and why");
  verb->add_option("SUBJECT", arguments->subject, "INSTANCE or ACTION")->required();
  verb->add_option("--at", arguments->at, "At that moment instead of now")->type_name("TIME");
  on_chosen(verb, session, [arguments](Session& s) { return why(s, *arguments); });
}

}  // namespace mien::app
