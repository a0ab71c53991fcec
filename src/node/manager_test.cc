#include "node/manager_driver.h"

#include <gtest/gtest.h>

#include <set>

#include "base/prng.h"
#include "base/text.h"
#include "node/testing/small_manager.h"

namespace mien::node {
namespace {

using namespace testing;

TEST(Manager, AHogAgainstADeclaredPersonaOpensOneFindingWithinFiveSamples) {
  SmallManager world;
  world.settle_in();
  EXPECT_TRUE(world.instance("web-01")->findings.empty());
  for (int i = 0; i < 5; ++i) world.second(1.0);
  ASSERT_EQ(world.instance("web-01")->findings.size(), 1U);
  const model::Finding& finding = world.instance("web-01")->findings[0];
  ASSERT_FALSE(finding.metrics.empty());
  EXPECT_EQ(finding.metrics[0].name.value, "system.cpu.utilization");
  EXPECT_EQ(finding.persona.value, "web");
  EXPECT_FALSE(finding.late);
}

TEST(Manager, AFindingThatEndsWithItsPersonaCountsAsResolved) {
  SmallManager world;
  world.settle_in();
  for (int i = 0; i < 5; ++i) world.second(1.0);
  ASSERT_EQ(world.instance("web-01")->findings.size(), 1U);
  ASSERT_TRUE(world.give(Deactivate{.persona = {}, .instance = InstanceName{"web-01"}}).status.ok());
  EXPECT_TRUE(world.instance("web-01")->findings.empty());
  EXPECT_EQ(world.driver->manager().counters().findings_opened, 1U);
  EXPECT_EQ(world.driver->manager().counters().findings_resolved, 1U);
}

TEST(Manager, TheFindingIsTheSameOneAfterARestartAtEveryPoint) {
  SmallManager world;
  world.settle_in();
  std::string id;
  for (int i = 0; i < 40; ++i) {
    world.second(1.0);
    world.restart();
    auto findings = world.instance("web-01")->findings;
    if (findings.empty()) continue;
    ASSERT_EQ(findings.size(), 1U);
    if (id.empty()) id = findings[0].id.value;
    EXPECT_EQ(findings[0].id.value, id);
  }
  EXPECT_FALSE(id.empty());
  EXPECT_EQ(world.driver->manager().counters().findings_opened, 1U);
}

TEST(Manager, RestartsNeitherLoseNorRepeatASample) {
  SmallManager world;
  Prng prng{7};
  for (int i = 0; i < 300; ++i) {
    world.second(0.1 + 0.02 * prng.normal());
    if (prng.chance(0.1)) world.restart();
  }
  EXPECT_EQ(world.driver->manager().counters().samples, 300U);
  EXPECT_EQ(world.instance("web-01")->samples, 300U);
}

TEST(Manager, FoldedAnewTheLogGivesTheSameBytes) {
  SmallManager world;
  Prng prng{8};
  for (int i = 0; i < 200; ++i) world.second(0.1 + 0.02 * prng.normal());
  std::string before = world.driver->manager().find(InstanceName{"web-01"})->encode(0);
  world.restart();
  EXPECT_EQ(world.driver->manager().find(InstanceName{"web-01"})->encode(0), before);
}

TEST(Manager, TheSameRequestTwiceIsCountedOnce) {
  SmallManager world;
  world.second(0.1);
  world.now = world.now + 1s;
  Record record = world.frame_of("web-01", 0.2);
  world.append(record);
  world.append(record);
  world.fold();
  EXPECT_EQ(world.driver->manager().counters().samples, 2U);
  EXPECT_EQ(world.driver->manager().counters().frames_duplicate, 1U);
}

TEST(Manager, AnOldBacklogIsKeptButNotJudged) {
  SmallManager world;
  world.settle_in();
  WallTime now = world.now;
  world.now = now - 11min;
  Record record = world.frame_of("web-01", 1.0);
  world.now = now + 1s;
  world.append(record);
  world.fold();
  EXPECT_EQ(world.driver->manager().counters().samples_late, 1U);
  EXPECT_EQ(world.driver->manager().counters().samples_duplicate, 0U);
}

TEST(Manager, SamplesFromTheFutureAreRefusedAndCounted) {
  SmallManager world;
  world.second(0.1);
  WallTime now = world.now;
  world.now = now + 1h;
  Record record = world.frame_of("web-01", 0.5);
  world.now = now + 1s;
  world.append(record);
  world.fold();
  EXPECT_EQ(world.driver->manager().counters().samples_future, 1U);
  EXPECT_EQ(world.driver->manager().counters().samples, 1U);
}

TEST(Manager, AnotherSenderCanNotSpeakForAnAgentsInstance) {
  SmallManager world;
  world.second(0.1);
  world.now = world.now + 1s;
  model::Delivery delivery;
  delivery.instances.push_back(
      {.instance = InstanceName{"web-01"},
       .type = model::InstanceType::external,
       .parent = {},
       .identities = {},
       .series = {{.metric = MetricName{"system.cpu.utilization"}, .attributes = {}, .unit = "1", .kind = {}}},
       .batch = {.times = {world.now}, .series = {}, .values = {1.0}},
       .refused = 0});
  world.append(FrameArrived{.frame = world.series.number(delivery)});
  world.fold();
  EXPECT_EQ(world.driver->manager().counters().samples, 1U);
  EXPECT_EQ(world.driver->manager().counters().samples_refused, 1U);
  EXPECT_FALSE(world.instance("web-01")->conditions.empty());
}

TEST(Manager, SilenceIsAFindingAndEndsWithTheNextSample) {
  SmallManager world;
  world.second(0.1);
  for (int i = 0; i < 200; ++i) {
    world.now = world.now + 1s;
    world.append(TickPassed{});
    world.fold();
  }
  ASSERT_EQ(world.instance("web-01")->findings.size(), 1U);
  EXPECT_EQ(world.instance("web-01")->findings[0].kind, model::FindingKind::silence);
  EXPECT_EQ(world.instance("web-01")->drift.state, model::LearningState::stale);
  world.second(0.1);
  EXPECT_TRUE(world.instance("web-01")->findings.empty());
}

TEST(Manager, GenerationsAreCheckedKeptAndRolledBack) {
  SmallManager world;
  world.second(0.1);
  EXPECT_EQ(world.put(persona("web", *declared_cpu().map())).generation, 1U);
  EXPECT_EQ(world.put(persona("web", *declared_cpu().map())).note, "unchanged");
  EXPECT_EQ(world.put(persona("web", {})).generation, 2U);
  model::Resource stale = persona("web", *declared_cpu().map());
  stale.metadata.generation = 1;
  EXPECT_EQ(world.put(stale).status.error().code, Code::conflict);
  Answer rolled = world.give(RollbackPersona{.persona = PersonaName{"web"}, .to = 1, .resource = {}, .revisions = {}});
  ASSERT_TRUE(rolled.status.ok());
  EXPECT_EQ(rolled.generation, 3U);
  EXPECT_EQ(world.driver->view()->resources.at("persona/web")->spec, declared_cpu());
  EXPECT_EQ(world.give(RollbackPersona{.persona = PersonaName{"web"}, .to = 9, .resource = {}, .revisions = {}})
                .status.error()
                .code,
            Code::not_found);
}

TEST(Manager, AFullDiskLosesNothingAndGoesOnWhenThereIsRoom) {
  SmallManager world;
  world.settle_in();
  world.ledger.full = true;
  world.now = world.now + 1s;
  world.append(world.frame_of("web-01", 0.1));
  auto refused = world.driver->pump(world.now);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::exhausted);
  world.ledger.full = false;
  world.fold();
  EXPECT_EQ(world.driver->manager().counters().samples, 22U);
  EXPECT_EQ(world.driver->view()->counters.samples, 22U);
}

TEST(Manager, AZombieOwnerCanNotWrite) {
  SmallManager world;
  world.second(0.1);
  std::unique_ptr<ManagerDriver> zombie = std::move(world.driver);
  world.restart();
  world.second(0.1);
  auto refused = zombie->pump(world.now);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::conflict);
}

