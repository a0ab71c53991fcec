// hold, resume, release: hold still, go on, and hand back.
#include "app/verbs.h"
#include "base/text.h"

namespace mien::app {
namespace {

constexpr const char* group = "Acting";

struct HoldArguments {
  std::string instance;
  std::string pool;
  bool learning = false;
  std::string lasting;
};

std::string scope_text(const HoldArguments& arguments) {
  std::string whom = !arguments.instance.empty() ? arguments.instance
                     : !arguments.pool.empty()   ? cat("pool ", arguments.pool)
                                                 : std::string("every machine");
  return cat(arguments.learning ? "learning of " : "automatic action on ", printable(whom));
}

wire::Document body_of(const HoldArguments& arguments) {
  wire::Document body = wire::Document::object();
  if (!arguments.instance.empty()) body["instance"] = arguments.instance;
  if (!arguments.pool.empty()) body["pool"] = arguments.pool;
  if (arguments.learning) body["learning"] = true;
  if (!arguments.lasting.empty()) body["for"] = arguments.lasting;
  return body;
}

Status hold(Session& session, const HoldArguments& arguments) {
  Client* client = TRY(session.manager());
  wire::Document answer = TRY(client->post("/api/v1/holds", body_of(arguments)));
  if (print_document(session, answer)) return {};
  session.out << scope_text(arguments) << " is held "
              << (arguments.lasting.empty() ? std::string("until it is resumed")
                                            : cat("for ", printable(arguments.lasting)))
              << (arguments.learning ? "" : "; what is in force stays until its lease ends") << "\n";
  return {};
}

Status resume(Session& session, const HoldArguments& arguments) {
  Client* client = TRY(session.manager());
  wire::Document answer = TRY(client->post("/api/v1/holds/resume", body_of(arguments)));
  if (!print_document(session, answer)) session.out << scope_text(arguments) << " goes on\n";
  return {};
}

struct ReleaseArguments {
  std::string instance;
  bool all = false;
  bool yes = false;
  bool dry_run = false;
};

Status release(Session& session, const ReleaseArguments& arguments) {
  if (arguments.all && !arguments.instance.empty()) return usage_error("say either INSTANCE or --all");
  Client* client = TRY(session.manager());
  bool all = arguments.instance.empty();
  std::string whom = all ? std::string("every machine") : printable(arguments.instance);
  wire::Document body = all ? wire::Document{{"all", true}} : wire::Document{{"instance", arguments.instance}};
  bool ask = session.confirm && !arguments.yes && !arguments.dry_run;
  if (ask && !session.confirm(cat("End every lease on ", whom, " and put back what was there before?")))
    return Error{.code = Code::refused, .message = "nothing was released: you said no", .where = {}, .cause = {}};
  Query query;
  if (arguments.dry_run) query["dry_run"] = "true";
  wire::Document answer = TRY(client->post("/api/v1/release", body, query));
  if (print_document(session, answer)) return {};
  std::string note = text_at(answer, "/note");
  session.out << whom << (arguments.dry_run ? " would be released" : " is released") << (note.empty() ? "" : ": ")
              << printable(note) << "\n";
  return {};
}

std::shared_ptr<HoldArguments> add_scope(CLI::App* verb) {
  auto arguments = std::make_shared<HoldArguments>();
  CLI::Option* instance =
      verb->add_option("--instance", arguments->instance, "Only this one; everything when none is said")
          ->type_name("NAME");
  verb->add_option("--pool", arguments->pool, "Only the members of this pool")->type_name("NAME")->excludes(instance);
  verb->add_flag("--learning", arguments->learning, "Learning, instead of automatic action");
  return arguments;
}

}  // namespace

void add_hold_verb(CLI::App& program, Session& session) {
  CLI::App* verb = add_verb(program, "hold", "Stop automatic action, or learning, for a while", group);
  auto arguments = add_scope(verb);
  verb->add_option("--for", arguments->lasting, "How long; until it is resumed when not said")->type_name("1h");
  on_chosen(verb, session, [arguments](Session& s) { return hold(s, *arguments); });
}

void add_resume_verb(CLI::App& program, Session& session) {
  CLI::App* verb = add_verb(program, "resume", "End a hold, named as it was put", group);
  auto arguments = add_scope(verb);
  on_chosen(verb, session, [arguments](Session& s) { return resume(s, *arguments); });
}

void add_release_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<ReleaseArguments>();
  CLI::App* verb = add_verb(program, "release", "Hand back: end leases and restore what is still ours", group);
  verb->add_option("INSTANCE", arguments->instance, "This one and what runs on it; every machine when not said");
  verb->add_flag("--all", arguments->all, "Every machine");
  verb->add_flag("-y,--yes", arguments->yes, "Do not ask");
  verb->add_flag("--dry-run", arguments->dry_run, "Say what would be ended, and do nothing");
  on_chosen(verb, session, [arguments](Session& s) { return release(s, *arguments); });
}

}  // namespace mien::app
