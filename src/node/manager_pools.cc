// What the members of a pool learned together: stored as a revision of the pool, given to whoever joins.
#include <utility>

#include "base/text.h"
#include "model/persona.h"
#include "node/manager.h"

namespace mien::node {
namespace {

constexpr std::uint64_t prior_version = 1;

// Beside "core" and "remedy" (docs/formats/core.md).
std::string key_of_prior(const PoolName& pool, const PersonaName& persona) {
  return cat("prior/", persona.value, "@", prior_of(pool).value);
}

}  // namespace

// What those learned that are meant to be like it: members of its pool, of its type and persona.
learn::PoolPrior Manager::peers_of(const Instance& instance, bool with_itself) const {
  const InstanceState& own = instance.state();
  learn::PoolPrior prior;
  for (const auto& [name, slot] : slots_) {
    const InstanceState& other = slot.instance.state();
    if (!other.newest_revision || other.type != own.type || (&other == &own && !with_itself)) continue;
    if (other.assignment.pool == own.assignment.pool && other.newest_revision->persona == own.assignment.persona)
      prior.add(*other.newest_revision);
  }
  return prior;
}

void Manager::inherit(const Moment& at, Instance& instance, const std::vector<model::Series>& series, Effects& out) {
  const InstanceState& own = instance.state();
  const Assignment& place = own.assignment;
  bool has_peers = !place.pool.empty() || place.persona.value != model::default_persona;
  if (!instance.knows_nothing() || !has_peers || series.empty()) return;
  Instance::Step step{.now = at.now, .position = at.position};
  if (auto stored = priors_.find({place.pool, place.persona});
      stored != priors_.end() && stored->second.type == own.type) {
    const model::PersonaRevision& prior = stored->second.revision;
    std::string name = cat(prior.persona.value, "@", prior.instance.value, "/", prior.number);
    return instance.inherit(step, learn::begin_with(prior, series), cat("its pool's prior ", name), out);
  }
  learn::PoolPrior prior = peers_of(instance, false);
  if (prior.members() == 0) return;
  instance.inherit(step, prior.begin(series), cat("what ", prior.members(), " others learned of ", place.persona.value),
                   out);
}

void Manager::revise_prior(const Moment& at, const Instance& member, Effects& out) {
  const InstanceState& state = member.state();
  const Assignment& place = state.assignment;
  if (place.pool.empty()) return;
  auto known = priors_.find({place.pool, place.persona});
  std::optional<model::PersonaRevision> newest;
  if (known != priors_.end()) newest = known->second.revision;
  if (!learn::prior_may_be_due(newest, at.now)) return;
  model::PersonaRevision revision = peers_of(member, true).revision(at.now);
  if (!learn::prior_due(revision, newest)) return;
  revision.persona = place.persona;
  revision.instance = prior_of(place.pool);
  revision.generation = place.expectation.generation;
  revision.number = newest ? newest->number + 1 : 1;
  out.writes.push_back({.table = store::Table::revision,
                        .key = revision_key(revision.persona, revision.instance, revision.number),
                        .bytes = encode(revision)});
  out.audit.push_back(
      {.at = at.now,
       .actor = "mien",
       .verb = "revision.made",
       .subject = cat("Revision/", revision.persona.value, "@", revision.instance.value, "/", revision.number),
       .cause = cat("log/", at.position),
       .detail = cat("a pool's prior, learned from ", revision.samples, " samples of its members")});
  Prior prior{.revision = std::move(revision), .type = state.type};
  Encoder encoder;
  encoder.put(prior_version);
  encoder.put(prior);
  out.writes.push_back(
      {.table = store::Table::core, .key = key_of_prior(place.pool, place.persona), .bytes = encoder.take()});
  priors_[{place.pool, place.persona}] = std::move(prior);
}

Status Manager::restore_prior(const store::Entry& entry) {
  Decoder decoder{entry.bytes};
  std::uint64_t version = 0;
  Prior prior;
  decoder.get(version);
  if (!decoder.failed() && version != prior_version)
    return Error{
        .code = Code::unsupported,
        .message = cat("the ledger's ", entry.key, " has version ", version, ", this program reads ", prior_version),
        .where = {},
        .cause = {}};
  decoder.get(prior);
  TRY(decoder.finish("pool's prior"));
  constexpr std::size_t prefix = std::string_view("pool:").size();
  PoolName pool{prior.revision.instance.value.substr(std::min(prefix, prior.revision.instance.value.size()))};
  std::pair key{std::move(pool), prior.revision.persona};
  priors_[std::move(key)] = std::move(prior);
  return {};
}

}  // namespace mien::node
