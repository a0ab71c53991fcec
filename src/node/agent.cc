#include "node/agent.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "node/fact_batch.h"
#include "node/intake.h"
#include "wire/otlp.h"

namespace mien::node {
namespace {

constexpr Duration first_back_off = 500ms;
constexpr Duration longest_back_off = 15s;
constexpr std::size_t old_backlog_per_tick = 8;
constexpr std::uint32_t reported_failures = 3;  // a manager that is just starting is no news

const model::InstanceReadings* find_instance(const std::vector<model::InstanceReadings>& all,
                                             const InstanceName& name) {
  auto at = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.instance == name; });
  return at == all.end() ? nullptr : &*at;
}

bool tells(const model::InstanceReadings& instance, const MetricName& metric) {
  return std::any_of(instance.readings.begin(), instance.readings.end(),
                     [&](const model::Reading& each) { return each.series.metric == metric; });
}

// The instance's part of the delivery, a new one where it has none yet.
model::DeliveredInstance& part_of(model::Delivery& delivery, const model::InstanceReadings& read, WallTime at) {
  for (model::DeliveredInstance& each : delivery.instances)
    if (each.instance == read.instance) return each;
  return delivery.instances.emplace_back(model::DeliveredInstance{.instance = read.instance,
                                                                  .type = read.type,
                                                                  .parent = read.parent,
                                                                  .identities = read.identities,
                                                                  .series = {},
                                                                  .batch = {.times = {at}, .series = {}, .values = {}},
                                                                  .refused = 0});
}

// What sensors counted joins what collectors read of the same instance.
void add_sensed(const std::vector<model::InstanceReadings>& sensed, WallTime at, model::Delivery& delivery) {
  for (const model::InstanceReadings& read : sensed) {
    model::DeliveredInstance& part = part_of(delivery, read, at);
    for (const model::Reading& reading : read.readings) {
      if (!(reading.value - reading.value == 0)) continue;
      part.series.push_back(reading.series);
      part.batch.values.push_back(reading.value);
    }
    if (part.series.empty()) delivery.instances.pop_back();  // it is the last one: only a new part is empty
  }
}

}  // namespace

Agent::Agent(const AgentOptions& options)
    : options_(options), prng_(options.seed), spool_waiting_(options.spool_waiting) {}

std::vector<AgentEffect> Agent::step(const AgentNow& now, AgentEvent event) {
  Effects out;
  std::visit([&](const auto& each) { on(now, each, out); }, event);
  send_next(now, out);
  return out;
}

// ---- readings ----

void Agent::on(const AgentNow& now, const ReadingsTaken& taken, Effects& out) {
  model::Delivery delivery;
  gather(now, *taken.instances, taken.guests, busy_, delivery);
  if (taken.guests != nullptr) gather(now, *taken.guests, nullptr, guest_busy_, delivery);
  if (taken.sensed != nullptr) add_sensed(*taken.sensed, now.wall, delivery);
  backlog_turns_ = old_backlog_per_tick;
  if (!delivery.instances.empty()) keep_new(AgentDoor::metrics, now.wall, wire::encode_otlp(delivery), out);
}

void Agent::on(const AgentNow& now, const FactsTaken& taken, Effects& out) {
  FactBatch batch = batch_facts(*taken.instances, options_.facts_per_tick);
  counters_.facts += batch.facts;
  counters_.facts_shed += batch.shed;
  if (!batch.instances.empty())
    keep_new(AgentDoor::logs, now.wall, wire::encode_otlp_facts({.instances = std::move(batch.instances)}), out);
}

void Agent::keep_new(AgentDoor door, WallTime at, std::string body, Effects& out) {
  ++counters_.requests;
  std::uint64_t number = (options_.epoch << 32U) | ++sequence_;
  keep({.number = number, .at = at, .body = std::move(body), .door = door}, out);
}

void Agent::gather(const AgentNow& now, const Instances& instances, const Instances* before, BusyMemories& busy,
                   model::Delivery& delivery) {
  for (const model::InstanceReadings& read : instances) {
    const model::InstanceReadings* told = before == nullptr ? nullptr : find_instance(*before, read.instance);
    std::vector<BusyMemory>& memory = busy[read.instance];
    memory.resize(read.readings.size());
    model::DeliveredInstance& part = part_of(delivery, read, now.wall);
    for (std::size_t i = 0; i < read.readings.size(); ++i) {
      const model::Reading& reading = read.readings[i];
      double value = reading.kind == model::Reading::Kind::busy ? utilisation(now, memory, i, reading) : reading.value;
      if (!(value - value == 0)) continue;  // missing, or not a number the kernel should give
      if (told != nullptr && tells(*told, reading.series.metric)) continue;
      part.series.push_back(reading.series);
      part.batch.values.push_back(value);
    }
    if (part.series.empty()) delivery.instances.pop_back();  // it is the last one: only a new part is empty
  }
  std::erase_if(busy, [&](const auto& entry) {
    return std::none_of(instances.begin(), instances.end(),
                        [&](const auto& read) { return read.instance == entry.first; });
  });
}

