// Which rules a finding meets, and by how many conditions it misses the others, one bit per rule.
//
// Each condition of `match` gives the set of rules that it fails; the sets are added up bit by bit, so that a thousand
// rules cost about sixteen words per condition. Only what is shown or acts is looked at by itself afterwards.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/finding.h"
#include "model/policy.h"

namespace mien::policy::detail {

using Bits = std::vector<std::uint64_t>;

// Rules by the number of conditions that do not hold: 0, 1, 2, and 3 or more.
class Misses {
 public:
  static constexpr std::size_t most = 3;
  explicit Misses(std::size_t rules);
  // One condition more, and the rules that fail it.
  void add(const Bits& failed);
  void add_one(std::size_t rule);

  // Calls visit(rule) for those with that many misses, in order, while it answers true.
  template <class Visit>
  void for_each(std::size_t count, Visit&& visit) const {
    for (std::size_t word = 0; word < low_.size(); ++word) {
      std::uint64_t left = (count & 1U ? low_[word] : ~low_[word]) & (count & 2U ? high_[word] : ~high_[word]);
      if (word + 1 == low_.size()) left &= last_word_;
      for (; left != 0; left &= left - 1)
        if (!visit(word * 64 + static_cast<std::size_t>(__builtin_ctzll(left)))) return;
    }
  }

 private:
  void add_word(std::size_t word, std::uint64_t failed);
  Bits low_;  // the two digits of each rule's count, which stays at 3
  Bits high_;
  std::uint64_t last_word_ = ~std::uint64_t{0};
};

// A condition of the form "is one of these".
class OneOf {
 public:
  void add(std::size_t rule, const std::string& value);
  void size(std::size_t rules);
  // The rules that ask, but for none of these values.
  template <class Values, class TextOf>
  void fail(const Values& values, TextOf text_of, Bits& scratch, Misses& out) const {
    if (by_value_.empty()) return;
    scratch = asked_;
    for (const auto& each : values) pass(text_of(each), scratch);
    out.add(scratch);
  }

 private:
  void pass(const std::string& value, Bits& failed) const;
  Bits asked_;  // the rules that have this condition
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> by_value_;
};

class Index {
 public:
  Index() = default;
  explicit Index(const std::vector<const model::PolicyMatch*>& matches);
  [[nodiscard]] Misses ask(const model::Finding& finding, const std::map<std::string, std::string>* labels) const;

 private:
  void add(std::size_t rule, const model::PolicyMatch& match);
  static constexpr std::size_t kinds = static_cast<std::size_t>(model::FindingKind::silence) + 1;
  static constexpr std::size_t severities = static_cast<std::size_t>(model::Severity::critical) + 1;

  std::size_t size_ = 0;
  std::array<Bits, kinds> fails_kind_;           // by the finding's kind
  std::array<Bits, severities> fails_severity_;  // by the finding's severity
  OneOf pools_;
  OneOf instances_;
  OneOf personas_;
  OneOf metrics_;
  std::map<std::string, OneOf> labels_;  // by key
  std::vector<std::pair<std::uint32_t, double>> confidences_;
};

}  // namespace mien::policy::detail
