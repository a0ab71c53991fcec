// apply and delete: what files say becomes what the manager holds.
#include <algorithm>

#include "app/kinds.h"
#include "app/verbs.h"
#include "base/text.h"
#include "wire/diagnostic.h"

namespace mien::app {
namespace {

struct ApplyArguments {
  std::string place;
  bool dry_run = false;
};

// What became of one resource.
struct Outcome {
  std::string label;
  std::string what;  // created, changed, unchanged, would be ..., failed
  wire::Document document;
  std::string note;
  std::optional<Error> error;
};

wire::Colour colour_of(const Session& session) {
  return session.style.colour ? wire::Colour::always : wire::Colour::never;
}

// All of it is right, or nothing of it is sent.
Result<std::vector<wire::SourcedResource>> load_checked(Session& session, const std::string& place) {
  wire::ParsedResources parsed = TRY(load_resources(place));
  if (!parsed.diagnostics.empty()) session.err << wire::render(parsed.diagnostics, colour_of(session));
  if (!parsed.ok()) return usage_error(cat("nothing was sent: ", place == "-" ? "the input" : place, " has errors"));
  if (parsed.resources.empty()) return usage_error(cat("there is no resource in ", place == "-" ? "the input" : place));
  return std::move(parsed.resources);
}

std::string what_happened(const Written& written, const std::string& note, bool dry_run) {
  for (std::string_view word : {"unchanged", "created", "changed", "would be created", "would be changed"}) {
    if (note == word) return note;
  }
  if (dry_run) return "would be written";
  return written.status == 201 ? "created" : "changed";
}

Outcome apply_one(Client& client, const model::Resource& resource, bool dry_run) {
  Outcome outcome{.label = label_of(resource), .what = "failed", .document = {}, .note = {}, .error = {}};
  Query query{{"from", "files"}};
  if (dry_run) query["dry_run"] = "true";
  Result<Written> written = client.put(path_of(resource), query, wire::to_json(resource));
  if (!written) {
    outcome.error = written.error();
    return outcome;
  }
  outcome.note = text_at(written->document, "/note");
  outcome.what = what_happened(*written, outcome.note, dry_run);
  outcome.document = written->document;
  return outcome;
}

wire::Document document_of(const std::vector<Outcome>& outcomes) {
  wire::Document items = wire::Document::array();
  for (const Outcome& outcome : outcomes) {
    wire::Document item{{"resource", outcome.label}, {"result", outcome.what}};
    if (outcome.document.is_object()) item.update(outcome.document);
    if (outcome.error) item["error"] = outcome.error->to_string();
    items.push_back(std::move(item));
  }
  return {{"items", std::move(items)}};
}

void print_outcomes(Session& session, const std::vector<Outcome>& outcomes) {
  if (print_document(session, document_of(outcomes))) return;
  for (const Outcome& outcome : outcomes) {
    Colour colour = outcome.error ? Colour::red : outcome.what == "unchanged" ? Colour::grey : Colour::green;
    session.out << printable(outcome.label) << " " << paint(outcome.what, colour, session.style);
    if (std::string generation = text_at(outcome.document, "/generation"); !generation.empty() && generation != "0")
      session.out << " (generation " << generation << ")";
    if (!outcome.note.empty() && outcome.note != outcome.what) session.out << ": " << printable(outcome.note);
    session.out << "\n";
  }
}

// The first error decides the exit code; each is said.
Status verdict(Session& session, const std::vector<Outcome>& outcomes) {
  print_outcomes(session, outcomes);
  std::size_t failed = 0;
  std::optional<Error> first;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.error) continue;
    ++failed;
    if (!first) first = outcome.error->within(outcome.label);
    else session.err << printable(outcome.label) << ": " << printable(outcome.error->to_string()) << "\n";
  }
  if (!first) return {};
  return failed == 1 ? *first : first->within(cat(failed, " of ", outcomes.size(), " were not done"));
}