double Agent::utilisation(const AgentNow& now, std::vector<BusyMemory>& memory, std::size_t index,
                          const model::Reading& reading) {
  if (reading.value != reading.value)
    return model::missing;  // not its turn: the difference goes on from the last one read
  BusyMemory& last = memory[index];
  bool same = last.at.ns != 0 && last.series == reading.series;
  double seconds = to_seconds(now.mono - last.at);
  double busy = reading.value - last.value;
  if (!same) last.series = reading.series;
  last.at = now.mono;
  last.value = reading.value;
  if (!same || seconds <= 0 || busy < 0 || reading.capacity <= 0) return model::missing;
  // A share of time is at most 1. More is the ruler's error, not the machine's: the kernel counts busy time in ticks,
  // and reads its counters a little later than our clock was read, so that a full second can measure 1.005.
  double share = std::min(busy / (seconds * reading.capacity), 1.0);
  // Six decimals are finer than any kernel's clock, and decimals compress ten times better than noise.
  return std::floor(share * 1e6 + 0.5) / 1e6;
}

// ---- keeping and sending ----

bool Agent::backlog_is_old(WallTime now) const { return spool_oldest_ && now - spool_oldest_->at > keep_only_after; }

// While a young backlog waits in the spool, or nobody takes anything, new requests queue behind it on disk; beside an
// old backlog that is going out they stay in memory and overtake it.
void Agent::keep(AgentRequest request, Effects& out) {
  bool behind = failures_ > 0 || (spool_waiting_ && !backlog_is_old(request.at));
  if (behind || waiting_.size() >= options_.memory_requests) {
    // Everything older in memory goes first, so that the spool stays in order.
    while (!waiting_.empty() && waiting_.front().number != in_flight_) {
      out.push_back(PutSpool{std::move(waiting_.front())});
      waiting_.pop_front();
      ++counters_.spooled;
    }
    if (waiting_.empty()) {
      out.push_back(PutSpool{std::move(request)});
      ++counters_.spooled;
      spool_waiting_ = true;
      return;
    }
  }
  waiting_.push_back(std::move(request));
}

void Agent::send(AgentRequest request, Effects& out) {
  in_flight_ = request.number;
  out.push_back(Upload{std::move(request)});
}

void Agent::send_next(const AgentNow& now, Effects& out) {
  if (in_flight_ || now.mono < retry_at_) return;
  if (spool_waiting_ && !spool_oldest_) {
    if (!spool_asked_) out.push_back(ReadSpool{});
    spool_asked_ = true;
    return;
  }
  bool old = backlog_is_old(now.wall);
  bool from_spool = spool_oldest_ && (!old || (waiting_.empty() && backlog_turns_ > 0));
  if (from_spool) {
    if (old) --backlog_turns_;
    in_flight_from_spool_ = true;
    send(*spool_oldest_, out);
  } else if (!waiting_.empty()) {
    in_flight_from_spool_ = false;
    send(waiting_.front(), out);
  }
}

void Agent::on(const AgentNow& now, const UploadAnswered& answered, Effects& out) {
  if (in_flight_ != answered.number) return;
  in_flight_.reset();
  if (answered.outcome == UploadOutcome::later) {
    ++counters_.retries;
    if (++failures_ == reported_failures)
      out.push_back(Report{cat("the manager does not take telemetry: ", answered.why, "; keeping it until it does")});
    back_off_ = std::min<Duration>(back_off_ == Duration{0} ? first_back_off : 2 * back_off_, longest_back_off);
    Duration jittered{static_cast<std::int64_t>(static_cast<double>(back_off_.count()) * (0.5 + prng_.uniform() / 2))};
    retry_at_ = now.mono + std::max(jittered, answered.retry_after);
    return;
  }
  if (answered.outcome == UploadOutcome::refused) {
    ++counters_.refused;
    out.push_back(Report{cat("the manager refused a request and it is dropped: ", answered.why)});
  } else {
    ++counters_.taken;
    if (failures_ >= reported_failures) out.push_back(Report{"the manager takes telemetry again"});
  }
  failures_ = 0;
  back_off_ = Duration{0};
  if (in_flight_from_spool_) {
    out.push_back(DropSpool{answered.number});
    spool_oldest_.reset();
  } else if (!waiting_.empty() && waiting_.front().number == answered.number) {
    waiting_.pop_front();
  }
}

void Agent::on(const AgentNow&, const SpoolRead& read, Effects&) {
  spool_asked_ = false;
  spool_oldest_ = read.oldest;
  spool_waiting_ = read.oldest.has_value();
}

void Agent::on(const AgentNow&, const SpoolShed& shed, Effects& out) {
  counters_.shed += shed.requests;
  spool_oldest_.reset();
  out.push_back(Report{cat("no room to keep telemetry: ", shed.requests, " of the oldest requests were dropped")});
}

}  // namespace mien::node
