// Security facts of an instance: judged beside its samples, kept, stored with its snapshot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/text.h"
#include "node/instance.h"
#include "node/series_table.h"

namespace mien::node {
namespace {

using model::FactKind;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr WallTime start{1'700'000'000'000'000'000};

// A host with an agent: a sample and the same few facts each ten seconds.
class Host {
 public:
  explicit Host(double weight = 5) {
    model::Frame first = frame_of({});
    instance_.emplace(InstanceName{"web-01"}, first.instances[0], now);
    assignment_.persona = PersonaName{"web"};
    assignment_.reason = "test";
    assignment_.expectation.weights["security"] = weight;
    assign();
    (void)take(first);
  }

  void assign() {
    Effects effects;
    instance_->assign({.now = now, .position = ++position_, .part = 0}, assignment_, effects);
  }

  // One tick: its facts are those of the moment unless they have a time.
  Effects tick(std::vector<model::SecurityFact> facts = {}, Duration step = 10s) {
    now = now + step;
    for (model::SecurityFact& fact : facts)
      if (fact.at.ns == 0) fact.at = now;
    model::Frame frame = frame_of(std::move(facts));
    return take(frame);
  }

  Effects take(const model::Frame& frame) {
    Effects effects;
    counted = instance_->on_frame({.now = now, .position = ++position_, .part = 0}, frame, frame.instances[0], effects);
    return effects;
  }

  void live(std::chrono::hours hours) {
    for (Duration passed{}; passed < hours; passed += 60s)
      (void)tick({fact(FactKind::execution, cat("/usr/bin/tool", ++turn_ % 4))}, 60s);
  }

  static model::SecurityFact fact(FactKind kind, std::string object) {
    model::SecurityFact made;
    made.kind = kind;
    made.object = std::move(object);
    made.process = "/usr/bin/python3";
    made.user = "deploy";
    return made;
  }

  model::Frame frame_of(std::vector<model::SecurityFact> facts) {
    model::Delivery delivery{
        .source = "web-01", .epoch = 1, .sequence = ++sequence_, .authenticated = true, .instances = {}};
    ++noise_;
    delivery.instances.push_back(
        {.instance = InstanceName{"web-01"},
         .type = model::InstanceType::host,
         .parent = {},
         .identities = {},
         .series = {{.metric = MetricName{"system.cpu.utilization"}, .attributes = {}, .unit = "1", .kind = {}}},
         .batch = {.times = {now}, .series = {}, .values = {0.2 + 0.01 * static_cast<double>(noise_ * 7 % 11)}},
         .refused = 0,
         .facts = std::move(facts)});
    return series_.number(std::move(delivery));
  }

  Instance& instance() { return *instance_; }
  Assignment& assignment() { return assignment_; }
  [[nodiscard]] const std::vector<OpenFinding>& open() const { return instance_->state().open; }
  void restart() {
    std::string bytes = instance_->encode(position_);
    instance_.emplace(std::move(Instance::decode(bytes).value().instance));
    EXPECT_EQ(to_hex(instance_->encode(position_)), to_hex(bytes));
  }

  WallTime now = start;
  Counters counted;

