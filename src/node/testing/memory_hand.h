// A machine in memory that can be changed, with the faults that real ones have: for unit tests and the simulation.
//
// A plan takes each argument as a field and its text as the value to be written; an argument for a field that the
// target does not have is unsupported. `fault` is asked before each call and may also change `targets` itself: that is
// how somebody else's hand gets in between.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "node/hand.h"
#include "node/lease_driver.h"

namespace mien::node::testing {

enum class HandFault : std::uint8_t {
  none,
  fail,        // nothing happens, an error is answered
  fail_after,  // it happens, and yet an error is answered
  half,        // of a write: half the text is written, an error is answered
  ignore,      // of a write: nothing happens, and yet it is answered as done
  lie,         // of a read: a value is answered that was never there, another each time
};

struct HandTouch {
  enum class Kind : std::uint8_t { plan, identity, read, write };
  Kind kind = Kind::read;
  InstanceName target;
  std::string key;
  std::string value;  // of a write
};

class MemoryHand final : public Hand {
 public:
  struct Target {
    std::string identity = "first";
    std::map<std::string, std::string> fields;
    friend bool operator==(const Target&, const Target&) = default;
  };

  std::map<InstanceName, Target> targets;
  std::vector<model::Verb> can{model::Verb::limit, model::Verb::prioritize};
  std::function<HandFault(const HandTouch&)> fault;
  std::vector<HandTouch> writes;  // every write that changed something or tried to

  [[nodiscard]] std::vector<Ability> abilities() override {
    std::vector<Ability> all;
    for (model::Verb verb : can) all.push_back({.verb = verb, .works = true, .why_not = {}});
    return all;
  }

  Result<Plan> plan(const InstanceName& target, model::Verb, const model::Arguments& with) override {
    if (meet({.kind = HandTouch::Kind::plan, .target = target, .key = {}, .value = {}}) != HandFault::none)
      return failed();
    auto at = targets.find(target);
    if (at == targets.end()) return gone(target);
    Plan plan{.identity = at->second.identity, .fields = {}, .outlives_nothing = with.contains("cgroup.freeze")};
    for (const auto& [key, value] : with) {
      auto field = at->second.fields.find(key);
      if (field == at->second.fields.end())
        return Error{.code = Code::unsupported, .message = cat("no field ", key), .where = {}, .cause = {}};
      plan.fields.push_back({.key = key, .before = field->second, .after = value});
    }
    return plan;
  }

  Result<std::string> identity(const InstanceName& target) override {
    if (meet({.kind = HandTouch::Kind::identity, .target = target, .key = {}, .value = {}}) != HandFault::none)
      return failed();
    auto at = targets.find(target);
    if (at == targets.end()) return gone(target);
    return at->second.identity;
  }

  Result<std::string> read(const InstanceName& target, std::string_view key) override {
    HandFault met = meet({.kind = HandTouch::Kind::read, .target = target, .key = std::string(key), .value = {}});
    if (met == HandFault::lie) return cat("a lie ", ++lies_);
    if (met != HandFault::none) return failed();
    std::string* field = find(target, key);
    if (field == nullptr) return gone(target);
    return *field;
  }

  Status write(const InstanceName& target, std::string_view key, std::string_view value) override {
    HandTouch touch{
        .kind = HandTouch::Kind::write, .target = target, .key = std::string(key), .value = std::string(value)};
    HandFault met = meet(touch);
    if (met == HandFault::fail) return failed();
    if (met == HandFault::ignore) return {};
    std::string* field = find(target, key);
    if (field == nullptr) return gone(target);
    writes.push_back(std::move(touch));
    *field = met == HandFault::half ? value.substr(0, value.size() / 2) : value;
    if (met == HandFault::half || met == HandFault::fail_after) return failed();
    return {};
  }

 private:
  int lies_ = 0;  // no two are the same
  HandFault meet(const HandTouch& touch) { return fault ? fault(touch) : HandFault::none; }
  static Error failed() { return {.code = Code::io, .message = "the machine said no", .where = {}, .cause = {}}; }
  static Error gone(const InstanceName& target) {
    return {.code = Code::not_found, .message = cat(target.value, " does not run here"), .where = {}, .cause = {}};
  }
  std::string* find(const InstanceName& target, std::string_view key) {
    auto at = targets.find(target);
    if (at == targets.end()) return nullptr;
    auto field = at->second.fields.find(std::string(key));
    return field == at->second.fields.end() ? nullptr : &field->second;
  }
};

// A journal in memory: what was put stays, also when the keeper that put it is gone.
class MemoryJournal final : public Journal {
 public:
  bool full = false;
  std::map<ActionId, JournalEntry> kept;
  std::vector<JournalEntry> history;

  [[nodiscard]] std::vector<JournalEntry> entries() override {
    std::vector<JournalEntry> all;
    for (const auto& [id, entry] : kept) all.push_back(entry);
    return all;
  }
  Status put(const JournalEntry& entry) override {
    if (full) return Error{.code = Code::exhausted, .message = "the disk is full", .where = {}, .cause = {}};
    kept.insert_or_assign(entry.order.action, entry);
    history.push_back(entry);
    return {};
  }
};

}  // namespace mien::node::testing
