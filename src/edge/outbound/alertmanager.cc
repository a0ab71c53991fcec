#include "edge/outbound/alertmanager.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/crypto/crypto.h"

namespace mien::edge {

struct Alertmanager::State {
  struct Member {
    explicit Member(DestinationOptions to) : destination(std::move(to)) {}
    Destination destination;
    std::shared_ptr<OutboundMeter> meter;
    AlertMemory memory;  // this and below: its thread's alone
    std::uint32_t failures = 0;
    std::thread thread;
  };

  AlertmanagerOptions options;
  WallTime started;
  std::vector<std::unique_ptr<Member>> members;
  Mutex mutex;
  Condition wake;
  bool stopping GUARDED_BY(mutex) = false;
  std::uint64_t heard GUARDED_BY(mutex) = 1;  // grows with every notice of a finding
  std::shared_ptr<void> subscription;

  void run(Member& member);
  bool tell(Member& member, Duration& not_before);
};

// Whether everything was taken; what was refused is not offered again in the same form.
bool Alertmanager::State::tell(Member& member, Duration& not_before) {
  WallTime now = options.now();
  std::vector<Alert> alerts =
      member.memory.tell(alerts_of(*options.port->view(), options.rules, *options.budget, now), now);
  alerts.insert(alerts.begin(), alive_alert(options.rules, started, now));
  for (std::size_t from = 0; from < alerts.size(); from += most_at_once) {
    std::vector<Alert> part(alerts.begin() + static_cast<std::ptrdiff_t>(from),
                            alerts.begin() + static_cast<std::ptrdiff_t>(std::min(alerts.size(), from + most_at_once)));
    Told told = member.destination.post("/api/v2/alerts", alerts_body(part), {{"content-type", "application/json"}});
    if (told.outcome == Outcome::delivered) {
      member.meter->delivered += part.size();
      member.meter->delivered_at_ns = now.ns;
      continue;
    }
    if (told.outcome == Outcome::refused) member.meter->refused += part.size();
    else ++member.meter->failed;
    if (member.failures == 0 && options.report)
      options.report(cat("alertmanager ", member.destination.options().name, ": ", told.why, "; trying again"));
    not_before = told.not_before;
    return false;
  }
  if (member.failures > 0 && options.report)
    options.report(cat("alertmanager ", member.destination.options().name, ": works again"));
  return true;
}

void Alertmanager::State::run(Member& member) {
  std::uint64_t seed = 0;
  std::memcpy(&seed, random_bytes(sizeof seed).data(), sizeof seed);
  Prng chance(seed);
  std::uint64_t told = 0;
  MonoTime due = mono_now();
  for (;;) {
    {
      Lock lock(mutex);
      // What is new is told at once, unless the member is known to be away: then when it is tried next.
      while (!stopping && mono_now() < due && (member.failures > 0 || heard == told))
        wake.wait_for(mutex, due - mono_now());
      if (stopping) return;
      told = heard;
    }
    Duration not_before{};
    if (tell(member, not_before)) {
      member.failures = 0;
      due = mono_now() + options.rules.resend;
    } else {
      ++member.failures;
      due = mono_now() + std::max(not_before, options.backoff.after(member.failures, chance));
    }
  }
}

Alertmanager::Alertmanager(AlertmanagerOptions options) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.options = std::move(options);
  state.started = state.options.now();
  for (const DestinationOptions& each : state.options.members) {
    state.members.push_back(std::make_unique<State::Member>(each));
    state.members.back()->meter = state.options.meters->add("alertmanager", each.name);
  }
  if (state.members.empty()) return;
  state.subscription = state.options.port->subscribe(0, [&state](std::uint64_t, const node::Notice& notice) {
    if (!notice.finding) return;
    {
      Lock lock(state.mutex);
      ++state.heard;
    }
    state.wake.notify_all();
  });
  for (auto& member : state.members) member->thread = std::thread([&state, to = member.get()] { state.run(*to); });
}

Alertmanager::~Alertmanager() {
  state_->subscription.reset();
  {
    Lock lock(state_->mutex);
    state_->stopping = true;
  }
  for (auto& member : state_->members) member->destination.cancel();
  state_->wake.notify_all();
  for (auto& member : state_->members) member->thread.join();
}

}  // namespace mien::edge
