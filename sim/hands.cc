#include "sim/hands.h"

#include <algorithm>

#include "base/text.h"
#include "model/text_quantity.h"
#include "node/testing/memory_seams.h"

namespace mien::sim {
namespace {

constexpr std::string_view no_quota = "max 100000";

Error trouble(Code code, std::string message) {
  return {.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

}  // namespace

HandFaults HandFaults::draw(Prng& prng) {
  HandFaults faults;
  faults.slow = 5ms;
  if (prng.chance(0.5)) return faults;
  if (prng.chance(0.4)) faults.fails = prng.uniform() * 0.2;
  if (prng.chance(0.4)) faults.fails_after = prng.uniform() * 0.2;
  if (prng.chance(0.3)) faults.swallowed = prng.uniform() * 0.2;
  if (prng.chance(0.2)) faults.misread = prng.uniform() * 0.1;
  if (prng.chance(0.3)) faults.slow = 1s * (1 + prng.below(8));
  return faults;
}

std::string HandFaults::to_string() const {
  return cat("hand fails=", mien::to_text(fails, 2), " fails_after=", mien::to_text(fails_after, 2),
             " swallowed=", mien::to_text(swallowed, 2), " misread=", mien::to_text(misread, 2),
             " slow=", mien::to_text(slow));
}

void SimHand::add(const InstanceName& target) {
  for (const auto& [key, value] :
       {std::pair{"cpu.max", std::string(no_quota)}, std::pair{"cpu.weight", std::string("100")}})
    fields_[{target, key}] = belongs_[{target, key}] = value;
}

void SimHand::edit(const InstanceName& target, const std::string& key, const std::string& value) {
  fields_[{target, key}] = belongs_[{target, key}] = value;
}

double SimHand::cpu_cap(const InstanceName& target) const {
  auto field = fields_.find({target, "cpu.max"});
  if (field == fields_.end() || field->second.starts_with("max")) return 1;
  auto quota = parse_integer(field->second.substr(0, field->second.find(' ')));
  return quota ? static_cast<double>(*quota) / 1e5 : 1;
}

Duration SimHand::takes() {
  return Duration{static_cast<std::int64_t>(static_cast<double>(faults_.slow.count()) * prng_.exponential()) + 1};
}

std::vector<node::Hand::Ability> SimHand::abilities() {
  return {{.verb = model::Verb::limit, .works = true, .why_not = {}},
          {.verb = model::Verb::prioritize, .works = true, .why_not = {}}};
}

Result<node::Plan> SimHand::plan(const InstanceName& target, model::Verb verb, const model::Arguments& with) {
  if (prng_.chance(faults_.fails)) return trouble(Code::io, "the hand does not answer");
  std::string key = verb == model::Verb::limit ? "cpu.max" : "cpu.weight";
  auto field = fields_.find({target, key});
  auto argument = with.find(verb == model::Verb::limit ? "cpu" : "cpu_weight");
  if (field == fields_.end()) return trouble(Code::not_found, cat(target.value, " does not run here"));
  if (argument == with.end()) return trouble(Code::unsupported, "only cpu and cpu_weight can be changed here");
  std::string after = argument->second;
  if (verb == model::Verb::limit) {
    auto share = model::parse_quantity(argument->second, {model::Dimension::ratio, model::Dimension::number});
    if (!share) return std::move(share).error();
    after = cat(static_cast<std::int64_t>(share->value * 1e5 + 0.5), " 100000");
  }
  node::Plan plan;
  plan.identity = target.value;
  plan.fields.push_back({.key = key, .before = field->second, .after = after});
  return plan;
}

Result<std::string> SimHand::identity(const InstanceName& target) { return target.value; }

Result<std::string> SimHand::read(const InstanceName& target, std::string_view key) {
  if (prng_.chance(faults_.fails)) return trouble(Code::io, "the hand does not answer");
  auto field = fields_.find({target, std::string(key)});
  if (field == fields_.end()) return trouble(Code::not_found, "there is no such field");
  if (prng_.chance(faults_.misread)) return std::string("misread");
  return field->second;
}

Status SimHand::write(const InstanceName& target, std::string_view key, std::string_view value) {
  if (prng_.chance(faults_.fails)) return trouble(Code::io, "the hand does not answer");
  auto field = fields_.find({target, std::string(key)});
  if (field == fields_.end()) return trouble(Code::not_found, "there is no such field");
  if (prng_.chance(faults_.swallowed)) return {};
  field->second = std::string(value);
  ++writes_;
  if (prng_.chance(faults_.fails_after)) return trouble(Code::io, "the answer was lost");
  return {};
}

std::vector<node::JournalEntry> MemoryJournal::entries() {
  std::vector<node::JournalEntry> all;
  for (const auto& [action, entry] : newest_) all.push_back(entry);
  return all;
}

Status MemoryJournal::put(const node::JournalEntry& entry) {
  if (full) return node::testing::full_error();
  newest_[entry.order.action] = entry;
  return {};
}

}  // namespace mien::sim
