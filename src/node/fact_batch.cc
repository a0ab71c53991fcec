#include "node/fact_batch.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace mien::node {
namespace {

using model::FactKind;
using model::SecurityFact;

// At most `limit` bytes, cut between two characters of UTF-8.
void cut(std::string& text, std::size_t limit) {
  if (text.size() <= limit) return;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U) --limit;
  text.resize(limit);
}

void bound(SecurityFact& fact) {
  cut(fact.object, fact_limits::object);
  cut(fact.process, fact_limits::process);
  cut(fact.parents, fact_limits::parents);
  cut(fact.user, fact_limits::word);
  cut(fact.detail, fact_limits::word);
}

// What makes two facts the same: everything but when, how often, and which process of that program it was.
auto identity(const SecurityFact& fact) {
  return std::tie(fact.kind, fact.object, fact.process, fact.parents, fact.user, fact.detail);
}

std::vector<SecurityFact> united(std::vector<SecurityFact> facts) {
  for (SecurityFact& fact : facts) bound(fact);
  std::sort(facts.begin(), facts.end(), [](const SecurityFact& a, const SecurityFact& b) {
    return std::tuple_cat(identity(a), std::tie(a.at, a.pid, a.count)) <
           std::tuple_cat(identity(b), std::tie(b.at, b.pid, b.count));
  });
  std::vector<SecurityFact> out;
  for (SecurityFact& fact : facts) {
    if (!out.empty() && identity(out.back()) == identity(fact)) out.back().count += fact.count;
    else out.push_back(std::move(fact));
  }
  return out;
}

struct Place {
  std::size_t instance;
  SecurityFact fact;
};

}  // namespace

int importance(FactKind kind) {
  switch (kind) {
    case FactKind::kernel_module: return 0;
    case FactKind::bpf_program: return 1;
    case FactKind::privilege: return 2;
    case FactKind::login: return 3;
    case FactKind::sudo: return 4;
    case FactKind::listener: return 5;
    case FactKind::sensitive_read: return 6;
    case FactKind::system_call: return 7;
    case FactKind::execution: return 8;
    case FactKind::connection: return 9;
    case FactKind::write: return 10;
    case FactKind::package: return 11;
  }
  return 12;
}

FactBatch batch_facts(const std::vector<wire::InstanceFacts>& seen, std::size_t limit) {
  FactBatch batch;
  std::vector<Place> places;
  std::vector<std::uint64_t> refused;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    refused.push_back(seen[i].refused);
    for (SecurityFact& fact : united(seen[i].facts)) places.push_back({.instance = i, .fact = std::move(fact)});
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::tuple(importance(a.fact.kind), a.fact.at) < std::tuple(importance(b.fact.kind), b.fact.at);
  });
  for (std::size_t i = limit; i < places.size(); ++i) refused[places[i].instance] += places[i].fact.count;
  if (places.size() > limit) places.erase(places.begin() + static_cast<std::ptrdiff_t>(limit), places.end());
  std::map<std::size_t, std::vector<SecurityFact>> kept;
  for (Place& place : places) kept[place.instance].push_back(std::move(place.fact));
  for (std::size_t i = 0; i < seen.size(); ++i) {
    batch.shed += refused[i];
    batch.facts += kept[i].size();
    if (kept[i].empty() && refused[i] == 0) continue;
    batch.instances.push_back({.instance = seen[i].instance,
                               .type = seen[i].type,
                               .parent = seen[i].parent,
                               .identities = seen[i].identities,
                               .facts = std::move(kept[i]),
                               .refused = refused[i]});
  }
  return batch;
}

}  // namespace mien::node