 private:
  SeriesTable series_;
  std::optional<Instance> instance_;
  Assignment assignment_;
  std::uint64_t sequence_ = 0;
  store::LogPosition position_ = 0;
  std::uint64_t noise_ = 0;
  int turn_ = 0;
};

std::size_t opened(const Effects& effects) {
  std::size_t count = 0;
  for (const Notice& notice : effects.notices) count += notice.type == "finding.opened" ? 1 : 0;
  return count;
}

TEST(InstanceFacts, SomethingNewOpensAFindingOfKindSecurityAndIsKept) {
  Host host;
  host.live(24h * 7);
  ASSERT_NE(host.instance().state().drift.state, model::LearningState::learning);
  Effects effects = host.tick({Host::fact(FactKind::listener, "tcp/4444")});
  ASSERT_EQ(opened(effects), 1U);
  ASSERT_EQ(host.open().size(), 1U);
  EXPECT_EQ(host.open()[0].finding.kind, model::FindingKind::security);
  EXPECT_EQ(host.open()[0].finding.persona.value, "web");
  EXPECT_THAT(host.open()[0].finding.summary, HasSubstr("python3 (user deploy) listens on tcp/4444"));
  EXPECT_GT(host.instance().state().drift.score, 0.7);
  ASSERT_EQ(effects.facts.size(), 1U);
  EXPECT_EQ(effects.facts[0].facts[0].object, "tcp/4444");
  ASSERT_EQ(effects.audit.size(), 1U);
  EXPECT_EQ(effects.audit[0].verb, "finding.opened");
  EXPECT_THAT(effects.audit[0].detail, Not(HasSubstr("deploy"))) << "nothing personal in the chain";
}

TEST(InstanceFacts, TheFindingClosesAfterTenQuietMinutesAndWhatItWasAboutIsLearnedThen) {
  Host host;
  host.live(24h * 7);
  (void)host.tick({Host::fact(FactKind::execution, "/opt/x")});
  ASSERT_EQ(host.open().size(), 1U);
  for (int i = 0; i < 58; ++i) (void)host.tick();
  EXPECT_EQ(host.open().size(), 1U);
  for (int i = 0; i < 5; ++i) (void)host.tick();
  EXPECT_TRUE(host.open().empty());
  EXPECT_EQ(host.instance().state().behavior.security.find(FactKind::execution, "/opt/x"), nullptr);
  EXPECT_EQ(opened(host.tick({Host::fact(FactKind::execution, "/opt/x")})), 0U);
  EXPECT_NE(host.instance().state().behavior.security.find(FactKind::execution, "/opt/x"), nullptr);
}

TEST(InstanceFacts, WhileLearningOnlyADenyListOpensAFinding) {
  Host host;
  (void)host.tick({Host::fact(FactKind::execution, "/tmp/x")});
  EXPECT_TRUE(host.open().empty());
  host.assignment().expectation.security.executables.deny = {"/tmp/**"};
  host.assign();
  (void)host.tick({Host::fact(FactKind::execution, "/tmp/y")});
  ASSERT_EQ(host.open().size(), 1U);
  EXPECT_EQ(host.open()[0].finding.severity, model::Severity::high);
}

TEST(InstanceFacts, AcknowledgingTeaches) {
  Host host;
  host.live(24h * 7);
  (void)host.tick({Host::fact(FactKind::execution, "/opt/x")});
  ASSERT_EQ(host.open().size(), 1U);
  Effects effects;
  ASSERT_TRUE(host.instance().acknowledge({.now = host.now, .position = 1'000'000, .part = 0},
                                          host.open()[0].finding.id, "ours", "anna", effects));
  EXPECT_NE(host.instance().state().behavior.security.find(FactKind::execution, "/opt/x"), nullptr);
}

TEST(InstanceFacts, ARequestThatComesTwiceIsTakenOnce) {
  Host host;
  host.now = host.now + 10s;
  model::SecurityFact fact = Host::fact(FactKind::execution, "/usr/bin/a");
  fact.at = host.now;
  model::Frame frame = host.frame_of({fact});
  EXPECT_EQ(host.take(frame).facts.size(), 1U);
  EXPECT_EQ(host.take(frame).facts.size(), 0U);
  EXPECT_EQ(host.instance().state().behavior.security.of(FactKind::execution).total, 1);
}

TEST(InstanceFacts, WhoIsNoAgentBringsNone) {
  Host host;
  model::Frame frame = host.frame_of({Host::fact(FactKind::execution, "/usr/bin/a")});
  frame.authenticated = false;
  EXPECT_TRUE(host.take(frame).facts.empty());
}

TEST(InstanceFacts, WhatIsTooFarAheadIsRefusedAndWhatIsOldIsOnlyKept) {
  Host host;
  host.assignment().expectation.security.executables.deny = {"/tmp/**"};
  host.assign();
  model::SecurityFact ahead = Host::fact(FactKind::execution, "/tmp/a");
  ahead.at = host.now + 1h;
  EXPECT_TRUE(host.tick({ahead}).facts.empty());
  EXPECT_EQ(host.instance().state().refused, 1U);
  model::SecurityFact old = Host::fact(FactKind::execution, "/tmp/a");
  old.at = host.now - 1h;
  EXPECT_EQ(host.tick({old}).facts.size(), 1U);
  EXPECT_TRUE(host.open().empty());
  model::SecurityFact late = Host::fact(FactKind::execution, "/tmp/a");
  late.at = host.now - 5min;
  (void)host.tick({late});
  ASSERT_EQ(host.open().size(), 1U);
  EXPECT_TRUE(host.open()[0].finding.late);
}

TEST(InstanceFacts, AHeldInstanceLearnsNothing) {
  Host host;
  host.instance().state().learning_held = true;
  (void)host.tick({Host::fact(FactKind::execution, "/usr/bin/a")});
  EXPECT_TRUE(host.instance().state().behavior.security.kinds.empty());
}

TEST(InstanceFacts, APersonaThatComesBackKnowsWhatItKnew) {
  Host host;
  host.live(1h);
  ASSERT_NE(host.instance().state().behavior.security.find(FactKind::execution, "/usr/bin/tool1"), nullptr);
  host.assignment().persona = PersonaName{"night"};
  host.assign();
  EXPECT_TRUE(host.instance().state().behavior.security.kinds.empty());
  host.assignment().persona = PersonaName{"web"};
  host.assign();
  EXPECT_NE(host.instance().state().behavior.security.find(FactKind::execution, "/usr/bin/tool1"), nullptr);
}

TEST(InstanceFacts, ASnapshotCarriesTheListsTheProfileAndTheOpenEpisode) {
  Host host;
  host.assignment().expectation.security.listen.allow = {"tcp/443"};
  host.assign();
  host.live(24h * 7);
  (void)host.tick({Host::fact(FactKind::listener, "tcp/4444"), Host::fact(FactKind::execution, "/opt/x")});
  ASSERT_EQ(host.open().size(), 2U);
  host.restart();
  EXPECT_EQ(opened(host.tick({Host::fact(FactKind::listener, "tcp/4444"), Host::fact(FactKind::execution, "/opt/x")})),
            0U);
  EXPECT_EQ(host.instance().view()->security.size(), 1U);
  EXPECT_EQ(host.instance().view()->security[0].objects, 4U);
}

}  // namespace
}  // namespace mien::node
