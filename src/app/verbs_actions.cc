// actions, approve, reject, revert: what is done to machines, and what a person says about it.
#include "app/action_views.h"
#include "app/verbs.h"
#include "base/text.h"

namespace mien::app {
namespace {

constexpr const char* group = "Acting";

struct ActionsArguments {
  bool all = false;
  std::string instance;
};

Status actions(Session& session, const ActionsArguments& arguments) {
  Client* client = TRY(session.manager());
  Query query;
  if (!arguments.all) query["state"] = "open";
  if (!arguments.instance.empty()) query["instance"] = arguments.instance;
  wire::Document answer = TRY(client->list("/api/v1/actions", query));
  wire::Document holds = TRY(client->get("/api/v1/holds"));
  if (print_list(session, answer)) return {};
  if (!member_at(holds, "/items").empty())
    session.out << holds_table(session, member_at(holds, "/items")).render(session.style) << "\n";
  print_actions(session, answer,
                arguments.all ? "nothing was ever done" : "nothing is in force or waits; --all shows what was");
  return {};
}

struct SayArguments {
  std::string action;
  std::string comment;
  bool dry_run = false;
};

// One word about one action: approve, reject or revert.
struct Word {
  const char* verb;
  const char* summary;
  const char* comment = nullptr;  // what --comment is for; null: there is none
  const char* done;               // "is approved"; null: the server says what became of it
  const char* would;              // "would be approved"
};

Status say(Session& session, const SayArguments& arguments, const Word& word) {
  Client* client = TRY(session.manager());
  Query query;
  if (arguments.dry_run) query["dry_run"] = "true";
  wire::Document body = wire::Document::object();
  if (!arguments.comment.empty()) body["comment"] = arguments.comment;
  wire::Document answer = TRY(client->post(cat("/api/v1/actions/", arguments.action, "/", word.verb), body, query));
  if (print_document(session, answer)) return {};
  std::string done = word.done ? std::string(word.done) : cat("is ", text_at(answer, "/note"));
  session.out << printable(arguments.action) << " " << (arguments.dry_run ? word.would : printable(done)) << "\n";
  return {};
}

void add_word(CLI::App& program, Session& session, const Word& word) {
  auto arguments = std::make_shared<SayArguments>();
  CLI::App* verb = add_verb(program, word.verb, word.summary, group);
  verb->add_option("ACTION", arguments->action, "Its id, as `mien actions` shows it")->required();
  if (word.comment) verb->add_option("--comment", arguments->comment, word.comment)->type_name("TEXT");
  verb->add_flag("--dry-run", arguments->dry_run, "Say whether it could be done, and do nothing");
  on_chosen(verb, session, [arguments, word](Session& s) { return say(s, *arguments, word); });
}

}  // namespace

void add_actions_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<ActionsArguments>();
  CLI::App* verb = add_verb(program, "actions", "List what is done to machines, and whether it helped", group);
  verb->add_option("INSTANCE", arguments->instance, "Only about, on or through this one");
  verb->add_flag("--all", arguments->all, "Also what is over");
  on_chosen(verb, session, [arguments](Session& s) { return actions(s, *arguments); });
}

void add_approve_verb(CLI::App& program, Session& session) {
  add_word(program, session,
           {.verb = "approve",
            .summary = "Let a proposed action happen",
            .comment = "Why; for the audit",
            .done = "is approved",
            .would = "could be approved"});
}

void add_reject_verb(CLI::App& program, Session& session) {
  add_word(program, session,
           {.verb = "reject",
            .summary = "Say no to a proposed action",
            .comment = "Why not; for the audit, and for who asks why",
            .done = "is rejected",
            .would = "could be rejected"});
}

void add_revert_verb(CLI::App& program, Session& session) {
  add_word(program, session,
           {.verb = "revert",
            .summary = "Take an action back now: every value becomes what it was",
            .done = nullptr,
            .would = "would be taken back"});
}

}  // namespace mien::app
