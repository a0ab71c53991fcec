#include "app/manager.h"

#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "app/builtin.h"
#include "base/text.h"
#include "edge/access/access.h"
#include "edge/access/local_token.h"
#include "edge/api/api.h"
#include "edge/api/replays.h"
#include "edge/clock.h"
#include "edge/confine/confine.h"
#include "edge/crypto/crypto.h"
#include "edge/http/http.h"
#include "edge/http/url.h"
#include "edge/process/process.h"
#include "edge/runtime/manager_runtime.h"
#include "edge/scrape/scrape.h"
#include "edge/tls/authority.h"

namespace mien::app {
namespace {

constexpr std::string_view program_version = "0.1.0";
constexpr Duration renew_every = std::chrono::hours{24};

// The backup is made beside the data and handed out in pieces, so that a slow reader holds nothing but a file open.
Status stream_backup(const edge::DataPaths& paths, const std::function<bool(std::string_view)>& sink) {
  std::string file = cat(paths.directory, "/backup-", edge::random_token().substr(0, 12));
  TRY(edge::backup(paths.ledger, paths.keys, file));
  std::ifstream in(file, std::ios::binary);
  ::unlink(file.c_str());
  std::string chunk(1U << 16U, '\0');
  while (in) {
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    if (in.gcount() > 0 && !sink(std::string_view(chunk).substr(0, static_cast<std::size_t>(in.gcount())))) return {};
  }
  return {};
}

// Waits in whole seconds of work until somebody says stop.
class StopFlag {
 public:
  void stop() {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  // False once stop() was called.
  bool wait(Duration time) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, time, [this] { return stopping_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
};

// Everything a manager process holds, in the order it is made and the reverse of the order it ends.
class ManagerProcess {
 public:
  ManagerProcess(Session& session, const ManagerArguments& arguments) : session_(session), arguments_(arguments) {}

  Status run() {
    edge::HostPort listen = TRY(parse_listen(arguments_.settings.listen));
    host_ = listen.host;
    loopback_ = edge::is_loopback_host(host_);
    TRY(confine());
    watch_ = TRY(edge::StopWatch::start(nullptr, [this](edge::StopReason) { flag_.stop(); }));
    TRY(open_store());
    Status opened = open_doors(listen.port_given ? listen.port : std::uint16_t{7070});
    opened_ = true;
    opened_.notify_all();
    TRY(opened);
    scraper_ = std::make_unique<edge::Scraper>(
        edge::ScraperOptions{.jobs = arguments_.settings.scrape,
                             .rules = arguments_.settings.prometheus,
                             .port = runtime_.get(),
                             .door = prometheus_,
                             .now = edge::wall_now,
                             .report = [this](std::string_view line) { report(line); }});
    TRY(open_outbound());
    session_.out << "mien is ready: " << url_ << "/" << std::endl;
    auto renew_at = edge::mono_now() + renew_every;
    while (flag_.wait(1s)) {
      api_->tick();
      if (!loopback_ && edge::mono_now() >= renew_at) {
        renew_at = edge::mono_now() + renew_every;
        if (Result<edge::TlsIdentity> identity = authority_->server_identity(names(), edge::wall_now()); identity)
          TRY(server_->renew(*identity));
      }
    }
    return close();
  }

 private:
  Status confine() {
    std::error_code ignored;
    std::filesystem::create_directories(arguments_.settings.data, ignored);
    ::chmod(arguments_.settings.data.c_str(), 0700);
    std::vector<std::string> write_paths;
    for (const std::string& directory : edge::LocalTokenPlaces::of_this_process().directories) {
      std::filesystem::create_directories(directory, ignored);
      ::chmod(directory.c_str(), ::geteuid() == 0 ? 0755 : 0700);
      write_paths.push_back(directory);
      if (::access(directory.c_str(), W_OK) == 0) break;
    }
    edge::Confinement confinement = TRY(edge::confine_manager({.data_directory = arguments_.settings.data,
                                                               .read_paths = files_to_read(),
                                                               .write_paths = std::move(write_paths),
                                                               .user = {}}));
    for (const std::string& lack : confinement.lacking) report(lack);
    return {};
  }

  // Directories, since files of targets are replaced while the manager runs.
  std::vector<std::string> files_to_read() const {
    std::vector<std::string> all;
    auto add = [&all](const std::string& file) {
      if (!file.empty()) all.push_back(std::filesystem::path(file).parent_path().string());
    };
    for (const edge::ScrapeJob& job : arguments_.settings.scrape) {
      for (const std::string& file : job.files) add(file);
      add(job.token_file);
      add(job.ca_file);
    }
    for (const std::string& file : arguments_.settings.outbound.files()) add(file);
    return all;
  }

  Status open_store() {
    runtime_ = TRY(edge::ManagerRuntime::start({
        .data = arguments_.settings.data,
        .builtin = builtin_resources(),
        .version = std::string(program_version),
        .store_limit = arguments_.settings.store_limit,
        .keep_log = arguments_.settings.retention,
        .on_fatal =
            [this](const Error& error) {
              fatal_ = error;
              flag_.stop();
            },
        .report = [this](std::string_view line) { report(line); },
        .on_overflow = [door =
                            prometheus_](const auto& overflow) { door->cardinality.note(overflow, edge::wall_now()); },
    }));
    return {};
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all = arguments_.settings.names;
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) == 0) all.emplace_back(name.data());
    if (host_ != "0.0.0.0" && host_ != "::") all.push_back(host_);
    return all;
  }

