// The door of `drift`: a batch against what is declared and what was learned gives deviations, one calibrated score and
// the episodes that open, go on and close. The mathematics behind it may grow without a caller noticing (DETECTION).
//
// Pure: the same arguments give the same bytes. Streaming: row i is judged from rows <= i only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "drift/interplay.h"
#include "model/behavior.h"
#include "model/expectation.h"
#include "model/finding.h"
#include "model/habits.h"
#include "model/telemetry.h"

namespace mien::drift {

// What detection remembers of one instance between batches: the running episodes, how much was already reported, the
// alarm level's controller. Canonically encodable: it is part of the instance's snapshot.
class Watch {
 public:
  Watch();
  ~Watch();
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  [[nodiscard]] std::string encode() const;
  [[nodiscard]] static Result<Watch> decode(std::string_view bytes);

  // While on, everything is taken to be healthy history: nothing opens an episode and everything teaches
  // (`mien score --train-rows`).
  void trust(bool known_healthy);

  // While on, a row that comes far later than any before it opens an episode of kind silence (`mien score`: a file has
  // nobody else to notice). Off at first: whoever has a clock knows of a silence while it lasts.
  void listen(bool for_silence);

  // From now on the series are judged by an autoencoder too (interplay.h), one that trains itself as rows come; or, not
  // judging, only keeps rows for train_interplay. Off at first. Forgets what an earlier one learned.
  void learn_interplay(std::uint64_t seed, bool judges);
  [[nodiscard]] bool has_interplay() const;
  // The same by one that was trained before, on the same series in the same order; it learns no more.
  void use_interplay(InterplayModel model);
  // A training, not begun, on the ordinary rows that were kept; without enough of them it ends at once.
  [[nodiscard]] InterplayTraining train_interplay(std::uint32_t epochs) const;

  // How the series move together and the form of each, for a revision; and a watch that begins with those of one, in
  // place of its own (a roll-back). Relations that are not among them are forgotten, forms stay.
  [[nodiscard]] model::Habits habits() const;
  void begin_with(const model::Habits& habits);

  struct State;
  [[nodiscard]] State& state() { return *state_; }
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// What became of one episode in this batch. `finding` carries everything but id, instance, pool, persona and revision,
// which the node adds; `episode` is unique within the instance and names the same episode in every later change.
struct EpisodeChange {
  enum class What : std::uint8_t { opened, updated, closed };
  What what = What::opened;
  std::uint64_t episode = 0;
  model::Finding finding;
  // Opened, updated: the very row of this change reaches the level at which the episode would open, so it is not only
  // what came before that still shows.
  bool at_alarm = false;
};

// One row, for `mien score`.
struct RowVerdict {
  double score = 0;
  bool alert = false;                                  // an episode is open
  model::FindingKind kind = model::FindingKind::none;  // of the episode, else what the row looks most like
  std::uint32_t series = 0;                            // the most to blame
};

// How one metric stands in a row, by its place among the series.
struct Ranked {
  std::uint32_t series;
  model::Direction direction;
  double observed;
  double expected;
  double low;  // of the band that holds 99 % of healthy samples
  double high;
  double surprise;  // -log10 p
  double weight;    // the persona's
};

struct Assessment {
  model::DriftScore score;             // of the batch's last row; its metrics are `ranked`, still without names
  std::vector<Ranked> ranked;          // of the last row: most surprised first, at most 16
  model::Evidence evidence;            // per row and series: what learn::update needs
  std::vector<EpisodeChange> changes;  // in order of time
  std::vector<RowVerdict> rows;        // one per row of the batch
};

// `series[i]` describes the batch's SeriesIndex i (all series of the instance so far). Values are what the persona
// speaks of: counters are already rates per second. Times may leave gaps; a gap is a gap, not a frozen series.
[[nodiscard]] Assessment assess(const model::Expectation& expectation, const model::Behavior& behavior, Watch& watch,
                                const std::vector<model::Series>& series, const model::Batch& batch);

// As people read it, and as it is stored. What `shown` held before is written over: the names are mostly the same.
void show(const std::vector<Ranked>& ranked, const std::vector<model::Series>& series,
          std::vector<model::Deviation>& shown);

// Closes every open episode, resolved at `at`, and forgets the evidence against what was declared (the instance is
// deleted or its persona changes).
[[nodiscard]] std::vector<EpisodeChange> close_all(Watch& watch, WallTime at);

}  // namespace mien::drift
