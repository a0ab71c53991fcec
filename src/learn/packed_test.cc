#include "learn/packed.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/codec.h"
#include "base/prng.h"
#include "learn/learn.h"
#include "stats/testing/group.h"

namespace mien::learn {
namespace {

constexpr std::int32_t monday = 4 * 24;  // 1970-01-05, in hours since 1970
constexpr std::int32_t week = 7 * 24;

// One series that is 10 at each hour and `away` from that on Wednesdays between 12 and 14 o'clock; a second is unknown.
model::Behavior lived(std::int32_t weeks, double away) {
  model::Behavior behavior;
  behavior.resize(2);
  behavior.series[0].anchor = {.location = 10, .scale = 1, .n = 5000};
  behavior.series[0].season_scale = 1;
  for (std::int32_t hour = monday; hour < monday + weeks * week; ++hour) {
    std::int32_t of_week = (hour - monday) % week;
    bool other = of_week / 2 == (2 * 24 + 12) / 2;
    behavior.past[0].season.visit(hour, other ? 10 + away : 10, 1, behavior.series[0].coin);
  }
  return behavior;
}

std::uint64_t checksum_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

model::Behavior behavior_after(const std::string& bytes) {
  Result<Unpacked> unpacked = unpack(bytes);
  EXPECT_TRUE(unpacked.ok());
  return unpacked ? unpacked->behavior : model::Behavior{};
}

stats::SmallTail some_tail(Prng& random) {
  stats::SmallTail tail;
  std::uint32_t coin = 1;
  for (int i = 0; i < 400; ++i)
    tail.add(stats::tail::bin_of(static_cast<float>(4 * std::fabs(random.normal()))), stats::SmallTail::Weight::whole,
             coin);
  return tail;
}

// As drift would have learned them of `series` that follow one cause.
model::Habits some_habits(std::size_t series) {
  Prng random(5);
  model::Habits habits;
  model::RelationHabits& relations = habits.relations;
  relations.blocks = 3000;
  for (std::size_t first = 0; first < series; first += stats::RelationView::max_size) {
    stats::Group group;
    group.grow(std::min(stats::RelationView::max_size, series - first));
    for (int i = 0; i < 300; ++i) {
      std::vector<float> values;
      double cause = random.normal();
      for (std::size_t s = 0; s < group.view.size(); ++s)
        values.push_back(static_cast<float>(cause + 0.3 * random.normal()));
      group.learn(values, 1e-4);
    }
    for (std::size_t v = 0; v < model::RelationHabits::views_per_group; ++v)
      relations.views.push_back(group.view.coarse());
    relations.factors.push_back(group.correlations.coarse());
  }
  for (std::size_t s = 0; s < series; ++s) {
    relations.paths.push_back({.center = static_cast<float>(s) + 0.5F, .spread = 1.5F});
    model::FormHabit& form = habits.forms.emplace_back();
    form.blocks = 3000;
    form.usual = {700, -20};
    form.deviation = {80, 90};
    form.mean = -3;
    form.variance = stats::LogCode::of(0.7);
    form.stretches = 240;
    form.usual_distance = stats::LogCode::of(0.3);
    for (int shape = 0; shape < 7; ++shape) {
      for (std::int8_t& step : form.shapes.emplace_back()) step = static_cast<std::int8_t>(12 * random.normal());
      form.uses.push_back(static_cast<std::uint8_t>(200 + shape));
    }
    for (stats::SmallTail& tail : form.tails) tail = some_tail(random);
  }
  for (std::size_t v = 0; v < model::RelationHabits::views_per_group; ++v)
    relations.tails.push_back(some_tail(random).widen());
  return habits;
}

// The same but for tails, whose counts come back within 9 %.
model::Habits without_tails(model::Habits habits) {
  for (stats::Tail& tail : habits.relations.tails) tail = {};
  for (model::FormHabit& form : habits.forms) form.tails = {};
  return habits;
}

// Around whatever payload.
std::string sealed(std::uint32_t version, std::string_view payload) {
  Encoder out;
  out.put(version);
  out.put(checksum_of(payload));
  out.raw(payload);
  return out.take();
}

std::string payload_of(const std::string& bytes) {
  Decoder decoder{bytes};
  std::uint32_t version = 0;
  std::uint64_t checksum = 0;
  decoder.get(version);
  decoder.get(checksum);
  return std::string(decoder.rest());
}

TEST(Packed, TheDaysOfTheWeekComeBackWithinAStepOfTheirs) {
  for (double away : {0.0, 0.6, -1.4, 2.6, -3.5}) {
    model::Behavior behavior = lived(6, away);
    model::Behavior back = behavior_after(pack(behavior, {}, {}));
    for (std::size_t cell = 0; cell < model::week_cells; ++cell)
      EXPECT_NEAR(back.past[0].season.away(cell), behavior.past[0].season.away(cell), 0.52) << away << " " << cell;
    EXPECT_TRUE(std::isnan(back.past[1].season.away(0)));
  }
}

TEST(Packed, WhoGivesUpItsSeasonGivesUpItsWeek) {
  model::Behavior back = behavior_after(pack(lived(6, 2), {}, {.seasons = 0}));
  EXPECT_TRUE(std::isnan(back.past[0].season.away(30)));
}

TEST(Packed, ASeriesThatIsNotKnownCostsSomeBytes) {
  model::Behavior unknown;
  unknown.resize(100);
  std::size_t hundred = pack(unknown, {}, {}).size();
  unknown.resize(200);
  EXPECT_LT(pack(unknown, {}, {}).size() - hundred, 1500U) << "9 B of them where it was, for who compares revisions";
}

TEST(Packed, HabitsComeBackAsTheyWere) {
  model::Behavior behavior;
  behavior.resize(70);
  model::Habits habits = some_habits(70);
  ASSERT_TRUE(model::is_whole(habits));
  std::string bytes = pack(behavior, habits, {});
  Result<Unpacked> back = unpack(bytes);
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_TRUE(without_tails(back->habits) == without_tails(habits));
  EXPECT_TRUE(pack(behavior, habits, {}) == bytes) << "the same gives the same";
  for (std::size_t i = 0; i < habits.forms.size(); ++i) {
    for (float u : {3.0F, 8.0F, 16.0F})
      EXPECT_NEAR(back->habits.forms[i].tails[1].widen().surprise(static_cast<double>(u)),
                  habits.forms[i].tails[1].widen().surprise(static_cast<double>(u)), 0.12);
  }
}

TEST(Packed, WithoutHabitsNoneComeBack) {
  Result<Unpacked> back = unpack(pack(lived(2, 1), {}, {}));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->habits == model::Habits{});
}

TEST(Packed, FormsAreKeptOfTheFirstSeriesAndRelationsWholeOrNotAtAll) {
  model::Behavior behavior;
  behavior.resize(40);
  model::Habits habits = some_habits(40);
  Result<Unpacked> back = unpack(pack(behavior, habits, {.forms = 7, .relations = false}));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->habits.forms.size(), 7U);
  EXPECT_TRUE(back->habits.relations == model::RelationHabits{});
  back = unpack(pack(behavior, habits, {.forms = 0}));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->habits.relations.paths == habits.relations.paths);
}

