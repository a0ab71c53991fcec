#include "store/facts.h"

#include <algorithm>

#include "base/codec.h"
#include "base/text.h"
#include "store/checksum.h"

namespace mien::store {
namespace {

constexpr std::uint64_t facts_version = 1;

std::string padded(std::uint64_t number, std::size_t width) {
  std::string digits = std::to_string(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

std::string time_key(WallTime at) {
  constexpr std::int64_t beyond = 9'000'000'000'000'000'000;
  return padded(static_cast<std::uint64_t>(beyond - std::clamp<std::int64_t>(at.ns, 0, beyond)), 19);
}

}  // namespace

std::string key_of(WallTime at, LogPosition position, std::uint64_t part, std::size_t index) {
  return cat(time_key(at), "-", padded(position, 20), "-", padded(part, 6), "-", padded(index, 6));
}

std::string encode_facts(const std::vector<model::SecurityFact>& facts) {
  Encoder payload;
  payload.put(facts);
  Encoder out;
  out.put(facts_version);
  out.put(crc32c(payload.bytes()));
  out.raw(payload.bytes());
  return out.take();
}

Result<std::vector<model::SecurityFact>> decode_facts(std::string_view bytes) {
  Decoder decoder{bytes};
  std::uint64_t version = 0;
  std::uint32_t checksum = 0;
  decoder.get(version);
  decoder.get(checksum);
  if (!decoder.failed() && version != facts_version)
    return Error{.code = Code::unsupported,
                 .message = cat("stored facts have version ", version, ", this program reads ", facts_version),
                 .where = {},
                 .cause = {}};
  if (!decoder.failed() && crc32c(decoder.rest()) != checksum)
    return Error{.code = Code::corrupt,
                 .message = "stored facts: the checksum does not fit the bytes",
                 .where = {},
                 .cause = {}};
  std::vector<model::SecurityFact> facts;
  decoder.get(facts);
  if (Status status = decoder.finish("stored facts"); !status) return std::move(status).error();
  bool known = std::all_of(facts.begin(), facts.end(), [](const model::SecurityFact& fact) {
    return static_cast<std::size_t>(fact.kind) < model::fact_kinds;
  });
  if (!known)
    return Error{.code = Code::corrupt, .message = "stored facts: one is of no known kind", .where = {}, .cause = {}};
  return facts;
}

void FactPage::offer(const FactBlock& block) {
  for (std::size_t i = 0; i < block.facts.size(); ++i) {
    const model::SecurityFact& fact = block.facts[i];
    bool wanted = fact.at >= query_.from && fact.at < query_.to && (!query_.kind || *query_.kind == fact.kind);
    if (!wanted) continue;
    std::string key = key_of(fact.at, block.position, block.part, i);
    if (!query_.after.empty() && key <= query_.after) continue;
    facts_.emplace(std::move(key), fact);
    if (facts_.size() > query_.limit) facts_.erase(std::prev(facts_.end()));
  }
}

bool FactPage::is_settled(WallTime at) const {
  return facts_.size() >= query_.limit && (facts_.empty() || facts_.rbegin()->second.at > at);
}

std::vector<StoredFact> FactPage::take() {
  std::vector<StoredFact> page;
  for (auto& [key, fact] : facts_) page.push_back({.key = key, .fact = std::move(fact)});
  facts_.clear();
  return page;
}

}  // namespace mien::store
