#include "node/replay.h"

#include <gtest/gtest.h>

#include "node/replay_proof.h"
#include "node/testing/small_manager.h"

namespace mien::node {
namespace {

using namespace testing;

const std::string service = "hog.service@web-01";

model::Resource limit_cpu(const std::string& mode, const std::string& name = "contain") {
  model::Value::Map step{{"do", "limit"}, {"with", model::Value::Map{{"cpu", "50%"}}}, {"lease", "40s"}};
  return resource_of(model::ResourceKind::policy, name,
                     {{"mode", mode},
                      {"match", model::Value::Map{{"severity", "info"}}},
                      {"ladder", model::Value::List{model::Value{std::move(step)}}},
                      {"guards", model::Value::Map{{"settle", "20s"}, {"cooldown", "1m"}, {"dwell", "1s"}}}});
}

model::Abilities may_limit() {
  return {.agent = "web-01", .boot_id = "boot", .can = {"limit"}, .allow = {"limit"}, .never_touch = {}, .held = false};
}

std::vector<model::Resource> builtin() { return {persona("linux-server", {})}; }

// A machine whose hog begins after twenty quiet seconds; what its manager recorded.
struct Recorded : SmallManager {
  explicit Recorded(const std::optional<std::string>& mode, int seconds = 30) {
    settle_in(service);
    if (mode) {
      report({.agent = "web-01", .abilities = may_limit(), .reports = {}});
      EXPECT_TRUE(put(limit_cpu(*mode)).status.ok());
    }
    for (int i = 0; i < seconds; ++i) second(1.0, service);
  }
  void answer(model::ActionState state) {
    const auto& actions = driver->view()->board->actions;
    ASSERT_EQ(actions.size(), 1U);
    model::ActionReport said;
    said.action = actions.begin()->first;
    said.state = state;
    said.at = now;
    report({.agent = "web-01", .abilities = {}, .reports = {said}});
  }
  std::vector<ReplayLine> replay(ReplayOptions options) {
    options.builtin = builtin();
    Replay machine{std::move(options)};
    std::vector<ReplayLine> all;
    for (const store::LogRecord& record : log.records()) {
      auto lines = machine.step(record.at, record.position, decode_record(record.bytes).value());
      EXPECT_TRUE(lines.ok()) << lines.error().to_string();
      if (lines) std::move(lines->begin(), lines->end(), std::back_inserter(all));
    }
    counts = machine.counts();
    return all;
  }
  ReplayCounts counts;
};

ReplayOptions as_it_was() {
  return {.builtin = {}, .rehearse = false, .policies = {}, .mode = {}, .instance = {}, .from = {}};
}
ReplayOptions what_if(std::vector<model::Resource> policies) {
  ReplayOptions options = as_it_was();
  options.rehearse = true;
  options.policies = std::move(policies);
  return options;
}

std::vector<std::string> types_of(const std::vector<ReplayLine>& lines) {
  std::vector<std::string> types;
  for (const ReplayLine& line : lines) types.push_back(line.type);
  return types;
}
const ReplayLine* first_of(const std::vector<ReplayLine>& lines, std::string_view type) {
  for (const ReplayLine& line : lines)
    if (line.type == type) return &line;
  return nullptr;
}

TEST(Replay, AsItWasTheSameNoticesComeOutThatWereSentThen) {
  Recorded world("enforce");
  world.answer(model::ActionState::applied);
  for (int i = 0; i < 5; ++i) world.second(0.1, service);
  std::vector<ReplayLine> lines = world.replay(as_it_was());
  std::vector<Notice> sent;
  for (const Notice& notice : world.notices)
    if (notice.finding || notice.decision || notice.action) sent.push_back(notice);
  ASSERT_EQ(lines.size(), sent.size());
  ASSERT_GE(lines.size(), 4U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].type, sent[i].type);
    EXPECT_EQ(lines[i].finding, sent[i].finding);
    EXPECT_EQ(lines[i].decision, sent[i].decision);
    EXPECT_EQ(lines[i].action, sent[i].action);
    EXPECT_FALSE(lines[i].after_rehearsed_action);
  }
}

TEST(Replay, AnotherPolicyIsTriedOnWhatWasRecordedWithoutOne) {
  Recorded world(std::nullopt);
  ASSERT_TRUE(world.driver->view()->board->actions.empty());
  std::vector<ReplayLine> lines = world.replay(what_if({limit_cpu("enforce")}));
  const ReplayLine* ordered = first_of(lines, "action.ordered");
  const ReplayLine* applied = first_of(lines, "action.applied");
  ASSERT_NE(ordered, nullptr);
  ASSERT_NE(applied, nullptr);
  EXPECT_EQ(ordered->action->target.value, service);
  EXPECT_EQ(applied->at, ordered->at) << "an order is taken to succeed at once";
  EXPECT_FALSE(applied->after_rehearsed_action);
  EXPECT_EQ(world.counts.found, 1U);
  EXPECT_EQ(world.counts.acted, 1U);
}

