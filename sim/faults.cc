#include "sim/faults.h"

#include "base/text.h"

namespace mien::sim {
namespace {

Duration between(Prng& prng, Duration low, Duration high) {
  return low + Duration{static_cast<std::int64_t>(prng.below(static_cast<std::uint64_t>((high - low).count())))};
}

}  // namespace

Faults Faults::draw(Prng& prng) {
  Faults faults;
  auto in_this_run = [&] { return prng.chance(0.4); };
  faults.delay = between(prng, 1ms, 40ms);
  if (prng.chance(0.15)) return faults;  // a healthy run: detection itself is checked there
  if (in_this_run()) faults.loss = prng.uniform() * 0.2;
  if (in_this_run()) faults.duplicate = prng.uniform() * 0.2;
  if (in_this_run()) faults.delay = between(prng, 100ms, 3s);
  if (in_this_run()) {
    faults.partition_every = between(prng, 2min, 6min);
    faults.partition_length = between(prng, 5s, 4min);
  }
  if (in_this_run()) faults.manager_crash_every = between(prng, 10s, 3min);
  if (in_this_run()) faults.agent_crash_every = between(prng, 20s, 4min);
  if (in_this_run()) faults.crash_in_call = 0.0005 + prng.uniform() * 0.01;
  faults.power_cuts = in_this_run();
  faults.old_ledger = prng.chance(0.2);
  if (in_this_run()) faults.disk_full_every = between(prng, 1min, 4min);
  if (prng.chance(0.2)) faults.clock_jump_every = between(prng, 2min, 6min);
  if (prng.chance(0.15)) faults.manager_jump_every = between(prng, 1min, 5min);
  if (in_this_run()) faults.stall_every = between(prng, 1min, 5min);
  return faults;
}

bool Faults::none() const {
  return loss == 0 && duplicate == 0 && delay < 100ms && partition_every == Duration{0} &&
         manager_crash_every == Duration{0} && agent_crash_every == Duration{0} && crash_in_call == 0 &&
         disk_full_every == Duration{0} && clock_jump_every == Duration{0} && manager_jump_every == Duration{0} &&
         stall_every == Duration{0};
}

std::string Faults::to_string() const {
  auto every = [](std::string_view name, Duration d) {
    return d == Duration{0} ? std::string{} : cat(" ", name, "=", mien::to_text(d));
  };
  return cat("loss=", mien::to_text(loss, 2), " duplicate=", mien::to_text(duplicate, 2), every("delay", delay),
             every("partition", partition_every), every("manager_crash", manager_crash_every),
             every("agent_crash", agent_crash_every), " crash_in_call=", mien::to_text(crash_in_call, 2),
             power_cuts ? " power_cuts" : "", old_ledger ? " old_ledger" : "", every("disk_full", disk_full_every),
             every("clock_jump", clock_jump_every), every("manager_jump", manager_jump_every),
             every("stall", stall_every));
}

}  // namespace mien::sim
