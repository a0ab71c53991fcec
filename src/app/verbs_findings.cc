// findings and ack: what is wrong, and that somebody has seen it.
#include "app/verbs.h"
#include "app/views.h"
#include "base/text.h"

namespace mien::app {
namespace {

struct FindingsArguments {
  bool all = false;
  std::string instance;
  std::string selector;
};

Status findings(Session& session, const FindingsArguments& arguments) {
  Client* client = TRY(session.manager());
  Query query;
  if (arguments.all) query["all"] = "true";
  if (!arguments.instance.empty()) query["instance"] = arguments.instance;
  if (!arguments.selector.empty()) query["selector"] = arguments.selector;
  wire::Document list = TRY(client->list("/api/v1/findings", query));
  if (print_list(session, list)) return {};
  Table table = findings_table(session, member_at(list, "/items"));
  if (table.size() > 0) session.out << table.render(session.style);
  else session.err << (arguments.all ? "nothing was ever found" : "nothing is open; --all shows what was") << "\n";
  return {};
}

struct AckArguments {
  std::string finding;
  std::string comment;
};

Status acknowledge(Session& session, const AckArguments& arguments) {
  Client* client = TRY(session.manager());
  wire::Document answer =
      TRY(client->post(cat("/api/v1/findings/", arguments.finding, "/ack"), {{"comment", arguments.comment}}));
  if (!print_document(session, answer)) session.out << printable(arguments.finding) << " acknowledged\n";
  return {};
}

}  // namespace

void add_findings_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<FindingsArguments>();
  CLI::App* verb = add_verb(program, "findings", "List what is wrong, newest first", "What is wrong, and why");
  verb->add_flag("--all", arguments->all, "Also what is over");
  verb->add_option("--instance", arguments->instance, "Of one instance")->type_name("NAME");
  verb->add_option("-l,--selector", arguments->selector, "Of instances with these labels")->type_name("LABELS");
  on_chosen(verb, session, [arguments](Session& s) { return findings(s, *arguments); });
}

void add_ack_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<AckArguments>();
  CLI::App* verb = add_verb(program, "ack", "Say that a finding was seen", "What is wrong, and why");
  verb->add_option("FINDING", arguments->finding, "Its id")->required();
  verb->add_option("--comment", arguments->comment, "What is known of it")->type_name("TEXT");
  on_chosen(verb, session, [arguments](Session& s) { return acknowledge(s, *arguments); });
}

}  // namespace mien::app
