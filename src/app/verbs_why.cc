// why: why something was done, why it was refused, or why nothing was even thought of.
#include <algorithm>

#include "app/action_views.h"
#include "app/verbs.h"
#include "app/views.h"
#include "app/walk.h"
#include "base/text.h"

namespace mien::app {
namespace {

constexpr std::size_t audit_shown = 8;
constexpr std::size_t audit_shown_of_action = 16;
constexpr std::size_t decisions_shown = 4;  // of a moment in the past

struct WhyArguments {
  std::string subject;
  std::string at;
};

bool ends_with_one(const std::string& text, const std::vector<std::string>& ids) {
  return std::any_of(ids.begin(), ids.end(), [&](const std::string& id) { return !id.empty() && text.ends_with(id); });
}

// A line of the record speaks of an instance by its name or in its detail, of findings and actions by their ids.
bool is_about(const wire::Document& event, const std::string& instance, const std::vector<std::string>& ids) {
  std::string whom = text_at(event, "/subject");
  if (ends_with_one(whom, ids) || ends_with_one(text_at(event, "/cause"), ids)) return true;
  if (instance.empty()) return false;
  return whom == cat("Instance/", instance) || whom.find(cat("@", instance, "/")) != std::string::npos ||
         text_at(event, "/detail").starts_with(cat(instance, ": "));
}

struct About {
  std::string instance;          // may be empty
  std::vector<std::string> ids;  // of findings, decisions, actions
  WallTime since;
  WallTime until;
  std::size_t most = audit_shown;
};

// The last lines of the record that speak of it.
Result<wire::Document> audit_of(Client& client, const About& about) {
  wire::Document list = TRY(client.list("/api/v1/audit", {{"since", to_rfc3339(about.since)}}));
  wire::Document kept = wire::Document::array();
  for (const wire::Document& event : member_at(list, "/items")) {
    if (time_at(event, "/at") <= about.until && is_about(event, about.instance, about.ids)) kept.push_back(event);
  }
  while (kept.size() > about.most) kept.erase(kept.begin());
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

std::vector<std::string> ids_of(const wire::Document& items) {
  std::vector<std::string> ids;
  for (const wire::Document& item : items) ids.push_back(text_at(item, "/id"));
  return ids;
}

// ---- of a moment in the past ----

// Items of a list that were there at that moment: begun at `from`, not over at `to`.
wire::Document at_moment(const wire::Document& list, const char* from, const char* to, WallTime at) {
  wire::Document kept = wire::Document::array();
  for (const wire::Document& item : member_at(list, "/items")) {
    WallTime over = time_at(item, to);
    if (time_at(item, from) <= at && (over.ns == 0 || at < over)) kept.push_back(item);
  }
  return kept;
}

// The newest decisions that were made by then; lists come newest first.
wire::Document decided_by(const wire::Document& list, WallTime at) {
  wire::Document kept = wire::Document::array();
  for (const wire::Document& item : member_at(list, "/items")) {
    if (time_at(item, "/at") <= at && kept.size() < decisions_shown) kept.push_back(item);
  }
  return kept;
}

// The question of a moment in the past, answered from what was kept of it.
Status why_at(Session& session, Client& client, const WhyArguments& arguments) {
  std::optional<WallTime> at = parse_time(arguments.at);
  if (!at) return usage_error(cat("--at is a time such as 2026-11-22T09:50:00Z, not ", arguments.at));
  (void)TRY(client.get(cat("/api/v1/instances/", arguments.subject)));  // is there such an instance at all
  Query of_it{{"instance", arguments.subject}};
  wire::Document findings = TRY(client.list("/api/v1/findings", {{"all", "true"}, {"instance", arguments.subject}}));
  wire::Document open = at_moment(findings, "/opened_at", "/resolved_at", *at);
  wire::Document decisions = decided_by(TRY(client.list("/api/v1/decisions", of_it)), *at);
  wire::Document actions = at_moment(TRY(client.list("/api/v1/actions", of_it)), "/created_at", "/ended_at", *at);
  About about{.instance = arguments.subject, .ids = ids_of(open), .since = *at - 24h, .until = *at};
  for (const std::string& id : ids_of(actions)) about.ids.push_back(id);
  wire::Document events = TRY(audit_of(client, about));
  wire::Document answer{{"subject", "Instance/" + arguments.subject},
                        {"at", to_rfc3339(*at)},
                        {"findings", open},
                        {"decisions", decisions},
                        {"actions", actions},
                        {"audit", events}};
  if (print_document(session, answer)) return {};
  session.out << paint(cat(printable(arguments.subject), " at ", to_rfc3339(*at)), Colour::bold, session.style) << "\n";
  if (open.empty())
    session.out << "  no finding was open then, so no policy had anything to match and nothing was done\n";
  else
    session.out << "  these were open then" << (actions.empty() ? "; no action was waiting or in force\n" : "\n")
                << findings_table(session, open).render(session.style);
  if (!actions.empty())
    session.out << "\nactions then, as they are now\n" << actions_table(session, actions).render(session.style);
  if (!decisions.empty())
    session.out << "\ndecided until then\n" << decisions_table(session, decisions).render(session.style);
  print_audit(session, events);
  return {};
}

// ---- now ----

void print_details(Session& session, const wire::Document& step) {
  for (const wire::Document& line : member_at(step, "/details")) {
    if (line.is_string()) session.out << "    " << printable(line.get<std::string>()) << "\n";
  }
}

// From an action or a decision back to the samples.
void print_steps(Session& session, const wire::Document& answer) {
  session.out << paint(printable(text_at(answer, "/subject")), Colour::bold, session.style) << "\n";
  std::size_t number = 0;
  wire::Document finding;
  for (const wire::Document& step : member_at(answer, "/walk")) {
    session.out << " " << ++number << ". " << printable(text_at(step, "/text")) << "\n";
    print_details(session, step);
    if (member_at(step, "/finding").is_object()) finding = member_at(step, "/finding");
  }
  wire::Document deviations = wire::Document::array();
  for (const wire::Document& metric : member_at(finding, "/metrics")) deviations.push_back({{"deviation", metric}});
  for (const wire::Document& step : member_at(answer, "/walk")) {
    for (const wire::Document& series : member_at(step, "/series")) print_plot(session, series, deviations, finding);
  }
}

// What a walk speaks of, for the record: its action, decision and finding, since the finding opened.
About about_walk(const Session& session, const wire::Document& answer) {
  About about{
      .instance = {}, .ids = {}, .since = session.now() - 24h, .until = session.now(), .most = audit_shown_of_action};
  for (const wire::Document& step : member_at(answer, "/walk")) {
    for (const char* part : {"/action", "/decision", "/finding"}) {
      if (std::string id = text_at(member_at(step, part), "/id"); !id.empty()) about.ids.push_back(id);
    }
    WallTime begun = time_at(step, "/finding/opened_at");
    if (begun.ns == 0) begun = time_at(step, "/action/created_at");
    if (begun.ns != 0) about.since = std::min(about.since, begun - 1s);
  }
  return about;
}

void print_reasons(Session& session, const wire::Document& answer) {
  session.out << paint(printable(text_at(answer, "/subject")), Colour::bold, session.style)
              << (member_at(answer, "/done").empty() ? ": nothing was done, because" : ": this was done") << "\n";
  for (const wire::Document& done : member_at(answer, "/done"))
    session.out << "  - " << printable(done.is_string() ? done.get<std::string>() : wire::dump(done)) << "\n";
  if (!member_at(answer, "/done").empty()) session.out << "and this is how it stands\n";
  for (const wire::Document& reason : member_at(answer, "/reasons")) {
    if (reason.is_string() && !reason.get<std::string>().empty())
      session.out << "  - " << printable(reason.get<std::string>()) << "\n";
  }
  if (!member_at(answer, "/drift/findings").empty())
    session.out << "\n" << findings_table(session, member_at(answer, "/drift/findings")).render(session.style);
}

Status why(Session& session, const WhyArguments& arguments) {
  Client* client = TRY(session.manager());
  if (!arguments.at.empty()) return why_at(session, *client, arguments);
  wire::Document answer = TRY(client->get("/api/v1/why/" + arguments.subject));
  bool walk = member_at(answer, "/walk").is_array();
  About about = walk ? about_walk(session, answer)
                     : About{.instance = arguments.subject,
                             .ids = ids_of(member_at(answer, "/drift/findings")),
                             .since = session.now() - 24h,
                             .until = session.now()};
  Result<wire::Document> events = audit_of(*client, about);
  answer["audit"] = events ? *events : wire::Document::array();
  if (print_document(session, answer)) return {};
  if (walk) print_steps(session, answer);
  else print_reasons(session, answer);
  print_audit(session, answer["audit"]);
  if (!events) session.err << "the record could not be read: " << printable(events.error().to_string()) << "\n";
  return {};
}

}  // namespace

void add_why_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<WhyArguments>();
  CLI::App* verb = add_verb(program, "why", "Say why something was done, or why nothing was", "What is wrong, and why");
  verb->add_option("SUBJECT", arguments->subject, "INSTANCE, ACTION or DECISION")->required();
  verb->add_option("--at", arguments->at, "At that moment instead of now (of an instance)")->type_name("TIME");
  on_chosen(verb, session, [arguments](Session& s) { return why(s, *arguments); });
}

}  // namespace mien::app