TEST(Packed, MoreThanTheSeriesThereAreIsRefused) {
  model::Behavior behavior;
  behavior.resize(20);
  EXPECT_FALSE(unpack(pack(behavior, some_habits(21), {})).ok());
  model::Habits odd = some_habits(20);
  odd.relations.views.pop_back();
  EXPECT_FALSE(unpack(pack(behavior, odd, {})).ok());
  odd = some_habits(20);
  odd.relations.paths[3].center = std::nanf("");
  Result<Unpacked> refused = unpack(pack(behavior, odd, {}));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().to_string().find("revision"), std::string::npos);
  odd = some_habits(20);
  odd.forms[0].uses.pop_back();
  EXPECT_FALSE(unpack(pack(behavior, odd, {})).ok());
}

TEST(Packed, NumbersThatCanNotBeComputedWithAreRefused) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  auto refused = [](auto change) {
    model::Behavior behavior = lived(3, 1);
    change(behavior);
    return !unpack(pack(behavior, {}, {})).ok();
  };
  EXPECT_FALSE(refused([](model::Behavior&) {}));
  EXPECT_TRUE(refused([](model::Behavior& bad) { bad.series[0].season_scale = nan; }));
  EXPECT_TRUE(refused([](model::Behavior& bad) { bad.series[0].band_high = nan; }));
  EXPECT_TRUE(refused([](model::Behavior& bad) { bad.series[0].anchor.scale = nan; }));
  EXPECT_TRUE(refused([](model::Behavior& bad) { bad.series[0].anchor.location = 1e300; })) << "no float";
  EXPECT_TRUE(refused([](model::Behavior& bad) { bad.interval = static_cast<double>(nan); }));
}

// With the checksum made to fit, as who would harm it would.
TEST(Packed, DamageUnderAFittingChecksumGivesAnErrorOrWholeHabits) {
  model::Behavior behavior = lived(3, 1);
  std::string payload = payload_of(pack(behavior, some_habits(2), {}));
  Prng random(6);
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string bad = payload;
    for (int i = 0; i < 1 + round % 3; ++i) bad[random.next() % bad.size()] = static_cast<char>(random.next());
    if (round % 5 == 0) bad.resize(random.next() % bad.size());
    Result<Unpacked> back = unpack(sealed(packed_version, bad));
    if (!back) ++refused;
    else EXPECT_TRUE(model::is_whole(back->habits));
  }
  EXPECT_GT(refused, 1000);
}

TEST(Packed, AnotherReleasesVersionIsNamed) {
  Result<Unpacked> refused = unpack(sealed(packed_version + 1, payload_of(pack({}, {}, {}))));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::unsupported);
}

}  // namespace
}  // namespace mien::learn
