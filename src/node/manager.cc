#include "node/manager.h"

#include <algorithm>

#include "base/text.h"
#include "model/persona.h"

namespace mien::node {
namespace {

constexpr std::uint64_t core_version = 2;  // 1: without what acting needs
// Between two snapshots of an instance that changes. One of many series is written as seldom as it is large, so that a
// series' share of the disk is bounded; what that costs is time to fold again after a crash.
constexpr Duration snapshot_every = 60s;
constexpr std::size_t series_a_minute = 100;
constexpr std::size_t most_minutes = 10;
constexpr Duration most_steady = 15s;  // that one record lets pass

Error error_of(Code code, std::string message) {
  return {.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

// The series that a new instance brings, by their numbers.
std::vector<model::Series> declared_in(const model::InstanceFrame& part) {
  std::vector<model::Series> series;
  for (const model::SeriesDeclaration& declared : part.declared)
    if (declared.index == series.size()) series.push_back(declared.series);
  return series;
}

std::uint64_t newest_of(const Instance& instance) {
  const std::optional<model::PersonaRevision>& newest = instance.state().newest_revision;
  return newest ? newest->number : 0;
}

Counters& operator+=(Counters& sum, const Counters& more) {
  std::apply([&](const auto&... each) { ((sum.*(each.member) += more.*(each.member)), ...); }, Counters::fields);
  return sum;
}

}  // namespace

Manager::Manager(ManagerOptions options) : options_(std::move(options)) {
  for (const model::Resource& resource : options_.builtin) {
    std::string key = key_of(resource.kind, resource.metadata.name);
    changed_resources_.push_back(key);
    builtin_[key] = resource;
  }
}

Effects Manager::step(WallTime now, store::LogPosition position, const Record& record) {
  Effects out;
  Moment at{.now = now, .position = position};
  if (!std::holds_alternative<EpochStarted>(record)) steady_ = steady_at(now);
  last_at_ = std::max(last_at_, now);
  std::visit([&](const auto& event) { on(at, event, out); }, record);
  act(at, out);
  for (const Notice& notice : out.notices) {
    if (notice.type == "finding.opened") ++counters_.findings_opened;
    if (notice.type == "finding.resolved") ++counters_.findings_resolved;
  }
  return out;
}

// A record that comes long after the one before it may come from a clock that was set: only a little of it counts.
Duration Manager::steady_at(WallTime now) const {
  if (now <= last_at_ || last_at_.ns == 0) return steady_;
  return steady_ + std::min<Duration>(now - last_at_, most_steady);
}

// ---- telemetry ----

void Manager::on(const Moment& at, const FrameArrived& arrived, Effects& out) {
  Counters counted;
  for (std::size_t part = 0; part < arrived.frame.instances.size(); ++part) {
    const model::InstanceFrame& frame = arrived.frame.instances[part];
    Known* known = admit(at, arrived.frame, frame, out);
    if (!known) continue;
    Instance& instance = known->second.instance;
    std::size_t writes = out.writes.size();
    std::uint64_t known_revision = newest_of(instance);
    // An idle instance's snapshot stands for all time until now, so its waking must be written with the group.
    if (instance.state().idle) must_write(*known);
    counted += instance.on_frame({.now = at.now, .position = at.position, .part = part}, arrived.frame, frame, out);
    changed(*known);
    if (out.writes.size() != writes) must_write(*known);
    if (newest_of(instance) != known_revision) revise_prior(at, instance, out);
  }
  counted.frames_duplicate = std::min<std::uint64_t>(counted.frames_duplicate, 1);
  counted.frames = 1;
  counted.steps_over_cost = counted.samples > options_.limits.step_samples ? 1 : 0;
  counters_ += counted;
}

// The slot of an instance; makes it at first sight. Nothing: refused, and counted.
Manager::Known* Manager::admit(const Moment& at, const model::Frame& frame, const model::InstanceFrame& part,
                               Effects& out) {
  std::uint64_t samples = part.batch.values.size();
  auto known = slots_.find(part.instance);
  if (known == slots_.end()) {
    if (slots_.size() >= options_.limits.instances || is_prior(part.instance)) {
      ++counters_.instances_refused;
      counters_.samples_refused += samples;
      return nullptr;
    }
    Slot slot{.look_at = {}, .instance = Instance{part.instance, part, at.now}, .written = 0, .due = {}};
    known = slots_.emplace(part.instance, std::move(slot)).first;
    out.audit.push_back({.at = at.now,
                         .actor = frame.source.empty() ? "unauthenticated sender" : cat("agent ", frame.source),
                         .verb = "instance.appeared",
                         .subject = cat("Instance/", part.instance.value),
                         .cause = cat("log/", at.position),
                         .detail = cat("a ", model::to_text(part.type))});
    out.notices.push_back({.type = "instance.appeared",
                           .subject = cat("Instance/", part.instance.value),
                           .at = at.now,
                           .finding = {},
                           .drift = {}});
    known->second.instance.assign({.now = at.now, .position = at.position},
                                  assignment_of(known->second.instance.state()), out);
    inherit(at, known->second.instance, declared_in(part), out);
    InstanceState& state = known->second.instance.state();
    state.learning_held = acting_.remedy().learning_held(state.name, state.assignment.pool, at.now);
    known->second.instance.trust(trusting_);
    touched(*known);
  }
  return &*known;
}

// ---- time ----

void Manager::on(const Moment& at, const TickPassed&, Effects& out) {
  std::vector<InstanceName> gone;
  std::size_t part = 0;  // what several open in this tick is told apart by it
  for (Known& known : slots_) {
    ++part;
    if (at.now < known.second.look_at) continue;
    on_tick({.now = at.now, .position = at.position, .part = part}, known, out);
    if (at.now >= forgotten_at(known.second.instance)) gone.push_back(known.first);
  }
  for (const InstanceName& name : gone) forget(at, name, "ended more than a day ago", out);
  expire_access(at, out);
  let_acting_time_pass(at, out);
}

void Manager::on_tick(const Instance::Step& step, Known& known, Effects& out) {
  Instance& instance = known.second.instance;
  if (instance.on_tick(step, epoch_started_at_, out)) touched(known);
  std::optional<ManualActivation>& manual = instance.state().manual;
  if (manual && manual->expires_at.ns != 0 && manual->expires_at <= step.now) {
    manual.reset();
    instance.assign(step, assignment_of(instance.state()), out);
    inherit({.now = step.now, .position = step.position}, instance, instance.state().series, out);
    touched(known);
  }
  look_again(known);
}

WallTime Manager::forgotten_at(const Instance& instance) const {
  if (!instance.ends_silently()) return Instance::never;
  return instance.state().last_arrival + options_.limits.forget_after + Duration{1};
}

void Manager::look_again(Known& known) {
  auto& [name, slot] = known;
  const std::optional<ManualActivation>& manual = slot.instance.state().manual;
  slot.look_at = std::min(slot.instance.next_tick(epoch_started_at_), forgotten_at(slot.instance));
  if (manual && manual->expires_at.ns != 0) slot.look_at = std::min(slot.look_at, manual->expires_at);
  next_look_ = std::min(next_look_, slot.look_at);
}

bool Manager::time_matters(WallTime now) {
  const remedy::Remedy& remedy = acting_.remedy();
  if (acting_.has_policies() || !remedy.unfinished().empty() || !remedy.holds().empty()) {
    if (now - acting_tick_at_ >= (remedy.unfinished().empty() ? 10s : 1s)) return true;
  }
  if (remedy.is_due({.now = now, .steady = steady_at(now), .position = 0})) return true;
  if (now < next_look_) return false;
  next_look_ = next_expiry_;
  for (const auto& [name, slot] : slots_) next_look_ = std::min(next_look_, slot.look_at);
  return now >= next_look_;
}

void Manager::grant(const std::string& key, Access access) {
  if (access.expires_at.ns != 0) next_expiry_ = std::min(next_expiry_, access.expires_at + Duration{1});
  next_look_ = std::min(next_look_, next_expiry_);
  access_[key] = std::move(access);
  changed_access_.push_back(key);
}

void Manager::revoke(const std::string& key) {
  access_.erase(key);
  changed_access_.push_back(key);
}

void Manager::expire_access(const Moment& at, Effects& out) {
  if (at.now < next_expiry_) return;
  next_expiry_ = Instance::never;
  std::vector<std::string> expired;
  for (const auto& [key, access] : access_) {
    if (access.expires_at.ns == 0) continue;
    if (access.expires_at < at.now) expired.push_back(key);
    else next_expiry_ = std::min(next_expiry_, access.expires_at + Duration{1});
  }
  for (const std::string& key : expired) {
    revoke(key);
    out.writes.push_back({.table = store::Table::access, .key = key, .bytes = {}});
  }
}

void Manager::on(const Moment& at, const EpochStarted& epoch, Effects& out) {
  epoch_ = epoch.epoch;
  epoch_started_at_ = at.now;
  for (Known& known : slots_) look_again(known);  // silence is counted from now on
  std::string detail =
      cat("engine ", epoch.engine, ", log found up to ", epoch.found, ", ledger folded up to ", epoch.folded);
  if (epoch.log_differs) {
    ++counters_.log_gaps;
    detail += ": the log was cut or replaced; what stood between is lost";
  }
  out.audit.push_back({.at = at.now,
                       .actor = "mien",
                       .verb = "epoch.started",
                       .subject = cat("Epoch/", epoch.epoch),
                       .cause = cat("log/", at.position),
                       .detail = std::move(detail)});
}

// ---- instances ----

void Manager::changed(Known& known) {
  auto& [name, slot] = known;
  const InstanceState& state = slot.instance.state();
  if (auto place = std::tie(state.parent, state.assignment.pool, state.assignment.persona); place != slot.place) {
    slot.place = place;
    index_.reset();
  }
  if (!slot.dirty) dirty_.emplace(slot.due, name);
  if (slot.shown) unseen_.push_back(&known);
  slot.dirty = true;
  slot.shown = false;
  look_again(known);
}

void Manager::touched(Known& known) {
  changed(known);
  must_write(known);
}

void Manager::must_write(Known& known) {
  if (!known.second.urgent) urgent_.push_back(&known);
  known.second.urgent = true;
}

void Manager::forget(const Moment& at, const InstanceName& name, std::string_view why, Effects& out) {
  auto slot = slots_.find(name);
  if (slot == slots_.end()) return;
  slot->second.instance.close_all({.now = at.now, .position = at.position}, out);
  out.writes.push_back({.table = store::Table::instance, .key = name.value, .bytes = {}});
  out.audit.push_back({.at = at.now,
                       .actor = "mien",
                       .verb = "instance.forgotten",
                       .subject = cat("Instance/", name.value),
                       .cause = cat("log/", at.position),
                       .detail = std::string(why)});
  dirty_.erase({slot->second.due, name});
  std::erase(urgent_, &*slot);
  std::erase(unseen_, &*slot);
  slots_.erase(slot);
  index_.reset();
  removed_.push_back(name);
}

const Instance* Manager::find(const InstanceName& name) const {
  auto slot = slots_.find(name);
  return slot == slots_.end() ? nullptr : &slot->second.instance;
}

// ---- recovery and snapshots ----

Status Manager::restore(store::Table table, const store::Entry& entry) {
  switch (table) {
    case store::Table::core: {
      if (entry.key == "remedy") return acting_.restore_state(entry.bytes);
      if (entry.key.starts_with("prior/")) return restore_prior(entry);
      Decoder decoder{entry.bytes};
      std::uint64_t version = 0;
      decoder.get(version);
      if (version == 0 || version > core_version)
        return error_of(Code::unsupported,
                        cat("the ledger's core has version ", version, ", this program reads ", core_version));
      decoder.get(counters_);
      decoder.get(epoch_started_at_);
      if (version >= 2) {
        decoder.get(last_at_);
        decoder.get(steady_);
        decoder.get(reconsidered_at_);
      }
      return decoder.finish("core");
    }
    case store::Table::resource: {
      resources_[entry.key] = TRY(model::decode_resource(entry.bytes));
      policies_changed_ = true;
      changed_resources_.push_back(entry.key);
      return {};
    }
    case store::Table::access: {
      grant(entry.key, TRY(decode<Access>(entry.bytes, "access")));
      return {};
    }
    case store::Table::instance: {
      Instance::Restored restored = TRY(Instance::decode(entry.bytes));
      Slot slot{.look_at = {}, .instance = std::move(restored.instance), .written = restored.folded, .due = {}};
      auto [known, added] = slots_.emplace(InstanceName{entry.key}, std::move(slot));
      if (!added) return error_of(Code::corrupt, cat("the ledger has \"", entry.key, "\" twice"));
      known->second.shown = false;
      unseen_.push_back(&*known);
      return {};
    }
    case store::Table::directive: return acting_.restore_action(entry.bytes);
    default: return {};
  }
}

Manager::Remembered Manager::refold(WallTime now, store::LogPosition position, const Record& record) {
  Effects out;
  const auto* arrived = std::get_if<FrameArrived>(&record);
  if (!arrived) return {};
  for (std::size_t part = 0; part < arrived->frame.instances.size(); ++part) {
    const model::InstanceFrame& frame = arrived->frame.instances[part];
    auto slot = slots_.find(frame.instance);
    if (slot == slots_.end() || position <= slot->second.written) continue;
    slot->second.instance.on_frame({.now = now, .position = position, .part = part}, arrived->frame, frame, out);
    changed(*slot);
  }
  return {.blocks = std::move(out.history), .facts = std::move(out.facts)};
}

store::LogPosition Manager::oldest_snapshot(store::LogPosition folded) const {
  store::LogPosition oldest = folded;
  for (const auto& [name, slot] : slots_)
    if (!slot.instance.state().idle) oldest = std::min(oldest, slot.written);
  return oldest;
}

store::LogPosition Manager::needed_from(store::LogPosition folded) const {
  store::LogPosition oldest = folded;
  for (const auto& [name, slot] : slots_)
    if (slot.dirty) oldest = std::min(oldest, slot.written);
  return oldest;
}

void Manager::rebase(store::LogPosition position) {
  for (Known& known : slots_) {
    known.second.written = position;
    touched(known);
  }
}

void Manager::trust(bool known_healthy) {
  trusting_ = known_healthy;
  for (Known& known : slots_) known.second.instance.trust(known_healthy);
}

store::Write Manager::snapshot(Known& known, const Moment& at) {
  auto& [name, slot] = known;
  dirty_.erase({slot.due, name});
  slot.written = at.position;
  std::size_t minutes = slot.instance.state().series.size() / series_a_minute;
  slot.due = at.now + snapshot_every * std::clamp<std::size_t>(minutes, 1, most_minutes);
  slot.dirty = slot.urgent = false;
  return {.table = store::Table::instance, .key = name.value, .bytes = slot.instance.encode(at.position)};
}

std::vector<store::Write> Manager::take_snapshots(store::LogPosition position, WallTime now, std::size_t spare) {
  std::vector<store::Write> writes;
  Moment at{.now = now, .position = position};
  Encoder encoder;
  encoder.put(core_version);
  encoder.put(counters_);
  encoder.put(epoch_started_at_);
  encoder.put(last_at_);
  encoder.put(steady_);
  encoder.put(reconsidered_at_);
  if (std::string core = encoder.take(); core != core_)
    writes.push_back({.table = store::Table::core, .key = "core", .bytes = core_ = std::move(core)});
  if (std::optional<store::Write> acting = acting_.take_snapshot()) writes.push_back(std::move(*acting));
  std::vector<Known*> urgent = std::exchange(urgent_, {});
  std::sort(urgent.begin(), urgent.end(), [](const Known* a, const Known* b) { return a->first < b->first; });
  for (Known* known : urgent) writes.push_back(snapshot(*known, at));
  for (; spare > 0 && !dirty_.empty() && now >= dirty_.begin()->first; --spare)
    writes.push_back(snapshot(*slots_.find(dirty_.begin()->second), at));
  return writes;
}

std::vector<store::Write> Manager::take_all_snapshots(store::LogPosition position, WallTime now) {
  for (const auto& [due, name] : dirty_) must_write(*slots_.find(name));
  return take_snapshots(position, now, 0);
}

std::vector<InstanceName> Manager::refresh(View& view) {
  view.counters = counters_;
  view.epoch = epoch_;
  view.board = acting_.board(view.board, steady_);
  for (const InstanceName& name : removed_) view.instances.erase(name);
  for (Known* known : unseen_) {
    view.instances.set(known->first, known->second.instance.view());
    known->second.shown = true;
  }
  unseen_.clear();
  for (const std::string& key : std::exchange(changed_resources_, {})) {
    auto written = resources_.find(key);
    auto builtin = builtin_.find(key);
    if (written != resources_.end()) view.resources.set(key, std::make_shared<const model::Resource>(written->second));
    else if (builtin != builtin_.end())
      view.resources.set(key, std::make_shared<const model::Resource>(builtin->second));
    else view.resources.erase(key);
  }
  for (const std::string& key : std::exchange(changed_access_, {})) {
    auto known = access_.find(key);
    if (known == access_.end()) view.access.erase(key);
    else view.access.set(key, known->second);
  }
  return std::exchange(removed_, {});
}

}  // namespace mien::node
