// What an instance learns slowly: another baseline for a life that changed, and what left what people declare.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/prng.h"
#include "learn/learn.h"
#include "node/instance.h"
#include "node/series_table.h"

namespace mien::node {
namespace {

constexpr WallTime start{1'699'833'600'000'000'000};  // midnight UTC
using namespace std::chrono_literals;

// Three series that breathe together, a row a minute.
struct Machine {
  SeriesTable table;
  std::optional<Instance> instance;
  std::uint64_t number = 0;
  Prng random{4};
  WallTime now = start;
  double level = 10;
  bool apart = false;                // threads go their own way, as wide as ever
  std::vector<std::string> audited;  // verb and subject
  std::map<std::string, bool> keys;  // of revisions: there, or erased
  std::map<std::string, std::string> stored;
  std::optional<model::Finding> departed;

  explicit Machine(Assignment assignment = plain()) {
    minute();
    Effects effects;
    instance->assign(step(), std::move(assignment), effects);
  }
  static Assignment plain() {
    Assignment assignment;
    assignment.persona = PersonaName{"web"};
    assignment.expectation.persona = assignment.persona;
    assignment.expectation.generation = 3;
    return assignment;
  }
  [[nodiscard]] Instance::Step step() const { return {.now = now, .position = number + 1, .part = 0}; }
  void minute() {
    now = now + 1min;
    model::DeliveredInstance one;
    one.instance = InstanceName{"web-01"};
    one.type = model::InstanceType::host;
    one.batch.times = {now};
    double load = level + random.normal();
    int i = 0;
    for (const char* metric : {"requests", "bytes", "threads"}) {
      one.series.push_back({.metric = MetricName{metric}, .attributes = {}, .unit = "1", .kind = {}});
      double own = apart && i == 2 ? level + random.normal() : load;
      one.batch.values.push_back(++i * own + 0.3 * random.normal());
    }
    model::Delivery delivery{
        .source = "web-01", .epoch = 1, .sequence = ++number, .authenticated = true, .instances = {one}};
    model::Frame frame = table.number(std::move(delivery));
    if (!instance) instance.emplace(InstanceName{"web-01"}, frame.instances[0], now);
    Effects effects;
    instance->on_frame(step(), frame, frame.instances[0], effects);
    take(effects);
  }
  void take(const Effects& effects) {
    for (const model::AuditEvent& event : effects.audit) audited.push_back(event.verb + " " + event.subject);
    for (const store::Write& write : effects.writes) {
      if (write.table != store::Table::revision) continue;
      keys[write.key] = write.bytes.has_value();
      if (write.bytes) stored[write.key] = *write.bytes;
    }
    for (const Notice& notice : effects.notices)
      if (notice.finding && notice.finding->summary.starts_with("what was learned left")) departed = *notice.finding;
  }
  void live(Duration time) {
    for (WallTime end = now + time; now < end;) minute();
  }
  double highest_score(Duration time) {
    double highest = 0;
    for (WallTime end = now + time; now < end;) {
      minute();
      highest = std::max(highest, instance->view()->drift.score);
    }
    return highest;
  }
  [[nodiscard]] bool did(std::string_view what) const {
    return std::any_of(audited.begin(), audited.end(), [&](const std::string& each) { return each.starts_with(what); });
  }
  void again() {
    Result<Instance::Restored> restored = Instance::decode(instance->encode(7));
    ASSERT_TRUE(restored.ok()) << restored.error().to_string();
    instance = std::move(restored->instance);
  }
  [[nodiscard]] model::PersonaRevision newest_stored() {
    std::string newest;
    for (const auto& [key, there] : keys)
      if (there && !is_candidate_key(key)) newest = key;
    return decode<model::PersonaRevision>(stored[newest], "revision").value();
  }
  void roll_back(const model::PersonaRevision& revision) {
    Effects effects;
    instance->restore_revision(step(), revision, effects);
    take(effects);
  }
  void assign(const char* persona) {
    Assignment assignment = plain();
    assignment.persona = assignment.expectation.persona = PersonaName{persona};
    Effects effects;
    instance->assign(step(), std::move(assignment), effects);
  }
  [[nodiscard]] bool sees_broken_relations() const {
    const std::vector<OpenFinding>& open = instance->state().open;
    return std::any_of(open.begin(), open.end(),
                       [](const auto& each) { return each.finding.kind == model::FindingKind::relation; });
  }
  [[nodiscard]] std::string candidate_stored() const {
    for (const auto& [key, there] : keys)
      if (there && is_candidate_key(key)) return key;
    return {};
  }
};

TEST(SlowLearning, ALifeThatChangedForADayBecomesACandidateThatAPersonPromotes) {
  Machine machine;
  machine.live(72h);
  ASSERT_TRUE(machine.keys.contains("web@web-01/000000000001"));
  EXPECT_FALSE(machine.instance->view()->candidate);
  machine.level = 30;
  machine.live(20h);
  EXPECT_TRUE(machine.did("finding.opened")) << "it was reported";
  EXPECT_EQ(machine.instance->view()->drift.state, model::LearningState::suspect);
  EXPECT_TRUE(machine.instance->view()->candidate);
  EXPECT_FALSE(machine.did("revision.proposed"));
  machine.live(16h);
  ASSERT_TRUE(machine.did("revision.proposed"));
  std::string key = machine.candidate_stored();
  ASSERT_FALSE(key.empty());
  model::PersonaRevision candidate = decode<model::PersonaRevision>(machine.stored[key], "revision").value();
  EXPECT_EQ(candidate.generation, 3U);
  EXPECT_NEAR(learn::behavior_of(candidate).series[0].anchor.location, 30, 1);
  EXPECT_LT(machine.instance->state().behavior.series[0].anchor.location, 20) << "the one in force only creeps";

  Effects effects;
  machine.instance->restore_revision(machine.step(), candidate, effects);
  machine.take(effects);
  EXPECT_TRUE(machine.candidate_stored().empty()) << "it is a revision as any other now";
  EXPECT_TRUE(machine.keys[revision_key(candidate.persona, InstanceName{"web-01"}, candidate.number)]);
  EXPECT_TRUE(machine.keys["web@web-01/000000000001"]) << "the way back";
  EXPECT_TRUE(machine.instance->state().open.empty());
  machine.live(6h);
  EXPECT_TRUE(machine.instance->state().open.empty()) << "this is how it lives now";
  EXPECT_EQ(machine.instance->view()->drift.state, model::LearningState::ready);
}

TEST(SlowLearning, ACandidateIsGivenUpWhenTheOldLifeComesBack) {
  Machine machine;
  machine.live(72h);
  machine.level = 30;
  machine.live(40h);
  ASSERT_FALSE(machine.candidate_stored().empty());
  machine.level = 10;
  machine.live(9h);
  EXPECT_TRUE(machine.did("revision.withdrawn"));
  EXPECT_TRUE(machine.candidate_stored().empty());
  EXPECT_FALSE(machine.instance->view()->candidate);
}

TEST(SlowLearning, SavedAndRestoredAtAnyRowACandidateLearnsAlike) {
  Machine whole;
  Machine cut;
  for (Machine* machine : {&whole, &cut}) machine->live(48h);
  for (Machine* machine : {&whole, &cut}) machine->level = 30;
  for (int i = 0; i < 36 * 60; ++i) {
    whole.minute();
    cut.minute();
    if (i % 29 == 0) cut.again();
  }
  EXPECT_TRUE(whole.did("revision.proposed"));
  EXPECT_EQ(whole.instance->encode(7), cut.instance->encode(7));
  EXPECT_EQ(whole.stored, cut.stored);
  EXPECT_EQ(whole.audited, cut.audited);
}

TEST(SlowLearning, SnapshotsOfTheVersionsBeforeAreRead) {
  Machine machine;
  machine.live(10min);
  learn::Windows none = std::exchange(machine.instance->state().windows, {});
  std::string bytes = machine.instance->encode(7);
  ASSERT_EQ(bytes[0], 6);
  std::string without_parked_habits = bytes.substr(0, bytes.size() - 1);
  without_parked_habits[0] = 4;
  std::string with_habits_of_before = bytes;  // of none
  with_habits_of_before[0] = 5;
  std::string without_windows = bytes.substr(0, bytes.size() - mien::encode(learn::Windows{}).size() - 2);
  without_windows[0] = 3;
  for (const std::string& old : {with_habits_of_before, without_parked_habits, without_windows}) {
    Result<Instance::Restored> restored = Instance::decode(old);
    ASSERT_TRUE(restored.ok()) << restored.error().to_string();
    EXPECT_EQ(restored->instance.encode(7), bytes);
  }
}

// ---- a roll-back brings back what moved with what ----

// Ten rows of noise are few: what parts shows nothing odd in some of them.
TEST(Rollback, RelationsThatBreakRightAfterItAreSeenWithinTenRows) {
  int seen = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Machine with, without, in_another_order;
    for (Machine* machine : {&with, &without, &in_another_order}) {
      machine->random = Prng(seed);
      machine->live(72h);
    }
    model::PersonaRevision revision = with.newest_stored();
    ASSERT_FALSE(learn::habits_of(revision).relations.paths.empty());
    with.roll_back(revision);
    model::PersonaRevision bare = revision;
    bare.behavior = learn::make_revision(learn::behavior_of(revision), revision.series, with.now).behavior;
    without.roll_back(bare);
    model::PersonaRevision reordered = revision;
    std::swap(reordered.series[0], reordered.series[1]);
    in_another_order.roll_back(reordered);
    for (Machine* machine : {&with, &without, &in_another_order}) {
      machine->live(10min);
      EXPECT_TRUE(machine->instance->state().open.empty()) << "nothing happened yet";
      machine->apart = true;
      machine->live(10min);
    }
    seen += with.sees_broken_relations() ? 1 : 0;
    EXPECT_FALSE(without.sees_broken_relations()) << "it takes a hundred blocks to learn them";
    EXPECT_FALSE(in_another_order.sees_broken_relations()) << "of other series they say nothing";
  }
  EXPECT_GE(seen, 3);
}

TEST(Rollback, OfAPersonaThatIsNotActiveItWaitsUntilItIs) {
  Machine machine;
  machine.live(72h);
  model::PersonaRevision revision = machine.newest_stored();
  machine.assign("batch");
  machine.live(10min);
  machine.roll_back(revision);
  EXPECT_EQ(machine.instance->state().parked_habits.size(), 1U);
  machine.again();
  machine.assign("web");
  EXPECT_TRUE(machine.instance->state().parked_habits.empty());
  machine.live(10min);
  EXPECT_TRUE(machine.instance->state().open.empty());
  machine.apart = true;
  EXPECT_GE(machine.highest_score(10min), 0.7) << "an onset";
}

TEST(Rollback, SavedAndRestoredAtAnyRowAfterItNothingChanges) {
  Machine whole, cut;
  for (Machine* machine : {&whole, &cut}) {
    machine->live(30h);
    machine->roll_back(machine->newest_stored());
  }
  cut.again();  // before the first row
  for (int i = 0; i < 400; ++i) {
    whole.apart = cut.apart = i > 300;
    whole.minute();
    cut.minute();
    if (i % 7 == 0) cut.again();
  }
  EXPECT_EQ(whole.instance->encode(7), cut.instance->encode(7));
  EXPECT_EQ(whole.stored, cut.stored);
  EXPECT_EQ(whole.audited, cut.audited);
}

TEST(Rollback, ACandidateCarriesTheRelationsOfTheNewLife) {
  Machine machine;
  machine.live(72h);
  machine.level = 30;
  machine.live(36h);
  std::string key = machine.candidate_stored();
  ASSERT_FALSE(key.empty());
  model::PersonaRevision candidate = decode<model::PersonaRevision>(machine.stored[key], "revision").value();
  model::RelationHabits relations = learn::habits_of(candidate).relations;
  ASSERT_EQ(relations.paths.size(), 3U);
  EXPECT_NEAR(static_cast<double>(relations.paths[0].center), 30, 1);
}

TEST(SlowLearning, WhatWasLearnedAwayFromWhatIsDeclaredIsAFinding) {
  Assignment assignment = Machine::plain();
  model::DeclaredMetric requests;
  requests.distribution = model::DeclaredDistribution{.kind = model::DistributionKind::exponential, .a = 5, .b = 0};
  assignment.expectation.metrics["requests"] = requests;
  Machine machine(assignment);
  machine.live(30h);
  ASSERT_TRUE(machine.departed) << "twice the declared mean, and no sample of it is improbable";
  EXPECT_EQ(machine.departed->kind, model::FindingKind::level);
  EXPECT_EQ(machine.departed->first_mover, "requests");
  EXPECT_GT(machine.instance->view()->slow->departure_bits, 1);

  assignment.expectation.metrics["requests"].distribution->a = 10;  // people see that it is so
  Effects effects;
  machine.instance->assign(machine.step(), assignment, effects);
  machine.live(40min);
  EXPECT_TRUE(machine.departed->resolved_at) << "within a window of history";

  assignment.expectation.metrics["requests"].distribution->a = 5;
  assignment.expectation.depart = Bits{5};
  machine.departed.reset();
  machine.instance->assign(machine.step(), assignment, effects);
  machine.live(3h);
  EXPECT_FALSE(machine.departed) << "drift.depart says how far it may go";
}

}  // namespace
}  // namespace mien::node