  // The name by which others reach this manager.
  std::string public_name() const {
    if (!arguments_.settings.names.empty()) return arguments_.settings.names.front();
    return host_ == "0.0.0.0" || host_ == "::" ? names().front() : host_;
  }

  Status open_doors(std::uint16_t port) {
    edge::HttpServerOptions options{.address = host_, .port = port};
    if (!loopback_) {
      authority_ = TRY(edge::Authority::load_or_make(runtime_->paths().keys, edge::wall_now()));
      options.tls = TRY(authority_->server_identity(names(), edge::wall_now()));
    }
    // The port is known only once the server listens, so what arrives before the API is made waits for it.
    server_ = TRY(
        edge::HttpServer::start(options, [this](edge::HttpRequest request, std::shared_ptr<edge::Responder> responder) {
          opened_.wait(false);
          if (api_) api_->handle(std::move(request), std::move(responder));
        }));
    token_ = TRY(edge::write_local_token(server_->port()));
    bool v6 = host_.find(':') != std::string::npos;
    std::string name = loopback_ ? host_ : public_name();
    url_ = cat(loopback_ ? "http://" : "https://", v6 ? "[" : "", name, v6 ? "]" : "", ":", server_->port());
    api_ = std::make_unique<edge::Api>(api_options(edge::make_authorize(rules(false)), url_));
    if (arguments_.socket.empty()) return {};
    local_server_ = TRY(edge::HttpServer::start(
        {.unix_path = arguments_.socket}, [this, local = edge::make_authorize(rules(true))](
                                              edge::HttpRequest request, std::shared_ptr<edge::Responder> responder) {
          api_->handle(std::move(request), std::move(responder), local);
        }));
    return {};
  }

  Status open_outbound() {
    const OutboundSettings& settings = arguments_.settings.outbound;
    auto say = [this](std::string_view line) { report(line); };
    std::string directory = cat(arguments_.settings.data, "/outbox");
    auto budget = std::make_shared<edge::NotifyBudget>(settings.notify, meters_);
    webhooks_ = TRY(edge::Webhooks::start({.webhooks = settings.webhooks,
                                           .directory = directory,
                                           .budget = budget,
                                           .port = runtime_.get(),
                                           .now = edge::wall_now,
                                           .report = say,
                                           .meters = meters_}));
    remote_writer_ = TRY(edge::RemoteWriter::start({.servers = settings.remote_write,
                                                    .directory = directory,
                                                    .port = runtime_.get(),
                                                    .now = edge::wall_now,
                                                    .report = say,
                                                    .meters = meters_}));
    alertmanager_ = std::make_unique<edge::Alertmanager>(
        edge::AlertmanagerOptions{.members = settings.alertmanager.members,
                                  .rules = {.manager = public_name(),
                                            .url = url_,
                                            .labels = settings.alertmanager.labels,
                                            .resend = settings.alertmanager.resend},
                                  .budget = budget,
                                  .port = runtime_.get(),
                                  .now = edge::wall_now,
                                  .report = say,
                                  .meters = meters_});
    return {};
  }

  edge::AccessRules rules(bool socket) {
    edge::AccessRules rules;
    rules.find = [this](const std::string& key) -> std::optional<node::Access> {
      std::shared_ptr<const node::View> view = runtime_->view();
      auto access = view->access.find(key);
      return access == view->access.end() ? std::nullopt : std::optional<node::Access>(access->second);
    };
    rules.local_token_hash = edge::sha256_hex(token_->token);
    rules.loopback = socket || loopback_;
    rules.port = server_->port();
    rules.hosts = names();
    if (!socket) return rules;
    rules.unix_caller = edge::Caller{.role = node::Role::agent,
                                     .actor = cat("agent ", arguments_.local_agent),
                                     .agent = arguments_.local_agent,
                                     .selector = {},
                                     .blanked = false};
    rules.unix_uids = {static_cast<unsigned>(::geteuid())};
    return rules;
  }

