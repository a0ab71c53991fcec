#include "edge/api/findings_book.h"

#include <iterator>

#include "base/codec.h"

namespace mien::edge::api {
namespace {

bool is_judged(const model::Finding& finding) {
  using model::FindingKind;
  bool declared = finding.kind == FindingKind::limit || finding.kind == FindingKind::configuration;
  return !declared && finding.kind != FindingKind::silence && !finding.late;
}

}  // namespace

void FindingsBook::take(const model::Finding& finding) {
  if (!is_judged(finding)) return;
  Lock lock(mutex_);
  if (opened_.size() >= most_instances && !opened_.contains(finding.instance)) return;
  auto& own = opened_[finding.instance];
  own.emplace(finding.opened_at, finding.id);
  if (own.size() > most_kept) own.erase(own.begin());
}

Status FindingsBook::load(store::Ledger& ledger, WallTime since) {
  constexpr std::size_t step = 1000;
  std::string after;
  for (;;) {
    std::vector<store::Entry> entries = TRY(ledger.scan(store::Table::finding, "", after, step));
    for (const store::Entry& entry : entries) {
      model::Finding finding = TRY(decode<model::Finding>(entry.bytes, "finding"));
      if (finding.opened_at >= since) take(finding);
    }
    if (entries.size() < step) return {};
    after = entries.back().key;
  }
}

std::map<InstanceName, std::size_t> FindingsBook::opened_since(WallTime since) const {
  std::map<InstanceName, std::size_t> counts;
  Lock lock(mutex_);
  for (const auto& [instance, own] : opened_)
    counts[instance] = static_cast<std::size_t>(std::distance(own.lower_bound({since, FindingId{}}), own.end()));
  return counts;
}

}  // namespace mien::edge::api
