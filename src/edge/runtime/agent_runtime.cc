#include "edge/runtime/agent_runtime.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/collect/kernel_file.h"
#include "edge/replace_file.h"
#include "edge/runtime/start_up_pages.h"
#include "wire/directive.h"
#include "wire/gzip.h"

namespace mien::edge {
namespace {

constexpr Duration upload_timeout = 10s;
constexpr Duration poll_timeout = 45s;          // the manager answers a long poll within 30 s
constexpr Duration poll_pause = 5s;             // after a poll that failed
constexpr Duration poll_at_most_every = 200ms;  // a manager that has nothing to say and does not wait with it
constexpr Duration report_timeout = 10s;
// By then the agent has begun, and found a manager where there is one; and again after what happens once an hour.
constexpr Duration hand_back_after = 20s;
constexpr Duration hand_back_every = 1h;
constexpr std::int64_t resolution_ns =
    1'000'000;  // sample times are whole milliseconds: they compress, and nobody reads finer

Duration retry_after(const HttpResponse& response) {
  auto header = response.headers.find("retry-after");
  auto seconds = header == response.headers.end() ? std::nullopt : parse_integer(header->second);
  return seconds ? std::chrono::seconds{std::clamp<std::int64_t>(*seconds, 0, 300)} : Duration{0};
}

// The second number of /proc/self/statm, in pages.
std::uint64_t resident_bytes() {
  std::string text = read_text("/proc/self/statm").value_or(std::string{});
  std::vector<std::string_view> numbers = split(text, ' ');
  std::optional<std::int64_t> pages = numbers.size() > 1 ? parse_integer(numbers[1]) : std::nullopt;
  return pages ? static_cast<std::uint64_t>(*pages) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

std::string first_line(const std::string& body) { return body.substr(0, std::min<std::size_t>(body.find('\n'), 300)); }

}  // namespace

Result<std::uint64_t> next_epoch(const std::string& path) {
  std::uint64_t epoch = 1;
  if (std::ifstream in(path); in) {
    std::string text;
    std::getline(in, text);
    if (auto number = parse_integer(text)) epoch = static_cast<std::uint64_t>(*number) + 1;
  }
  TRY(replace_file(path, std::to_string(epoch) + "\n"));
  return epoch;
}

Result<std::unique_ptr<AgentRuntime>> AgentRuntime::start(AgentRuntimeOptions options) {
  std::error_code failed;
  std::filesystem::create_directories(options.directory, failed);
  if (failed)
    return Error{.code = Code::io,
                 .message = cat("can not make the agent's directory: ", failed.message()),
                 .where = options.directory,
                 .cause = {}};
  std::uint64_t epoch = TRY(next_epoch(options.directory + "/epoch"));
  std::unique_ptr<FileSpool> spool = TRY(FileSpool::open({.directory = options.directory + "/spool"}));
  std::unique_ptr<HostCollector> collector = TRY(HostCollector::open(options.collect));
  std::unique_ptr<AgentRuntime> runtime{
      new AgentRuntime(std::move(options), std::move(collector), std::move(spool), epoch)};
  TRY(runtime->start_leases());
  return runtime;
}

AgentRuntime::AgentRuntime(AgentRuntimeOptions options, std::unique_ptr<HostCollector> collector,
                           std::unique_ptr<FileSpool> spool, std::uint64_t epoch)
    : options_(std::move(options)),
      collector_(std::move(collector)),
      senses_(Senses::start({.host = options_.collect.host,
                             .identities = options_.collect.identities,
                             .settings = options_.sense,
                             .proc_root = options_.collect.proc_root,
                             .sys_root = options_.collect.sys_root,
                             .key_file = options_.directory + "/users.key"})),
      guests_(Guests::start({.host = options_.collect.host, .libvirt = options_.sense.libvirt})),
      budget_(options_.budget),
      spool_(std::move(spool)),
      driver_(
          node::Agent{{.epoch = epoch,
                       .seed = epoch ^ static_cast<std::uint64_t>(wall_now().ns),
                       .spool_waiting = !spool_->empty()}},
          *spool_,
          [this](const node::AgentRequest& request) {
            Lock lock(mutex_);
            to_upload_ = request;
            changed_.notify_all();
          },
          options_.report),
      upload_client_(HttpClient::make(options_.manager)),
      directive_client_(HttpClient::make(options_.manager)),
      report_client_(HttpClient::make(options_.manager)) {}

// First what is in force here, then what tells of it.
Status AgentRuntime::start_leases() {
  if (options_.acting.hand) {
    leases_ = TRY(LeaseRuntime::start({.acting = options_.acting,
                                       .agent = options_.collect.host,
                                       .directory = options_.directory,
                                       .tick = options_.interval,
                                       .post = [this](const wire::AgentReports& body) { return post_reports(body); },
                                       .report = options_.report}));
  }
  tick_thread_ = std::thread([this] { tick_loop(); });
  upload_thread_ = std::thread([this] { upload_loop(); });
  directive_thread_ = std::thread([this] { directive_loop(); });
  return {};
}

AgentRuntime::~AgentRuntime() { stop(); }

void AgentRuntime::stop() {
  {
    Lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  upload_client_->cancel();
  directive_client_->cancel();
  report_client_->cancel();
  for (std::thread* thread : {&tick_thread_, &upload_thread_, &directive_thread_})
    if (thread->joinable()) thread->join();
  leases_.reset();
}

// ---- the tick ----

void AgentRuntime::tick_loop() {
  MonoTime next_tick = mono_now();
  for (;;) {
    std::deque<node::UploadAnswered> answered;
    {
      Lock lock(mutex_);
      while (!stopping_ && answered_.empty() && mono_now() < next_tick)
        changed_.wait_for(mutex_, next_tick - mono_now());
      if (stopping_) return;
      answered.swap(answered_);
    }
    for (node::UploadAnswered& answer : answered) {
      bool first = answer.outcome == node::UploadOutcome::taken && !std::exchange(taken_, true);
      if (first) report_sensors();
      driver_.step({.wall = wall_now(), .mono = mono_now()}, std::move(answer));
    }
    if (mono_now() < next_tick) continue;
    tick(mono_now());
    next_tick = std::max(next_tick + options_.interval * budget_.stretch(), mono_now());
  }
}

// Facts first: they are what is missed when the manager goes on without them.
void AgentRuntime::tick(MonoTime mono) {
  WallTime wall{wall_now().ns / resolution_ns * resolution_ns};
  const std::vector<model::InstanceReadings>& readings = collector_->collect(mono);
  auto owner = [this](std::string_view group) { return collector_->owner(group); };
  driver_.step({.wall = wall, .mono = mono}, node::FactsTaken{.instances = &senses_->look(wall, mono, owner)});
  add_own_counters();
  driver_.step({.wall = wall, .mono = mono},
               node::ReadingsTaken{.instances = &readings, .sensed = &sensed_, .guests = &guests_->look(mono)});
  hand_back(mono);
  keep_budget(mono);
  report_problems();
}

void AgentRuntime::keep_budget(MonoTime mono) {
  OwnUse use{.cpu = Duration{read_clock_ns(CLOCK_PROCESS_CPUTIME_ID)}, .resident = Bytes{resident_bytes()}};
  if (!budget_.take(mono, use)) return;
  senses_->set_effort(budget_.effort());
  options_.report(budget_.why());
}

void AgentRuntime::hand_back(MonoTime mono) {
  if (!hand_back_at_) hand_back_at_ = mono + hand_back_after;
  if (mono < *hand_back_at_) return;
  release_start_up_pages();
  hand_back_at_ = mono + hand_back_every;
}

// What sensors counted, and what the machine itself had to shed.
void AgentRuntime::add_own_counters() {
  sensed_ = senses_->counted();
  const node::AgentCounters& counters = driver_.agent().counters();
  for (model::InstanceReadings& each : sensed_) {
    if (each.instance.value != options_.collect.host) continue;
    for (auto [what, value] : {std::pair("facts", counters.facts_shed), std::pair("requests", counters.shed),
                               std::pair("connections", collector_->cut())})
      each.readings.push_back({.series = {.metric = MetricName{"mien.agent.shed"},
                                          .attributes = {{"what", what}},
                                          .unit = "{event}",
                                          .kind = model::SeriesKind::counter},
                               .kind = model::Reading::Kind::counter,
                               .value = static_cast<double>(value),
                               .capacity = 1});
    auto gauge = [&](const char* metric, const char* unit, double value) {
      each.readings.push_back({.series = {.metric = MetricName{metric}, .attributes = {}, .unit = unit},
                               .kind = model::Reading::Kind::gauge,
                               .value = value,
                               .capacity = 1});
    };
    gauge("mien.agent.cpu.utilization", "1", std::floor(budget_.cpu().value * 1e6 + 0.5) / 1e6);
    gauge("mien.agent.memory.usage", "By", static_cast<double>(budget_.resident().value));
    gauge("mien.agent.pressure", "1", budget_.pressure());
  }
}

// Once a manager listens: what is seen by less than the best way, what not at all, and why.
void AgentRuntime::report_sensors() {
  std::string less, none;
  for (const SensorState& each : senses_->states()) {
    if (each.status == SensorState::Status::works) continue;
    if (each.status == SensorState::Status::limited)
      less += cat(less.empty() ? "" : "; ", each.name, " by ", each.mechanism, " (", each.why, ")");
    else none += cat(none.empty() ? "" : "; ", each.name, ": ", each.why);
  }
  if (!less.empty()) options_.report(cat("sensors that see less here: ", less));
  if (!none.empty()) options_.report(cat("sensors that do not work here: ", none, "; `mien doctor` says what to do"));
}

void AgentRuntime::report_problems() {
  const std::vector<std::string>& problems = collector_->problems();
  for (; problems_reported_ < problems.size(); ++problems_reported_) options_.report(problems[problems_reported_]);
  std::string why = guests_->state().why;
  if (why == guests_said_) return;
  options_.report(why.empty() ? std::string("guests are seen again") : cat("guests can not be seen: ", why));
  guests_said_ = std::move(why);
}

// ---- the way up ----

void AgentRuntime::authorise(HttpRequest& request) const {
  if (!options_.token.empty()) request.headers["authorization"] = cat("Bearer ", options_.token);
  request.headers["mien-agent"] = options_.collect.host;
}

void AgentRuntime::upload_loop() {
  for (;;) {
    std::optional<node::AgentRequest> request;
    {
      Lock lock(mutex_);
      while (!stopping_ && !to_upload_) changed_.wait(mutex_);
      if (stopping_) return;
      request.swap(to_upload_);
    }
    node::UploadAnswered answer = upload(*upload_client_, *request);
    Lock lock(mutex_);
    answered_.push_back(std::move(answer));
    changed_.notify_all();
  }
}

node::UploadAnswered AgentRuntime::upload(HttpClient& client, const node::AgentRequest& sent) const {
  using enum node::UploadOutcome;
  HttpRequest request;
  request.method = "POST";
  request.path = sent.door == node::AgentDoor::logs ? "/v1/logs" : "/v1/metrics";
  request.headers["content-type"] = "application/x-protobuf";
  request.headers["mien-epoch"] = std::to_string(sent.number >> 32U);
  request.headers["mien-sequence"] = std::to_string(sent.number & 0xffffffffU);
  authorise(request);
  bool remote = options_.manager.unix_path.empty();
  if (remote) request.headers["content-encoding"] = "gzip";
  request.body = remote ? wire::gzip(sent.body) : sent.body;
  Result<HttpResponse> response = client.send(request, upload_timeout);
  if (!response)
    return {.number = sent.number, .outcome = later, .why = response.error().to_string(), .retry_after = {}};
  int status = response->status;
  std::string why = cat("HTTP ", status, " ", first_line(response->body));
  if (status / 100 == 2) return {.number = sent.number, .outcome = taken, .why = {}, .retry_after = {}};
  bool never = status == 400 || status == 413 || status == 415 || status == 422;
  return {.number = sent.number,
          .outcome = never ? refused : later,
          .why = std::move(why),
          .retry_after = retry_after(*response)};
}

// ---- the way down ----

bool AgentRuntime::pause(Duration time) {
  MonoTime until = mono_now() + time;
  Lock lock(mutex_);
  while (!stopping_ && mono_now() < until) changed_.wait_for(mutex_, until - mono_now());
  return !stopping_;
}

// What the manager said last is kept beside the agent's state: the personas, which stand without a manager too, and the
// newest signed audit head: a manager that later shows a shorter or different record contradicts what its agents hold.
Result<std::uint64_t> AgentRuntime::keep_directives(std::string_view body) {
  Result<wire::DirectiveBatch> batch = wire::decode_directives(body);
  if (!batch) return batch.error().within("the manager's directives can not be read");
  std::vector<model::Order> orders;
  for (wire::Directive& directive : batch->directives) {
    if (const auto* unknown = std::get_if<wire::UnknownDirective>(&directive.body))
      options_.report(cat("the manager sent a directive this release does not know: ", unknown->type));
    if (auto* order = std::get_if<wire::OrderDirective>(&directive.body)) orders.push_back(std::move(*order));
  }
  if (leases_) leases_->hear(std::move(orders));
  std::string path = options_.directory + "/directives.json";
  if (Status status = replace_file(path, body); !status) options_.report(status.error().to_string());
  return batch->next;
}

// Asks again at once: what comes next may be an order. Only a failure is a reason to wait.
void AgentRuntime::directive_loop() {
  std::uint64_t after = 0;
  std::string said;
  Duration wait{};
  do {
    HttpRequest request;
    request.method = "GET";
    request.path = cat("/api/v1/agents/", options_.collect.host, "/directives");
    request.query["after"] = std::to_string(after);
    authorise(request);
    MonoTime asked = mono_now();
    Result<HttpResponse> response = directive_client_->send(request, poll_timeout);
    wait = poll_pause;
    if (!response || response->status != 200) continue;
    Result<std::uint64_t> next = keep_directives(response->body);
    if (!next) {
      if (std::string why = next.error().to_string(); why != std::exchange(said, why)) options_.report(why);
      continue;
    }
    bool news = std::exchange(after, *next) != *next;
    wait = news ? Duration{0} : std::max(Duration{0}, poll_at_most_every - (mono_now() - asked));
  } while (pause(wait));
}

Status AgentRuntime::post_reports(const wire::AgentReports& reports) {
  HttpRequest request;
  request.method = "POST";
  request.path = cat("/api/v1/agents/", options_.collect.host, "/reports");
  request.headers["content-type"] = "application/json";
  authorise(request);
  request.body = wire::encode_json(reports);
  HttpResponse response = TRY(report_client_->send(request, report_timeout));
  if (response.status / 100 == 2) return {};
  return Error{.code = Code::refused,
               .message = cat("HTTP ", response.status, " ", first_line(response.body)),
               .where = {},
               .cause = {}};
}

}  // namespace mien::edge
