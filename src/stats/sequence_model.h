// How odd is a sequence of names (system calls, say) against sequences that are known to be ordinary?
//
// One-class: `learn` sees ordinary traces only. Three families of measures are taken of a trace:
// * order: share of windows of 6 and of 3 calls that were never seen (Forrest et al. 1996); the worst stretch of 20.
// * chance: bits per call under an interpolated Markov model of orders 0..5 (escape of Witten & Bell 1991), overall and
//   in the worst stretch of 100.
// * set: calls never seen, how unusual it is that a trace has just these calls, and the Hellinger distance of its
//   histogram of calls, and of pairs of calls, to the nearest ordinary trace.
//
// Each is turned into a surprise, -log10 P, by its own tail: what the measure is on ordinary traces, a tenth of which
// was left out of the model at a time. The surprises are added (Fisher 1932); as they depend on each other, the sum is
// calibrated once more in the same way, so that a score above 0.99 is what one ordinary trace in a hundred gets.
//
// Everything is bounded (SequenceLimits; what is beyond is counted as shed), but a trace that is judged may have any
// length. Counts are kept per tenth, so that leaving one out is a subtraction and the model is built once.
// Deterministic, single-threaded. Cost: six look-ups per call, and per trace one pass over 512 kept histograms.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace mien::stats {

struct SequenceLimits {
  std::size_t names = 1022;            // distinct ones; the others count as one name (10 bits each, 0 is none)
  std::size_t grams = 500'000;         // distinct windows of 1 to 6 calls; later ones are not remembered
  std::size_t calls = 1U << 26U;       // of all ordinary traces together; later ones are not learned
  std::size_t neighbours = 512;        // traces whose histograms are kept, evenly chosen
  std::size_t pairs = 16'384;          // distinct pairs of calls in one trace's histogram
  std::size_t strange_names = 10'000;  // distinct names in one trace that were never learned
};

struct SequenceShed {
  std::uint64_t names = 0;  // calls by a name beyond the limit
  std::uint64_t grams = 0;  // windows not remembered
  std::uint64_t calls = 0;
  std::uint64_t pairs = 0;  // not in their trace's histogram
};

// What a measure is on ordinary pieces, and how rare a larger value is: counted up to the value that a tenth exceeds,
// beyond it a Pareto tail whose index is Hill's estimate (Hill 1975) shrunk to 0.3.
class Rarity {
 public:
  // resolution: the smallest difference that means something; also what is added to an excess, so that it is not 0.
  void fit(std::vector<double> values, double resolution);
  // P(U >= u) in (0, 1], falling in u. `own`: u is one of the values it was fitted to.
  [[nodiscard]] double probability(double u, bool own) const;

 private:
  std::vector<double> sorted_;
  double median_ = 0;
  double knee_ = 0;
  double resolution_ = 1;
  double above_knee_ = 1;  // P(U > knee)
  double index_ = 0.3;
};

class SequenceModel {
 public:
  using Symbol = std::uint16_t;
  static constexpr std::size_t folds = 10;  // also "none left out" where a fold is asked for
  static constexpr std::size_t longest = 6;
  static constexpr std::size_t frame = 20;     // calls of the worst stretch by order
  static constexpr std::size_t stretch = 100;  // calls of the worst stretch by chance
  static constexpr std::size_t measures = 9;
  static constexpr std::array<std::string_view, measures> measure_names{
      "new windows of 6", "new windows of 3",     "worst 20 calls", "bits per call",        "worst 100 calls",
      "new calls",        "unusual set of calls", "mix of calls",   "mix of pairs of calls"};
  using Measures = std::array<double, measures>;

  explicit SequenceModel(SequenceLimits limits = {});

  // Ordinary traces, one after the other; then `finish`, once. Nothing can be judged before.
  void begin_trace();
  void learn(std::string_view name);
  // False: not enough was learned to judge by (fewer than two pieces of 50 calls).
  [[nodiscard]] bool finish();

  [[nodiscard]] const SequenceShed& shed() const { return shed_; }
  [[nodiscard]] std::size_t pieces() const { return pieces_.size(); }  // ordinary examples it was calibrated by
  [[nodiscard]] std::size_t known_names() const { return known_; }

  struct Verdict {
    double score = 0;  // [0, 1]: 1 - P(an ordinary trace is as odd)
    std::uint64_t calls = 0;
    Measures measured{};
    Measures surprise{};     // -log10 P of each
    std::uint64_t shed = 0;  // pairs and strange names beyond their limits
    std::uint64_t of = 0;    // calls in the stretch that the measures are of: all, or the oddest piece
  };

  // One trace under judgement, fed call by call; outlived by its model. Where ordinary traces were cut into pieces to
  // learn from, this one is judged by pieces as long, whose probabilities meet in their harmonic mean (Wilson 2019):
  // one piece that is odd enough shows in a long trace, and so do many that are a little odd.
  class Meter;