Status apply(Session& session, const ApplyArguments& arguments) {
  std::vector<wire::SourcedResource> resources = TRY(load_checked(session, arguments.place));
  order_for_writing(resources);
  Client* client = TRY(session.manager());
  std::vector<Outcome> outcomes;
  for (const wire::SourcedResource& each : resources) {
    outcomes.push_back(apply_one(*client, each.resource, arguments.dry_run));
    // Without a server the rest would only say the same again.
    if (outcomes.back().error && outcomes.back().error->code == Code::unavailable) return *outcomes.back().error;
  }
  return verdict(session, outcomes);
}

struct DeleteArguments {
  std::string kind;
  std::vector<std::string> names;
  std::string place;
  bool dry_run = false;
};

Outcome delete_one(Client& client, const std::string& path, std::string label, bool dry_run) {
  Outcome outcome{.label = std::move(label),
                  .what = dry_run ? "would be deleted" : "deleted",
                  .document = {},
                  .note = {},
                  .error = {}};
  Query query;
  if (dry_run) query["dry_run"] = "true";
  Result<wire::Document> answer = client.remove(path, query);
  if (answer) {
    std::string note = text_at(*answer, "/note");
    if (note != "would be done") outcome.note = std::move(note);  // it is said already
  } else {
    outcome.what = "failed";
    outcome.error = answer.error();
  }
  return outcome;
}

Status delete_resources(Session& session, const DeleteArguments& arguments) {
  std::vector<std::pair<std::string, std::string>> targets;  // path, label
  if (!arguments.place.empty()) {
    if (!arguments.kind.empty()) return usage_error("say either -f FILE or KIND NAME, not both");
    std::vector<wire::SourcedResource> resources = TRY(load_checked(session, arguments.place));
    order_for_writing(resources);
    std::reverse(resources.begin(), resources.end());  // what speaks of others goes before them
    for (const auto& each : resources) targets.emplace_back(path_of(each.resource), label_of(each.resource));
  } else {
    if (arguments.kind.empty() || arguments.names.empty()) return usage_error("say KIND NAME, or -f FILE");
    Kind kind = TRY(parse_kind(arguments.kind));
    if (!model::parse_resource_kind(kind.name))
      return usage_error(cat("a ", kind.name, " is made by Mien and can not be deleted"));
    for (const std::string& name : arguments.names)
      targets.emplace_back(cat("/api/v1/", kind.collection, "/", name), cat(arguments.kind, "/", name));
  }
  Client* client = TRY(session.manager());
  std::vector<Outcome> outcomes;
  for (auto& [path, label] : targets) {
    outcomes.push_back(delete_one(*client, path, label, arguments.dry_run));
    if (outcomes.back().error && outcomes.back().error->code == Code::unavailable) return *outcomes.back().error;
  }
  return verdict(session, outcomes);
}

}  // namespace

void add_apply_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<ApplyArguments>();
  CLI::App* verb =
      add_verb(program, "apply", "Write resources from files; what is unchanged stays as it is", "Resources");
  verb->add_option("-f,--file", arguments->place, "A file, a folder, or - for standard input")
      ->required()
      ->type_name("FILE|DIR|-");
  verb->add_flag("--dry-run", arguments->dry_run, "Check with the server and say what would happen");
  on_chosen(verb, session, [arguments](Session& s) { return apply(s, *arguments); });
}

void add_delete_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<DeleteArguments>();
  CLI::App* verb =
      add_verb(program, "delete", "Delete resources by kind and name, or those that a file names", "Resources");
  verb->add_option("KIND", arguments->kind, "persona, instance, pool, policy or signal");
  verb->add_option("NAME", arguments->names, "Which ones");
  verb->add_option("-f,--file", arguments->place, "A file, a folder, or - for standard input")->type_name("FILE|DIR|-");
  verb->add_flag("--dry-run", arguments->dry_run, "Say what would happen");
  on_chosen(verb, session, [arguments](Session& s) { return delete_resources(s, *arguments); });
}

}  // namespace mien::app
