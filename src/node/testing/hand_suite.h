// What every driver must do, written against node::Hand: planned without a change, applied by effect, verified by
// reading back, given back to the exact value, and refused clearly where it is impossible.
//
// A driver plugs in by a fixture of its own: hand(), targets that misbehave, and whether a verb's effect is there.
// Each test of the driver makes a HandCase and calls these; they only use EXPECT.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "node/hand.h"

namespace mien::node::testing {

struct HandCase {
  Hand& hand;
  InstanceName target;
  model::Verb verb = model::Verb::limit;
  model::Arguments with;
  // Whether the verb's effect is there now, by what the target does rather than by what is written. Empty: cannot be
  // seen on this driver, and then reading back is all there is.
  std::function<bool()> effect{};
};

// What a plan would write, a line each: "KEY: BEFORE -> AFTER"; or why there is none.
inline std::string plan_text(const Result<Plan>& plan) {
  if (!plan.ok()) return plan.error().to_string();
  std::string lines;
  for (const PlannedField& field : plan->fields) lines += field.key + ": " + field.before + " -> " + field.after + '\n';
  return lines;
}

// The code, and a sentence rather than a number.
inline void expect_refused(const Error& error, Code code, std::string_view what) {
  EXPECT_EQ(error.code, code) << what << ": " << error.to_string();
  EXPECT_GT(error.message.size(), 10U) << what << " is refused without saying why";
}

// Nothing here leaves a value behind: what was read first stands at the end.
inline void expect_applied_and_given_back(const HandCase& each) {
  Result<Plan> plan = each.hand.plan(each.target, each.verb, each.with);
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  ASSERT_FALSE(plan->fields.empty());
  EXPECT_FALSE(plan->identity.empty());
  Result<std::string> identity = each.hand.identity(each.target);
  ASSERT_TRUE(identity.ok()) << identity.error().to_string();
  EXPECT_EQ(*identity, plan->identity) << "the plan is of another run of the target";
  if (each.effect) {
    EXPECT_FALSE(each.effect()) << "the effect is there before anything was done";
  }

  for (const PlannedField& field : plan->fields) {
    Result<std::string> now = each.hand.read(each.target, field.key);
    ASSERT_TRUE(now.ok()) << field.key << ": " << now.error().to_string();
    EXPECT_EQ(*now, field.before) << field.key << ": planning changed it, or read it wrong";
    EXPECT_NE(field.before, field.after) << field.key << " is planned and would not change";
  }
  for (const PlannedField& field : plan->fields) {
    Status written = each.hand.write(each.target, field.key, field.after);
    ASSERT_TRUE(written.ok()) << field.key << ": " << written.error().to_string();
    Status again = each.hand.write(each.target, field.key, field.after);
    EXPECT_TRUE(again.ok()) << field.key << " can not be written twice: " << again.error().to_string();
  }
  for (const PlannedField& field : plan->fields) {
    Result<std::string> now = each.hand.read(each.target, field.key);
    ASSERT_TRUE(now.ok()) << field.key << ": " << now.error().to_string();
    EXPECT_EQ(*now, field.after) << field.key << " reads otherwise than it was planned";
  }
  if (each.effect) {
    EXPECT_TRUE(each.effect()) << "the values stand and the effect is not there";
  }
  Result<Plan> second = each.hand.plan(each.target, each.verb, each.with);
  if (!second.ok()) expect_refused(second.error(), Code::refused, "what stands already");

  for (auto field = plan->fields.rbegin(); field != plan->fields.rend(); ++field) {
    Status restored = each.hand.write(each.target, field->key, field->before);
    ASSERT_TRUE(restored.ok()) << field->key << ": " << restored.error().to_string();
  }
  for (const PlannedField& field : plan->fields) {
    Result<std::string> now = each.hand.read(each.target, field.key);
    ASSERT_TRUE(now.ok()) << field.key << ": " << now.error().to_string();
    EXPECT_EQ(*now, field.before) << field.key << " was not given back exactly";
  }
  if (each.effect) {
    EXPECT_FALSE(each.effect()) << "everything was given back and the effect is still there";
  }
  EXPECT_EQ(each.hand.identity(each.target).value_or(""), plan->identity) << "the target did not live through it";
}

// A hand that dies between two fields leaves what the journal can put back: each field alone, in either order.
inline void expect_repaired_when_half_applied(const HandCase& each) {
  Result<Plan> plan = each.hand.plan(each.target, each.verb, each.with);
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  for (std::size_t written = 1; written <= plan->fields.size(); ++written) {
    for (std::size_t i = 0; i < written; ++i)
      ASSERT_TRUE(each.hand.write(each.target, plan->fields[i].key, plan->fields[i].after).ok());
    for (const PlannedField& field : plan->fields) {
      Result<std::string> now = each.hand.read(each.target, field.key);
      ASSERT_TRUE(now.ok()) << now.error().to_string();
      EXPECT_TRUE(*now == field.before || *now == field.after) << field.key << " is neither old nor new: " << *now;
      if (*now == field.after) {
        EXPECT_TRUE(each.hand.write(each.target, field.key, field.before).ok());
      }
      EXPECT_EQ(each.hand.read(each.target, field.key).value_or("unreadable"), field.before) << field.key;
    }
  }
}

inline void expect_impossible(const HandCase& each, Code code) {
  Result<Plan> plan = each.hand.plan(each.target, each.verb, each.with);
  ASSERT_FALSE(plan.ok()) << "was planned: " << (plan->fields.empty() ? "nothing" : plan->fields.front().key);
  expect_refused(plan.error(), code, model::to_text(each.verb));
}

// What no driver may do, asked of a target that is there: `known_key` is a field that it has.
inline void expect_clear_refusals(Hand& hand, const InstanceName& target, const std::string& known_key) {
  using model::Verb;
  const InstanceName missing("no-such-unit.service@" + target.value.substr(target.value.rfind('@') + 1));
  expect_impossible({.hand = hand, .target = missing, .verb = Verb::limit, .with = {{"cpu", "50%"}}}, Code::not_found);
  EXPECT_FALSE(hand.identity(missing).ok());
  EXPECT_FALSE(hand.read(missing, known_key).ok());
  EXPECT_FALSE(hand.write(missing, known_key, "1").ok());
  expect_impossible({.hand = hand, .target = target, .verb = Verb::limit, .with = {{"cpu", "a lot"}}}, Code::invalid);
  expect_impossible({.hand = hand, .target = target, .verb = Verb::limit, .with = {{"colour", "red"}}}, Code::invalid);
  expect_impossible({.hand = hand, .target = target, .verb = Verb::limit, .with = {}}, Code::invalid);

  std::string before = hand.read(target, known_key).value_or("unreadable");
  for (const char* value : {"", "nonsense", "12 monkeys", "1\n2", "-7"}) {
    Status written = hand.write(target, known_key, value);
    ASSERT_FALSE(written.ok()) << known_key << " took `" << value << '`';
    expect_refused(written.error(), Code::invalid, value);
  }
  EXPECT_EQ(hand.read(target, known_key).value_or("unreadable"), before) << "a refused value was written";
  for (const char* key : {"", "no.such.field", "../cgroup.procs", "cgroup.procs", "cpu.max/../cgroup.kill"}) {
    Status written = hand.write(target, key, "1");
    ASSERT_FALSE(written.ok()) << "the field `" << key << "` was written";
    expect_refused(written.error(), Code::unsupported, key);
    EXPECT_FALSE(hand.read(target, key).ok()) << key;
  }
}

// Every verb is either said to work or said why not.
inline void expect_abilities_are_explained(Hand& hand) {
  std::vector<Hand::Ability> abilities = hand.abilities();
  EXPECT_FALSE(abilities.empty());
  for (const Hand::Ability& ability : abilities)
    EXPECT_EQ(ability.works, ability.why_not.empty()) << model::to_text(ability.verb) << ": " << ability.why_not;
}

}  // namespace mien::node::testing
