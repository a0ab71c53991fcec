// What an engine learned under the formats before: behaviour version 1 and watch versions 2, 3, 4 and 6; the first two
// as `mien score` kept them after 900 rows of two columns. It is read, judged by and learned on; the tails come over to
// the nearest bin. And revisions of packed version 4, and of now. rooms: learn drift
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/codec.h"
#include "base/text.h"
#include "drift/drift.h"
#include "learn/learn.h"

namespace mien {
namespace {

struct Kept {
  std::vector<std::string> columns;
  std::uint64_t rows = 0;
  WallTime last;
  model::Behavior behavior;
  std::string watch;
  static constexpr auto fields =
      std::tuple{field("columns", &Kept::columns), field("rows", &Kept::rows), field("last", &Kept::last),
                 field("behavior", &Kept::behavior), field("watch", &Kept::watch)};
};

std::string frozen(const std::string& name) {
  std::ifstream in(std::string(MIEN_FROZEN_DIR) + "/" + name);
  std::string hex;
  for (std::string line; std::getline(in, line);) hex += line;
  return parse_hex(hex).value_or("");
}

Kept kept() {
  std::string bytes = frozen("score-state-1.hex");
  Decoder decoder{std::string_view(bytes).substr(std::string_view("mien-score").size())};
  std::uint64_t version = 0, length = 0, checksum = 0;
  Kept value;
  decoder.get(version);
  decoder.get(length);
  decoder.get(value);
  decoder.get(checksum);
  EXPECT_TRUE(decoder.finish("state").ok());
  return value;
}

TEST(FrozenEngine, WhatWasLearnedInTheFormatsBeforeGoesOn) {
  Kept before = kept();
  ASSERT_EQ(before.rows, 900U);
  ASSERT_EQ(before.behavior.series.size(), 2U);
  const model::Baseline& first = before.behavior.series[0];
  EXPECT_NEAR(first.anchor.location, 10, 0.2);
  EXPECT_EQ(first.anchor.n, 900U);
  EXPECT_TRUE(first.ready());
  EXPECT_LT(before.behavior.series[0].band_low, 9.5F);
  EXPECT_GT(before.behavior.series[0].band_high, 10.5F);
  auto jump = static_cast<std::size_t>(model::Expert::jump);
  EXPECT_NEAR(before.behavior.past[0].tails[jump].values(), 880, 150);  // codes are up to a sixteenth below the count
  EXPECT_GT(before.behavior.past[0].season.visits(10), 0);
  EXPECT_NEAR(before.behavior.past[0].season.level(10), 10, 1);

  Result<drift::Watch> watch = drift::Watch::decode(before.watch);
  ASSERT_TRUE(watch.ok()) << watch.error().to_string();
  drift::Watch next = std::move(watch).value();
  std::vector<model::Series> series;
  for (const std::string& column : before.columns)
    series.push_back({.metric = MetricName(column), .attributes = {}, .unit = {}, .kind = model::SeriesKind::gauge});
  WallTime now = before.last;
  double strange = 0, usual = 0;
  for (int i = 0; i < 100; ++i) {
    now = now + from_seconds(300);
    model::Batch batch{.times = {now}, .series = {0, 1}, .values = {i < 99 ? 10 : 60.0, 100}};
    drift::Assessment assessment = drift::assess({}, before.behavior, next, series, batch);
    learn::update(before.behavior, series, batch, assessment.evidence);
    if (i < 99) usual = std::max(usual, assessment.rows[0].score);
    strange = assessment.rows[0].score;
  }
  EXPECT_GT(strange, usual);
  EXPECT_EQ(decode<model::Behavior>(encode(before.behavior), "behavior").value(), before.behavior);
}

// Three columns, two of which follow each other, after 1,206 rows of five minutes, in the sixth row of an episode.
class FrozenWatch : public testing::TestWithParam<const char*> {};

TEST_P(FrozenWatch, GoesOnWithItsEpisode) {
  Result<drift::Watch> read = drift::Watch::decode(frozen(GetParam()));
  ASSERT_TRUE(read.ok()) << read.error().to_string();
  drift::Watch watch = std::move(read).value();
  model::Behavior behavior;
  behavior.resize(3);
  std::vector<model::Series> series;
  for (const char* name : {"m0", "m1", "m2"})
    series.push_back({.metric = MetricName(name), .attributes = {}, .unit = {}, .kind = model::SeriesKind::gauge});
  WallTime now{1'700'361'800'000'000'000};
  for (int i = 0; i < 300; ++i) {
    model::Batch batch{.times = {now}, .series = {0, 1, 2}, .values = {10, 20, i < 6 ? 90.0 : 5}};
    drift::Assessment assessment = drift::assess({}, behavior, watch, series, batch);
    learn::update(behavior, series, batch, assessment.evidence);
    if (i < 6) {
      EXPECT_TRUE(assessment.rows[0].alert) << i;
    }
    now = now + from_seconds(300);
  }
  std::string bytes = watch.encode();
  Result<drift::Watch> again = drift::Watch::decode(bytes);
  ASSERT_TRUE(again.ok()) << again.error().to_string();
  EXPECT_EQ(again.value().encode(), bytes);
}

TEST_P(FrozenWatch, CutAnywhereItIsRefused) {
  std::string bytes = frozen(GetParam());
  ASSERT_GT(bytes.size(), 2000U);
  for (std::size_t cut = 0; cut < bytes.size(); cut += 41)
    EXPECT_FALSE(drift::Watch::decode(std::string_view(bytes).substr(0, cut)).ok()) << cut;
}

INSTANTIATE_TEST_SUITE_P(Versions, FrozenWatch, testing::Values("watch-3.hex", "watch-4.hex", "watch-6.hex"),
                         [](const auto& of) { return "Of" + std::string(1, of.param[6]); });

// Three series that breathe together, a row of five minutes for sixteen days; written by the release that packed
// version 4. It had no habits.
model::PersonaRevision revision_4() {
  return decode<model::PersonaRevision>(frozen("revision-4.hex"), "revision").value();
}

void expect_it_read(const model::PersonaRevision& revision) {
  model::Behavior behavior = learn::behavior_of(revision);
  ASSERT_EQ(behavior.series.size(), 3U);
  EXPECT_NEAR(behavior.series[0].anchor.location, 12, 1);
  EXPECT_NEAR(behavior.series[1].anchor.location, 24, 2);
  EXPECT_EQ(behavior.series[2].anchor.n, 4608U);
  EXPECT_TRUE(behavior.series[2].ready());
  EXPECT_TRUE(behavior.past[0].tails[0].speaks());
  EXPECT_NEAR(behavior.past[0].season.level(12) - behavior.past[0].season.level(2), 5, 1) << "office hours";
  EXPECT_TRUE(learn::habits_of(revision) == model::Habits{});
}

std::string sealed(std::uint32_t version, std::string_view payload) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : payload) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  Encoder out;
  out.put(version);
  out.put(hash);
  out.raw(payload);
  return out.take();
}