TEST(Manager, ALogThatLostItsTailStartsANewEpochAndSaysSo) {
  SmallManager world;
  world.settle_in();
  world.log.skip_sync = true;
  for (int i = 0; i < 5; ++i) world.second(0.1);
  world.log.skip_sync = false;
  world.log.cut_power();
  std::uint64_t samples = world.driver->manager().counters().samples;
  world.restart();
  EXPECT_EQ(world.driver->manager().counters().log_gaps, 1U);
  EXPECT_EQ(world.driver->manager().counters().samples, samples) << "the ledger's count stands";
  world.second(0.1);
  EXPECT_EQ(world.driver->manager().counters().samples, samples + 1);
  world.restart();
  EXPECT_EQ(world.driver->manager().counters().log_gaps, 1U);
}

TEST(Manager, TheAuditChainHoldsAcrossRestarts) {
  SmallManager world;
  world.settle_in();
  world.restart();
  for (int i = 0; i < 70; ++i) world.second(1.0);
  world.restart();
  auto verdict = store::verify_audit(world.ledger, testing::test_hash,
                                     [](auto bytes, auto signature) { return bytes == signature; }, {});
  ASSERT_TRUE(verdict.ok());
  EXPECT_FALSE(verdict->broken.has_value());
  EXPECT_GT(verdict->rows, 4U);
}

