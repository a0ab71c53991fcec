// explain: from a finding back to the samples, and what may be written in a resource.
#include <algorithm>

#include "app/verbs.h"
#include "app/views.h"
#include "app/walk.h"
#include "base/text.h"
#include "model/schema.h"

namespace mien::app {
namespace {

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

// Of a baseline against a declaration the bits are a mean over what was learned, not how rare a sample is.
bool is_departure(const wire::Document& finding) {
  return text_at(finding, "/summary").starts_with("what was learned left");
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
  if (is_departure(finding))
    table.add({"mien explain persona.behavior",
               "change the declaration if it is wrong; drift.depart says how far is too far"});
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
    if (bits >= least_surprise && !is_limit(finding) && !is_departure(finding)) {
      session.out << "    " << surprise_text(bits) << "\n";
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

}  // namespace

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

void add_explain_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<ExplainArguments>();
  CLI::App* verb =
      add_verb(program, "explain", "Walk from a finding or an instance back to the samples, or describe a kind",
               "What is wrong, and why");
  verb->add_option("SUBJECT", arguments->subject, "FINDING, INSTANCE or KIND[.path]")->required();
  on_chosen(verb, session, [arguments](Session& s) { return explain(s, *arguments); });
}

}  // namespace mien::app
