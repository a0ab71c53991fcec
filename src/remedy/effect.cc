#include "remedy/detail/effect.h"

#include <algorithm>
#include <cmath>

namespace mien::remedy {
namespace {

constexpr Duration least_window = std::chrono::seconds{20};  // holds one whole mean of ten seconds, wherever it begins

double error_squared(const Trace& trace) { return trace.count > 0 ? trace.variance / trace.count : 0; }

}  // namespace

model::Effect compare(const Trace& before, const Trace& after, const std::vector<PeerChange>& peers) {
  model::Effect effect;
  effect.before = before.mean;
  effect.after = after.mean;
  double squared = error_squared(before) + error_squared(after);
  double change_of_peers = 0;
  if (!peers.empty()) {
    const auto n = static_cast<double>(peers.size());
    double within = 0;
    for (const PeerChange& peer : peers) {
      effect.peers_before += peer.before.mean / n;
      effect.peers_after += peer.after.mean / n;
      within += error_squared(peer.before) + error_squared(peer.after);
    }
    change_of_peers = effect.peers_after - effect.peers_before;
    double between = 0;  // peers differ among themselves, whatever each one's own means say
    for (const PeerChange& peer : peers) {
      double off = peer.after.mean - peer.before.mean - change_of_peers;
      between += off * off;
    }
    if (peers.size() > 1) between /= n - 1;
    squared += std::max(within / (n * n), between / n);
  }
  effect.peers = static_cast<std::uint32_t>(peers.size());
  effect.difference = after.mean - before.mean - change_of_peers;
  double error = std::max(std::sqrt(squared), least_error);
  effect.low = effect.difference - 1.959963984540054 * error;
  effect.high = effect.difference + 1.959963984540054 * error;
  if (effect.high < 0 && effect.difference <= -least_difference) {
    effect.verdict = model::EffectVerdict::helped;
  } else if (effect.low > 0 && effect.difference >= least_difference) {
    effect.verdict = model::EffectVerdict::worse;
  } else {
    effect.verdict = model::EffectVerdict::no_effect;
  }
  return effect;
}

Duration window_length(const model::Action& action) { return std::max(action.settle, least_window); }

Window window_before(const model::Action& action, const Running& running) {
  WallTime ordered = action.ordered_at.value_or(action.created_at);
  return {.from = std::max(running.opened_at, ordered - window_length(action)), .to = ordered};
}

Window window_after(const model::Action& action) {
  WallTime settled = action.applied_at.value_or(action.created_at) + action.settle;
  return {.from = settled, .to = settled + window_length(action)};
}

void keep_before(const model::Action& action, const Observer& observer, Running& running) {
  running.compared = true;
  Window window = window_before(action, running);
  if (window.to - window.from >= least_window) {
    running.before = observer.trace(action.instance, window.from, window.to);
  } else {
    // It was acted on as soon as it was found: what was found is what was before.
    running.before = Trace{.mean = running.distance, .variance = 0, .count = 1};
    window.from = window.to - window_length(action);
  }
  for (InstanceName& peer : observer.peers(action)) {
    std::optional<Trace> before = observer.trace(peer, window.from, window.to);
    if (before && before->count > 0) running.peers.push_back({.name = std::move(peer), .before = *before});
  }
}

model::Effect prove(const model::Action& action, const Running& running, const Observer& observer) {
  Window window = window_after(action);
  std::optional<Trace> after = observer.trace(action.instance, window.from, window.to);
  if (!running.before || running.before->count == 0 || !after || after->count == 0) {
    model::Effect unknown;
    unknown.verdict = model::EffectVerdict::unknown;
    if (running.before) unknown.before = running.before->mean;
    if (after) unknown.after = after->mean;
    return unknown;
  }
  std::vector<PeerChange> peers;
  for (const PeerBefore& peer : running.peers) {
    std::optional<Trace> peer_after = observer.trace(peer.name, window.from, window.to);
    if (peer_after && peer_after->count > 0) peers.push_back({.before = peer.before, .after = *peer_after});
  }
  return compare(*running.before, *after, peers);
}

}  // namespace mien::remedy