TEST(Manager, ACutTailOfTheAuditIsNamedHoweverShortAndHoweverLongTheManagerRunsOnIt) {
  SmallManager world;
  world.settle_in();
  ASSERT_GE(world.ledger.audit_rows().size(), 3U);
  std::uint64_t last = world.ledger.audit_rows().size();
  world.ledger.audit_rows().pop_back();
  world.restart();
  for (int i = 0; i < 130; ++i) world.second(i < 60 ? 1.0 : 0.1);  // past two heads, and new rows where the old were
  auto verdict = store::verify_audit(world.ledger, testing::test_hash,
                                     [](auto bytes, auto signature) { return bytes == signature; }, {});
  ASSERT_TRUE(verdict.ok());
  ASSERT_TRUE(verdict->broken.has_value());
  EXPECT_NE(verdict->broken->message.find(cat("audit row ", last)), std::string::npos) << verdict->broken->message;
}

TEST(Manager, AnEnrolmentWorksOnce) {
  SmallManager world;
  Access access{.role = Role::agent, .name = {}, .selector = {}, .expires_at = world.now + 1h};
  ASSERT_TRUE(world.give(PutAccess{.key = "enrollment/aa", .bytes = encode(access)}).status.ok());
  EXPECT_TRUE(world.give(RedeemEnrollment{.enrollment_hash = "aa", .token_hash = "bb", .agent = "web-02"}).status.ok());
  EXPECT_EQ(
      world.give(RedeemEnrollment{.enrollment_hash = "aa", .token_hash = "cc", .agent = "web-03"}).status.error().code,
      Code::refused);
  EXPECT_EQ(world.driver->view()->access.at("token/bb").name, "web-02");
  // The audit says Kind/name of these too.
  std::set<std::string> subjects;
  Result<std::vector<store::AuditRow>> rows = world.ledger.audit(0, 100);
  for (const store::AuditRow& row : *rows) subjects.insert(store::decode_audit_event(row.bytes)->subject);
  EXPECT_TRUE(subjects.contains("Enrollment/aa"));
  EXPECT_TRUE(subjects.contains("Agent/web-02"));
  world.restart();
  EXPECT_EQ(world.driver->view()->access.size(), 1U);
}

TEST(Manager, WhatHistoryLostInAPowerCutIsWrittenAgain) {
  SmallManager world;
  for (int i = 0; i < 30; ++i) world.second(0.1);
  ASSERT_TRUE(world.put(persona("web", *declared_cpu().map())).status.ok());
  ASSERT_TRUE(world.give(Activate{.persona = PersonaName{"web"}, .instance = InstanceName{"web-01"}, .lasting = {}})
                  .status.ok());
  // The snapshot of the activation is the newest when the first two minutes are full and go to history.
  for (int i = 0; i < 95; ++i) world.second(0.1);
  ASSERT_EQ(world.history.blocks().size(), 1U);
  auto written = *world.history.blocks().begin();
  world.history = {};
  world.restart();
  ASSERT_EQ(world.history.blocks().size(), 1U);
  EXPECT_EQ(world.history.blocks().begin()->second.batch, written.second.batch);
}

// ---- what others learned ----

