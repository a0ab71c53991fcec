// get and describe: what the manager holds and has made, as tables, JSON or YAML.
#include <algorithm>

#include "app/action_views.h"
#include "app/kinds.h"
#include "app/verbs.h"
#include "app/views.h"
#include "base/text.h"

namespace mien::app {
namespace {

constexpr Duration watch_interval = std::chrono::seconds{1};

struct GetArguments {
  std::string kind;
  std::string name;
  std::string selector;
  bool watch = false;
};

std::string labels_of(const wire::Document& item) {
  std::string out;
  for (const auto& [key, value] : member_at(item, "/metadata/labels").items())
    out += cat(out.empty() ? "" : ",", key, "=", value.is_string() ? value.get<std::string>() : "");
  return out;
}

Colour colour_of_score(const wire::Document& item, std::string_view score, std::string_view level) {
  double value = number_at(item, score);
  double alarm = number_at(item, level);
  return value >= alarm && alarm > 0 ? Colour::red : value >= 0.6 * alarm && alarm > 0 ? Colour::yellow : Colour::none;
}

Table instances_table(const Session& session, const wire::Document& list) {
  Table table({{.title = "NAME", .shrinks = true},
               {.title = "TYPE"},
               {.title = "PERSONA"},
               {.title = "STATE"},
               {.title = "SCORE", .right = true},
               {.title = "FINDINGS", .right = true},
               {.title = "SEEN"},
               {.title = "LABELS", .shrinks = true}});
  for (const wire::Document& item : list) {
    if (!member_at(item, "/status").is_object()) {  // declared, and nothing heard of it
      table.add({text_at(item, "/metadata/name"), "-", "-", "not seen yet", "-", "-", "-", labels_of(item)});
      continue;
    }
    table.add({text_at(item, "/metadata/name"), text_at(item, "/status/type"), text_at(item, "/status/persona"),
               text_at(item, "/status/state"),
               Cell{score_text(number_at(item, "/status/score")),
                    colour_of_score(item, "/status/score", "/status/alarm_level")},
               cat(member_at(item, "/status/findings").size()), age_at(session, item, "/status/last_seen"),
               labels_of(item)});
  }
  return table;
}

Table resources_table(const Session& session, const wire::Document& list) {
  Table table({{.title = "NAME"},
               {.title = "GENERATION", .right = true},
               {.title = "CHANGED"},
               {.title = "MANAGED BY"},
               {.title = "LABELS", .shrinks = true},
               {.title = "DESCRIPTION", .shrinks = true}});
  for (const wire::Document& item : list) {
    table.add({text_at(item, "/metadata/name"), text_at(item, "/metadata/generation"),
               age_at(session, item, "/metadata/updated_at"), text_at(item, "/metadata/managed_by"), labels_of(item),
               text_at(item, "/metadata/annotations/description")});
  }
  return table;
}

Table revisions_table(const Session& session, const wire::Document& list) {
  Table table({{.title = "NAME"},
               {.title = "GENERATION", .right = true},
               {.title = "SAMPLES", .right = true},
               {.title = "SERIES", .right = true},
               {.title = "AGE"},
               {.title = "STATE"}});
  for (const wire::Document& item : list) {
    table.add({text_at(item, "/name"), text_at(item, "/generation"), text_at(item, "/samples"),
               cat(member_at(item, "/series").size()), age_at(session, item, "/created_at"),
               text_at(item, "/candidate") == "true" ? "candidate" : "kept"});
  }
  return table;
}

Table table_of(const Session& session, const Kind& kind, const wire::Document& list) {
  if (kind.collection == "instances") return instances_table(session, list);
  if (kind.collection == "revisions") return revisions_table(session, list);
  if (kind.collection == "findings") return findings_table(session, list);
  if (kind.collection == "decisions") return decisions_table(session, list);
  if (kind.collection == "actions") return actions_table(session, list);
  return resources_table(session, list);
}

wire::Document as_list(wire::Document item) {
  wire::Document items = wire::Document::array();
  items.push_back(std::move(item));
  return {{"items", std::move(items)}, {"next", nullptr}};
}

Result<wire::Document> fetch(Client& client, const Kind& kind, const GetArguments& arguments) {
  std::string path = "/api/v1/" + kind.collection;
  if (!arguments.name.empty()) return client.get(cat(path, "/", arguments.name));
  Query query;
  if (!arguments.selector.empty()) query["selector"] = arguments.selector;
  return client.list(path, query);
}

// What names an item, for telling which one changed.
std::string identity_of(const wire::Document& item) {
  for (const char* pointer : {"/metadata/name", "/name", "/id"}) {
    if (std::string name = text_at(item, pointer); !name.empty()) return name;
  }
  return {};
}

// Prints what is new or different, once a second; one JSON object a line with -o json.
Status watch(Session& session, Client& client, const Kind& kind, const GetArguments& arguments) {
  std::map<std::string, std::string> seen;
  while (true) {
    wire::Document answer = TRY(fetch(client, kind, arguments));
    wire::Document list = arguments.name.empty() ? answer : as_list(std::move(answer));
    wire::Document changed = wire::Document::array();
    for (const wire::Document& item : member_at(list, "/items")) {
      std::string text = wire::dump(item);
      std::string& before = seen[identity_of(item)];
      if (before != text) changed.push_back(item);
      before = std::move(text);
    }
    if (session.options.format == Format::table) {
      if (session.terminal)
        session.out << "\x1b[H\x1b[J" << table_of(session, kind, member_at(list, "/items")).render(session.style);
      else if (!changed.empty()) session.out << table_of(session, kind, changed).render(session.style);
    } else {
      for (const wire::Document& item : changed) {
        if (session.options.format == Format::yaml) session.out << "---\n";
        (void)print_document(session, item);
      }
    }
    session.out.flush();
    if (!session.out || !session.pause(watch_interval)) return {};
  }
}

Status get(Session& session, const GetArguments& arguments) {
  Kind kind = TRY(parse_kind(arguments.kind));
  Client* client = TRY(session.manager());
  if (arguments.watch) return watch(session, *client, kind, arguments);
  wire::Document answer = TRY(fetch(*client, kind, arguments));
  bool one = !arguments.name.empty();
  if (one ? print_document(session, answer) : print_list(session, answer)) return {};
  wire::Document list = one ? as_list(std::move(answer)) : std::move(answer);
  if (kind.collection == "actions") {
    print_actions(session, list, "there are no actions");
    return {};
  }
  Table table = table_of(session, kind, member_at(list, "/items"));
  if (table.size() > 0) session.out << table.render(session.style);
  else
    session.err << "there are no " << kind.collection << (arguments.selector.empty() ? "" : " with these labels")
                << "\n";
  return {};
}

// ---- describe ----

// "key: value" lines, nested ones indented; empty members left out.
void print_members(Session& session, const wire::Document& document, std::size_t indent) {
  std::string space(indent * 2, ' ');
  for (const auto& [key, value] : document.items()) {
    if (value.is_null() || (value.is_structured() && value.empty()) ||
        (value.is_string() && value.get<std::string>().empty()))
      continue;
    std::string title = paint(printable(key), Colour::grey, session.style);
    if (value.is_object()) {
      session.out << space << title << ":\n";
      print_members(session, value, indent + 1);
    } else if (value.is_array()) {
      session.out << space << title << ":\n";
      for (const wire::Document& item : value) {
        session.out << space << "  - " << printable(item.is_string() ? item.get<std::string>() : wire::dump(item))
                    << "\n";
      }
    } else {
      session.out << space << title << ": "
                  << printable(value.is_string() ? value.get<std::string>() : wire::dump(value)) << "\n";
    }
  }
}

// What no single sample shows: of how the values are spread, and where the level goes.
void print_slow(Session& session, const wire::Document& metrics) {
  Table table({{.title = "METRIC", .shrinks = true},
               {.title = "HOUR", .right = true},
               {.title = "DAY", .right = true},
               {.title = "USUAL", .right = true},
               {.title = "MOST", .right = true},
               {.title = "A DAY", .right = true},
               {.title = "DAYS", .right = true},
               {.title = ""}});
  auto number = [](const wire::Document& item, const char* pointer) {
    const wire::Document& value = member_at(item, pointer);
    return value.is_number() ? to_text(value.get<double>(), 2) : std::string("-");
  };
  auto is = [](const wire::Document& item, const char* pointer) {
    const wire::Document& value = member_at(item, pointer);
    return value.is_boolean() && value.get<bool>();
  };
  for (const wire::Document& item : metrics) {
    if (number(item, "/hour_bits") == "-" && number(item, "/per_day") == "-") continue;
    std::string what = is(item, "/moving") ? "goes one way" : "";
    if (is(item, "/unlike")) what += cat(what.empty() ? "" : ", ", "unlike any hour before");
    table.add({series_text(item), number(item, "/hour_bits"), number(item, "/day_bits"), number(item, "/usual_bits"),
               number(item, "/most_bits"), number(item, "/per_day"), text_at(item, "/days"), what});
  }
  if (table.size() == 0) return;
  session.out
      << "\nvalues of the newest hour and day against healthy hours, in bits; level, in the metric's unit a day\n"
      << table.render(session.style);
}

Status describe_instance(Session& session, Client& client, const wire::Document& instance) {
  print_members(session, instance, 0);
  std::string name = text_at(instance, "/metadata/name");
  Result<wire::Document> drift = client.get(cat("/api/v1/instances/", name, "/drift"));
  if (!drift) return {};  // nothing was heard of it yet
  session.out << "\n" << deviations_table(member_at(*drift, "/metrics")).render(session.style);
  print_slow(session, member_at(*drift, "/slow/metrics"));
  if (!member_at(*drift, "/findings").empty())
    session.out << "\n" << findings_table(session, member_at(*drift, "/findings")).render(session.style);
  return {};
}

Status describe_persona(Session& session, Client& client, const wire::Document& persona) {
  session.out << to_yaml(persona);
  std::string name = text_at(persona, "/metadata/name");
  wire::Document revisions = TRY(client.list("/api/v1/revisions", {{"persona", name}}));
  if (!member_at(revisions, "/items").empty()) {
    session.out << "\nlearned by its instances\n"
                << revisions_table(session, member_at(revisions, "/items")).render(session.style);
  }
  return {};
}

Status describe_pool(Session& session, Client& client, const wire::Document& pool) {
  session.out << to_yaml(pool);
  wire::Document revisions =
      TRY(client.list("/api/v1/revisions", {{"instance", cat("pool:", text_at(pool, "/metadata/name"))}}));
  if (!member_at(revisions, "/items").empty()) {
    session.out << "\nlearned by its members together; a new member begins with the newest\n"
                << revisions_table(session, member_at(revisions, "/items")).render(session.style);
  }
  return {};
}

// What was written where, and what came of it, below everything else that is known.
void describe_action(Session& session, wire::Document action) {
  wire::Document changes = member_at(action, "/changes");
  action.erase("changes");
  print_members(session, action, 0);
  if (!changes.empty()) {
    Table table({{.title = "FIELD"}, {.title = "BEFORE"}, {.title = "OURS"}, {.title = "FOUND AT THE END"}});
    for (const wire::Document& change : changes)
      table.add(
          {text_at(change, "/key"), text_at(change, "/before"), text_at(change, "/after"), text_at(change, "/found")});
    session.out << "\n" << table.render(session.style);
  }
  session.out << "\nmien why " << printable(text_at(action, "/id")) << " walks back to the samples\n";
}

void describe_decision(Session& session, wire::Document decision) {
  wire::Document rules = member_at(decision, "/rules");
  wire::Document guards = member_at(decision, "/guards");
  decision.erase("rules");
  decision.erase("guards");
  print_members(session, decision, 0);
  auto yes = [](const wire::Document& item, const char* pointer) {
    const wire::Document& flag = member_at(item, pointer);
    return flag.is_boolean() && flag.get<bool>();
  };
  Table asked({{.title = "POLICY"}, {.title = "MATCHED"}, {.title = "WHY", .shrinks = true}});
  for (const wire::Document& rule : rules)
    asked.add({text_at(rule, "/policy"), yes(rule, "/matched") ? "yes" : "no", text_at(rule, "/why")});
  if (asked.size() > 0) session.out << "\n" << asked.render(session.style);
  Table answers({{.title = "GUARD"}, {.title = "ANSWER"}, {.title = "WHY", .shrinks = true}});
  for (const wire::Document& guard : guards) {
    bool allowed = yes(guard, "/allowed");
    answers.add({text_at(guard, "/guard"), Cell{allowed ? "allowed" : "refused", allowed ? Colour::none : Colour::red},
                 text_at(guard, "/why")});
  }
  if (answers.size() > 0) session.out << "\n" << answers.render(session.style);
  session.out << "\nmien why " << printable(text_at(decision, "/id")) << " walks back to the samples\n";
}

Status describe(Session& session, const GetArguments& arguments) {
  Kind kind = TRY(parse_kind(arguments.kind));
  Client* client = TRY(session.manager());
  wire::Document answer = TRY(client->get(cat("/api/v1/", kind.collection, "/", arguments.name)));
  if (print_document(session, answer)) return {};
  if (kind.collection == "instances") return describe_instance(session, *client, answer);
  if (kind.collection == "personas") return describe_persona(session, *client, answer);
  if (kind.collection == "pools") return describe_pool(session, *client, answer);
  if (kind.collection == "actions") describe_action(session, answer);
  if (kind.collection == "decisions") describe_decision(session, answer);
  if (kind.collection == "actions" || kind.collection == "decisions") return {};
  if (kind.collection != "findings") {
    session.out << to_yaml(answer);
    return {};
  }
  wire::Document metrics = member_at(answer, "/metrics");
  answer.erase("metrics");
  print_members(session, answer, 0);
  session.out << "\n"
              << deviations_table(metrics).render(session.style) << "\nmien explain " << printable(arguments.name)
              << " walks back to the samples\n";
  return {};
}

}  // namespace

void add_get_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<GetArguments>();
  CLI::App* verb =
      add_verb(program, "get", "List resources, instances, revisions, findings, decisions and actions, or show one",
               "Resources");
  verb->add_option("KIND", arguments->kind,
                   "persona, instance, pool, policy, signal, revision, finding, decision, action")
      ->required();
  verb->add_option("NAME", arguments->name, "One of them");
  verb->add_option("-l,--selector", arguments->selector, "Only what has these labels: role=web,tier!=back")
      ->type_name("LABELS");
  verb->add_flag("-w,--watch", arguments->watch, "Go on, and show what changes");
  on_chosen(verb, session, [arguments](Session& s) { return get(s, *arguments); });
}

void add_describe_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<GetArguments>();
  CLI::App* verb = add_verb(program, "describe", "Show one thing with everything around it", "Resources");
  verb->add_option("KIND", arguments->kind,
                   "persona, instance, pool, policy, signal, revision, finding, decision, action")
      ->required();
  verb->add_option("NAME", arguments->name, "Which one")->required();
  on_chosen(verb, session, [arguments](Session& s) { return describe(s, *arguments); });
}

}  // namespace mien::app
