#include "stats/sequence_model.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/math.h"

namespace mien::stats {
namespace {

constexpr unsigned symbol_bits = 10;
constexpr double tail_share = 0.1;
constexpr double usual_index = 0.3;
constexpr double index_weight = 10;        // values that the usual index counts for
constexpr std::size_t enough_traces = 30;  // with fewer, long ones are cut so that a tail can be seen at all
constexpr std::size_t wanted_pieces = 150;
constexpr std::size_t shortest_piece = 50;
constexpr double bit_unit = 1024;

// Smallest difference of each measure that means something.
constexpr SequenceModel::Measures resolutions{0.01, 0.01, 0.05, 0.1, 0.2, 0.5, 0.1, 0.02, 0.02};

constexpr std::uint64_t mask_of(std::size_t length) { return (std::uint64_t{1} << (symbol_bits * length)) - 1; }

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

double inverse_probability(double score) { return 1 / std::max(1 - score, 1e-12); }

// The counts that are not 0, with their places.
std::vector<std::pair<std::uint32_t, std::uint32_t>> present(const std::vector<std::uint32_t>& counts) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) pairs.emplace_back(i, counts[i]);
  return pairs;
}

// False: beyond the limit, not counted.
bool count_pair(std::unordered_map<std::uint32_t, std::uint32_t>& pairs, std::uint32_t pair, std::size_t limit) {
  if (pairs.size() >= limit && !pairs.contains(pair)) return false;
  ++pairs[pair];
  return true;
}

}  // namespace

// ---- rarity ----

void Rarity::fit(std::vector<double> values, double resolution) {
  CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  sorted_ = std::move(values);
  resolution_ = resolution;
  auto n = static_cast<double>(sorted_.size());
  median_ = sorted_[(sorted_.size() - 1) / 2];  // the lower one: never above the knee, also of two values
  std::size_t beyond = std::max<std::size_t>(1, static_cast<std::size_t>(n * tail_share));
  knee_ = sorted_[sorted_.size() - beyond - (beyond < sorted_.size() ? 1 : 0)];
  auto first_above = std::upper_bound(sorted_.begin(), sorted_.end(), knee_);
  auto above = static_cast<double>(sorted_.end() - first_above);
  above_knee_ = (above + 1) / (n + 1);
  double sum = usual_index * index_weight;
  double base = knee_ - median_ + resolution_;
  for (auto value = first_above; value != sorted_.end(); ++value)
    sum += math::log((*value - median_ + resolution_) / base);
  index_ = sum / (above + index_weight);
}

double Rarity::probability(double u, bool own) const {
  auto n = static_cast<double>(sorted_.size());
  if (u > knee_) {
    double ratio = (u - median_ + resolution_) / (knee_ - median_ + resolution_);
    return above_knee_ * math::pow(ratio, -1 / index_);
  }
  auto reached = static_cast<double>(sorted_.end() - std::lower_bound(sorted_.begin(), sorted_.end(), u));
  return own ? std::max(reached, 1.0) / n : (reached + 1) / (n + 1);
}

// ---- learning ----

SequenceModel::SequenceModel(SequenceLimits limits) : limits_(limits) {
  CHECK(limits_.names < stranger);
  std::size_t size = 1024;
  while (size < 2 * (limits_.grams + 1)) size *= 2;
  slots_.assign(size, none);
  grams_.push_back({});
  holders_.resize(symbols);
}

std::size_t SequenceModel::slot_of(std::uint64_t key) const {
  std::size_t mask = slots_.size() - 1;
  std::uint64_t mixed = key * 0x9e3779b97f4a7c15ULL;
  std::size_t slot = static_cast<std::size_t>(mixed ^ (mixed >> 29U)) & mask;
  while (slots_[slot] != none && grams_[slots_[slot]].key != key) slot = (slot + 1) & mask;
  return slot;
}

std::uint32_t SequenceModel::find(std::uint64_t key) const { return key == 0 ? 0 : slots_[slot_of(key)]; }

std::uint32_t SequenceModel::find_or_add(std::uint64_t key) {
  std::size_t slot = slot_of(key);
  if (slots_[slot] != none) return slots_[slot];
  if (grams_.size() > limits_.grams) {
    ++shed_.grams;
    return none;
  }
  auto index = static_cast<std::uint32_t>(grams_.size());
  slots_[slot] = index;
  grams_.push_back({.key = key});
  return index;
}

SequenceModel::Symbol SequenceModel::symbol_of(std::string_view name) const {
  auto found = names_.find(std::string(name));
  return found == names_.end() ? stranger : found->second;
}

