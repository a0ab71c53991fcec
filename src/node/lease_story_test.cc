// Random stories: orders, ends, faults of the hand, a full disk, a manager that is away, kills, and other people's
// edits. Whatever happened, in the end nothing of ours stands that nobody was told of.
#include <gtest/gtest.h>

#include <set>

#include "base/prng.h"
#include "base/text.h"
#include "node/testing/lease_machine.h"

namespace mien::node {
namespace {

using model::ActionState;
using testing::HandFault;
using testing::HandTouch;
using testing::Machine;
using Kind = HandTouch::Kind;

class Story {
 public:
  explicit Story(std::uint64_t seed) : prng_(seed), full_disks_(seed % 2 == 0) {
    for (const auto& [target, has] : machine_.hand.targets)
      for (const auto& [key, value] : has.fields) theirs_[{target, key}] = value;
    machine_.hand.fault = [this](const HandTouch& touch) { return fault(touch); };
  }

  void live(int steps) {
    for (int i = 0; i < steps; ++i) {
      switch (prng_.below(12)) {
        case 0:
        case 1: order(); break;
        case 2: revert(); break;
        case 3: kill(); break;
        case 4: edit(); break;
        case 5: machine_.manager = !machine_.manager; break;
        case 6: machine_.journal.full = full_disks_ && prng_.below(4) == 0; break;
        case 7: machine_.hold = prng_.below(4) == 0; break;
        case 8: faulty_ = prng_.below(3) == 0; break;
        default: machine_.tick(Duration{std::chrono::seconds{1 + prng_.below(20)}});
      }
    }
  }

  // Everything works again, and enough time passes.
  void calm_down() {
    faulty_ = false;
    machine_.manager = true;
    machine_.journal.full = false;
    machine_.hold = false;
    for (int i = 0; i < 40; ++i) machine_.tick(31s);
  }

  void check(std::uint64_t seed) {
    EXPECT_TRUE(machine_.agent->keeper().in_force().empty()) << seed;
    EXPECT_TRUE(journaled_first_) << seed;
    std::map<ActionId, ActionState> ended;
    for (const model::ActionReport& report : machine_.reports) {
      if (!model::is_finished(report.state)) continue;
      auto [at, first] = ended.emplace(report.action, report.state);
      // It ended once. (An end that a full disk could not take and that was told is found again after a kill.)
      EXPECT_TRUE(full_disks_ || at->second == report.state) << seed << " " << report.action.value;
    }
    for (const ActionId& id : ordered_) EXPECT_TRUE(ended.contains(id)) << seed << " " << id.value;
    for (const auto& [field, value] : theirs_) {
      const std::string& stands = machine_.hand.targets.at(field.first).fields.at(field.second);
      EXPECT_TRUE(stands == value || was_told(field.second, stands))
          << seed << " " << field.second << " reads " << stands << " and was " << value;
    }
  }
  [[nodiscard]] std::size_t writes() const { return machine_.hand.writes.size(); }

 private:
  using FieldOf = std::pair<InstanceName, std::string>;

  HandFault fault(const HandTouch& touch) {
    if (touch.kind == Kind::write) journaled_first_ = journaled_first_ && is_journaled(touch);
    if (!faulty_ || prng_.below(4) != 0) return HandFault::none;
    if (touch.kind == Kind::write) return static_cast<HandFault>(1 + prng_.below(4));
    return touch.kind == Kind::read && prng_.below(2) == 0 ? HandFault::lie : HandFault::fail;
  }
  [[nodiscard]] bool is_journaled(const HandTouch& touch) const {
    for (const auto& [id, entry] : machine_.journal.kept)
      for (const model::Change& change : entry.changes)
        if (entry.order.target == touch.target && change.key == touch.key &&
            (change.after == touch.value || change.before == touch.value))
          return true;
    return false;
  }
  [[nodiscard]] bool was_told(const std::string& key, const std::string& stands) const {
    for (const model::ActionReport& report : machine_.reports)
      for (const model::Change& change : report.changes)
        if (report.state == ActionState::conflicted && change.key == key && change.found == stands) return true;
    return false;
  }

  void order() {
    const auto& target = prng_.below(2) == 0 ? testing::web : testing::batch;
    model::Arguments with{{"cpu.max", cat("ours ", ++values_)}};
    if (target == testing::web && prng_.below(2) == 0) with["memory.high"] = cat("ours ", ++values_);
    model::Order one = machine_.order(cat("a-", ordered_.size()), target, std::move(with));
    one.lease = std::chrono::seconds{1 + prng_.below(60)};
    ordered_.push_back(one.action);
    orders_.push_back(one);
    hear(one);
  }
  void revert() {
    if (orders_.empty()) return;
    model::Order& one = orders_[prng_.below(orders_.size())];
    if (has_ended(one.action)) return;
    ++one.version;
    one.revert = true;
    one.reason = model::EndReason::by_hand;
    hear(one);
  }
  void hear(const model::Order& one) {
    machine_.answers = prng_.below(3) != 0;
    machine_.hear(one);
    std::uint64_t some = prng_.below(6);
    for (std::uint64_t i = 0; !machine_.answers && i < some && !machine_.waiting.empty(); ++i) machine_.answer_next();
    if (!machine_.answers && prng_.below(3) == 0) kill();  // in the middle of it
    machine_.answers = true;
    machine_.settle();
  }
  void kill() {
    machine_.start();
    machine_.sent.clear();
    for (const model::Order& one : orders_)  // the manager says again what it believes to be in force
      if (!has_ended(one.action)) machine_.hear(one);
  }
  [[nodiscard]] bool has_ended(const ActionId& id) const {
    for (const model::ActionReport& report : machine_.reports)
      if (report.action == id && model::is_finished(report.state)) return true;
    return false;
  }
  void edit() {
    auto at = theirs_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(prng_.below(theirs_.size())));
    at->second = cat("theirs ", ++values_);
    machine_.hand.targets[at->first.first].fields[at->first.second] = at->second;
  }

  Prng prng_;
  const bool full_disks_;
  Machine machine_;
  std::map<FieldOf, std::string> theirs_;  // what stands there when Mien has nothing in force
  std::vector<ActionId> ordered_;
  std::vector<model::Order> orders_;
  int values_ = 0;
  bool faulty_ = false;
  bool journaled_first_ = true;
};

TEST(lease_story, whatever_happens_nothing_of_ours_stands_untold) {
  std::size_t writes = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Story story{seed};
    story.live(120);
    story.calm_down();
    story.check(seed);
    writes += story.writes();
    if (::testing::Test::HasFailure()) break;
  }
  EXPECT_GT(writes, 3'000U);  // the stories are about something
}

}  // namespace
}  // namespace mien::node
