// activate and deactivate: a persona by hand, for a while or until further notice.
#include "app/verbs.h"
#include "base/text.h"

namespace mien::app {
namespace {

struct ActivateArguments {
  std::string persona;
  std::string instance;
  std::string lasting;
};

std::string note_of(const wire::Document& answer) {
  std::string note = text_at(answer, "/note");
  return note.empty() ? note : ": " + printable(note);
}

Status activate(Session& session, const ActivateArguments& arguments) {
  Client* client = TRY(session.manager());
  wire::Document body{{"persona", arguments.persona}};
  if (!arguments.lasting.empty()) body["for"] = arguments.lasting;
  wire::Document answer = TRY(client->post(cat("/api/v1/instances/", arguments.instance, "/activate"), body));
  if (print_document(session, answer)) return {};
  session.out << printable(arguments.persona) << " is active on " << printable(arguments.instance)
              << (arguments.lasting.empty() ? std::string{" until it is deactivated"}
                                            : cat(" for ", printable(arguments.lasting), note_of(answer)))
              << "\n";
  return {};
}

Status deactivate(Session& session, const ActivateArguments& arguments) {
  Client* client = TRY(session.manager());
  wire::Document body = wire::Document::object();
  if (!arguments.persona.empty()) body["persona"] = arguments.persona;
  wire::Document answer = TRY(client->post(cat("/api/v1/instances/", arguments.instance, "/deactivate"), body));
  if (print_document(session, answer)) return {};
  session.out << printable(arguments.instance) << " has the persona of its list again" << note_of(answer) << "\n";
  return {};
}

}  // namespace

void add_activate_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<ActivateArguments>();
  CLI::App* verb = add_verb(program, "activate", "Give an instance a persona by hand", "Resources");
  verb->add_option("PERSONA", arguments->persona, "Which persona")->required();
  verb->add_option("--instance", arguments->instance, "On which instance")->required()->type_name("NAME");
  verb->add_option("--for", arguments->lasting, "How long; until it is deactivated when not said")->type_name("2h");
  on_chosen(verb, session, [arguments](Session& s) { return activate(s, *arguments); });
}

void add_deactivate_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<ActivateArguments>();
  CLI::App* verb = add_verb(program, "deactivate", "End a persona that was activated by hand", "Resources");
  verb->add_option("PERSONA", arguments->persona, "Which one; whatever is activated by hand when not said");
  verb->add_option("--instance", arguments->instance, "On which instance")->required()->type_name("NAME");
  on_chosen(verb, session, [arguments](Session& s) { return deactivate(s, *arguments); });
}

}  // namespace mien::app
