// Relations between the series of an instance: do they still move together as they did? DETECTION section 4.
//
// Five views of the standardised values (themselves, their change, quick and steady means, restlessness), in groups of
// 32 neighbouring series, each with its own places and spreads (stats::RelationView) and its own past of distances.
// What moves with what is learned of the values themselves and asked of all five (stats::Correlations): as many models
// see no more than one does (docs/adr/0050). Judged once a block on the block's means, so that a host at 1 s costs a
// tenth. After a thousand blocks a view learns from vectors with p >= 0.02 only, slowly: one that learns its own
// anomalies is blind to them. Cost per block: about 60 ns a series whose state is in no cache. Memory about 150 bytes
// per series.
#pragma once

#include <limits>

#include "drift/watch_state.h"

namespace mien::drift {

enum class Lesson : std::uint8_t { none, careful, trusted };  // an episode is open; usual; the history is known healthy

// Room for every series up to the limit, in paths, views and correlations.
void grow(Relations& relations, std::size_t series);
// The value of one series joins the running block.
inline void join_block(Relations& relations, std::size_t series, double x) {
  if (series >= relations.sums.size()) return;
  BlockSum& block = relations.sums[series];
  if (block.count == std::numeric_limits<std::uint16_t>::max()) return;
  block.sum += static_cast<float>(stats::clip(x, 1e30));
  ++block.count;
}
// The block is over: judges it and learns. Afterwards `relations.surprise` holds each view's -log10 p.
void judge_block(Relations& relations, Lesson lesson);
// Squared length of the views' surprises.
[[nodiscard]] double squared_surprise(const Relations& relations);
// The series that bear the newest block's strangest view, most first: at most `most`. For blame.
[[nodiscard]] std::vector<std::uint32_t> strangest(const Relations& relations, std::size_t most);
// Whatever was learned goes: it was another persona's.
void forget(Relations& relations);
// What was read from outside fits together.
[[nodiscard]] bool is_whole(const Relations& relations);

}  // namespace mien::drift
