#include "edge/sense/sense.h"

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "edge/collect/cgroup_scan.h"
#include "edge/crypto/crypto.h"
#include "edge/sense/bpf_sensors.h"
#include "edge/sense/fallbacks.h"
#include "edge/sense/log_sensors.h"
#include "edge/sense/pseudonyms.h"

namespace mien::edge {
namespace {

using enum SensorState::Status;
using model::FactKind;

constexpr std::size_t most_sightings = 4096;                          // of a sensor and look
constexpr Duration watch_again_after = 10s;                           // files come and go, and are replaced
constexpr std::array<std::uint32_t, 3> told_per_second{200, 50, 10};  // of a kind and CPU, by effort
constexpr std::size_t most_groups_told = 1024;
// Whose number in a second says something, known or not.
constexpr std::array counted_kinds{FactKind::execution, FactKind::connection, FactKind::write, FactKind::sensitive_read,
                                   FactKind::privilege};

// Where services stand: version 2 where it has them, else version 1's cpuacct.
struct GroupTree {
  std::string root;
  bool legacy = false;
};

GroupTree group_tree(const std::string& sys_root) {
  CgroupMounts mounts = find_cgroup_mounts(sys_root);
  bool unified = mounts.unified == sys_root + "/fs/cgroup" ||
                 (!mounts.unified.empty() && ::access((mounts.unified + "/system.slice").c_str(), F_OK) == 0);
  if (unified || mounts.cpuacct.empty()) return {.root = mounts.unified, .legacy = false};
  return {.root = mounts.cpuacct, .legacy = true};
}

std::vector<std::string> expand(const std::vector<std::string>& patterns) {
  std::vector<std::string> out;
  for (const std::string& pattern : patterns) {
    glob_t found{};
    if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0)
      for (std::size_t i = 0; i < found.gl_pathc; ++i)
        if (!std::string_view(found.gl_pathv[i]).ends_with(".pub")) out.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
  }
  return out;
}

model::Reading counter(std::string name, std::string unit, double value, model::Attributes attributes = {}) {
  return {.series = {.metric = MetricName(std::move(name)),
                     .attributes = std::move(attributes),
                     .unit = std::move(unit),
                     .kind = model::SeriesKind::counter},
          .kind = model::Reading::Kind::counter,
          .value = value,
          .capacity = 1};
}

SensorState works_by(std::string name, std::string mechanism) {
  return {.name = std::move(name), .status = works, .mechanism = std::move(mechanism), .why = {}, .remedy = {}};
}

class KernelSenses final : public Senses {
 public:
  explicit KernelSenses(SenseOptions options)
      : options_(std::move(options)),
        tree_(group_tree(options_.sys_root)),
        processes_(options_.proc_root),
        logins_(options_.log_root),
        packages_(options_.log_root) {
    if (options_.settings.pseudonyms) begin_pseudonyms();
    if (options_.settings.sensors) begin();
    states_now();
  }

  const std::vector<wire::InstanceFacts>& look(WallTime wall, MonoTime mono, const OwnerOf& owner) override;
  const std::vector<model::InstanceReadings>& counted() const override { return counted_; }
  const std::vector<SensorState>& states() const override { return states_; }
  void set_effort(SenseEffort effort) override {
    effort_ = effort;
    if (bpf_) bpf_->tell_at_most(told_per_second[static_cast<std::size_t>(effort)]);
  }

 private:
  void begin();
  void begin_pseudonyms();
  void begin_fallbacks(const std::string& why, const std::string& remedy);
  void states_now();
  void count_told();
  void count(MonoTime mono, const OwnerOf& owner);
  wire::InstanceFacts& facts_of(const Owner& owner);
  SenseTools tools() { return {.processes = &processes_, .users = &users_, .legacy_groups = tree_.legacy}; }

