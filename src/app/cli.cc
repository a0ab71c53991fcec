#include "app/cli.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <thread>

#include "app/help.h"
#include "base/text.h"
#include "edge/access/local_token.h"
#include "edge/clock.h"
#include "edge/http/url.h"
#include "wire/yaml.h"

namespace mien::app {
namespace {

std::string environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::string{} : std::string(value);
}

std::size_t terminal_width(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool speaks_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value = environment_variable(name);
    if (value.empty()) continue;
    return value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos ||
           value.find("utf-8") != std::string::npos;
  }
  return false;
}

// The token that is sent: the named file's, else the one that a server of this user left on this machine.
Status find_token(const Session& session, const edge::ServerUrl& url, ClientOptions& into) {
  const std::string& file = session.options.token_file;
  bool local = edge::is_loopback_host(url.host);
  if (!file.empty()) {
    if (!url.tls && !local) {
      return Error{.code = Code::refused,
                   .message = cat("a token is not sent unencrypted to ", url.host, ": use https"),
                   .where = {},
                   .cause = {}};
    }
    into.token = std::string(trim(TRY(read_small_file(file))));
    if (into.token.empty()) return usage_error(cat("there is no token in ", file));
    return {};
  }
  if (local) into.token = TRY(session.local_token(into.server))
  .value_or("");
  return {};
}

Result<ClientOptions> client_options(const Session& session) {
  ClientOptions made;
  made.server = session.options.server;
  if (made.server.empty()) made.server = session.environment("MIEN_SERVER");
  if (made.server.empty()) made.server = default_server;
  Result<edge::ServerUrl> url = edge::parse_server_url(made.server);
  if (!url) {
    return Error{.code = Code::invalid,
                 .message = cat("--server is a URL such as ", default_server, ": ", url.error().message),
                 .where = {},
                 .cause = {}};
  }
  TRY(find_token(session, *url, made));
  if (!session.options.ca_file.empty()) made.ca_pem = TRY(read_small_file(session.options.ca_file));
  if (url->tls && made.ca_pem.empty()) {
    return Error{
        .code = Code::invalid,
        .message = cat("https needs the manager's authority: give --ca-file with the certificate from ", made.server,
                       "/api/v1/ca, after comparing its fingerprint with the one that `mien enroll` prints there"),
        .where = {},
        .cause = {}};
  }
  return made;
}

// The first word that is neither an option nor an option's value: what was meant as the verb.
std::string meant_verb(const CLI::App& program, const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with('-')) return arguments[i];
    if (arguments[i].find('=') != std::string::npos) continue;
    const CLI::Option* option = program.get_option_no_throw(arguments[i]);
    if (option != nullptr && option->get_items_expected_min() > 0) ++i;
  }
  return {};
}

int explain_usage(const CLI::App& program, Session& session, const CLI::ParseError& failure,
                  const std::vector<std::string>& arguments) {
  std::vector<CLI::App*> chosen = program.get_subcommands();
  std::string word = meant_verb(program, arguments);
  if (chosen.empty() && !word.empty()) {
    std::vector<std::string> names = verb_names(program);
    std::vector<std::string_view> known(names.begin(), names.end());
    auto near = nearest(word, known);
    session.err << "mien: there is no verb `" << printable(word) << "`"
                << (near ? cat("; did you mean `", *near, "`?") : std::string{}) << "\n      `mien help` lists them\n";
  } else if (chosen.empty()) {
    session.err << (arguments.empty() ? overview(program)
                                      : cat("mien: ", printable(failure.what()), "\n      see `mien help`\n"));
  } else {
    session.err << "mien " << chosen.front()->get_name() << ": " << printable(failure.what())
                << "\n      see `mien help " << chosen.front()->get_name() << "`\n";
  }
  return static_cast<int>(Exit::usage);
}

int report(Session& session, const Status& status) {
  if (!status) {
    session.out.flush();
    session.err << paint("error", Colour::red, {.colour = session.style.colour, .unicode = true, .width = 0}) << ": ";
    // A message has several lines when the server said several things; each is safe to show.
    std::string separator;
    std::string whole = status.error().to_string();
    for (std::string_view line : split(whole, '\n')) {
      session.err << separator << printable(line);
      separator = "\n";
    }
    session.err << "\n";
  }
  session.out.flush();
  if (status.ok() && !session.out) {
    session.err << "error: could not write the answer\n";
    return static_cast<int>(Exit::failed);
  }
  return static_cast<int>(exit_of(status));
}

const wire::Document& null_document() {
  static const wire::Document null;
  return null;
}

}  // namespace

Exit exit_of(const Status& status) {
  if (status) return Exit::done;
  switch (status.error().code) {
    case Code::invalid: return Exit::usage;
    case Code::not_found: return Exit::not_found;
    case Code::refused: return Exit::refused;
    case Code::unavailable: return Exit::unreachable;
    case Code::conflict:
    case Code::exhausted:
    case Code::corrupt:
    case Code::unsupported:
    case Code::unknown:
    case Code::io: break;
  }
  return Exit::failed;
}

Result<Client*> Session::manager() {
  if (!client_) client_ = std::make_unique<Client>(TRY(client_options(*this)), connect);
  return client_.get();
}