void SequenceModel::begin_trace() {
  if (trace_starts_.empty() || trace_starts_.back() != learned_.size()) trace_starts_.push_back(learned_.size());
}

void SequenceModel::learn(std::string_view name) {
  CHECK(!trace_starts_.empty());
  if (learned_.size() >= limits_.calls) {
    ++shed_.calls;
    return;
  }
  Symbol symbol = symbol_of(name);
  if (symbol == stranger) {
    if (names_.size() < limits_.names) {
      symbol = static_cast<Symbol>(names_.size() + 1);
      names_.emplace(name, symbol);
    } else {
      ++shed_.names;
    }
  }
  learned_.push_back(symbol);
}

bool SequenceModel::finish() {
  CHECK(pieces_.empty());
  known_ = names_.size();
  cut_into_pieces();
  if (pieces_.size() < 2) return false;
  count_grams();
  count_followers();
  keep_neighbours();
  calibrate();
  learned_ = {};
  return true;
}

void SequenceModel::cut_into_pieces() {
  std::size_t piece = learned_.size() + 1;
  if (trace_starts_.size() < enough_traces)
    piece = piece_length_ = std::max(shortest_piece, learned_.size() / wanted_pieces);
  for (std::size_t i = 0; i < trace_starts_.size(); ++i) {
    std::size_t from = trace_starts_[i];
    std::size_t to = i + 1 < trace_starts_.size() ? trace_starts_[i + 1] : learned_.size();
    if (from == to) continue;
    std::size_t parts = std::max<std::size_t>(1, (to - from) / piece);
    for (std::size_t part = 0; part < parts; ++part) {
      pieces_.push_back({.from = from + (to - from) * part / parts,
                         .to = from + (to - from) * (part + 1) / parts,
                         .starts_trace = part == 0});
    }
  }
}

// What is counted for a piece goes to its tenth; windows reach back over the cut into the piece before.
void SequenceModel::count_grams() {
  std::uint64_t key = 0;
  std::size_t seen = 0;  // calls of this trace
  std::vector<std::size_t> last_in(symbols, learned_.size());
  for (std::size_t index = 0; index < pieces_.size(); ++index) {
    const Piece& piece = pieces_[index];
    std::size_t fold = index % folds;
    if (piece.starts_trace) key = seen = 0;
    for (std::size_t at = piece.from; at < piece.to; ++at) {
      Symbol symbol = learned_[at];
      key = (key << symbol_bits | symbol) & mask_of(longest);
      ++seen;
      ++grams_[0].total;
      ++grams_[0].by_fold[fold];
      for (std::size_t length = 1; length <= std::min(longest, seen); ++length) {
        std::uint32_t gram = find_or_add(key & mask_of(length));
        if (gram == none) continue;
        ++grams_[gram].total;
        ++grams_[gram].by_fold[fold];
      }
      if (last_in[symbol] == index) continue;
      last_in[symbol] = index;
      for (std::size_t without = 0; without <= folds; ++without) holders_[symbol][without] += without != fold ? 1 : 0;
    }
    for (std::size_t without = 0; without <= folds; ++without) pieces_without_[without] += without != fold ? 1 : 0;
  }
}

void SequenceModel::count_followers() {
  for (std::size_t i = 1; i < grams_.size(); ++i) {
    std::uint32_t context = find(grams_[i].key >> symbol_bits);
    if (context == none) continue;
    for (std::size_t fold = 0; fold <= folds; ++fold)
      grams_[context].followers[fold] =
          static_cast<std::uint16_t>(grams_[context].followers[fold] + (grams_[i].without(fold) > 0 ? 1 : 0));
  }
}

SequenceModel::Histogram SequenceModel::histogram_of(std::vector<std::pair<std::uint32_t, std::uint32_t>> counts) {
  std::sort(counts.begin(), counts.end());
  std::uint64_t sum = 0;
  for (const auto& [key, count] : counts) sum += count;
  Histogram histogram;
  histogram.reserve(counts.size());
  for (const auto& [key, count] : counts)
    histogram.push_back({.key = key, .root = static_cast<float>(std::sqrt(share(count, sum)))});
  return histogram;
}

void SequenceModel::keep_neighbours() {
  std::size_t kept = std::min(limits_.neighbours, pieces_.size());
  for (std::size_t i = 0; i < kept; ++i) {
    std::size_t index = i * pieces_.size() / kept;
    std::vector<std::uint32_t> counts(symbols);
    std::unordered_map<std::uint32_t, std::uint32_t> pairs;
    for (std::size_t at = pieces_[index].from; at < pieces_[index].to; ++at) {
      ++counts[learned_[at]];
      if (at == pieces_[index].from) continue;
      std::uint32_t pair = std::uint32_t{learned_[at - 1]} << symbol_bits | learned_[at];
      if (!count_pair(pairs, pair, limits_.pairs)) ++shed_.pairs;
    }
    neighbours_.push_back({.fold = index % folds,
                           .calls = histogram_of(present(counts)),
                           .pairs = histogram_of({pairs.begin(), pairs.end()})});
  }
}

