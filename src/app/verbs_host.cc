// doctor: what this host can and can not do for Mien. Needs no server.
#include "app/verbs.h"
#include "edge/host/doctor.h"
#include "edge/http/url.h"

namespace mien::app {
namespace {

struct DoctorArguments {
  std::string data = "/var/lib/mien";
};

Status doctor(Session& session, const DoctorArguments& arguments) {
  edge::DoctorOptions options;
  options.data_dir = arguments.data;
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
  verb->add_option("--data", arguments->data, "Where Mien would keep its data")->type_name("DIR");
  on_chosen(verb, session, [arguments](Session& s) { return doctor(s, *arguments); });
}

}  // namespace mien::app