  SenseOptions options_;
  GroupTree tree_;
  Processes processes_;
  UserNames users_;
  LoginSensor logins_;
  PackageSensor packages_;
  std::unique_ptr<BpfSensors> bpf_;
  std::vector<std::unique_ptr<Sensor>> others_;
  std::vector<SensorState> kernel_states_;  // of those that are settled at the start
  std::vector<SensorState> states_;
  std::optional<Pseudonyms> pseudonyms_;
  SenseEffort effort_ = SenseEffort::full;
  std::optional<MonoTime> watched_;
  std::vector<Sighting> seen_;
  std::vector<wire::InstanceFacts> facts_;
  std::vector<model::InstanceReadings> counted_;
  std::map<std::string, GroupCounts> told_;  // without eBPF, by control group
  std::uint64_t lost_before_ = 0;
};

void KernelSenses::begin() {
  std::string why = "agent.yaml says `ebpf: false`";
  std::string remedy = "set `collect: {ebpf: true}` in agent.yaml";
  if (options_.settings.ebpf) {
    Result<std::unique_ptr<BpfSensors>> made = BpfSensors::make({.writes_below = options_.settings.writes_below,
                                                                 .reads_of = expand(options_.settings.reads_of),
                                                                 .sys_root = options_.sys_root,
                                                                 .legacy_groups = tree_.legacy,
                                                                 .group_root = tree_.root},
                                                                processes_, users_);
    if (made) bpf_ = std::move(*made);
    else {
      why = made.error().message;
      remedy = made.error().code == Code::refused
                   ? "run the agent as root or with CAP_BPF and CAP_PERFMON; a container needs them from its host"
                   : "a kernel from 5.8 with CONFIG_DEBUG_INFO_BTF (Debian 11, Ubuntu 20.10 and newer have it)";
    }
  }
  Result<std::unique_ptr<Sensor>> sockets =
      make_socket_poll(tools(), bpf_ ? SocketsWanted::listeners_once : SocketsWanted::all);
  if (!bpf_) return begin_fallbacks(why, remedy);
  if (sockets) others_.push_back(std::move(*sockets));
  for (const auto& [name, way] : std::initializer_list<std::pair<const char*, const char*>>{
           {"executions", "eBPF sched_process_exec"},
           {"listeners", "eBPF inet_sock_set_state, bind"},
           {"connections", "eBPF inet_sock_set_state, connect, sendto"},
           {"writes", "eBPF open"},
           {"sensitive-reads", "eBPF open"},
           {"privileges", "eBPF exec, setuid"},
           {"bpf-programs", "eBPF bpf"},
           {"system-calls", "eBPF sys_exit"}})
    kernel_states_.push_back(works_by(name, way));
  if (bpf_->sees_traffic())
    kernel_states_.push_back(works_by("traffic-of-services", "eBPF sock_send_length, sock_recv_length"));
  else
    kernel_states_.push_back(
        {.name = "traffic-of-services",
         .status = missing,
         .mechanism = {},
         .why = "this kernel does not tell what is sent and received (from Linux 6.3)",
         .remedy = "nothing else lacks; a newer kernel where services are to be told apart by it"});
  if (bpf_->sees_modules()) kernel_states_.push_back(works_by("modules", "eBPF module_load"));
  else
    kernel_states_.push_back({.name = "modules",
                              .status = works,
                              .mechanism = "nothing to see: this kernel loads no modules",
                              .why = {},
                              .remedy = {}});
}

// Without a key that lasts a person has another pseudonym after each start: names are never told instead.
void KernelSenses::begin_pseudonyms() {
  Result<Pseudonyms> kept = Pseudonyms::open(options_.key_file);
  pseudonyms_ = kept ? std::move(*kept) : Pseudonyms(random_token());
  kernel_states_.push_back(works_by("user-names", "pseudonyms"));
  if (kept || options_.key_file.empty()) return;
  kernel_states_.back().status = limited;
  kernel_states_.back().why = cat("their key can not be kept, so they change with each start: ", kept.error().message);
  kernel_states_.back().remedy = cat("make ", options_.key_file, " writable for the agent");
}

void KernelSenses::begin_fallbacks(const std::string& why, const std::string& remedy) {
  auto add = [&](std::vector<std::string> names, std::string mechanism, std::string less,
                 Result<std::unique_ptr<Sensor>> sensor) {
    for (std::string& name : names) {
      if (sensor)
        kernel_states_.push_back({.name = std::move(name),
                                  .status = limited,
                                  .mechanism = mechanism,
                                  .why = cat(less, "; ", why),
                                  .remedy = remedy});
      else
        kernel_states_.push_back({.name = std::move(name),
                                  .status = missing,
                                  .mechanism = {},
                                  .why = cat(sensor.error().message, "; ", why),
                                  .remedy = remedy});
    }
    if (sensor) others_.push_back(std::move(*sensor));
  };
  add({"executions"}, "the process connector", "a program that ends at once may be missed",
      make_exec_connector(tools()));
  add({"listeners", "connections"}, "sock_diag, once a tick", "what opens and closes between two ticks is not seen",
      make_socket_poll(tools(), SocketsWanted::all));
  add({"writes", "sensitive-reads"}, "fanotify", "a process that ended within the tick is not named",
      make_file_marks(
          tools(), {.writes_below = options_.settings.writes_below, .reads_of = expand(options_.settings.reads_of)}));
  add({"modules"}, "/proc/modules", "who loaded it is not seen", make_module_poll(options_.proc_root));
  for (const char* name : {"privileges", "bpf-programs", "system-calls", "traffic-of-services"})
    kernel_states_.push_back({.name = name, .status = missing, .mechanism = {}, .why = why, .remedy = remedy});
}

void KernelSenses::states_now() {
  states_ = kernel_states_;
  if (options_.settings.sensors) {
    states_.push_back(logins_.state());
    states_.push_back(packages_.state());
    return;
  }
  states_.push_back({.name = "sensors",
                     .status = missing,
                     .mechanism = {},
                     .why = "agent.yaml says `sensors: false`",
                     .remedy = "set `collect: {sensors: true}` in agent.yaml"});
}

wire::InstanceFacts& KernelSenses::facts_of(const Owner& owner) {
  for (wire::InstanceFacts& each : facts_)
    if (each.instance == owner.name) return each;
  bool host = owner.type == model::InstanceType::host;
  return facts_.emplace_back(
      wire::InstanceFacts{.instance = owner.name,
                          .type = owner.type,
                          .parent = host ? InstanceName{} : InstanceName(options_.host),
                          .identities = host ? options_.identities : std::map<std::string, std::string>{},
                          .facts = {},
                          .refused = 0});
}

const std::vector<wire::InstanceFacts>& KernelSenses::look(WallTime wall, MonoTime mono, const OwnerOf& owner) {
  facts_.clear();
  seen_.clear();
  if (!options_.settings.sensors) return facts_;
  processes_.begin_tick();
  std::uint64_t lost = 0;
  if (bpf_) {
    bool due = watched_ && mono - *watched_ >= watch_again_after;
    if (due) bpf_->watch_again(expand(options_.settings.reads_of));
    if (due || !watched_) watched_ = mono;
    bpf_->look(wall, most_sightings, seen_);
    lost += bpf_->lost();
  }
  for (const std::unique_ptr<Sensor>& each : others_) {
    each->look(wall, most_sightings, seen_);
    lost += each->lost();
  }
  logins_.look(wall, most_sightings, seen_);
  packages_.look(wall, most_sightings, seen_);
  if (!bpf_) count_told();
  for (Sighting& each : seen_) {
    if (pseudonyms_) pseudonyms_->hide(each.fact);
    if (!each.fact.object.empty()) facts_of(owner(each.group)).facts.push_back(std::move(each.fact));
  }
  // Nobody knows whose the lost ones were: the host's.
  if (lost > lost_before_)
    facts_of({.name = InstanceName(options_.host), .type = model::InstanceType::host}).refused = lost - lost_before_;
  lost_before_ = std::max(lost_before_, lost);
  count(mono, owner);
  return facts_;
}

// Without eBPF there are no other figures than what was told.
void KernelSenses::count_told() {
  for (const Sighting& each : seen_) {
    bool known = told_.contains(each.group) || told_.size() < most_groups_told;
    told_[known ? each.group : std::string{}].done[static_cast<std::size_t>(each.fact.kind)] += each.fact.count;
  }
}

void KernelSenses::count(MonoTime mono, const OwnerOf& owner) {
  counted_.clear();
  auto of = [&](const Owner& whose) -> model::InstanceReadings& {
    for (model::InstanceReadings& each : counted_)
      if (each.instance == whose.name) return each;
    bool host = whose.type == model::InstanceType::host;
    return counted_.emplace_back(
        model::InstanceReadings{.instance = whose.name,
                                .type = whose.type,
                                .parent = host ? InstanceName{} : InstanceName(options_.host),
                                .identities = host ? options_.identities : std::map<std::string, std::string>{},
                                .readings = {}});
  };
  Owner host{.name = InstanceName(options_.host), .type = model::InstanceType::host};
  // The host has its interfaces to tell its traffic by.
  auto add_traffic = [&](const Owner& whose, const GroupCounts& counts) {
    if (counts.sent == 0 && counts.received == 0) return;
    std::vector<model::Reading>& readings = of(whose).readings;
    for (auto [direction, bytes] : {std::pair("receive", counts.received), std::pair("transmit", counts.sent)})
      readings.push_back(counter("system.network.io", "By", static_cast<double>(bytes), {{"direction", direction}}));
  };
  // The host's are those of all that runs on it. A service has a rate from the first time that it does such a thing.
  auto add = [&](const Owner& whose, const GroupCounts& counts) {
    std::vector<model::Reading>& readings = of(whose).readings;
    if (bpf_) readings.push_back(counter("mien.syscall.count", "{call}", static_cast<double>(counts.calls)));
    for (FactKind kind : counted_kinds) {
      std::uint64_t done = counts.done[static_cast<std::size_t>(kind)];
      if (done > 0 || whose.type == model::InstanceType::host)
        readings.push_back(counter(cat("mien.", model::to_text(kind), ".count"), "{event}", static_cast<double>(done)));
    }
  };
  GroupCounts total;
  std::map<InstanceName, std::pair<Owner, GroupCounts>> of_services;
  for (const auto& [group, counts] : bpf_ ? bpf_->counts() : told_) {
    Owner whose = owner(group);
    bool service = whose.type != model::InstanceType::host;
    InstanceName name = whose.name;
    GroupCounts* both[]{&total,
                        service ? &of_services.try_emplace(name, whose, GroupCounts{}).first->second.second : nullptr};
    for (GroupCounts* to : both) {
      if (to == nullptr) continue;
      to->calls += counts.calls;
      to->sent += counts.sent;
      to->received += counts.received;
      for (std::size_t kind = 0; kind < model::fact_kinds; ++kind) to->done[kind] += counts.done[kind];
    }
  }
  add(host, total);
  for (const auto& [name, each] : of_services) {
    add(each.first, each.second);
    add_traffic(each.first, each.second);
  }
  of(host).readings.push_back(
      counter("mien.agent.shed", "{event}", static_cast<double>(lost_before_), {{"what", "sightings"}}));
  if (effort_ != SenseEffort::full) return;
  if (std::optional<double> pending = packages_.pending_security_updates(mono)) {
    model::Reading reading = counter("mien.pending_security_updates", "{package}", *pending);
    reading.kind = model::Reading::Kind::gauge;
    reading.series.kind = model::SeriesKind::gauge;
    of(host).readings.push_back(std::move(reading));
  }
}

}  // namespace

std::unique_ptr<Senses> Senses::start(SenseOptions options) {
  return std::make_unique<KernelSenses>(std::move(options));
}

std::vector<SensorState> probe_sensors(const SenseOptions& options) { return KernelSenses(options).states(); }

}  // namespace mien::edge