TEST(Replay, ARehearsedLeaseEndsOnItsTimeAndWhatFollowsSaysThatItFollows) {
  Recorded world(std::nullopt, 60);
  std::vector<ReplayLine> lines = world.replay(what_if({limit_cpu("enforce")}));
  const ReplayLine* applied = first_of(lines, "action.applied");
  const ReplayLine* reverted = first_of(lines, "action.reverted");
  ASSERT_NE(applied, nullptr);
  ASSERT_NE(reverted, nullptr) << ::testing::PrintToString(types_of(lines));
  EXPECT_LE(reverted->at - applied->at, 40s);
  EXPECT_TRUE(reverted->after_rehearsed_action);
}

TEST(Replay, RecordedPoliciesAreTriedInAnotherMode) {
  Recorded world("observe");
  ReplayOptions options = as_it_was();
  options.rehearse = true;
  options.mode = model::Mode::enforce;
  std::vector<ReplayLine> lines = world.replay(std::move(options));
  EXPECT_NE(first_of(lines, "action.applied"), nullptr) << ::testing::PrintToString(types_of(lines));
  EXPECT_EQ(first_of(world.replay(as_it_was()), "action.applied"), nullptr);
}

TEST(Replay, InObserveDecisionsSayWhatWouldHaveBeenDoneAndNothingIsOrdered) {
  Recorded world(std::nullopt);
  std::vector<ReplayLine> lines = world.replay(what_if({limit_cpu("observe")}));
  const ReplayLine* decision = first_of(lines, "decision.made");
  ASSERT_NE(decision, nullptr);
  EXPECT_EQ(decision->decision->outcome, model::Outcome::observed);
  EXPECT_EQ(world.counts.acted, 0U);
}

TEST(Replay, NothingIsToldAndNoPolicyActsBeforeTheTimeThatIsAskedFor) {
  Recorded world(std::nullopt, 60);
  ReplayOptions options = what_if({limit_cpu("enforce")});
  options.from = world.now - 20s;
  std::vector<ReplayLine> lines = world.replay(std::move(options));
  ASSERT_FALSE(lines.empty());
  for (const ReplayLine& line : lines) EXPECT_GE(line.at, world.now - 20s);
  EXPECT_NE(first_of(lines, "action.applied"), nullptr) << "what is open is acted on from then on";
}

TEST(Replay, LinesOfOneInstanceAreThoseAboutIt) {
  Recorded world(std::nullopt);
  ReplayOptions options = what_if({limit_cpu("enforce")});
  options.instance = InstanceName{"another"};
  EXPECT_TRUE(world.replay(std::move(options)).empty());
}

TEST(Replay, WhatWasLearnedBeforeTheFirstRecordIsGivenBackAtTheFirstRow) {
  Recorded world(std::nullopt, 0);
  model::PersonaRevision revision;
  revision.persona = PersonaName{"web"};
  revision.instance = InstanceName{service};
  revision.number = 7;
  Replay machine{{.builtin = builtin(), .rehearse = false, .policies = {}, .mode = {}, .instance = {}, .from = {}}};
  machine.restore_revision(revision);
  std::uint64_t commands = 0;
  for (const store::LogRecord& record : world.log.records()) {
    Record decoded = decode_record(record.bytes).value();
    if (std::holds_alternative<CommandGiven>(decoded)) ++commands;
    ASSERT_TRUE(machine.step(record.at, record.position, std::move(decoded)).ok());
  }
  EXPECT_EQ(machine.counters().commands, commands + 1);
  EXPECT_EQ(machine.counters().commands_refused, 0U);
}

TEST(Replay, TheHoldFileOfAMachineHoldsInARehearsalToo) {
  Recorded world(std::nullopt, 0);
  model::Abilities abilities = may_limit();
  abilities.held = true;
  world.report({.agent = "web-01", .abilities = abilities, .reports = {}});
  for (int i = 0; i < 30; ++i) world.second(1.0, service);
  std::vector<ReplayLine> lines = world.replay(what_if({limit_cpu("enforce")}));
  EXPECT_EQ(first_of(lines, "action.ordered"), nullptr);
  EXPECT_NE(first_of(lines, "decision.made"), nullptr);
}

TEST(Replay, APolicyThatCanNotBeUnderstoodIsSaidWithItsName) {
  Recorded world(std::nullopt, 0);
  model::Resource policy = limit_cpu("observe", "broken");
  (*policy.spec.map())["when"] = "load.cpu >";
  ReplayOptions options = what_if({policy});
  options.builtin = builtin();
  Replay machine{std::move(options)};
  const store::LogRecord& record = world.log.records().front();
  auto lines = machine.step(record.at, record.position, decode_record(record.bytes).value());
  ASSERT_FALSE(lines.ok());
  EXPECT_NE(lines.error().to_string().find("broken"), std::string::npos);
}

