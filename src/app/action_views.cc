#include "app/action_views.h"

#include <cmath>

#include "app/views.h"
#include "base/text.h"
#include "model/action.h"

namespace mien::app {
namespace {

Colour colour_of_state(std::string_view state) {
  if (state == "proposed") return Colour::blue;
  if (state == "ordered" || state == "applied" || state == "reverting") return Colour::yellow;
  return state == "conflicted" || state == "failed" || state == "stuck" ? Colour::red : Colour::grey;
}

Colour colour_of_effect(std::string_view verdict) {
  if (verdict == "helped") return Colour::green;
  return verdict == "worse" || verdict == "no_effect" ? Colour::red : Colour::none;
}

// How long something lasts still: "12m", "over", "-" where it has no end.
std::string left_at(const Session& session, const wire::Document& item, std::string_view pointer) {
  WallTime until = time_at(item, pointer);
  if (until.ns == 0) return "-";
  Duration left = until - session.now();
  return left.count() <= 0 ? "over" : short_age(left);
}

bool is_stuck(const wire::Document& action) {
  return text_at(action, "/state") == "reverting" && text_at(action, "/note").starts_with(model::stuck_note);
}

// Of a lease while it runs, of an approval while it is awaited.
std::string lease_text(const Session& session, const wire::Document& action) {
  std::string state = text_at(action, "/state");
  if (state == "applied") return left_at(session, action, "/expires_at");
  if (state == "proposed") return cat("approve in ", left_at(session, action, "/approve_by"));
  double lease = number_at(action, "/lease");
  return state == "ordered" && lease > 0 ? short_age(from_seconds(lease)) : std::string("-");
}

std::string percent(double ratio) { return std::isnan(ratio) ? "-" : cat(std::lround(ratio * 100), " %"); }

}  // namespace

std::string effect_text(const wire::Document& action) {
  std::string verdict = text_at(action, "/effect/verdict");
  if (verdict.empty() || verdict == "pending") return text_at(action, "/applied_at").empty() ? "-" : "pending";
  if (verdict == "unknown") return verdict;
  std::string name = verdict == "no_effect" ? "no effect" : verdict;
  return cat(name, ": ", score_text(number_at(action, "/effect/before")), " -> ",
             score_text(number_at(action, "/effect/after")));
}

Table actions_table(const Session& session, const wire::Document& list) {
  Table table({{.title = "ID"},
               {.title = "STATE"},
               {.title = "VERB"},
               {.title = "TARGET", .shrinks = true},
               {.title = "POLICY", .shrinks = true},
               {.title = "LEASE-LEFT"},
               {.title = "EFFECT", .shrinks = true}});
  for (const wire::Document& item : list) {
    std::string state = is_stuck(item) ? "stuck" : text_at(item, "/state");
    table.add({text_at(item, "/id"), Cell{state, colour_of_state(state)}, text_at(item, "/verb"),
               text_at(item, "/target"), text_at(item, "/policy"), lease_text(session, item),
               Cell{effect_text(item), colour_of_effect(text_at(item, "/effect/verdict"))}});
  }
  return table;
}

Table success_table(const wire::Document& list) {
  Table table({{.title = "POLICY", .shrinks = true},
               {.title = "STEP", .right = true},
               {.title = "PERSONA", .shrinks = true},
               {.title = "JUDGED", .right = true},
               {.title = "HELPED", .right = true},
               {.title = "RATE", .right = true},
               {.title = "95 % BETWEEN", .right = true}});
  for (const wire::Document& item : list) {
    double step = number_at(item, "/step");
    table.add({text_at(item, "/policy"), std::isnan(step) ? "-" : to_text(step + 1), text_at(item, "/persona"),
               text_at(item, "/trials"), text_at(item, "/successes"), percent(number_at(item, "/ratio")),
               cat(percent(number_at(item, "/low")), " and ", percent(number_at(item, "/high")))});
  }
  return table;
}

Table decisions_table(const Session& session, const wire::Document& list) {
  Table table({{.title = "ID"},
               {.title = "AGE"},
               {.title = "OUTCOME"},
               {.title = "INSTANCE", .shrinks = true},
               {.title = "FINDING"},
               {.title = "POLICY"},
               {.title = "WHY", .shrinks = true}});
  for (const wire::Document& item : list) {
    std::string policy = text_at(item, "/policy");
    table.add({text_at(item, "/id"), age_at(session, item, "/at"), text_at(item, "/outcome"),
               text_at(item, "/instance"), text_at(item, "/finding"), policy.empty() ? "-" : policy,
               text_at(item, "/summary")});
  }
  return table;
}

Table holds_table(const Session& session, const wire::Document& list) {
  Table table({{.title = "HOLDS", .shrinks = true}, {.title = "FOR"}, {.title = "WHO", .shrinks = true}});
  for (const wire::Document& item : list) {
    std::string left = left_at(session, item, "/until");
    table.add({text_at(item, "/scope"), left == "-" ? "until resumed" : left, text_at(item, "/actor")});
  }
  return table;
}

void print_actions(Session& session, const wire::Document& answer, const std::string& none) {
  Table table = actions_table(session, member_at(answer, "/items"));
  if (table.size() > 0) session.out << table.render(session.style);
  else session.err << none << "\n";
  for (const wire::Document& item : member_at(answer, "/items"))
    if (is_stuck(item))
      session.out << "\n" << text_at(item, "/id") << " is " << printable(text_at(item, "/note")) << "\n";
  Table success = success_table(member_at(answer, "/success"));
  if (success.size() > 0) session.out << "\nhow often each step helped\n" << success.render(session.style);
}

}  // namespace mien::app