 private:
  static constexpr std::uint32_t none = 0xffffffffU;
  static constexpr Symbol stranger = 1023;
  static constexpr std::size_t symbols = 1024;

  struct Pair {
    std::uint32_t key;
    float root;  // square root of its share
  };
  using Histogram = std::vector<Pair>;  // ascending by key

  // What is measured of one stretch, with one tenth of the ordinary pieces left out.
  class Part {
   public:
    Part(const SequenceModel& model, std::size_t left_out);
    void add(Symbol symbol);
    void add_strange(std::string_view name);  // beside add(stranger)
    [[nodiscard]] Measures measured() const;
    [[nodiscard]] Verdict verdict() const;
    [[nodiscard]] std::uint64_t calls() const { return calls_; }

   private:
    void add_order(bool is_new);
    void add_chance(double bits);
    [[nodiscard]] double unusual_set() const;
    [[nodiscard]] std::uint64_t new_calls() const;

    const SequenceModel* model_;
    std::size_t left_out_;
    std::uint64_t calls_ = 0;
    std::uint64_t key_ = 0;                         // the last six calls
    std::array<std::uint32_t, longest> context_{};  // grams that end at the previous call, by length
    std::uint64_t new_of_6_ = 0;
    std::uint64_t new_of_3_ = 0;
    std::array<bool, frame> frame_new_{};
    std::uint32_t frame_count_ = 0;
    std::uint32_t frame_worst_ = 0;
    std::array<std::uint32_t, stretch> stretch_bits_{};  // in 1/1024 bits: sums of integers do not drift
    std::uint64_t stretch_sum_ = 0;
    std::uint64_t stretch_worst_ = 0;
    std::uint64_t bits_ = 0;
    std::vector<std::uint32_t> counts_;  // by symbol
    std::unordered_map<std::uint32_t, std::uint32_t> pairs_;
    std::unordered_set<std::string> strange_;
    std::uint64_t shed_ = 0;
  };

  struct Gram {
    std::uint64_t key = 0;  // its calls, ten bits each, the newest lowest; 0 is the empty one
    std::uint32_t total = 0;
    std::array<std::uint32_t, folds> by_fold{};
    std::array<std::uint16_t, folds + 1> followers{};  // distinct next calls without a fold; the last: without none
    [[nodiscard]] std::uint32_t without(std::size_t fold) const { return fold < folds ? total - by_fold[fold] : total; }
  };
  struct Neighbour {
    std::size_t fold = 0;
    Histogram calls;
    Histogram pairs;
  };
  struct Piece {
    std::size_t from = 0;
    std::size_t to = 0;
    bool starts_trace = false;
  };

  [[nodiscard]] std::uint32_t find(std::uint64_t key) const;
  std::uint32_t find_or_add(std::uint64_t key);
  [[nodiscard]] std::size_t slot_of(std::uint64_t key) const;
  [[nodiscard]] Symbol symbol_of(std::string_view name) const;
  void cut_into_pieces();
  void count_grams();
  void count_followers();
  void keep_neighbours();
  void calibrate();
  [[nodiscard]] double combined(const Measures& measured, bool own, Measures* surprise) const;
  [[nodiscard]] double nearest(const Histogram& histogram, Histogram Neighbour::*which, std::size_t left_out) const;
  static Histogram histogram_of(std::vector<std::pair<std::uint32_t, std::uint32_t>> counts);

  SequenceLimits limits_;
  SequenceShed shed_;
  std::unordered_map<std::string, Symbol> names_;
  std::size_t known_ = 0;
  std::vector<Symbol> learned_;  // all ordinary traces, one after the other; emptied by finish
  std::vector<std::size_t> trace_starts_;
  std::vector<Piece> pieces_;
  std::size_t piece_length_ = 0;  // 0: ordinary traces were not cut
  std::vector<Gram> grams_;
  std::vector<std::uint32_t> slots_;                           // open addressing, a power of two, at most half full
  std::vector<std::array<std::uint32_t, folds + 1>> holders_;  // pieces with a call, without a fold, by symbol
  std::array<std::uint32_t, folds + 1> pieces_without_{};
  std::vector<Neighbour> neighbours_;
  std::array<Rarity, measures> rarities_;
  Rarity whole_;
};

class SequenceModel::Meter {
 public:
  explicit Meter(const SequenceModel& model) : model_(model), part_(model, folds) {}
  void add(std::string_view name);
  [[nodiscard]] Verdict verdict() const;

 private:
  const SequenceModel& model_;
  Part part_;
  std::uint64_t calls_ = 0;
  std::vector<Symbol> recent_;     // the last piece_length_ calls, in a ring
  std::optional<Verdict> oddest_;  // of the pieces so far
  double pieces_ = 0;
  double inverse_sum_ = 0;  // of the pieces' probabilities
};

}  // namespace mien::stats
