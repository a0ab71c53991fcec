// facts: what an instance's agent saw that matters to security.
#include "app/verbs.h"
#include "app/views.h"
#include "base/text.h"

namespace mien::app {
namespace {

struct FactsArguments {
  std::string instance;
  std::string kind;
  std::string since = "1d";
  std::size_t limit = 100;
};

Status facts(Session& session, const FactsArguments& arguments) {
  Client* client = TRY(session.manager());
  Query query{{"from", arguments.since}, {"limit", std::to_string(arguments.limit)}};
  if (!arguments.kind.empty()) query["kind"] = arguments.kind;
  wire::Document list = TRY(client->get(cat("/api/v1/instances/", arguments.instance, "/facts"), query));
  if (print_list(session, list)) return {};
  Table table({{.title = "AGE"},
               {.title = "KIND"},
               {.title = "OBJECT", .shrinks = true},
               {.title = "PROCESS", .shrinks = true},
               {.title = "USER"},
               {.title = "COUNT", .right = true},
               {.title = "DETAIL", .shrinks = true}});
  for (const wire::Document& item : member_at(list, "/items"))
    table.add({age_at(session, item, "/at"), text_at(item, "/kind"), text_at(item, "/object"),
               text_at(item, "/process"), text_at(item, "/user"), text_at(item, "/count"), text_at(item, "/detail")});
  if (table.size() > 0) session.out << table.render(session.style);
  else session.err << "nothing was seen; --since 30d looks back as far as facts are kept\n";
  if (!text_at(list, "/next").empty()) session.err << "there are more; --limit shows up to 5000\n";
  return {};
}

}  // namespace

void add_facts_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<FactsArguments>();
  CLI::App* verb = add_verb(program, "facts", "Show what an instance did that matters to security, newest first",
                            "What is wrong, and why");
  verb->add_option("INSTANCE", arguments->instance, "Its name")->required();
  verb->add_option("--kind", arguments->kind, "execution, listener, connection, write, sensitive_read, privilege, ...")
      ->type_name("KIND");
  verb->add_option("--since", arguments->since, "A time, or how long ago; a day when not said")->type_name("TIME");
  verb->add_option("--limit", arguments->limit, "How many at most; 100 when not said")
      ->type_name("NUMBER")
      ->check(CLI::Range(1, 5000));
  on_chosen(verb, session, [arguments](Session& s) { return facts(s, *arguments); });
}

}  // namespace mien::app
