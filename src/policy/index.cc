#include "policy/detail/index.h"

#include <span>

namespace mien::policy::detail {
namespace {

std::size_t words_for(std::size_t rules) { return (rules + 63) / 64; }
void set(Bits& bits, std::size_t rule) { bits[rule / 64] |= std::uint64_t{1} << (rule % 64); }

const std::string& as_it_is(const std::string& text) { return text; }
const std::string& metric_of(const model::Deviation& deviation) { return deviation.name.value; }

}  // namespace

Misses::Misses(std::size_t rules) : low_(words_for(rules)), high_(words_for(rules)) {
  if (rules % 64 != 0) last_word_ = (std::uint64_t{1} << (rules % 64)) - 1;
}

void Misses::add_word(std::size_t word, std::uint64_t failed) {
  std::uint64_t full = low_[word] & high_[word];
  std::uint64_t carry = low_[word] & failed;
  low_[word] = (low_[word] ^ failed) | full;
  high_[word] |= carry;
}

void Misses::add(const Bits& failed) {
  for (std::size_t word = 0; word < low_.size(); ++word) add_word(word, failed[word]);
}

void Misses::add_one(std::size_t rule) { add_word(rule / 64, std::uint64_t{1} << (rule % 64)); }

void OneOf::size(std::size_t rules) { asked_.resize(words_for(rules)); }

void OneOf::add(std::size_t rule, const std::string& value) {
  set(asked_, rule);
  by_value_[value].push_back(static_cast<std::uint32_t>(rule));
}

void OneOf::pass(const std::string& value, Bits& failed) const {
  auto found = by_value_.find(value);
  if (found == by_value_.end()) return;
  for (std::uint32_t rule : found->second) failed[rule / 64] &= ~(std::uint64_t{1} << (rule % 64));
}

Index::Index(const std::vector<const model::PolicyMatch*>& matches) : size_(matches.size()) {
  for (Bits& bits : fails_kind_) bits.resize(words_for(size_));
  for (Bits& bits : fails_severity_) bits.resize(words_for(size_));
  for (OneOf* condition : {&pools_, &instances_, &personas_, &metrics_}) condition->size(size_);
  for (std::size_t rule = 0; rule < matches.size(); ++rule) add(rule, *matches[rule]);
}

void Index::add(std::size_t rule, const model::PolicyMatch& match) {
  if (!match.kinds.empty())
    for (std::size_t kind = 0; kind < kinds; ++kind)
      if (!match.kinds.contains(static_cast<model::FindingKind>(kind))) set(fails_kind_[kind], rule);
  for (std::size_t severity = 0; severity < static_cast<std::size_t>(match.severity); ++severity)
    set(fails_severity_[severity], rule);
  if (match.confidence > 0) confidences_.emplace_back(static_cast<std::uint32_t>(rule), match.confidence);
  for (const std::string& value : match.pools) pools_.add(rule, value);
  for (const std::string& value : match.instances) instances_.add(rule, value);
  for (const std::string& value : match.personas) personas_.add(rule, value);
  for (const std::string& value : match.metrics) metrics_.add(rule, value);
  for (const auto& [key, value] : match.labels) {
    OneOf& condition = labels_[key];
    condition.size(size_);
    condition.add(rule, value);
  }
}

Misses Index::ask(const model::Finding& finding, const std::map<std::string, std::string>* labels) const {
  Misses out(size_);
  Bits scratch;
  // A number that this version has no name for comes from a newer one: it is no kind that a policy can ask for.
  auto kind = static_cast<std::size_t>(finding.kind);
  auto severity = static_cast<std::size_t>(finding.severity);
  out.add(fails_kind_[kind < kinds ? kind : 0]);
  out.add(fails_severity_[severity < severities ? severity : 0]);
  // Written so that a confidence that is no number meets no condition.
  for (const auto& [rule, wanted] : confidences_)
    if (!(finding.confidence >= wanted)) out.add_one(rule);
  pools_.fail(std::span(&finding.pool.value, 1), as_it_is, scratch, out);
  instances_.fail(std::span(&finding.instance.value, 1), as_it_is, scratch, out);
  personas_.fail(std::span(&finding.persona.value, 1), as_it_is, scratch, out);
  metrics_.fail(finding.metrics, metric_of, scratch, out);
  for (const auto& [key, condition] : labels_) {
    const std::string* value = nullptr;
    if (labels)
      if (auto found = labels->find(key); found != labels->end()) value = &found->second;
    condition.fail(std::span(value, value ? 1 : 0), as_it_is, scratch, out);
  }
  return out;
}

}  // namespace mien::policy::detail
