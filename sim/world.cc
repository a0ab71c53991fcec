#include "sim/world.h"

#include <algorithm>

#include "base/text.h"
#include "node/testing/resources.h"
#include "wire/otlp.h"

namespace mien::sim {
namespace {

constexpr WallTime epoch_start{1'764'547'200'000'000'000};  // 2025-12-01, a Monday
constexpr Duration upload_timeout = 10s;
constexpr Duration restart_after = 2s;
constexpr Duration healing = 3min;

// CPU around 20 %: what the steady workloads do and a hog does not.
model::Resource steady_persona() {
  model::Value::Map cpu{{"distribution", "normal"}, {"mean", 0.2}, {"stddev", 0.05}};
  return node::testing::persona("steady",
                                {{"behavior", model::Value::Map{{"system.cpu.utilization", std::move(cpu)}}}});
}

// What add_facts brings now and then is denied here.
model::Resource ordinary_persona() {
  model::Value::Map executables{{"deny", model::Value::List{"/tmp/**"}}};
  return node::testing::persona("linux-server",
                                {{"security", model::Value::Map{{"executables", std::move(executables)}}}});
}

std::string steady_bytes() { return model::encode_resource(steady_persona()); }

std::size_t draw_agents(Prng& prng) {
  double kind = prng.uniform();
  if (kind < 0.80) return 1 + prng.below(4);
  if (kind < 0.97) return 5 + prng.below(16);
  return 50 + prng.below(151);
}

}  // namespace

World::World(std::uint64_t seed, Trace trace)
    : seed_(seed),
      trace_(std::move(trace)),
      prng_(seed),
      faults_(Faults::draw(prng_)),
      crash_point_(prng_.fork(1), faults_.crash_in_call),
      crashing_log_(log_, crash_point_),
      crashing_ledger_(ledger_, crash_point_),
      crashing_history_(history_, crash_point_) {
  build();
}

World::~World() = default;

Duration World::healing_time() { return healing; }

// ---- time ----

void World::at(Duration when, std::function<void()> happen) {
  events_.push({.at = when, .order = order_++, .happen = std::move(happen)});
}

void World::every(Duration mean, std::function<void()> happen) {
  if (mean == Duration{0}) return;
  Duration wait{static_cast<std::int64_t>(static_cast<double>(mean.count()) * prng_.exponential()) + 1};
  if (clock_ + wait >= length_) return;
  after(wait, [this, mean, happen] {
    happen();
    every(mean, happen);
  });
}

WallTime World::wall() const { return epoch_start + clock_; }

WallTime World::manager_wall() const { return wall() + manager_clock_; }

void World::note(std::string_view who, const std::string& what) {
  std::string line = cat(mien::to_text(to_seconds(clock_), 9), " ", who, " ", what);
  for (char c : line) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  ++happened_;
  trace_(line);
}

void World::fail(std::string_view invariant, const std::string& seen) {
  if (!failure_.empty()) return;
  failure_ = cat(invariant, ": ", seen);
  note("BROKEN", failure_);
}

void World::run() {
  while (!events_.empty() && failure_.empty()) {
    Event event = events_.top();
    events_.pop();
    if (event.at > end_) break;
    clock_ = event.at;
    event.happen();
  }
  if (failure_.empty()) check_end();
}

std::string World::summary() const {
  const node::Counters& counters = manager_ ? manager_->view()->counters : node::Counters{};
  return cat("agents=", agents_.size(), " virtual=", mien::to_text(end_), " events=", happened_,
             " samples=", counters.samples, " findings=", counters.findings_opened, " manager_crashes=", crashes_,
             " log_gaps=", counters.log_gaps, " ", faults_.to_string());
}

// ---- building a run ----

void World::build() {
  std::size_t count = draw_agents(prng_);
  length_ = count > 20 ? Duration{90s} + 1s * prng_.below(60) : Duration{4min} + 1s * prng_.below(600);
  end_ = length_ + healing;
  agents_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    SimAgent& agent = agents_[i];
    agent.name = cat("host-", i);
    std::size_t services = prng_.below(count > 20 ? 2 : 4);
    for (std::size_t s = 0; s <= services; ++s) {
      std::string name = s == 0 ? agent.name : cat("unit-", s, ".service@", agent.name);
      auto shape = static_cast<Shape>(prng_.below(shape_count));
      if (s == 0) shape = Shape::steady;
      Duration onset = 60s + 1s * prng_.below(120);
      agent.services.push_back(
          {.name = InstanceName{name}, .load = Workload{shape, onset, prng_.fork(1000 + i * 16 + s)}});
      note("build", cat(name, " ", to_text(shape), " onset ", mien::to_text(onset)));
    }
  }
  note("build", faults_.to_string());
  calm_ = faults_.none();
  plan_acting();
  start_manager();
  for (std::size_t i = 0; i < count; ++i) {
    start_agent(i);
    at(Duration{static_cast<std::int64_t>(prng_.below(1'000'000'000))}, [this, i] { poll(i); });
    at(Duration{static_cast<std::int64_t>(prng_.below(1'000'000'000))}, [this, i] { tick_agent(i); });
  }
  at(Duration{0}, [this] { tick_manager(); });
  at(5s, [this] { give(node::PutResource{.resource = steady_bytes(), .from_files = true}); });
  plan_faults();
}

void World::plan_faults() {
  auto some_agent = [this]() -> SimAgent& { return agents_[prng_.below(agents_.size())]; };
  every(faults_.manager_crash_every, [this] { crash_manager("kill"); });
  every(faults_.agent_crash_every, [this] {
    std::size_t i = prng_.below(agents_.size());
    note(agents_[i].name, "kill");
    start_agent(i);
  });
  every(faults_.partition_every, [this, some_agent] {
    SimAgent& agent = some_agent();
    Duration until =
        clock_ +
        Duration{static_cast<std::int64_t>(static_cast<double>(faults_.partition_length.count()) * prng_.uniform())};
    bool mute = prng_.chance(0.5);
    (mute ? agent.mute_until : agent.deaf_until) = std::min(until, length_);
    note(agent.name, mute ? "mute" : "deaf");
  });
  every(faults_.clock_jump_every, [this, some_agent] {
    SimAgent& agent = some_agent();
    agent.clock_offset += 1s * (static_cast<std::int64_t>(prng_.below(1200)) - 600);
    agent.jumped = true;
    note(agent.name, cat("clock ", mien::to_text(agent.clock_offset)));
  });
  every(faults_.stall_every, [this, some_agent] {
    SimAgent& agent = some_agent();
    agent.stalled_until = clock_ + 1s * (1 + prng_.below(90));
    note(agent.name, "stall");
  });
  every(faults_.manager_jump_every, [this] {
    ++manager_jumps_;
    manager_clock_ = 1s * (static_cast<std::int64_t>(prng_.below(180)) - 90);
    note("manager", cat("clock ", mien::to_text(manager_clock_)));
  });
  every(faults_.disk_full_every, [this] {
    bool* disk = prng_.chance(0.5) ? &log_.full : prng_.chance(0.5) ? &ledger_.full : &history_.full;
    *disk = true;
    note("disk", "full");
    after(1s * (1 + prng_.below(20)), [this, disk] {
      *disk = false;
      note("disk", "has room");
    });
  });
  at(length_, [this] {
    note("world", "faults end");
    faults_.loss = faults_.duplicate = 0;
    faults_.delay = std::min<Duration>(faults_.delay, 20ms);
    crash_point_.armed = false;
    log_.full = ledger_.full = history_.full = false;
    for (SimAgent& agent : agents_) agent.clock_offset = Duration{0};
    manager_clock_ = Duration{0};
  });
}

// ---- agents ----

node::AgentNow World::now_of(const SimAgent& agent) const {
  std::int64_t ms = (wall() + agent.clock_offset).ns / 1'000'000;
  return {.wall = WallTime{ms * 1'000'000}, .mono = MonoTime{clock_.count() + 1'000'000'000}};
}

void World::start_agent(std::size_t index) {
  SimAgent& agent = agents_[index];
  ++agent.epoch;
  ++agent.incarnation;
  node::AgentOptions options{
      .epoch = agent.epoch, .seed = prng_.next(), .spool_waiting = !agent.spool.empty(), .memory_requests = 30};
  agent.driver = std::make_unique<node::AgentDriver>(
      node::Agent{options}, agent.spool, [this, index](const node::AgentRequest& request) { send(index, request); },
      [this, index](std::string_view line) { note(agents_[index].name, std::string(line)); });
  start_leases(index);
}

void World::tick_agent(std::size_t index) {
  SimAgent& agent = agents_[index];
  after(1s, [this, index] { tick_agent(index); });
  for (Service& service : agent.services) service.load.advance(clock_, 1s, agent.hand->cpu_cap(service.name));
  tick_leases(index);
  if (clock_ < agent.stalled_until) return;
  agent.readings.clear();
  for (std::size_t s = 0; s < agent.services.size(); ++s) {
    if (agent.services[s].load.silent(clock_)) continue;
    agent.readings.push_back({.instance = agent.services[s].name,
                              .type = s == 0 ? model::InstanceType::host : model::InstanceType::service,
                              .parent = s == 0 ? InstanceName{} : agent.services[0].name,
                              .identities = {},
                              .readings = {}});
    agent.services[s].load.read_into(agent.readings.back().readings);
  }
  agent.driver->step(now_of(agent), node::ReadingsTaken{.instances = &agent.readings});
}

void World::send(std::size_t index, const node::AgentRequest& request) {
  SimAgent& agent = agents_[index];
  std::uint64_t incarnation = agent.incarnation;
  after(upload_timeout, [this, index, incarnation, number = request.number] {
    answer(index, incarnation,
           {.number = number, .outcome = node::UploadOutcome::later, .why = "no answer in time", .retry_after = {}});
  });
  if (clock_ < agent.mute_until || prng_.chance(faults_.loss)) return;
  int copies = prng_.chance(faults_.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Duration delay{static_cast<std::int64_t>(static_cast<double>(faults_.delay.count()) * prng_.exponential())};
    after(delay, [this, index, incarnation, request] { arrive(index, incarnation, request); });
  }
}

namespace {

// What the sensors saw, told by the request's number alone: sent again it is the same. The same few programs, and now
// and then something that was never there.
void add_facts(std::uint64_t number, model::Delivery& delivery) {
  constexpr std::uint64_t news_every = 97;
  for (model::DeliveredInstance& part : delivery.instances) {
    if (part.batch.times.empty()) continue;
    model::SecurityFact fact;
    fact.at = part.batch.times.back();
    fact.object = cat("/usr/bin/tool-", number % 5);
    fact.process = fact.object;
    fact.user = "root";
    part.facts.push_back(fact);
    if (number % news_every != 0) continue;
    fact.kind = model::FactKind::listener;
    fact.object = cat("tcp/", 1024 + number % 30'000);
    part.facts.push_back(fact);
    fact.kind = model::FactKind::execution;
    fact.object = cat("/tmp/denied-", number % 3);  // by ordinary_persona
    part.facts.push_back(fact);
  }
}

}  // namespace

// The door: decoded by wire, numbered, in the log, then answered.
void World::arrive(std::size_t index, std::uint64_t incarnation, const node::AgentRequest& request) {
  if (!manager_) return;
  const std::string& name = agents_[index].name;
  Result<wire::Ingested> decoded = wire::decode_otlp({.encoding = wire::OtlpEncoding::protobuf,
                                                      .content_encoding = {},
                                                      .body = request.body,
                                                      .arrived = manager_wall(),
                                                      .trusted = true,
                                                      .agent = name,
                                                      .limits = {},
                                                      .gzip = {}});
  if (!decoded) return fail("total_decoding", decoded.error().to_string());
  model::Delivery delivery = std::move(decoded->delivery);
  delivery.source = name;
  delivery.epoch = request.number >> 32U;
  delivery.sequence = request.number & 0xffffffffU;
  delivery.authenticated = true;
  add_facts(request.number, delivery);
  std::uint64_t samples = 0;
  for (const model::DeliveredInstance& part : delivery.instances)
    samples += static_cast<std::uint64_t>(
        std::count_if(part.batch.values.begin(), part.batch.values.end(), [](double v) { return v == v; }));
  node::Record record = node::FrameArrived{.frame = series_.number(std::move(delivery))};
  bool kept = append(record);
  if (!kept) series_.revert(std::get<node::FrameArrived>(record).frame);
  if (!manager_) return;  // it died in the call: no answer
  auto outcome = kept ? node::UploadOutcome::taken : node::UploadOutcome::later;
  if (kept) {
    store::LogPosition position = log_.bounds(0)->last;
    logged_.try_emplace({name, request.number}, Sent{.samples = samples, .position = position});
    by_position_[position].emplace_back(name, request.number);
    acknowledged_.insert({name, request.number});
  }
  note(name, cat("request ", request.number >> 32U, "/", request.number & 0xffffffffU, kept ? " taken" : " later", ", ",
                 samples, " samples"));
  if (clock_ < agents_[index].deaf_until || prng_.chance(faults_.loss)) return;
  Duration delay{static_cast<std::int64_t>(static_cast<double>(faults_.delay.count()) * prng_.exponential())};
  after(delay, [this, index, incarnation, number = request.number, outcome] {
    answer(index, incarnation,
           {.number = number, .outcome = outcome, .why = "the manager has no room", .retry_after = {}});
  });
}

void World::answer(std::size_t index, std::uint64_t incarnation, node::UploadAnswered answered) {
  SimAgent& agent = agents_[index];
  if (agent.incarnation != incarnation) return;
  agent.driver->step(now_of(agent), std::move(answered));
}

// ---- the manager ----

void World::start_manager() {
  crash_point_.struck = false;
  node::ManagerSeams seams{.log = crashing_log_,
                           .ledger = crashing_ledger_,
                           .history = crashing_history_,
                           .sha256 = node::testing::test_hash,
                           .sign = [](std::string_view bytes) { return std::string(bytes); }};
  manager_ = std::make_unique<node::ManagerDriver>(
      seams, node::ManagerOptions{.builtin = {ordinary_persona()}, .limits = {}}, "sim");
  Status recovered = manager_->recover(manager_wall());
  if (!recovered) {
    note("manager", cat("does not start: ", recovered.error().to_string()));
    crash_manager("while starting");
    return;
  }
  series_ = {};
  for (const auto& [name, view] : manager_->view()->instances)
    if (view->series) series_.restore(name, *view->series);
  note("manager", cat("folds from ", manager_->position()));
  crash_point_.armed = clock_ < length_;
}

void World::crash_manager(std::string_view why) {
  if (!manager_) return;
  ++crashes_;
  counts_known_ = false;
  manager_.reset();
  note("manager", cat("crash: ", why));
  if (faults_.power_cuts && prng_.chance(0.5)) {
    log_.cut_power(prng_.below(64));
    store::LogPosition last = log_.bounds(0)->last;
    note("power", cat("cut, log ends at ", last));
    for (auto lost = by_position_.upper_bound(last); lost != by_position_.end(); lost = by_position_.erase(lost))
      for (const auto& key : lost->second) {
        acknowledged_.erase(key);
        if (auto known = logged_.find(key); known != logged_.end() && known->second.position > last)
          logged_.erase(known);
      }
  }
  if (faults_.old_ledger && old_ledger_taken_ && prng_.chance(0.3)) {
    bool full = ledger_.full;
    ledger_ = old_ledger_;
    ledger_.full = full;
    note("ledger", cat("restored from a backup at ", ledger_.checkpoint().position));
  }
  after(restart_after, [this] { start_manager(); });
}

bool World::append(const node::Record& record) {
  std::string bytes = node::encode_record(record);
  std::string_view view = bytes;
  store::LogPosition before = log_.bounds(0)->last;
  bool kept = crashing_log_.append(0, manager_wall(), std::span(&view, 1)).ok();
  if (crash_point_.struck) {
    // It died before or after the record reached the log; nobody was told.
    if (const auto* arrived = std::get_if<node::FrameArrived>(&record); arrived && log_.bounds(0)->last > before) {
      std::uint64_t samples = 0;
      for (const model::InstanceFrame& part : arrived->frame.instances)
        samples += static_cast<std::uint64_t>(
            std::count_if(part.batch.values.begin(), part.batch.values.end(), [](double v) { return v == v; }));
      std::pair<std::string, std::uint64_t> key{arrived->frame.source,
                                                (arrived->frame.epoch << 32U) | arrived->frame.sequence};
      logged_.try_emplace(key, Sent{.samples = samples, .position = before + 1});
      by_position_[before + 1].push_back(key);
    }
    crash_manager("in a call to the log");
    return false;
  }
  return kept;
}

void World::tick_manager() {
  after(1s, [this] { tick_manager(); });
  if (!manager_) return;
  if (manager_->time_matters(wall())) append(node::TickPassed{});
  pump();
  if (faults_.old_ledger && happened_ % 64 == 0 && clock_ < length_) {
    old_ledger_ = ledger_;
    old_ledger_taken_ = true;
  }
}

void World::pump() {
  while (manager_) {
    Result<node::ManagerDriver::Sent> sent = manager_->pump(manager_wall());
    if (crash_point_.struck) return crash_manager("in a call of the fold");
    if (!sent) {
      if (sent.error().code != Code::exhausted) fail("fold_goes_on", sent.error().to_string());
      return;
    }
    for (const node::Notice& notice : sent->notices)
      if (notice.finding)
        note("manager", cat(notice.type, " ", notice.finding->id.value, " ", notice.finding->instance.value, " ",
                            model::to_text(notice.finding->kind), notice.finding->late ? " late" : ""));
    for (const node::Notice& notice : sent->notices) {
      if (notice.type == "finding.opened") findings_seen_.insert(notice.finding->instance.value);
      if (notice.action)
        note("manager", cat(notice.type, " ", notice.action->id.value, " ", notice.action->target.value, " ",
                            notice.action->policy.value, " ", model::to_text(notice.action->end_reason), " ",
                            notice.action->note));
      if (notice.decision)
        note("manager", cat(notice.type, " ", notice.decision->id.value, " ", model::to_text(notice.decision->outcome),
                            ": ", notice.decision->summary));
    }
    for (const node::Answer& answer : sent->answers) {
      if (answer.request == hold_request_ && answer.status) held_since_ = clock_;
      if (resumes_.contains(answer.request)) held_since_.reset();
      note("manager", cat("answers ", answer.request, answer.status ? " ok" : " " + answer.status.error().to_string()));
      answered_commands_.insert(answer.request);
    }
    if (sent->steps > 0) {
      check_counts();
      check_findings();
      check_orders();
    }
    if (!sent->more) break;
  }
  if (manager_ && happened_ % 97 == 0) check_refold();
}

// A command by a person; repeated until it is answered, as a person would.
void World::give(node::CommandBody body) {
  std::uint64_t request = next_request_++;
  if (std::holds_alternative<node::EndHold>(body)) {
    resumes_.insert(request);
    held_since_.reset();  // it may be carried out and its answer be lost in a crash
  }
  if (manager_) append(node::CommandGiven{.command = {.request = request, .actor = "person", .body = body}});
  after(15s, [this, request, body] {
    if (!answered_commands_.contains(request)) give(body);
    else if (const auto* put = std::get_if<node::PutResource>(&body); put && put->resource == steady_bytes())
      for (const SimAgent& agent : agents_)
        for (const Service& service : agent.services)
          give(node::Activate{.persona = PersonaName{"steady"}, .instance = service.name, .lasting = {}});
  });
}

}  // namespace mien::sim