  edge::ApiOptions api_options(edge::Authorize authorize, const std::string& url) {
    edge::ApiOptions options;
    options.port = runtime_.get();
    options.now = edge::wall_now;
    options.authorize = std::move(authorize);
    options.ready = [this] { return runtime_->ready(); };
    options.version = program_version;
    options.verify_signature = [key = runtime_->signing_key().public_key()](std::string_view bytes,
                                                                            std::string_view signature) {
      return edge::verify_ed25519(key, bytes, signature);
    };
    options.url = url;
    options.prometheus = arguments_.settings.prometheus;
    options.prometheus_door = prometheus_;
    options.outbound = meters_;
    if (authority_) {
      options.ca_pem = authority_->certificate_pem();
      options.ca_fingerprint = authority_->fingerprint();
    }
    edge::ReplayPlace place{
        .data = arguments_.settings.data, .builtin = builtin_resources(), .history = &runtime_->history()};
    options.replays = std::make_shared<edge::api::Replays>(
        [place = std::move(place)](const edge::ReplayRequest& request, const edge::TellLine& tell) {
          return edge::answer_replay(place, request, tell);
        });
    options.backup = [this](const std::function<bool(std::string_view)>& sink) {
      return stream_backup(runtime_->paths(), sink);
    };
    return options;
  }

  Status close() {
    alertmanager_.reset();
    remote_writer_.reset();
    webhooks_.reset();
    scraper_.reset();
    api_->close();
    if (local_server_) local_server_->stop(2s);
    if (server_) server_->stop(2s);
    runtime_->stop();
    if (token_) edge::remove_local_token(*token_);
    if (fatal_) return *fatal_;
    return {};
  }

  void report(std::string_view line) {
    std::lock_guard lock(report_mutex_);
    session_.err << "mien manager: " << line << std::endl;
  }

  Session& session_;
  const ManagerArguments& arguments_;
  std::string host_;
  bool loopback_ = true;
  std::string url_;
  StopFlag flag_;
  std::mutex report_mutex_;
  std::optional<Error> fatal_;
  std::atomic<bool> opened_ = false;
  std::unique_ptr<edge::StopWatch> watch_;
  std::shared_ptr<edge::PrometheusDoor> prometheus_ = std::make_shared<edge::PrometheusDoor>();
  std::unique_ptr<edge::ManagerRuntime> runtime_;
  std::unique_ptr<edge::Scraper> scraper_;  // this and the doors out use the runtime: they end before it
  std::shared_ptr<edge::OutboundMeters> meters_ = std::make_shared<edge::OutboundMeters>();
  std::unique_ptr<edge::Webhooks> webhooks_;
  std::unique_ptr<edge::RemoteWriter> remote_writer_;
  std::unique_ptr<edge::Alertmanager> alertmanager_;
  std::optional<edge::Authority> authority_;
  std::optional<edge::LocalToken> token_;
  std::unique_ptr<edge::Api> api_;
  std::unique_ptr<edge::HttpServer> server_;
  std::unique_ptr<edge::HttpServer> local_server_;
};

}  // namespace

Status run_manager(Session& session, const ManagerArguments& arguments) {
  return ManagerProcess(session, arguments).run();
}

void add_manager_verb(CLI::App& program, Session& session) {
  struct Given {
    std::string config = std::string(default_settings_file);
    std::string listen, data, socket, local_agent;
    bool check = false;
  };
  auto given = std::make_shared<Given>();
  CLI::App* verb = add_verb(program, "manager", "Run the half that keeps, judges and answers", "The program");
  verb->add_option("--config", given->config, "Settings")->type_name("FILE");
  verb->add_flag("--check-config", given->check, "Only say whether the settings are right");
  verb->add_option("--data", given->data, "Where everything is kept (instead of the settings')")->type_name("DIR");
  verb->add_option("--listen", given->listen, "Address to serve on; on any but loopback, TLS and tokens are required")
      ->type_name("HOST:PORT");
  verb->add_option("--socket", given->socket)->group("");
  verb->add_option("--local-agent", given->local_agent)->group("");
  on_chosen(verb, session, [given](Session& s) -> Status {
    ManagerArguments arguments {
      .settings = TRY(load_settings(given->config))
      , .socket = given->socket, .local_agent = given->local_agent
    };
    if (!given->listen.empty()) arguments.settings.listen = given->listen;
    if (!given->data.empty()) arguments.settings.data = given->data;
    TRY(parse_listen(arguments.settings.listen));
    if (given->check) {
      TRY(check_secrets(arguments.settings.outbound));
      s.out << "the settings are right\n";
      return {};
    }
    return run_manager(s, arguments);
  });
}

}  // namespace mien::app