Session make_session() {
  Session session{std::cout, std::cerr};
  session.terminal = ::isatty(STDOUT_FILENO) == 1;
  session.style.width = session.terminal ? terminal_width(STDOUT_FILENO) : 0;
  session.style.unicode = !session.terminal || speaks_utf8();
  session.watched = ::isatty(STDERR_FILENO) == 1;
  session.err_style.width = session.watched ? terminal_width(STDERR_FILENO) : 0;
  session.err_style.unicode = speaks_utf8();
  session.environment = environment_variable;
  session.connect = [](edge::HttpTarget target) { return edge::HttpClient::make(std::move(target)); };
  session.local_token = [](const std::string& url) { return edge::find_local_token(url); };
  session.now = edge::wall_now;
  session.pause = [](Duration duration) {
    std::this_thread::sleep_for(duration);
    return true;
  };
  if (session.terminal && ::isatty(STDIN_FILENO) == 1) {
    session.confirm = [](const std::string& question) {
      std::cerr << question << " [y/N] " << std::flush;
      std::string answer;
      return std::getline(std::cin, answer) && (answer == "y" || answer == "Y" || answer == "yes");
    };
  }
  return session;
}

CLI::App* add_verb(CLI::App& program, const std::string& name, const std::string& summary, const std::string& group) {
  CLI::App* verb = program.add_subcommand(name, summary);
  verb->group(group);
  verb->fallthrough();  // global options are understood after the verb as well
  verb->footer(examples_of(name));
  return verb;
}

void on_chosen(CLI::App* verb, Session& session, std::function<Status(Session&)> run) {
  verb->callback([&session, run = std::move(run)] { session.chosen = run; });
}

void add_global_options(CLI::App& program, Session& session) {
  static const std::map<std::string, Format> formats{
      {"table", Format::table}, {"json", Format::json}, {"yaml", Format::yaml}};
  program
      .add_option("--server", session.options.server, cat("The manager's URL (or MIEN_SERVER; ", default_server, ")"))
      ->type_name("URL");
  program
      .add_option("--token-file", session.options.token_file,
                  "File with the token to show (a local server's is found by itself)")
      ->type_name("FILE");
  program.add_option("--ca-file", session.options.ca_file, "File with the authority that an https server must be from")
      ->type_name("FILE");
  auto take_format = [&session](const std::string& text) { session.options.format = formats.at(edge::to_lower(text)); };
  auto is_format = [](const std::string& text) {
    return formats.contains(edge::to_lower(text)) ? std::string{} : cat("`", text, "` is none of table, json and yaml");
  };
  program.add_option_function<std::string>("-o,--output", take_format, "table, json or yaml")
      ->check(CLI::Validator(is_format, ""))
      ->type_name("table|json|yaml");
  program.add_flag("--no-color", session.options.no_color, "No colours (also NO_COLOR, and when not on a terminal)");
}

int run(CLI::App& program, Session& session, const std::vector<std::string>& arguments) {
  program.require_subcommand(1, 1);
  try {
    program.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 takes them last first
  } catch (const CLI::CallForHelp&) {
    std::vector<CLI::App*> chosen = program.get_subcommands();
    session.out << (chosen.empty() ? overview(program) : verb_help(*chosen.front()));
    return report(session, {});
  } catch (const CLI::Success& success) {  // --version
    session.out << success.what() << "\n";
    return report(session, {});
  } catch (const CLI::ParseError& failure) {
    return explain_usage(program, session, failure, arguments);
  }
  bool coloured =
      !session.options.no_color && session.environment("NO_COLOR").empty() && session.environment("TERM") != "dumb";
  session.style.colour = session.terminal && coloured;
  session.err_style.colour = session.watched && coloured;
  return report(session, session.chosen(session));
}

bool print_document(Session& session, const wire::Document& document) {
  if (session.options.format == Format::json) session.out << wire::dump(document) << "\n";
  if (session.options.format == Format::yaml) session.out << to_yaml(document);
  return session.options.format != Format::table;
}

bool print_list(Session& session, const wire::Document& list) {
  if (session.options.format != Format::yaml) return print_document(session, list);
  bool first = true;
  for (const wire::Document& item : member_at(list, "/items")) {
    session.out << (first ? "" : "---\n") << to_yaml(item);
    first = false;
  }
  return true;
}

std::string to_yaml(const wire::Document& document) {
  Result<model::Value> value = wire::parse_json(wire::dump(document));
  return value ? wire::to_yaml(*value) : cat("# ", value.error().to_string(), "\n");
}

const wire::Document& member_at(const wire::Document& document, std::string_view pointer) {
  const wire::Document* at = &document;
  for (std::string_view key : split(pointer.substr(pointer.empty() ? 0 : 1), '/')) {
    if (!at->is_object()) return null_document();
    auto found = at->find(std::string(key));
    if (found == at->end()) return null_document();
    at = &*found;
  }
  return *at;
}

std::string text_at(const wire::Document& document, std::string_view pointer) {
  const wire::Document& found = member_at(document, pointer);
  if (found.is_string()) return found.get<std::string>();
  if (found.is_null() || found.is_structured()) return {};
  return wire::dump(found);
}

double number_at(const wire::Document& document, std::string_view pointer) {
  const wire::Document& found = member_at(document, pointer);
  return found.is_number() ? found.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

WallTime time_at(const wire::Document& document, std::string_view pointer) {
  return parse_time(text_at(document, pointer)).value_or(WallTime{});
}

Error usage_error(std::string message) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
}

Colour colour_of_severity(std::string_view severity) {
  if (severity == "critical" || severity == "high") return Colour::red;
  if (severity == "medium") return Colour::yellow;
  return Colour::none;
}

}  // namespace mien::app
