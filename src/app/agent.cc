#include "app/agent.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <mutex>

#include "app/manager.h"
#include "base/text.h"
#include "edge/clock.h"
#include "edge/crypto/crypto.h"
#include "edge/drive/host_hand.h"
#include "edge/host/identity.h"
#include "edge/http/url.h"
#include "edge/process/process.h"
#include "edge/replace_file.h"
#include "edge/runtime/guard.h"
#include "edge/runtime/lease_runtime.h"
#include "edge/tls/authority.h"
#include "wire/directive.h"

namespace mien::app {
namespace {

constexpr Duration join_timeout = 15s;
constexpr Duration join_again_after = 5s;
constexpr Duration release_timeout = 60s;
constexpr std::string_view own_program = "/proc/self/exe";

Error failed(Code code, std::string message) {
  return {.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

std::string kept(const std::string& path) {
  Result<std::string> text = read_small_file(path);
  return text ? std::string(trim(*text)) : std::string{};
}

// The authority to believe: the one kept from the first start, or the one that the join line's fingerprint vouches for.
Result<std::string> authority_for(const AgentArguments& arguments) {
  std::string path = arguments.directory + "/ca.pem";
  if (std::string pem = kept(path); !pem.empty()) {
    if (arguments.ca_fingerprint.empty() || TRY(edge::ca_fingerprint(pem)) == arguments.ca_fingerprint)
      return pem + "\n";
  }
  if (arguments.ca_fingerprint.empty())
    return failed(
        Code::invalid,
        "the manager's authority is not known here yet: join with the line that `mien enroll` prints on the manager");
  std::string pem = TRY(edge::fetch_authority(arguments.manager, arguments.ca_fingerprint, join_timeout));
  TRY(edge::replace_file(path, pem));
  return pem;
}

Error refusal_of(const edge::HttpResponse& response) {
  Result<wire::Document> problem = wire::parse_document(response.body);
  std::string detail = problem ? text_at(*problem, "/detail") : response.body.substr(0, 200);
  return failed(Code::refused, cat("the manager does not let this agent join: ", detail));
}

// Trades the one-time token for one of our own. The secret is made and kept here before it is asked for, so that an
// answer that is lost on the way loses nothing: the next start finds it and tries it.
Result<std::string> token_for(const AgentArguments& arguments, const edge::HttpTarget& target) {
  std::string path = arguments.directory + "/token";
  std::string joined_with = arguments.directory + "/joined_with";
  std::string own = kept(path);
  std::string enrollment = arguments.token.empty() ? std::string{} : edge::sha256_hex(arguments.token);
  if (!own.empty() && (enrollment.empty() || kept(joined_with) == enrollment)) return own;
  if (enrollment.empty())
    return failed(Code::refused,
                  "this agent has no token yet: join with the line that `mien enroll` prints on the manager");
  own = edge::random_token();
  edge::HttpRequest request;
  request.method = "POST";
  request.path = "/api/v1/enroll";
  request.headers["content-type"] = "application/json";
  request.body = wire::encode_json(
      wire::EnrollRequest{.token = arguments.token, .agent = arguments.host, .token_hash = edge::sha256_hex(own)});
  edge::HttpResponse response = TRY(edge::HttpClient::make(target)->send(request, join_timeout));
  if (response.status != 200 && response.status != 201) return refusal_of(response);
  TRY(edge::replace_file(path, own + "\n"));
  TRY(edge::replace_file(joined_with, enrollment + "\n"));
  return own;
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

Result<std::unique_ptr<edge::AgentRuntime>> start_agent(AgentArguments arguments,
                                                        std::function<void(std::string_view)> report) {
  std::error_code ignored;
  std::filesystem::create_directories(arguments.directory, ignored);
  ::chmod(arguments.directory.c_str(), 0700);
  if (arguments.host.empty()) arguments.host = host_name();
  edge::HttpTarget target{.url = arguments.manager, .unix_path = arguments.socket};
  std::string token;
  if (arguments.socket.empty()) {
    edge::ServerUrl url = TRY(edge::parse_server_url(arguments.manager));
    if (!url.tls && !edge::is_loopback_host(url.host))
      return failed(Code::invalid, cat("an agent speaks to another machine over TLS only: write https:// instead of ",
                                       arguments.manager));
    if (url.tls) target.ca_pem = TRY(authority_for(arguments));
    token = TRY(token_for(arguments, target));
  }
  edge::HostIdentity identity = edge::read_host_identity();
  edge::ActingOptions acting{.hand = edge::make_host_hand({.host = arguments.host}),
                             .allow = arguments.settings.allow,
                             .never_touch = arguments.settings.never_touch,
                             .boot_id = identity.boot_id,
                             .guard_program = std::string(own_program)};
  return edge::AgentRuntime::start({.manager = std::move(target),
                                    .token = std::move(token),
                                    .directory = arguments.directory,
                                    .collect = {.host = arguments.host, .identities = identity.identities()},
                                    .sense = arguments.settings.collect,
                                    .budget = arguments.settings.budget,
                                    .acting = std::move(acting),
                                    .report = std::move(report)});
}

Result<AgentSettings> agent_settings_of(const std::string& file, const std::vector<std::string>& allow) {
  AgentSettings settings = TRY(load_agent_settings(file));
  TRY(allow_instead(settings, allow));
  return settings;
}

namespace {

// Reads a secret from a file, or from standard input for "-": never from an argument, which everybody on the host can
// see.
Result<std::string> read_secret(const std::string& file) {
  if (file.empty()) return std::string{};
  std::string line;
  if (file == "-") std::getline(std::cin, line);
  else line = TRY(read_small_file(file));
  std::string secret{trim(line)};
  if (secret.empty()) return failed(Code::invalid, cat("there is no token in ", file == "-" ? "standard input" : file));
  return secret;
}

Status run_agent(Session& session, const AgentArguments& arguments) {
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  auto watch = TRY(edge::StopWatch::start(nullptr, [&](edge::StopReason) {
    std::lock_guard lock(mutex);
    stopping = true;
    changed.notify_all();
  }));
  std::mutex report_mutex;
  auto report = [&](std::string_view line) {
    std::lock_guard lock(report_mutex);
    session.err << "mien agent: " << line << std::endl;
  };
  std::unique_ptr<edge::AgentRuntime> runtime;
  std::string reported;
  for (;;) {
    Result<std::unique_ptr<edge::AgentRuntime>> started = start_agent(arguments, report);
    if (started) {
      runtime = std::move(*started);
      break;
    }
    // A manager that is not there yet is waited for; everything else is for a person to mend.
    bool later = started.error().code == Code::unavailable || started.error().code == Code::unknown;
    if (!later) return started.error();
    if (reported != started.error().message)
      report(cat(started.error().to_string(), "; trying again every ", mien::to_text(join_again_after)));
    reported = started.error().message;
    std::unique_lock lock(mutex);
    if (changed.wait_for(lock, join_again_after, [&] { return stopping; })) return {};
  }
  session.out << "mien agent is collecting for " << (arguments.socket.empty() ? arguments.manager : arguments.socket)
              << std::endl;
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return stopping; });
  lock.unlock();
  runtime->stop();
  return {};
}

// Takes everything back that Mien changed here; where an agent runs it is asked to.
Status release(Session& session, const AgentArguments& arguments) {
  std::string host = arguments.host.empty() ? host_name() : arguments.host;
  std::shared_ptr<node::Hand> hand = edge::make_host_hand({.host = host});
  std::string boot_id = edge::read_host_identity().boot_id;
  std::size_t left = TRY(edge::release_everything(arguments.directory, *hand, boot_id, release_timeout));
  if (left > 0)
    return failed(Code::io,
                  cat(left, " changes could not be taken back yet: see `mien doctor --changes`, and try again"));
  session.out << "nothing that Mien changed is left on this machine" << std::endl;
  return {};
}

// The second process of an agent; its standard input ends when the agent does.
Status run_guard(Session& session, const AgentArguments& arguments) {
  std::shared_ptr<node::Hand> hand = edge::make_host_hand({.host = arguments.host});
  edge::GuardedOptions options{
      .directory = arguments.directory,
      .boot_id = edge::read_host_identity().boot_id,
      .report = [&session](std::string_view line) { session.err << "mien guard: " << line << std::endl; }};
  TRY(edge::stand_guard(STDIN_FILENO, *hand, options));
  return {};
}

void add_guard_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<AgentArguments>();
  CLI::App* verb = add_verb(program, "guard", "End what must not outlive the agent", "");
  verb->add_option("--data", arguments->directory, "The agent's directory")->type_name("DIR")->required();
  verb->add_option("--name", arguments->host, "This host's name")->type_name("NAME")->required();
  on_chosen(verb, session, [arguments](Session& s) { return run_guard(s, *arguments); });
}

}  // namespace

void add_agent_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<AgentArguments>();
  auto allow = std::make_shared<std::vector<std::string>>();
  auto config = std::make_shared<std::string>(default_agent_settings_file);
  auto releasing = std::make_shared<bool>(false);
  CLI::App* verb = add_verb(program, "agent", "Run the half that collects on this host", "The program");
  verb->add_option("--manager", arguments->manager, "Where the manager is")->type_name("URL");
  verb->add_option("--ca-fingerprint", arguments->ca_fingerprint, "The manager's authority, as `mien enroll` prints it")
      ->type_name("sha256:HEX");
  verb->add_option("--data", arguments->directory, "Where requests wait that could not be sent")->type_name("DIR");
  verb->add_option("--name", arguments->host, "This host's name (default: its host name)")->type_name("NAME");
  verb->add_option("--allow", *allow, "What may be done to this machine, instead of what its settings allow")
      ->type_name("VERB,...")
      ->delimiter(',');
  verb->add_option("--config", *config, "This machine's settings")->type_name("FILE");
  verb->add_flag("--release", *releasing, "Take back everything that was changed here, and stop");
  on_chosen(verb, session, [arguments, allow, config, releasing](Session& s) -> Status {
    if (*releasing) return release(s, *arguments);
    if (arguments->manager.empty()) return usage_error("--manager is required: the URL that `mien enroll` prints");
    AgentArguments given = *arguments;
    given.settings = TRY(agent_settings_of(*config, *allow));
    given.token = TRY(read_secret(s.options.token_file));
    return run_agent(s, given);
  });
  add_guard_verb(program, session);
}

}  // namespace mien::app
