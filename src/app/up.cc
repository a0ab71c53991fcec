// mien up: this process collects, as root where it can; a second one, confined, keeps, judges and answers. They speak
// the ordinary agent protocol over a unix socket, and either ends when the other is gone.
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "app/agent.h"
#include "app/manager.h"
#include "base/text.h"
#include "edge/http/url.h"
#include "edge/process/process.h"

namespace mien::app {
namespace {

constexpr Duration manager_says_why = 2s;

struct UpArguments {
  std::string data;
  std::string listen;
  std::string config = std::string(default_settings_file);
  std::vector<std::string> allow;
  std::string agent_config = std::string(default_agent_settings_file);
};

// A socket's path has room for 107 bytes; a longer data directory gets its socket in the runtime directory.
Result<std::string> socket_path(const std::string& data) {
  constexpr std::size_t longest = 100;
  std::string path = cat(data, "/agent.sock");
  if (path.size() <= longest) return path;
  return Error{.code = Code::invalid,
               .message = cat("the data directory's path is too long for a socket in it (", path.size(),
                              " bytes, at most ", longest, "): choose a shorter one with --data"),
               .where = data,
               .cause = {}};
}

Status up(Session& session, const UpArguments& arguments) {
  ManagerSettings settings = TRY(load_settings(arguments.config));
  if (!arguments.data.empty()) settings.data = arguments.data;
  if (!arguments.listen.empty()) settings.listen = arguments.listen;
  TRY(parse_listen(settings.listen));
  AgentSettings acting = TRY(agent_settings_of(arguments.agent_config, arguments.allow));
  std::error_code failed;
  std::filesystem::create_directories(settings.data, failed);
  if (failed)
    return Error{.code = Code::io,
                 .message = cat("can not make the data directory: ", failed.message(), "; choose another with --data"),
                 .where = settings.data,
                 .cause = {}};
  settings.data = std::filesystem::canonical(settings.data, failed).string();
  std::string socket = TRY(socket_path(settings.data));
  std::string host = host_name();

  std::vector<std::string> command{"manager",  "--data", settings.data,   "--listen", settings.listen,
                                   "--socket", socket,   "--local-agent", host};
  if (arguments.config != default_settings_file) command.insert(command.end(), {"--config", arguments.config});
  std::unique_ptr<edge::Child> manager = TRY(edge::spawn_self({.arguments = std::move(command)}));

  std::mutex mutex;
  std::condition_variable changed;
  std::optional<edge::StopReason> reason;
  auto watch = TRY(edge::StopWatch::start(manager.get(), [&](edge::StopReason why) {
    std::lock_guard lock(mutex);
    if (!reason) reason = why;
    changed.notify_all();
  }));
  std::mutex report_mutex;
  auto report = [&](std::string_view line) {
    std::lock_guard lock(report_mutex);
    session.err << "mien agent: " << line << std::endl;
  };
  AgentArguments agent{.manager = "http://localhost",
                       .socket = socket,
                       .ca_fingerprint = {},
                       .token = {},
                       .directory = settings.data + "/agent",
                       .host = host,
                       .settings = std::move(acting)};
  // An agent that begins before the manager listens would report a trouble that is none.
  auto listens = [probe = edge::HttpClient::make({.url = agent.manager, .unix_path = socket})] {
    edge::HttpRequest request;
    request.path = "/healthz";
    return probe->send(request, 1s).ok();
  };
  while (!listens()) {
    std::unique_lock lock(mutex);
    if (changed.wait_for(lock, 20ms, [&] { return reason.has_value(); })) break;
  }
  std::unique_ptr<edge::AgentRuntime> runtime;
  auto has_ended = [&] {
    std::lock_guard lock(mutex);
    return reason.has_value();
  };
  if (!has_ended()) {
    Result<std::unique_ptr<edge::AgentRuntime>> started = start_agent(agent, report);
    if (!started) {
      // A manager that does not start either says better what is in the way: whose data directory this is.
      std::unique_lock lock(mutex);
      if (!changed.wait_for(lock, manager_says_why, [&] { return reason.has_value(); })) return started.error();
    } else {
      runtime = std::move(*started);
    }
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return reason.has_value(); });
  }
  if (runtime) runtime->stop();
  if (!reason->child_ended) return {};
  std::optional<edge::Ending> ending = manager->wait(1s);
  if (ending && ending->signal == 0 && ending->status == 0) return {};
  bool usage = ending && ending->signal == 0 && ending->status == static_cast<int>(Exit::usage);
  return Error{.code = usage ? Code::invalid : Code::io,
               .message = cat("the manager ", ending ? ending->to_text() : "is gone", "; its last words are above"),
               .where = {},
               .cause = {}};
}

}  // namespace

void add_up_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<UpArguments>();
  CLI::App* verb = add_verb(program, "up", "Watch this host: agent and manager in one go", "The program");
  verb->add_option("--data", arguments->data, "Keep everything under DIR (default /var/lib/mien)")->type_name("DIR");
  verb->add_option("--listen", arguments->listen, "Address to serve on (default 127.0.0.1:7070)")
      ->type_name("HOST:PORT");
  verb->add_option("--config", arguments->config, "Settings")->type_name("FILE");
  verb->add_option("--agent-config", arguments->agent_config, "Settings of what may be done to this machine")
      ->type_name("FILE");
  verb->add_option("--allow", arguments->allow,
                   "What may be done to this machine, instead of what those settings allow")
      ->type_name("VERB,...")
      ->delimiter(',');
  on_chosen(verb, session, [arguments](Session& s) { return up(s, *arguments); });
}

}  // namespace mien::app