// ---- the proof ----

struct Proven : Recorded {
  Proven() : Recorded("enforce") {
    answer(model::ActionState::applied);
    for (int i = 0; i < 10; ++i) second(0.1, service);
    restart();
    for (int i = 0; i < 5; ++i) second(1.0, service);
  }
  ProofVerdict prove() {
    Proof proof{test_hash, builtin()};
    if (log.bounds(0)->first != 1) proof.begins_late(log.bounds(0).value());
    EXPECT_TRUE(proof.fold(ledger, log.records()).ok());
    EXPECT_TRUE(proof.close(ledger).ok());
    return proof.verdict();
  }
  // As if somebody had written into the ledger's file.
  void forge(store::Table table, const std::string& key, const std::optional<std::string>& bytes) {
    store::Transaction transaction;
    transaction.checkpoint = ledger.checkpoint();
    transaction.writes.push_back({.table = table, .key = key, .bytes = bytes});
    ASSERT_TRUE(ledger.commit(transaction).ok());
  }
  store::Entry first(store::Table table) { return ledger.scan(table, "", "", 1)->front(); }
};

TEST(Proof, WhatWasRecordedComesOutAgainBitForBitAcrossARestart) {
  Proven world;
  ProofVerdict verdict = world.prove();
  EXPECT_FALSE(verdict.difference) << verdict.difference->message;
  EXPECT_EQ(verdict.not_claimed, "");
  EXPECT_GE(verdict.decisions, 1U);
  EXPECT_GE(verdict.actions, 1U);
  EXPECT_GE(verdict.findings, 1U);
  EXPECT_EQ(verdict.audit_links, world.ledger.audit_tail().value()->sequence);
  EXPECT_EQ(verdict.from, 1U);
  EXPECT_EQ(verdict.to, world.log.records().back().position);
  EXPECT_EQ(verdict.engines, "test");
}

TEST(Proof, AFieldOfADecisionThatWasChangedIsNamed) {
  Proven world;
  store::Entry entry = world.first(store::Table::decision);
  model::Decision decision = decode<model::Decision>(entry.bytes, "decision").value();
  decision.confidence = 0.5;
  world.forge(store::Table::decision, entry.key, encode(decision));
  ProofVerdict verdict = world.prove();
  ASSERT_TRUE(verdict.difference);
  EXPECT_EQ(verdict.difference->what, "decision " + entry.key);
  EXPECT_EQ(verdict.difference->field, "confidence");
}

TEST(Proof, AnyFlippedBitOfADecisionIsFound) {
  Proven world;
  store::Entry entry = world.first(store::Table::decision);
  for (std::size_t i = 0; i < entry.bytes.size(); ++i) {
    std::string bytes = entry.bytes;
    bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    world.forge(store::Table::decision, entry.key, bytes);
    ProofVerdict verdict = world.prove();
    ASSERT_TRUE(verdict.difference) << "byte " << i;
    ASSERT_EQ(verdict.difference->what, "decision " + entry.key);
    i += 7;  // every eighth will do
  }
}

TEST(Proof, WhatWasTakenAwayAndWhatWasPutInAreFound) {
  Proven world;
  store::Entry action = world.first(store::Table::action);
  world.forge(store::Table::action, action.key, std::nullopt);
  EXPECT_EQ(world.prove().difference->what, "action " + action.key);
  world.forge(store::Table::action, action.key, action.bytes);
  ASSERT_FALSE(world.prove().difference);
  world.forge(store::Table::decision, "d-1-9", world.first(store::Table::decision).bytes);
  ASSERT_TRUE(world.prove().difference);
  EXPECT_EQ(world.prove().difference->replayed, "");
}

TEST(Proof, AChangedAuditLinkIsNamedEvenWhereTheChainWasMadeAnew) {
  Proven world;
  std::vector<store::AuditRow>& rows = world.ledger.audit_rows();
  store::AuditChain chain{test_hash, std::nullopt};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    model::AuditEvent event = store::decode_audit_event(rows[i].bytes).value();
    if (i == 3) event.actor = "nobody";
    rows[i] = chain.append(event);
  }
  ProofVerdict verdict = world.prove();
  ASSERT_TRUE(verdict.difference);
  EXPECT_EQ(verdict.difference->what, "audit link 4");
  EXPECT_EQ(verdict.difference->field, "actor");
}

TEST(Proof, OfALogThatBeginsLateNothingIsClaimed) {
  Proven world;
  ASSERT_TRUE(world.log.trim(0, 5).ok());
  ProofVerdict verdict = world.prove();
  EXPECT_FALSE(verdict.difference);
  EXPECT_EQ(verdict.decisions + verdict.actions + verdict.findings + verdict.audit_links, 0U);
  EXPECT_NE(verdict.not_claimed.find("begins with record 6"), std::string::npos);
}

}  // namespace
}  // namespace mien::node
