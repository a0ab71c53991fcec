// doctor: what this host can and can not do for Mien, and what Mien has changed here. Needs no server.
#include <map>
#include <set>

#include "app/changes.h"
#include "app/verbs.h"
#include "base/text.h"
#include "edge/clock.h"
#include "edge/drive/host_hand.h"
#include "edge/host/doctor.h"
#include "edge/host/identity.h"
#include "edge/http/url.h"
#include "edge/runtime/file_journal.h"

namespace mien::app {
namespace {

constexpr const char* default_data = "/var/lib/mien";
constexpr const char* default_agent_data = "/var/lib/mien-agent";

struct DoctorArguments {
  std::string data;
  bool changes = false;
};

// ---- what was changed ----

// Where an agent of this machine may keep its journal: under `mien up`, by itself, or where DIR says.
std::vector<std::string> journal_directories(const std::string& data) {
  if (!data.empty()) return {data + "/agent", data};
  return {cat(default_data, "/agent"), default_agent_data};
}

// "web-01" of "nginx.service@web-01": the machine that the target is of.
std::string host_of(const InstanceName& target) {
  std::size_t at = target.value.rfind('@');
  return at == std::string::npos ? target.value : target.value.substr(at + 1);
}

Result<std::vector<LocalChange>> local_changes(const DoctorArguments& arguments) {
  std::vector<node::JournalEntry> journal;
  for (const std::string& directory : journal_directories(arguments.data)) {
    for (node::JournalEntry& entry : TRY(edge::read_journal(directory))) journal.push_back(std::move(entry));
  }
  std::map<std::string, std::unique_ptr<node::Hand>> hands;  // by the name that the agent called this machine
  ReadField read = [&hands](const InstanceName& target, const std::string& key) {
    std::unique_ptr<node::Hand>& hand = hands[host_of(target)];
    if (!hand) hand = edge::make_host_hand({.host = host_of(target)});
    return hand->read(target, key);
  };
  return changes_of(
      journal, read,
      {.wall = edge::wall_now(), .boot = edge::mono_now(), .boot_id = edge::read_host_identity().boot_id});
}

Status show_changes(Session& session, const DoctorArguments& arguments) {
  std::vector<LocalChange> changes = TRY(local_changes(arguments));
  wire::Document items = wire::to_document(changes);
  if (print_list(session, wire::Document{{"items", items}})) return {};
  if (changes.empty()) {
    session.out << "Mien has changed nothing here\n";
    return {};
  }
  Table table({{.title = "TARGET", .shrinks = true},
               {.title = "FIELD"},
               {.title = "BEFORE"},
               {.title = "OURS"},
               {.title = "NOW"},
               {.title = "UNTIL"},
               {.title = "ACTION"},
               {.title = "NOTE", .shrinks = true}});
  for (const wire::Document& change : items) {
    std::string until = text_at(change, "/until");
    table.add({text_at(change, "/target"), text_at(change, "/field"), text_at(change, "/before"),
               text_at(change, "/ours"), text_at(change, "/now"), until.empty() ? "-" : until,
               text_at(change, "/action"), text_at(change, "/note")});
  }
  session.out << table.render(session.style);
  return {};
}

// ---- what works ----

Status doctor(Session& session, const DoctorArguments& arguments) {
  if (arguments.changes) return show_changes(session, arguments);
  edge::DoctorOptions options;
  options.data_dir = arguments.data.empty() ? default_data : arguments.data;
  std::string server = session.options.server.empty() ? session.environment("MIEN_SERVER") : session.options.server;
  if (!server.empty()) options.port = TRY(edge::parse_server_url(server))
  .port;
  std::vector<edge::Check> checks = edge::examine(options);
  wire::Document document = TRY(wire::parse_document(edge::to_json(checks)));
  if (!print_document(session, document))
    session.out << edge::render(checks, session.style.colour ? edge::Colour::ansi : edge::Colour::none);
  if (edge::can_run(checks)) return {};
  return Error{.code = Code::unsupported,
               .message = "something that `mien up` needs is missing on this host",
               .where = {},
               .cause = {}};
}

}  // namespace

void add_doctor_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<DoctorArguments>();
  CLI::App* verb =
      add_verb(program, "doctor", "Say what works on this host, what does not, and what to install", "The program");
  verb->add_option("--data", arguments->data, cat("Where Mien keeps its data, or would (", default_data, ")"))
      ->type_name("DIR");
  verb->add_flag("--changes", arguments->changes, "List every value here that differs because of Mien");
  on_chosen(verb, session, [arguments](Session& s) { return doctor(s, *arguments); });
}

}  // namespace mien::app