bool is_audited(SmallManager& world, std::string_view verb, std::string_view subject) {
  std::vector<store::AuditRow> rows = world.ledger.audit(0, 100'000).value();
  return std::any_of(rows.begin(), rows.end(), [&](const store::AuditRow& row) {
    model::AuditEvent event = store::decode_audit_event(row.bytes).value();
    return event.verb == verb && event.subject == subject;
  });
}

TEST(Manager, AnInstanceBeginsWithWhatOthersLearnedOfItsPersonaAndKeepsItAcrossARestart) {
  SmallManager world;
  world.settle_in("web-01");
  Prng random(5);
  for (int i = 0; i < 1'400; ++i) world.second(0.1 + 0.02 * random.normal(), "web-01");
  ASSERT_TRUE(is_audited(world, "revision.made", "Revision/web@web-01/1"));

  world.second(0.1, "web-02");
  EXPECT_FALSE(is_audited(world, "behavior.inherited", "Instance/web-02"));  // of the persona that everybody has
  ASSERT_TRUE(world.give(Activate{.persona = PersonaName{"web"}, .instance = InstanceName{"web-02"}, .lasting = {}})
                  .status.ok());
  EXPECT_TRUE(is_audited(world, "behavior.inherited", "Instance/web-02"));
  world.restart();
  world.second(0.9, "web-02");
  std::shared_ptr<const InstanceView> young = world.instance("web-02");
  ASSERT_TRUE(young);
  ASSERT_FALSE(young->drift.metrics.empty());
  EXPECT_NEAR(young->drift.metrics[0].expected, 0.1, 0.02);  // after two samples of its own
  EXPECT_EQ(young->drift.state, model::LearningState::learning);
}

TEST(Manager, WhatAPoolLearnedIsARevisionThatOutlivesItsMembers) {
  SmallManager world;
  auto join = [&](const std::string& name) {
    model::Resource instance;
    instance.kind = model::ResourceKind::instance;
    instance.metadata.name = name;
    instance.metadata.labels = {{"role", "web"}};
    instance.spec = model::Value{model::Value::Map{}};
    ASSERT_TRUE(world.put(instance).status.ok());
  };
  ASSERT_TRUE(world.put(persona("web", *declared_cpu().map())).status.ok());
  model::Resource pool;
  pool.kind = model::ResourceKind::pool;
  pool.metadata.name = "shop";
  pool.spec = model::Value{
      model::Value::Map{{"selector", model::Value{model::Value::Map{{"role", model::Value{std::string("web")}}}}},
                        {"personas", model::Value{model::Value::List{model::Value{std::string("web")}}}}}};
  ASSERT_TRUE(world.put(pool).status.ok());
  join("web-01");
  Prng random(5);
  for (int i = 0; i < 1'400; ++i) world.second(0.1 + 0.02 * random.normal(), "web-01");
  ASSERT_TRUE(is_audited(world, "revision.made", "Revision/web@web-01/1"));
  ASSERT_TRUE(is_audited(world, "revision.made", "Revision/web@pool:shop/1"));
  std::string key = revision_key(PersonaName{"web"}, InstanceName{"pool:shop"}, 1);
  std::optional<std::string> stored = world.ledger.get(store::Table::revision, key).value();
  ASSERT_TRUE(stored);
  EXPECT_EQ(decode<model::PersonaRevision>(*stored, key)->series.size(), 1U);

  ASSERT_TRUE(world.give(DeleteResource{.kind = model::ResourceKind::instance, .name = "web-01"}).status.ok());
  world.restart();
  join("web-02");
  world.second(0.1, "web-02");
  EXPECT_TRUE(is_audited(world, "behavior.inherited", "Instance/web-02"));
  world.second(0.9, "web-02");
  EXPECT_NEAR(world.instance("web-02")->drift.metrics.at(0).expected, 0.1, 0.03);
  EXPECT_EQ(world
                .give(RollbackInstance{
                    .persona = PersonaName{"web"}, .instance = InstanceName{"pool:shop"}, .to = 1, .revision = {}})
                .status.error()
                .code,
            Code::refused);
  world.second(0.1, "pool:shop");
  EXPECT_EQ(world.instance("pool:shop"), nullptr) << "no instance may take its name";
}

// ---- time ----

// What a tick did, beside the epoch's own snapshots.
bool did_anything(const Effects& effects) {
  return !effects.audit.empty() || !effects.writes.empty() || !effects.history.empty() || !effects.answers.empty() ||
         !effects.notices.empty();
}

struct Clockwork {
  Manager manager{{.builtin = {persona("linux-server", {}), persona("web", {})}, .limits = {}}};
  SeriesTable series;
  WallTime now = start;
  store::LogPosition position = 0;
  std::uint64_t sequence = 0;
  std::size_t mattered = 0;
  WallTime epoch_at = start;

  Effects step(const Record& record) { return manager.step(now, ++position, record); }
  void give(CommandBody body) {
    Effects effects = step(CommandGiven{.command = {.request = 1, .actor = "test", .body = std::move(body)}});
    ASSERT_TRUE(effects.answers.at(0).status.ok()) << effects.answers[0].status.error().to_string();
  }
  void hear(const std::string& name, model::InstanceType type) {
    model::Delivery delivery{
        .source = name, .epoch = 1, .sequence = ++sequence, .authenticated = true, .instances = {}};
    delivery.instances.push_back(
        {.instance = InstanceName{name},
         .type = type,
         .parent = {},
         .identities = {},
         .series = {{.metric = MetricName{"system.cpu.utilization"}, .attributes = {}, .unit = "1", .kind = {}}},
         .batch = {.times = {now}, .series = {}, .values = {0.1}},
         .refused = 0});
    (void)step(FrameArrived{.frame = series.number(std::move(delivery))});
  }
  // What the instance by itself would do, asked without any shortcut.
  [[nodiscard]] bool would_change(const Instance& instance) const {
    Instance copy = Instance::decode(instance.encode(position)).value().instance;
    Effects effects;
    const InstanceState& state = instance.state();
    bool expired = state.manual && state.manual->expires_at.ns != 0 && state.manual->expires_at <= now;
    bool ended = state.type == model::InstanceType::service && now - state.last_arrival > 24h;
    return copy.on_tick({.now = now, .position = position}, epoch_at, effects) || expired || ended;
  }
  // A tick that is not needed must do nothing, and one that would do something must be needed.
  void pass(Duration time) {
    now = now + time;
    (void)manager.take_snapshots(position, now, 100);
    bool matters = manager.time_matters(now);
    mattered += matters ? 1 : 0;
    for (const char* name : {"silent", "slow", "ended", "now and then"}) {
      const Instance* instance = manager.find(InstanceName{name});
      ASSERT_TRUE(matters || !instance || !would_change(*instance)) << name << " at " << to_rfc3339(now);
    }
    bool did = did_anything(step(TickPassed{}));
    // The core remembers how much time has passed: that alone is nothing that anybody could have missed.
    for (const store::Write& write : manager.take_snapshots(position, now, 0)) did |= write.key != "core";
    ASSERT_TRUE(matters || !did) << "at " << to_rfc3339(now);
  }
};

TEST(Manager, TimeThatDoesNotMatterChangesNothing) {
  Clockwork world;
  Prng prng{7};
  ASSERT_TRUE(did_anything(world.step(EpochStarted{.epoch = 1, .engine = "test"})));
  world.hear("silent", model::InstanceType::host);
  world.hear("slow", model::InstanceType::host);
  world.hear("ended", model::InstanceType::service);
  world.give(Activate{.persona = PersonaName{"web"}, .instance = InstanceName{"slow"}, .lasting = 47min});
  for (Duration lasting : {3min, 2min, 90min})
    world.give(PutAccess{
        .key = cat("enrollment/", lasting.count()),
        .bytes = encode(Access{.role = Role::agent, .name = "a", .selector = {}, .expires_at = world.now + lasting})});
  for (int second = 0; second < 27 * 3600; second += second < 7200 ? 1 : 60) {
    if (second % 180 == 0) world.hear("slow", model::InstanceType::host);
    if (second < 3600 && prng.chance(0.02)) world.hear("now and then", model::InstanceType::host);
    if (second == 5000) (void)world.step(EpochStarted{.epoch = 2, .engine = "test"}), world.epoch_at = world.now;
    world.pass(second < 7200 ? 1s : 60s);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(world.manager.instance_count(), 3U);  // the service was forgotten
  EXPECT_TRUE(world.manager.find(InstanceName{"silent"})->state().idle);
  EXPECT_FALSE(world.manager.find(InstanceName{"slow"})->state().manual);
  EXPECT_FALSE(world.manager.find(InstanceName{"silent"})->state().open.empty());
  View view;
  (void)world.manager.refresh(view);
  EXPECT_TRUE(view.access.empty());
  EXPECT_GT(world.mattered, 5U);
  EXPECT_LT(world.mattered, 500U);
}

TEST(Manager, AHeadIsSignedAnewEachMinuteThoughNothingHappens) {
  SmallManager world;
  WallTime signed_at = world.ledger.audit_head().value()->at;
  std::size_t ticks = 0;
  for (int second = 0; second < 130; ++second) {
    world.now = world.now + 1s;
    if (!world.driver->time_matters(world.now)) continue;
    ++ticks;
    world.append(TickPassed{});
    world.fold();
  }
  EXPECT_EQ(ticks, 2U);
  EXPECT_EQ(world.ledger.audit_head().value()->at - signed_at, 120s);
}

TEST(Manager, ItIsToldOnceWhoWasForgottenAndTheViewLosesThem) {
  SmallManager world;
  world.second(0.1);
  world.second(0.1, "web-02");
  world.append(
      CommandGiven{.command = {.request = 9,
                               .actor = "test",
                               .body = DeleteResource{
                                   .kind = model::ResourceKind::instance, .name = "web-01", .if_generation = 0}}});
  auto sent = world.driver->pump(world.now);
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent->forgotten, std::vector<InstanceName>{InstanceName{"web-01"}});
  EXPECT_EQ(world.driver->view()->instances.size(), 1U);
  EXPECT_TRUE(world.driver->pump(world.now)->forgotten.empty());
}

}  // namespace
}  // namespace mien::node