void SequenceModel::calibrate() {
  std::vector<Measures> measured;
  measured.reserve(pieces_.size());
  for (std::size_t index = 0; index < pieces_.size(); ++index) {
    Part part(*this, index % folds);
    for (std::size_t at = pieces_[index].from; at < pieces_[index].to; ++at) part.add(learned_[at]);
    measured.push_back(part.measured());
  }
  std::vector<double> values(measured.size());
  for (std::size_t i = 0; i < measures; ++i) {
    for (std::size_t index = 0; index < measured.size(); ++index) values[index] = measured[index][i];
    rarities_[i].fit(values, resolutions[i]);
  }
  for (std::size_t index = 0; index < measured.size(); ++index)
    values[index] = combined(measured[index], true, nullptr);
  whole_.fit(std::move(values), 0.1);
}

double SequenceModel::combined(const Measures& measured, bool own, Measures* surprise) const {
  double sum = 0;
  for (std::size_t i = 0; i < measures; ++i) {
    double each = 0.0 - math::log10(std::max(rarities_[i].probability(measured[i], own), 1e-300));
    sum += each;
    if (surprise != nullptr) (*surprise)[i] = each;
  }
  return sum;
}

// Hellinger distance to the nearest that is not left out; 1 is the largest.
double SequenceModel::nearest(const Histogram& histogram, Histogram Neighbour::*which, std::size_t left_out) const {
  double most = 0;
  for (const Neighbour& neighbour : neighbours_) {
    if (neighbour.fold == left_out) continue;
    const Histogram& other = neighbour.*which;
    double likeness = 0;
    std::size_t j = 0;
    for (const Pair& pair : histogram) {
      while (j < other.size() && other[j].key < pair.key) ++j;
      if (j < other.size() && other[j].key == pair.key)
        likeness += static_cast<double>(pair.root) * static_cast<double>(other[j].root);
    }
    most = std::max(most, likeness);
  }
  return std::sqrt(std::max(0.0, 1 - most));
}

// ---- judging ----

SequenceModel::Part::Part(const SequenceModel& model, std::size_t left_out)
    : model_(&model), left_out_(left_out), counts_(symbols) {
  context_.fill(none);
  context_[0] = 0;
}

void SequenceModel::Part::add_strange(std::string_view name) {
  if (strange_.size() < model_->limits_.strange_names) strange_.emplace(name);
  else if (!strange_.contains(std::string(name))) ++shed_;
}

void SequenceModel::Part::add(Symbol symbol) {
  key_ = (key_ << symbol_bits | symbol) & mask_of(longest);
  ++calls_;
  ++counts_[symbol];
  if (calls_ > 1) {
    auto pair = static_cast<std::uint32_t>(key_ & mask_of(2));
    if (!count_pair(pairs_, pair, model_->limits_.pairs)) ++shed_;
  }
  std::array<std::uint32_t, longest> ends{};  // grams that end here, by length; those of the call before: context_
  ends.fill(none);
  ends[0] = 0;
  double chance = 1 / static_cast<double>(model_->known_ + 1);
  bool known = true;  // the context was seen, so that its longer ones may have been
  for (std::size_t length = 1; length <= std::min<std::uint64_t>(longest, calls_); ++length) {
    std::uint32_t gram = model_->find(key_ & mask_of(length));
    std::uint32_t count = gram == none ? 0 : model_->grams_[gram].without(left_out_);
    if (length < longest) ends[length] = gram;
    if (length == 3) new_of_3_ += count == 0 ? 1 : 0;
    if (length == longest) {
      new_of_6_ += count == 0 ? 1 : 0;
      add_order(count == 0);
    }
    known = known && context_[length - 1] != none;
    if (!known) continue;
    const Gram& context = model_->grams_[context_[length - 1]];
    auto all = static_cast<double>(context.without(left_out_));
    double followers = context.followers[left_out_];
    known = all > 0 && followers > 0;
    if (known) chance = (count + followers * chance) / (all + followers);
  }
  context_ = ends;
  add_chance(-math::log2(chance));
}

void SequenceModel::Part::add_order(bool is_new) {
  bool& place = frame_new_[calls_ % frame];
  frame_count_ += (is_new ? 1U : 0U) - (place ? 1U : 0U);
  place = is_new;
  frame_worst_ = std::max(frame_worst_, frame_count_);
}

