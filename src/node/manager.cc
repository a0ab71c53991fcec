#include "node/manager.h"

#include <algorithm>

#include "base/text.h"
#include "model/persona.h"

namespace mien::node {
namespace {

constexpr std::uint64_t core_version = 1;
constexpr Duration snapshot_every = 60s;

Error error_of(Code code, std::string message) {
  return {.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

Counters& operator+=(Counters& sum, const Counters& more) {
  std::apply([&](const auto&... each) { ((sum.*(each.member) += more.*(each.member)), ...); }, Counters::fields);
  return sum;
}

}  // namespace

Manager::Manager(ManagerOptions options) : options_(std::move(options)) {
  for (const model::Resource& resource : options_.builtin)
    builtin_[key_of(resource.kind, resource.metadata.name)] = resource;
}

Effects Manager::step(WallTime now, store::LogPosition position, const Record& record) {
  Effects out;
  Moment at{.now = now, .position = position};
  std::visit([&](const auto& event) { on(at, event, out); }, record);
  for (const Notice& notice : out.notices) {
    if (notice.type == "finding.opened") ++counters_.findings_opened;
    if (notice.type == "finding.resolved") ++counters_.findings_resolved;
  }
  return out;
}

// ---- telemetry ----

void Manager::on(const Moment& at, const FrameArrived& arrived, Effects& out) {
  Counters counted;
  for (std::size_t part = 0; part < arrived.frame.instances.size(); ++part) {
    const model::InstanceFrame& frame = arrived.frame.instances[part];
    Slot* slot = admit(at, arrived.frame, frame, out);
    if (!slot) continue;
    std::size_t writes = out.writes.size();
    // An idle instance's snapshot stands for all time until now, so its waking must be written with the group.
    slot->urgent |= slot->instance.state().idle;
    counted +=
        slot->instance.on_frame({.now = at.now, .position = at.position, .part = part}, arrived.frame, frame, out);
    slot->dirty = slot->visible = true;
    slot->urgent |= out.writes.size() != writes;
  }
  counted.frames_duplicate = std::min<std::uint64_t>(counted.frames_duplicate, 1);
  counted.frames = 1;
  counted.steps_over_cost = counted.samples > options_.limits.step_samples ? 1 : 0;
  counters_ += counted;
}

// The slot of an instance; makes it at first sight. Nothing: refused, and counted.
Manager::Slot* Manager::admit(const Moment& at, const model::Frame& frame, const model::InstanceFrame& part,
                              Effects& out) {
  std::uint64_t samples = part.batch.values.size();
  auto known = slots_.find(part.instance);
  if (known == slots_.end()) {
    if (slots_.size() >= options_.limits.instances) {
      ++counters_.instances_refused;
      counters_.samples_refused += samples;
      return nullptr;
    }
    Slot slot{.instance = Instance{part.instance, part, at.now},
              .written = 0,
              .written_at = {},
              .dirty = true,
              .urgent = true,
              .visible = true};
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
  }
  return &known->second;
}

// ---- time ----

void Manager::on(const Moment& at, const TickPassed&, Effects& out) {
  std::vector<InstanceName> ended;
  for (auto& [name, slot] : slots_) {
    Instance::Step step{.now = at.now, .position = at.position};
    const InstanceState& state = slot.instance.state();
    if (slot.instance.on_tick(step, epoch_started_at_, out)) slot.dirty = slot.urgent = slot.visible = true;
    if (state.manual && state.manual->expires_at.ns != 0 && state.manual->expires_at <= at.now) {
      slot.instance.state().manual.reset();
      slot.instance.assign(step, assignment_of(state), out);
      slot.dirty = slot.urgent = slot.visible = true;
    }
    bool passing = state.type == model::InstanceType::service || state.type == model::InstanceType::container;
    if (passing && at.now - state.last_arrival > options_.limits.forget_after) ended.push_back(name);
  }
  for (const InstanceName& name : ended) forget(at, name, "ended more than a day ago", out);
  std::erase_if(access_, [&](const auto& entry) {
    bool expired = entry.second.expires_at.ns != 0 && entry.second.expires_at < at.now;
    resources_changed_ |= expired;
    if (expired) out.writes.push_back({.table = store::Table::access, .key = entry.first, .bytes = {}});
    return expired;
  });
}

void Manager::on(const Moment& at, const EpochStarted& epoch, Effects& out) {
  epoch_ = epoch.epoch;
  epoch_started_at_ = at.now;
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
  slots_.erase(slot);
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
      Decoder decoder{entry.bytes};
      std::uint64_t version = 0;
      decoder.get(version);
      if (version != core_version)
        return error_of(Code::unsupported,
                        cat("the ledger's core has version ", version, ", this program reads ", core_version));
      decoder.get(counters_);
      decoder.get(epoch_started_at_);
      return decoder.finish("core");
    }
    case store::Table::resource: {
      resources_[entry.key] = TRY(model::decode_resource(entry.bytes));
      return {};
    }
    case store::Table::access: {
      access_[entry.key] = TRY(decode<Access>(entry.bytes, "access"));
      return {};
    }
    case store::Table::instance: {
      Instance::Restored restored = TRY(Instance::decode(entry.bytes));
      slots_.insert_or_assign(InstanceName{entry.key}, Slot{.instance = std::move(restored.instance),
                                                            .written = restored.folded,
                                                            .written_at = {},
                                                            .dirty = false,
                                                            .urgent = false,
                                                            .visible = true});
      return {};
    }
    default: return {};
  }
}

std::vector<store::HistoryBlock> Manager::refold(WallTime now, store::LogPosition position, const Record& record) {
  Effects out;
  const auto* arrived = std::get_if<FrameArrived>(&record);
  if (!arrived) return {};
  for (std::size_t part = 0; part < arrived->frame.instances.size(); ++part) {
    const model::InstanceFrame& frame = arrived->frame.instances[part];
    auto slot = slots_.find(frame.instance);
    if (slot == slots_.end() || position <= slot->second.written) continue;
    slot->second.instance.on_frame({.now = now, .position = position, .part = part}, arrived->frame, frame, out);
    slot->second.dirty = true;
  }
  return std::move(out.history);
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
  for (auto& [name, slot] : slots_) {
    slot.written = position;
    slot.dirty = slot.urgent = true;
  }
}

std::vector<store::Write> Manager::take_snapshots(store::LogPosition position, WallTime now, std::size_t spare) {
  std::vector<store::Write> writes;
  Encoder core;
  core.put(core_version);
  core.put(counters_);
  core.put(epoch_started_at_);
  writes.push_back({.table = store::Table::core, .key = "core", .bytes = core.take()});
  auto write = [&](const InstanceName& name, Slot& slot) {
    writes.push_back({.table = store::Table::instance, .key = name.value, .bytes = slot.instance.encode(position)});
    slot.written = position;
    slot.written_at = now;
    slot.dirty = slot.urgent = false;
  };
  for (auto& [name, slot] : slots_)
    if (slot.urgent) write(name, slot);
  auto next = slots_.lower_bound(next_snapshot_);
  for (std::size_t seen = 0; spare > 0 && seen < slots_.size(); ++seen) {
    if (next == slots_.end()) next = slots_.begin();
    if (next->second.dirty && now - next->second.written_at >= snapshot_every) {
      write(next->first, next->second);
      --spare;
    }
    ++next;
  }
  next_snapshot_ = next == slots_.end() ? InstanceName{} : next->first;
  return writes;
}

std::vector<store::Write> Manager::take_all_snapshots(store::LogPosition position, WallTime now) {
  for (auto& [name, slot] : slots_) slot.urgent |= slot.dirty;
  return take_snapshots(position, now, 0);
}

void Manager::refresh(View& view) {
  view.counters = counters_;
  view.epoch = epoch_;
  for (const InstanceName& name : removed_) view.instances.erase(name);
  removed_.clear();
  for (auto& [name, slot] : slots_) {
    if (!slot.visible) continue;
    view.instances[name] = slot.instance.view();
    slot.visible = false;
  }
  if (!resources_changed_) return;
  resources_changed_ = false;
  view.access = access_;
  view.resources.clear();
  for (const auto& [key, resource] : builtin_) view.resources[key] = std::make_shared<const model::Resource>(resource);
  for (const auto& [key, resource] : resources_)
    view.resources[key] = std::make_shared<const model::Resource>(resource);
}

}  // namespace mien::node
