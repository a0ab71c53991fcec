#include "base/range_coder.h"

#include <array>
#include <vector>

namespace mien {
namespace {

// The odds of one decision: quick to move at first, then by a 64th.
class Odds {
 public:
  [[nodiscard]] std::uint32_t of_one() const { return one_; }  // in 1/65536, never 0 nor the whole
  void learn(bool one) {
    constexpr std::array<std::int32_t, 12> slowness{2, 3, 4, 5, 7, 10, 14, 20, 28, 40, 52, 64};
    std::int32_t target = one ? highest : lowest;
    one_ = static_cast<std::uint16_t>(one_ + (target - one_) / slowness[seen_]);
    if (seen_ + 1U < slowness.size()) ++seen_;
  }

 private:
  static constexpr std::int32_t lowest = 64;
  static constexpr std::int32_t highest = 65536 - lowest;
  std::uint16_t one_ = 32768;
  std::uint8_t seen_ = 0;
};

// Eight decisions: node 1 is the highest bit, node 2 k + bit what follows it.
using Tree = std::array<Odds, 256>;

class Trees {
 public:
  explicit Trees(Guess guess) : trees_(guess == Guess::alone ? 1 : 256) {}
  [[nodiscard]] Tree& after(unsigned char before) { return trees_[trees_.size() == 1 ? 0 : before]; }

 private:
  std::vector<Tree> trees_;
};

// The interval that is left; both sides narrow it alike.
struct Interval {
  std::uint32_t low = 0;
  std::uint32_t high = 0xffffffff;

  [[nodiscard]] std::uint32_t split(std::uint32_t odds_of_one) const {
    return low + static_cast<std::uint32_t>((std::uint64_t{high - low} * odds_of_one) >> 16U);
  }
  void take(bool one, std::uint32_t middle) {
    if (one) high = middle;
    else low = middle + 1;
  }
  [[nodiscard]] bool settled() const { return ((low ^ high) >> 24U) == 0; }  // the highest byte is certain
  void shift() {
    low <<= 8U;
    high = high << 8U | 0xffU;
  }
};

class Reader {
 public:
  explicit Reader(std::string_view code) : rest_(code) {
    for (int i = 0; i < 4; ++i) shift();
  }
  bool decide(std::uint32_t odds_of_one) {
    std::uint32_t middle = interval_.split(odds_of_one);
    bool one = at_ <= middle;
    interval_.take(one, middle);
    for (; interval_.settled(); interval_.shift()) shift();
    return one;
  }
  // The last byte may leave three unsaid.
  [[nodiscard]] bool ended_early() const { return missing_ > 3; }

 private:
  void shift() {
    at_ <<= 8U;
    if (rest_.empty()) {
      ++missing_;
      return;
    }
    at_ |= static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
  }

  std::string_view rest_;
  Interval interval_;
  std::uint32_t at_ = 0;
  std::size_t missing_ = 0;
};

}  // namespace

std::string compress(std::string_view bytes, Guess guess) {
  if (bytes.empty()) return {};
  Trees trees(guess);
  Interval interval;
  std::string code;
  unsigned char before = 0;
  for (char c : bytes) {
    Tree& tree = trees.after(before);
    before = static_cast<unsigned char>(c);
    std::size_t node = 1;
    for (unsigned bit = 8; bit-- > 0;) {
      bool one = (before >> bit & 1U) != 0;
      interval.take(one, interval.split(tree[node].of_one()));
      for (; interval.settled(); interval.shift()) code.push_back(static_cast<char>(interval.high >> 24U));
      tree[node].learn(one);
      node = 2 * node + (one ? 1 : 0);
    }
  }
  // Low and high differ in their highest byte: high's, followed by zeros, lies between them.
  code.push_back(static_cast<char>(interval.high >> 24U));
  return code;
}

std::optional<std::string> expand(std::string_view code, std::size_t size, Guess guess) {
  std::string bytes;
  if (size == 0) return bytes;
  Trees trees(guess);
  Reader reader(code);
  unsigned char before = 0;
  while (bytes.size() < size) {
    Tree& tree = trees.after(before);
    std::size_t node = 1;
    while (node < 256) {
      bool one = reader.decide(tree[node].of_one());
      tree[node].learn(one);
      node = 2 * node + (one ? 1 : 0);
    }
    if (reader.ended_early()) return std::nullopt;
    before = static_cast<unsigned char>(node);
    bytes.push_back(static_cast<char>(before));
  }
  return bytes;
}

}  // namespace mien