void SequenceModel::Part::add_chance(double bits) {
  auto units = static_cast<std::uint32_t>(bits * bit_unit + 0.5);
  std::uint32_t& place = stretch_bits_[calls_ % stretch];
  stretch_sum_ += units;
  stretch_sum_ -= place;
  place = units;
  bits_ += units;
  if (calls_ >= stretch) stretch_worst_ = std::max(stretch_worst_, stretch_sum_);
}

std::uint64_t SequenceModel::Part::new_calls() const {
  // Where names beyond the limit were learned, nobody knows whether a strange one was among them. Of calls that were
  // looked at once more the names are gone: they count as one.
  std::uint64_t count = 0;
  if (model_->holders_[stranger][left_out_] == 0 && counts_[stranger] > 0)
    count = std::max<std::uint64_t>(1, strange_.size());
  for (Symbol symbol = 1; symbol <= model_->known_; ++symbol)
    if (counts_[symbol] > 0 && model_->holders_[symbol][left_out_] == 0) ++count;
  return count;
}

// Bits by which it is unusual that a trace has these calls, each taken alone.
double SequenceModel::Part::unusual_set() const {
  double bits = 0;
  double all = model_->pieces_without_[left_out_];
  for (std::size_t symbol = 1; symbol < symbols; ++symbol) {
    if (counts_[symbol] == 0) continue;
    bits -= math::log2((model_->holders_[symbol][left_out_] + 0.5) / (all + 1));
  }
  return bits;
}

SequenceModel::Measures SequenceModel::Part::measured() const {
  Histogram mix = histogram_of(present(counts_));
  Histogram pairs = histogram_of({pairs_.begin(), pairs_.end()});
  std::uint64_t windows_of_6 = calls_ < longest ? 0 : calls_ - longest + 1;
  std::uint64_t windows_of_3 = calls_ < 3 ? 0 : calls_ - 2;
  double per_call = share(bits_, calls_) / bit_unit;
  double worst = calls_ < stretch ? per_call : share(stretch_worst_, stretch) / bit_unit;
  return {share(new_of_6_, windows_of_6),
          share(new_of_3_, windows_of_3),
          share(frame_worst_, frame),
          per_call,
          worst,
          static_cast<double>(new_calls()),
          unusual_set(),
          model_->nearest(mix, &Neighbour::calls, left_out_),
          pairs.empty() ? 0 : model_->nearest(pairs, &Neighbour::pairs, left_out_)};
}

SequenceModel::Verdict SequenceModel::Part::verdict() const {
  Verdict verdict{.score = 0, .calls = calls_, .measured = measured(), .surprise = {}, .shed = shed_, .of = calls_};
  double odd = model_->combined(verdict.measured, false, &verdict.surprise);
  verdict.score = 1 - model_->whole_.probability(odd, false);
  return verdict;
}

void SequenceModel::Meter::add(std::string_view name) {
  Symbol symbol = model_.symbol_of(name);
  if (symbol == stranger) part_.add_strange(name);
  part_.add(symbol);
  ++calls_;
  std::size_t length = model_.piece_length_;
  if (length == 0) return;
  recent_.resize(length);
  recent_[calls_ % length] = symbol;
  if (part_.calls() < length) return;
  Verdict piece = part_.verdict();
  ++pieces_;
  inverse_sum_ += inverse_probability(piece.score);
  std::uint64_t shed = piece.shed + (oddest_ ? oddest_->shed : 0);
  if (!oddest_ || piece.score > oddest_->score) oddest_ = piece;
  oddest_->shed = shed;
  part_ = Part(model_, folds);
}

SequenceModel::Verdict SequenceModel::Meter::verdict() const {
  if (!oddest_) return part_.verdict();
  Verdict verdict = *oddest_;
  double pieces = pieces_;
  double inverse_sum = inverse_sum_;
  std::size_t length = model_.piece_length_;
  if (part_.calls() > 0) {  // the end is judged with what stands before it, as a piece of the usual length
    Part last(model_, folds);
    for (std::size_t i = 1; i <= length; ++i) last.add(recent_[(calls_ + i) % length]);
    Verdict end = last.verdict();
    double weight = share(part_.calls(), length);
    pieces += weight;
    inverse_sum += weight * inverse_probability(end.score);
    if (end.score > verdict.score) verdict = end;
    verdict.shed = oddest_->shed + part_.verdict().shed;
  }
  verdict.calls = calls_;
  verdict.score = 1 - pieces / inverse_sum;
  return verdict;
}

}  // namespace mien::stats
