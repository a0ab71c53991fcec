// Which series go together where no straight line says so: a small autoencoder (stats/vae.h) over the means of the
// newest four blocks of all series, as one more view beside those of relations.h, with its own past of distances. Off
// unless somebody asks for it (docs/adr/0040 has what it helps and what it harms).
//
// It is either given a model that was trained before (`mien train`), or trains itself: at 1,000, 2,000, 4,000, ...
// ordinary blocks, from 2,048 of them drawn evenly from all that came (Vitter 1985), which takes half a second in the
// middle of a row at 38 series. Ordinary is what teaches the relations. It never sees a block that is still to come,
// and its past is of blocks that it judged before it learned them. Cost of a block: about 90 ns a series. Memory at 38
// series about 1.3 MB while it trains itself, else 60 KB.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/fields.h"
#include "base/prng.h"
#include "stats/tail.h"
#include "stats/vae.h"

namespace mien::drift {

enum class Lesson : std::uint8_t;
struct Relations;

// What was learned of some series, and how it sees them.
struct InterplayModel {
  static constexpr std::size_t window = 4;        // blocks
  static constexpr std::size_t max_series = 128;  // the first ones declared
  std::vector<float> center;                      // of each input: block by block, newest first, series by series
  std::vector<float> spread;
  stats::Vae vae;
  std::uint64_t rows = 0;  // that taught it
  double held_out = 0;     // loss of those kept back

  [[nodiscard]] std::size_t series() const { return center.size() / window; }
  [[nodiscard]] bool is_whole() const;
  friend bool operator==(const InterplayModel&, const InterplayModel&) = default;
  static constexpr auto fields =
      std::tuple{field("center", &InterplayModel::center), field("spread", &InterplayModel::spread),
                 field("vae", &InterplayModel::vae), field("rows", &InterplayModel::rows),
                 field("held_out", &InterplayModel::held_out)};
};

// From rows of raw inputs to a model, an epoch at a step; may be left at any of them.
class InterplayTraining {
 public:
  InterplayTraining(std::size_t inputs, std::span<const float> rows, std::uint64_t seed, std::uint32_t epochs);
  bool step() { return training_->step(); }  // false when it is over
  [[nodiscard]] std::uint32_t epochs() const { return training_->epochs(); }
  [[nodiscard]] double held_out() const { return training_->held_out(); }
  [[nodiscard]] InterplayModel result() const;

 private:
  InterplayModel model_;
  std::unique_ptr<stats::VaeTraining> training_;
};

struct Interplay {
  enum class Mode : std::uint8_t { off, given, learns, gathers };  // gathers: keeps rows, for whoever trains later
  static constexpr std::uint32_t most_kept = 2048;                 // rows
  static constexpr std::uint32_t epochs = 40;

  Mode mode = Mode::off;
  std::uint64_t seed = 1;
  std::vector<float> newest;  // means of the newest blocks, as the inputs are laid out; NaN: missing
  std::vector<float> kept;    // such rows that were ordinary
  std::uint64_t offered = 0;  // of which those are a draw
  std::array<std::uint64_t, 4> chance{};
  InterplayModel model;
  stats::Tail past;
  std::vector<float> shares;  // of each series in the newest distance
  float surprise = 0;         // of the newest block

  static constexpr auto fields =
      std::tuple{field("mode", &Interplay::mode),       field("seed", &Interplay::seed),
                 field("newest", &Interplay::newest),   field("kept", &Interplay::kept),
                 field("offered", &Interplay::offered), field("chance", &Interplay::chance),
                 field("model", &Interplay::model),     field("past", &Interplay::past),
                 field("shares", &Interplay::shares),   field("surprise", &Interplay::surprise)};
};

// The running block of the relations is over: its means join the window. Before the relations are judged.
void take_block(Interplay& interplay, const Relations& relations);
// Judges the newest window and learns. After the relations were judged.
void judge_block(Interplay& interplay, const Relations& relations, Lesson lesson);
// The series that bear the newest distance, most first: at most `most`. Empty where the relations are stranger.
[[nodiscard]] std::vector<std::uint32_t> strangest(const Interplay& interplay, const Relations& relations,
                                                   std::size_t most);
// What was read from outside fits together.
[[nodiscard]] bool is_whole(const Interplay& interplay);

}  // namespace mien::drift
