// What acting keeps, byte for byte as 0.1.0 wrote it: decisions, actions, what acting remembers, the agent's journal,
// and the versions of log record, core and instance that came with them.
// rooms: edge
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "edge/runtime/file_journal.h"
#include "model/decision.h"
#include "node/instance.h"
#include "node/manager.h"
#include "remedy/remedy.h"

namespace mien {
namespace {

using namespace std::chrono_literals;

constexpr WallTime at{1'795'341'181'250'000'000};

// The bytes of frozen/NAME.hex: hex digits, in lines.
std::string frozen(const std::string& name) {
  std::ifstream in(std::string(MIEN_FROZEN_DIR) + "/" + name + ".hex");
  EXPECT_TRUE(in.good()) << name;
  std::string hex;
  for (std::string line; std::getline(in, line);) hex += line;
  return parse_hex(hex).value_or("no hex");
}

model::Action action() {
  model::Action made;
  made.id = ActionId{"a-42-1"};
  made.decision = DecisionId{"d-42-1"};
  made.finding = FindingId{"f-41-1-3"};
  made.policy = PolicyName{"contain-hog"};
  made.policy_generation = 3;
  made.step = 1;
  made.instance = made.host = InstanceName{"web-01"};
  made.target = InstanceName{"hog.service@web-01"};
  made.persona = PersonaName{"web"};
  made.pool = PoolName{"front"};
  made.verb = model::Verb::limit;
  made.with = {{"cpu", "50%"}, {"target", "offender"}};
  made.summary = "limit cpu of hog.service@web-01 to 50% for 30m";
  made.state = model::ActionState::reverting;
  made.end_reason = model::EndReason::no_effect;
  made.note = "it did not help";
  made.approved_by = "admin (token cli)";
  made.lease = 30min;
  made.settle = 2min;
  made.dwell = 1min;
  made.created_at = at;
  made.approve_by = at + 1h;
  made.ordered_at = at + 1s;
  made.applied_at = at + 2s;
  made.expires_at = at + 30min;
  made.version = 2;
  made.changes = {{.key = "cpu.max", .before = "max 100000", .after = "50000 100000", .found = "50000 100000"}};
  made.effect = {.verdict = model::EffectVerdict::no_effect,
                 .before = 2.5,
                 .after = 2.25,
                 .peers_before = 0.5,
                 .peers_after = 0.25,
                 .peers = 2,
                 .difference = 0,
                 .low = -0.5,
                 .high = 0.5,
                 .judged_at = at + 4min};
  return made;
}

model::Decision decision() {
  model::Decision made;
  made.id = DecisionId{"d-42-1"};
  made.at = at;
  made.cause = "log/42";
  made.finding = FindingId{"f-41-1-3"};
  made.instance = made.target = InstanceName{"web-01"};
  made.persona = PersonaName{"web"};
  made.pool = PoolName{"front"};
  made.kind = model::FindingKind::level;
  made.severity = model::Severity::high;
  made.confidence = 0.75;
  made.score = 0.875;
  made.metrics = {"system.cpu.utilization"};
  made.rules = {{.policy = PolicyName{"contain-hog"}, .generation = 3, .matched = true, .why = {}}};
  made.rules_not_shown = 7;
  made.guards = {{.policy = PolicyName{"contain-hog"}, .guard = "hold", .allowed = false, .why = "admin holds it"}};
  made.outcome = model::Outcome::refused;
  made.policy = PolicyName{"contain-hog"};
  made.step = 1;
  made.verb = model::Verb::limit;
  made.summary = "contain-hog would limit it, but does not (hold)";
  return made;
}

node::JournalEntry journal_entry() {
  node::JournalEntry made;
  made.stage = node::JournalEntry::Stage::applied;
  made.order = {.action = ActionId{"a-42-1"},
                .version = 1,
                .target = InstanceName{"hog.service@web-01"},
                .verb = model::Verb::limit,
                .with = {{"cpu", "50%"}},
                .lease = 30min,
                .valid_until = at + 2min};
  made.boot_id = "b511d447-19a4-4f05-ab78-d7d7cb92bbc3";
  made.identity = "hog.service/81";
  made.at = at;
  made.expires_at = MonoTime{1'900'000'000'000};
  made.changes = {{.key = "cpu.max", .before = "max 100000", .after = "50000 100000", .found = {}}};
  made.report = model::ActionReport{.action = ActionId{"a-42-1"},
                                    .state = model::ActionState::applied,
                                    .reason = model::EndReason::none,
                                    .note = "limit is in force",
                                    .at = at,
                                    .expires_at = at + 30min,
                                    .changes = made.changes};
  return made;
}

TEST(Frozen, AnActionIsReadAndWrittenAsIn010) {
  EXPECT_EQ(to_hex(encode(action())), to_hex(frozen("action")));
  Result<model::Action> back = decode<model::Action>(frozen("action"), "action");
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(*back, action());
}

TEST(Frozen, ADecisionIsReadAndWrittenAsIn010) {
  EXPECT_EQ(to_hex(encode(decision())), to_hex(frozen("decision")));
  Result<model::Decision> back = decode<model::Decision>(frozen("decision"), "decision");
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(*back, decision());
}

TEST(Frozen, TheJournalIsReadAndWrittenAsIn010) {
  auto parsed = edge::parse_journal(frozen("journal"));
  ASSERT_TRUE(parsed.ok()) << parsed.error().to_string();
  EXPECT_EQ(parsed->damaged, 0U);
  ASSERT_EQ(parsed->newest.size(), 1U);
  EXPECT_EQ(parsed->newest.begin()->second, journal_entry());

  std::string directory = (std::filesystem::temp_directory_path() / "mien-compat-XXXXXX").string();
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  {
    auto journal = edge::FileJournal::open({.directory = directory});
    ASSERT_TRUE(journal.ok()) << journal.error().to_string();
    ASSERT_TRUE((*journal)->put(journal_entry()).ok());
  }
  std::ifstream in(directory + "/journal", std::ios::binary);
  std::ostringstream written;
  written << in.rdbuf();
  EXPECT_EQ(to_hex(written.str()), to_hex(frozen("journal")));
  std::filesystem::remove_all(directory);
}

// Version 1 ended before the steps of ladders.
TEST(Frozen, WhatActingRemembersIsReadInBothVersions) {
  for (const char* name : {"remedy-1", "remedy-2"}) {
    remedy::Remedy remedy;
    Status restored = remedy.restore(frozen(name));
    ASSERT_TRUE(restored.ok()) << name << ": " << restored.error().to_string();
    EXPECT_EQ(remedy.holds().size(), 1U) << name;
    EXPECT_EQ(remedy.agents().at("web-01").allow, (std::vector<std::string>{"limit", "lockdown"})) << name;
    ASSERT_EQ(remedy.ranks().size(), 1U) << name;
    EXPECT_EQ(remedy.ranks().begin()->second.demoted, 1U) << name;
    EXPECT_EQ(remedy.budget(PolicyName{"contain"}, 1h + 5min).spent, 1U) << name;
  }
  remedy::Remedy newest;
  ASSERT_TRUE(newest.restore(frozen("remedy-2")).ok());
  EXPECT_EQ(to_hex(newest.encode()), to_hex(frozen("remedy-2")));
}

// Version 1 had no commands about actions, version 2 none of their comments, version 3 no security facts in frames:
// of all others only the version changed with 4.
TEST(Frozen, LogRecordsAreReadInAllVersions) {
  for (const char* name : {"record-3-approve", "record-3-reject", "record-3-report", "record-3-hold"}) {
    Result<node::Record> record = node::decode_record(frozen(name));
    ASSERT_TRUE(record.ok()) << name << ": " << record.error().to_string();
    EXPECT_EQ(to_hex(node::encode_record(*record)), to_hex("\x04" + frozen(name).substr(1))) << name;
  }
  auto command_in = [](const char* name) {
    return std::get<node::CommandGiven>(node::decode_record(frozen(name)).value()).command;
  };
  EXPECT_EQ(std::get<node::ApproveAction>(command_in("record-3-approve").body).comment, "as agreed");
  auto approve = std::get<node::ApproveAction>(command_in("record-2-approve").body);
  EXPECT_EQ(approve.action.value, "a-42-1");
  EXPECT_EQ(approve.comment, "");
  auto reject = std::get<node::RejectAction>(command_in("record-2-reject").body);
  EXPECT_EQ(reject.action.value, "a-42-1");
  EXPECT_EQ(reject.comment, "");
  EXPECT_EQ(std::get<node::AcknowledgeFinding>(command_in("record-1-ack").body).comment, "seen");
}

TEST(Frozen, AFrameOfVersion3IsReadWithoutFacts) {
  Result<node::Record> record = node::decode_record(frozen("record-3-frame"));
  ASSERT_TRUE(record.ok()) << record.error().to_string();
  const model::Frame& frame = std::get<node::FrameArrived>(*record).frame;
  EXPECT_EQ(frame.source, "web-01");
  EXPECT_EQ(frame.epoch, 7U);
  EXPECT_EQ(frame.sequence, 9U);
  EXPECT_TRUE(frame.authenticated);
  ASSERT_EQ(frame.instances.size(), 1U);
  const model::InstanceFrame& part = frame.instances[0];
  EXPECT_EQ(part.instance.value, "nginx.service@web-01");
  EXPECT_EQ(part.parent.value, "web-01");
  ASSERT_EQ(part.declared.size(), 1U);
  EXPECT_EQ(model::to_text(part.declared[0].series), "system.cpu.utilization{cpu.mode=user}");
  EXPECT_EQ(part.batch.values, std::vector<double>{0.25});
  EXPECT_EQ(part.refused, 2U);
  EXPECT_TRUE(part.facts.empty());
  Result<node::Record> again = node::decode_record(node::encode_record(*record));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(std::get<node::FrameArrived>(*again).frame, frame);
}

TEST(Frozen, TheCoreIsReadAndWrittenAsIn010) {
  node::Manager manager{{}};
  ASSERT_TRUE(manager.restore(store::Table::core, {.key = "core", .bytes = frozen("core-2")}).ok());
  EXPECT_EQ(manager.counters().findings_opened, 9U);
  std::vector<store::Write> writes = manager.take_snapshots(42, at, 0);
  ASSERT_FALSE(writes.empty());
  EXPECT_EQ(writes[0].key, "core");
  EXPECT_EQ(to_hex(writes[0].bytes.value_or("")), to_hex(frozen("core-2")));
}

TEST(Frozen, AnInstanceIsReadWithWhatActingMustRememberOfIt) {
  auto restored = node::Instance::decode(frozen("instance-2"));
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  EXPECT_EQ(restored->folded, 42U);
  const node::InstanceState& state = restored->instance.state();
  EXPECT_EQ(state.name.value, "web-01");
  EXPECT_TRUE(state.acted_on);
  EXPECT_TRUE(state.learning_held);
  ASSERT_EQ(state.trace.spans.size(), 1U);
  EXPECT_EQ(state.trace.spans[0].sum, 1.5);
}

TEST(Frozen, AnInstanceFromBeforeHabitsWereParkedIsRead) {
  auto restored = node::Instance::decode(frozen("instance-4"));
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  const node::InstanceState& state = restored->instance.state();
  EXPECT_EQ(state.behavior.series.size(), 3U);
  EXPECT_EQ(state.parked.size(), 1U);
  EXPECT_TRUE(state.parked_habits.empty());
}

// Of three series that breathe together, whose persona "web" was rolled back while "batch" is active.
TEST(Frozen, AnInstanceWhoseParkedHabitsHadAFactorOfEachViewIsRead) {
  auto restored = node::Instance::decode(frozen("instance-5"));
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  const node::InstanceState& state = restored->instance.state();
  ASSERT_EQ(state.parked_habits.size(), 1U);
  const model::RelationHabits& relations = state.parked_habits.begin()->second.relations;
  EXPECT_EQ(relations.paths.size(), 3U);
  EXPECT_EQ(relations.views.size(), 5U);
  ASSERT_EQ(relations.factors.size(), 1U);
  EXPECT_LT(relations.factors[0][0], -50) << "the second follows the first";
  EXPECT_EQ(state.parked_habits.begin()->second.forms.size(), 3U);
}

}  // namespace
}  // namespace mien
