// diff and rollback: what changed between two generations, revisions, or a file and the server; and the way back.
#include <algorithm>

#include "app/kinds.h"
#include "app/verbs.h"
#include "base/text.h"
#include "wire/diagnostic.h"

namespace mien::app {
namespace {

struct DiffArguments {
  std::string subject;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::string place;
};

// "web-frontend@web-01": of one instance.
struct Subject {
  std::string persona;
  std::string instance;
};

Subject parse_subject(const std::string& text) {
  std::size_t at = text.find('@');  // an instance may have further @: nginx.service@web-01
  if (at == std::string::npos) return {.persona = text, .instance = {}};
  return {.persona = text.substr(0, at), .instance = text.substr(at + 1)};
}

Result<model::Value> value_of(const wire::Document& document) { return wire::parse_json(wire::dump(document)); }

std::string shown(const model::Value& value) {
  return value.is_null() ? "(not there)" : printable(wire::dump(wire::to_document(value)));
}

wire::Document document_of(const std::vector<model::Difference>& differences) {
  wire::Document list = wire::Document::array();
  for (const model::Difference& each : differences) {
    list.push_back({{"pointer", each.pointer},
                    {"before", wire::to_document(each.before)},
                    {"after", wire::to_document(each.after)}});
  }
  return list;
}

// "~ /cpu/cores: 2 -> 4", "+ ...", "- ...".
void print_differences(Session& session, const std::vector<model::Difference>& differences) {
  for (const model::Difference& each : differences) {
    std::string pointer = printable(each.pointer);
    if (each.before.is_null())
      session.out << paint(cat("+ ", pointer, ": ", shown(each.after)), Colour::green, session.style) << "\n";
    else if (each.after.is_null())
      session.out << paint(cat("- ", pointer, ": ", shown(each.before)), Colour::red, session.style) << "\n";
    else
      session.out << paint(cat("~ ", pointer, ": ", shown(each.before), " -> ", shown(each.after)), Colour::yellow,
                           session.style)
                  << "\n";
  }
}

struct Comparison {
  std::string before;  // what each side is
  std::string after;
  std::vector<model::Difference> differences;
};

void print_comparison(Session& session, const Comparison& comparison) {
  if (comparison.differences.empty()) {
    session.out << printable(comparison.before) << " and " << printable(comparison.after) << " say the same\n";
    return;
  }
  session.out << paint(cat("from ", printable(comparison.before), " to ", printable(comparison.after)), Colour::bold,
                       session.style)
              << "\n";
  print_differences(session, comparison.differences);
}

Status show(Session& session, const Comparison& comparison) {
  wire::Document document{
      {"from", comparison.before}, {"to", comparison.after}, {"differences", document_of(comparison.differences)}};
  if (!print_document(session, document)) print_comparison(session, comparison);
  return {};
}

Result<model::Value> generation_spec(Client& client, const std::string& persona, std::uint64_t number) {
  wire::Document generation = TRY(client.get(cat("/api/v1/personas/", persona, "/generations/", number)));
  return value_of(member_at(generation, "/spec"));
}

// The two that are compared when nobody says: the newest and the one before.
Result<std::pair<std::uint64_t, std::uint64_t>> choose(std::vector<std::uint64_t> numbers,
                                                       const DiffArguments& arguments, std::string_view what) {
  std::sort(numbers.begin(), numbers.end());
  std::uint64_t to = arguments.to != 0 ? arguments.to : numbers.empty() ? 0 : numbers.back();
  std::uint64_t from = arguments.from;
  for (std::uint64_t number : numbers) {
    if (arguments.from == 0 && number < to) from = number;
  }
  if (from != 0 && to != 0) return std::pair{from, to};
  return Error{.code = Code::not_found,
               .message = cat("there are not two ", what, " to compare: ", numbers.size(),
                              numbers.size() == 1 ? " is kept" : " are kept"),
               .where = {},
               .cause = {}};
}

std::vector<std::uint64_t> numbers_of(const wire::Document& list, std::string_view pointer) {
  std::vector<std::uint64_t> numbers;
  for (const wire::Document& item : member_at(list, "/items")) {
    const wire::Document& number = member_at(item, pointer);
    if (number.is_number_unsigned()) numbers.push_back(number.get<std::uint64_t>());
  }
  return numbers;
}

Status diff_generations(Session& session, Client& client, const DiffArguments& arguments) {
  wire::Document list = TRY(client.list(cat("/api/v1/personas/", arguments.subject, "/generations")));
  if (member_at(list, "/items").empty())
    (void)TRY(client.get("/api/v1/personas/" + arguments.subject));  // 404 with its own words
  auto [from, to] = TRY(choose(numbers_of(list, "/metadata/generation"), arguments, "generations"));
  model::Value before = TRY(generation_spec(client, arguments.subject, from));
  model::Value after = TRY(generation_spec(client, arguments.subject, to));
  return show(session, {.before = cat(arguments.subject, " generation ", from),
                        .after = cat(arguments.subject, " generation ", to),
                        .differences = model::diff(before, after)});
}

// A revision's series as a map, so that one that came or went is one difference.
Result<model::Value> revision_value(Client& client, const std::string& name) {
  wire::Document revision = TRY(client.get("/api/v1/revisions/" + name));
  for (const char* own : {"name", "number", "created_at", "candidate"}) revision.erase(own);
  if (member_at(revision, "/series").is_array()) {
    wire::Document series = wire::Document::object();
    for (const wire::Document& each : revision["series"]) {
      if (each.is_string()) series[each.get<std::string>()] = "learned";
    }
    revision["series"] = std::move(series);
  }
  return value_of(revision);
}

Status diff_revisions(Session& session, Client& client, const DiffArguments& arguments) {
  Subject subject = parse_subject(arguments.subject);
  wire::Document list =
      TRY(client.list("/api/v1/revisions", {{"persona", subject.persona}, {"instance", subject.instance}}));
  auto [from, to] = TRY(choose(numbers_of(list, "/number"), arguments, "revisions"));
  std::string before_name = cat(arguments.subject, "/", from);
  std::string after_name = cat(arguments.subject, "/", to);
  model::Value before = TRY(revision_value(client, before_name));
  model::Value after = TRY(revision_value(client, after_name));
  return show(session, {.before = before_name, .after = after_name, .differences = model::diff(before, after)});
}

// Of a resource, what people write.
Result<model::Value> intent_of(const wire::Document& resource) {
  wire::Document intent{{"spec", member_at(resource, "/spec")}};
  for (const char* key : {"labels", "annotations"}) {
    const wire::Document& written = member_at(resource, cat("/metadata/", key));
    if (!written.empty()) intent[key] = written;
  }
  return value_of(intent);
}

Status diff_files(Session& session, const DiffArguments& arguments) {
  wire::ParsedResources parsed = TRY(load_resources(arguments.place));
  if (!parsed.diagnostics.empty())
    session.err << wire::render(parsed.diagnostics, session.style.colour ? wire::Colour::always : wire::Colour::never);
  if (!parsed.ok()) return usage_error(cat(arguments.place, " has errors"));
  Client* client = TRY(session.manager());
  wire::Document all = wire::Document::array();
  for (const wire::SourcedResource& each : parsed.resources) {
    Result<wire::Document> present = client->get(path_of(each.resource));
    if (!present && present.error().code != Code::not_found) return std::move(present).error();
    Comparison comparison{.before = cat(label_of(each.resource), present ? " on the server" : " (not on the server)"),
                          .after = each.file,
                          .differences = {}};
    model::Value before = present ? TRY(intent_of(*present)) : model::Value{model::Value::Map{}};
    model::Value after = TRY(intent_of(wire::to_document(each.resource)));
    comparison.differences = model::diff(before, after);
    all.push_back({{"resource", label_of(each.resource)},
                   {"present", present.ok()},
                   {"differences", document_of(comparison.differences)}});
    if (session.options.format == Format::table) print_comparison(session, comparison);
  }
  (void)print_document(session, wire::Document{{"items", std::move(all)}});
  return {};
}

Status diff(Session& session, const DiffArguments& arguments) {
  if (arguments.place.empty() == arguments.subject.empty())
    return usage_error("say either NAME, PERSONA@INSTANCE or -f FILE");
  if (!arguments.place.empty()) return diff_files(session, arguments);
  Client* client = TRY(session.manager());
  return arguments.subject.find('@') == std::string::npos ? diff_generations(session, *client, arguments)
                                                          : diff_revisions(session, *client, arguments);
}

struct RollbackArguments {
  std::string subject;
  std::uint64_t to = 0;
  bool dry_run = false;
};

Status rollback(Session& session, const RollbackArguments& arguments) {
  Client* client = TRY(session.manager());
  Subject subject = parse_subject(arguments.subject);
  Query query;
  if (arguments.dry_run) query["dry_run"] = "true";
  std::string path = "/api/v1/revisions/rollback";
  wire::Document body{{"to", arguments.to}};
  if (subject.instance.empty()) {
    path = cat("/api/v1/personas/", subject.persona, "/rollback");
  } else {
    body["persona"] = subject.persona;
    body["instance"] = subject.instance;
  }
  wire::Document answer = TRY(client->post(path, body, query));
  if (print_document(session, answer)) return {};
  if (text_at(answer, "/note") == "promoted") {
    session.out << printable(arguments.subject) << " goes by revision " << arguments.to
                << " from now on, which was a candidate\n";
    return {};
  }
  session.out << printable(arguments.subject) << (arguments.dry_run ? " would go back to " : " went back to ")
              << (subject.instance.empty() ? "generation " : "revision ") << arguments.to;
  if (std::string written = text_at(answer, "/generation");
      subject.instance.empty() && !arguments.dry_run && !written.empty())
    session.out << ", as generation " << written;
  std::string note = text_at(answer, "/note");
  session.out << (note.empty() || note == "rolled back" || note == "would be done" ? "" : "; " + printable(note))
              << "\n";
  return {};
}

}  // namespace

void add_diff_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<DiffArguments>();
  CLI::App* verb =
      add_verb(program, "diff", "Compare generations of a persona, revisions of an instance, or a file with the server",
               "Resources");
  verb->add_option("NAME", arguments->subject, "PERSONA, PERSONA@INSTANCE, or PERSONA@pool:POOL");
  verb->add_option("--from", arguments->from, "The older one; the one before when not said")->type_name("NUMBER");
  verb->add_option("--to", arguments->to, "The newer one; the newest when not said")->type_name("NUMBER");
  verb->add_option("-f,--file", arguments->place, "A file, a folder, or -: compare it with the server")
      ->type_name("FILE|DIR|-");
  on_chosen(verb, session, [arguments](Session& s) { return diff(s, *arguments); });
}

void add_rollback_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<RollbackArguments>();
  CLI::App* verb = add_verb(
      program, "rollback", "Return to a generation of a persona, or to a revision of one instance; promote a candidate",
      "Resources");
  verb->add_option("NAME", arguments->subject, "PERSONA, or PERSONA@INSTANCE")->required();
  verb->add_option("--to", arguments->to, "Which generation or revision")->required()->type_name("NUMBER");
  verb->add_flag("--dry-run", arguments->dry_run, "Say what would happen");
  on_chosen(verb, session, [arguments](Session& s) { return rollback(s, *arguments); });
}

}  // namespace mien::app