TEST(FrozenRevision, OfVersionFourAndThoseBeforeItIsRead) {
  model::PersonaRevision revision = revision_4();
  EXPECT_EQ(revision.number, 7U);
  expect_it_read(revision);
  EXPECT_FALSE(std::isnan(learn::behavior_of(revision).past[0].season.away(30)));
  // Version 3 ended before the weeks, 2 before the security profile.
  Decoder decoder{revision.behavior};
  std::uint32_t version = 0;
  std::uint64_t checksum = 0;
  decoder.get(version);
  decoder.get(checksum);
  ASSERT_EQ(version, 4U);
  std::string payload(decoder.rest());
  payload.resize(payload.size() - 3 * 43);
  revision.behavior = sealed(3, payload);
  expect_it_read(revision);
  EXPECT_TRUE(std::isnan(learn::behavior_of(revision).past[0].season.away(30)));
  payload.resize(payload.size() - encode(model::SecurityProfile{}).size());
  revision.behavior = sealed(2, payload);
  expect_it_read(revision);
}

TEST(FrozenRevision, OfVersionFiveComesBackWithWhatMovedWithWhat) {
  model::PersonaRevision revision = decode<model::PersonaRevision>(frozen("revision-5.hex"), "revision").value();
  model::Habits habits = learn::habits_of(revision);
  ASSERT_EQ(learn::behavior_of(revision).series.size(), 3U);
  EXPECT_EQ(habits.relations.paths.size(), 3U);
  EXPECT_EQ(habits.relations.blocks, 4607U);
  EXPECT_NEAR(static_cast<double>(habits.relations.paths[0].center), 12, 1);
  ASSERT_EQ(habits.forms.size(), 3U);
  EXPECT_GT(habits.forms[0].shapes.size(), 3U);
  EXPECT_GT(habits.forms[0].usual[0], 300) << "neighbours are alike";
}

TEST(FrozenRevision, CutAnywhereItIsLearnedAnew) {
  for (const char* name : {"revision-4.hex", "revision-5.hex"}) {
    model::PersonaRevision revision = decode<model::PersonaRevision>(frozen(name), "revision").value();
    std::string bytes = revision.behavior;
    for (std::size_t cut = 0; cut < bytes.size(); cut += 7) {
      revision.behavior = bytes.substr(0, cut);
      EXPECT_TRUE(learn::behavior_of(revision).series.empty()) << cut;
    }
  }
}

TEST(FrozenEngine, ABehaviorCutAnywhereOrOfAnotherVersionIsRefused) {
  std::string bytes = encode(kept().behavior);
  for (std::size_t cut = 0; cut < bytes.size(); cut += 37)
    EXPECT_FALSE(decode<model::Behavior>(std::string_view(bytes).substr(0, cut), "behavior").ok());
  ++bytes[0];  // the version stands in front
  EXPECT_FALSE(decode<model::Behavior>(bytes, "behavior").ok());
}

}  // namespace
}  // namespace mien
