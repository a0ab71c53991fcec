#include "drift/habits.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/codec.h"
#include "base/prng.h"
#include "drift/relations.h"

namespace mien::drift {
namespace {

constexpr std::size_t count = 40;  // two groups

// Series that follow one slow cause, each on its own scale and with some noise of its own; blocks of them.
struct Life {
  Relations relations;
  Prng random{3};
  double cause = 0;
  double apart = 0;  // what those that have parted follow

  Life() { grow(relations, count); }
  void live(int blocks) {
    for (int i = 0; i < blocks; ++i) block(relations);
  }
  // The largest surprise of the views together.
  double strangest_of(int blocks, Relations& one, Relations* other = nullptr, bool broken = false) {
    double most = 0;
    for (int i = 0; i < blocks; ++i) {
      block(one, other, broken);
      most = std::max(most, std::sqrt(squared_surprise(one)));
    }
    return most;
  }
  // The same block for each; `broken`: every eighth series goes another way, within its usual values.
  void block(Relations& one, Relations* other = nullptr, bool broken = false) {
    cause += 0.2 * (random.normal() - cause);
    apart = broken ? apart + 0.2 * (random.normal() - apart) : cause;
    for (std::size_t s = 0; s < one.paths.size(); ++s) {
      double own = (broken && s % 8 == 5 ? apart : cause) + 0.05 * random.normal();
      double x = (1 + static_cast<double>(s)) * own;
      join_block(one, s, x);
      if (other != nullptr) join_block(*other, s, x);
    }
    judge_block(one, Lesson::careful);
    if (other != nullptr) judge_block(*other, Lesson::careful);
  }
};

Relations begun(const Relations& from, std::size_t series = count) {
  Relations relations;
  begin_with(relations, habits_of(from), series);
  return relations;
}

TEST(Habits, ARelationThatBreaksIsSeenAtOnceByWhoBeganWithThem) {
  Life life;
  life.live(3000);
  Relations with = begun(life.relations);
  EXPECT_EQ(with.blocks, 3000U);
  Relations without;
  grow(without, count);
  EXPECT_LT(life.strangest_of(10, with, &without), 3);
  EXPECT_GT(life.strangest_of(12, with, &without, true), 5);
  EXPECT_EQ(strangest(with, 1).front() % 8, 5U);
  EXPECT_EQ(squared_surprise(without), 0) << "it knows nothing yet";
}

TEST(Habits, WhatGoesOnAsBeforeIsOrdinaryFromTheFirstBlockOn) {
  Life life;
  life.live(4000);
  for (int round = 0; round < 5; ++round) {
    Relations again = begun(life.relations);
    double strangest_exact = 0;
    double strangest_begun = 0;
    for (int i = 0; i < 200; ++i) {
      life.block(life.relations, &again);
      strangest_exact = std::max(strangest_exact, squared_surprise(life.relations));
      strangest_begun = std::max(strangest_begun, squared_surprise(again));
    }
    EXPECT_LT(std::sqrt(strangest_begun), std::sqrt(strangest_exact) + 1.5) << round;
  }
}

TEST(Habits, TheyComeBackAsTheyWere) {
  Life life;
  life.live(1500);
  model::RelationHabits habits = habits_of(life.relations);
  EXPECT_TRUE(model::is_whole({.relations = habits, .forms = {}}));
  model::RelationHabits again = habits_of(begun(life.relations));
  EXPECT_EQ(again.blocks, habits.blocks);
  EXPECT_EQ(again.tails, habits.tails);
  for (std::size_t i = 0; i < habits.views.size(); ++i) {
    EXPECT_EQ(again.views[i].means, habits.views[i].means);
    EXPECT_EQ(again.views[i].spreads, habits.views[i].spreads);
    EXPECT_EQ(again.views[i].learned, habits.views[i].learned);
  }
}

TEST(Habits, ASeriesThatTheyDoNotKnowTakesNoPartUntilItIsKnown) {
  Life life;
  life.live(3000);
  Relations wider = begun(life.relations, count + 3);
  ASSERT_EQ(wider.paths.size(), count + 3);
  EXPECT_TRUE(is_whole(wider));
  for (int i = 0; i < 50; ++i) {
    life.block(wider, &life.relations);
    EXPECT_LT(std::sqrt(squared_surprise(wider)), std::sqrt(squared_surprise(life.relations)) + 2);
  }
  EXPECT_FALSE(wider.paths[count].takes_part());
  model::RelationHabits habits = habits_of(wider);
  EXPECT_TRUE(model::is_whole({.relations = habits, .forms = {}})) << "and can be written again";
  EXPECT_FALSE(begun(wider, count + 3).paths[count].takes_part()) << "so also by who goes back to that";
  EXPECT_GT(life.strangest_of(12, wider, nullptr, true), 5) << "the others are judged as before";
}

TEST(Habits, WhatDoesNotFitIsAsNothing) {
  Life life;
  life.live(200);
  model::RelationHabits odd = habits_of(life.relations);
  odd.views.pop_back();
  Relations relations = begun(life.relations);
  begin_with(relations, odd, count);
  EXPECT_TRUE(relations.paths.empty());
  EXPECT_EQ(relations.blocks, 0U);
  begin_with(relations, {}, count);
  EXPECT_TRUE(relations.paths.empty());

  Watch watch;
  std::string before = watch.encode();
  watch.begin_with({.relations = odd, .forms = {}});
  EXPECT_EQ(watch.encode(), before);
}

TEST(Habits, StoredBetweenTwoBlocksTheyGoOnAlike) {
  Life life;
  life.live(1200);
  Relations whole = begun(life.relations, count + 1);
  Relations cut = begun(life.relations, count + 1);
  for (int i = 0; i < 60; ++i) {
    life.block(whole, &cut);
    if (i % 7 == 0) cut = decode<Relations>(encode(cut), "relations").value();
    ASSERT_TRUE(is_whole(cut));
  }
  EXPECT_EQ(encode(cut), encode(whole));
  EXPECT_EQ(encode(decode<Relations>(encode(begun(life.relations)), "relations").value()),
            encode(begun(life.relations)))
      << "before its first block too";
}

// A value that comes in a wave of two dozen blocks.
double wave(Prng& random, int block) { return std::sin(block * 0.26) + 0.2 * random.normal(); }

Pattern lived(int blocks, Prng& random) {
  Pattern pattern;
  for (int i = 0; i < blocks; ++i) follow_pattern(pattern, wave(random, i), false);
  return pattern;
}

TEST(Habits, AFormComesBackAsItWas) {
  Prng random(11);
  Pattern pattern = lived(4000, random);
  model::FormHabit habit = habit_of(pattern);
  EXPECT_TRUE(model::is_whole({.relations = {}, .forms = {habit}}));
  Pattern again;
  begin_with(again, habit);
  EXPECT_EQ(habit_of(again), habit);
  EXPECT_EQ(again.stretch.known, pattern.stretch.known);
  EXPECT_EQ(again.marks, pattern.marks);
}

TEST(Habits, AWaveThatBecomesNoiseIsStrangeToWhoBeganWithIt) {
  Prng random(11);
  Pattern pattern = lived(4000, random);
  Pattern again;
  begin_with(again, habit_of(pattern));
  float usual = 0;
  for (int i = 4000; i < 4300; ++i) usual = std::max(usual, follow_pattern(again, wave(random, i), false));
  EXPECT_LT(usual, 3);
  float strange = 0;
  float unknown = 0;
  Pattern fresh;
  for (int i = 0; i < 100; ++i) {
    double noise = 0.7 * random.normal();
    strange = std::max(strange, follow_pattern(again, noise, false));
    unknown = std::max(unknown, follow_pattern(fresh, noise, false));
  }
  EXPECT_GT(strange, usual + 0.5F);
  EXPECT_EQ(unknown, 0);
}

TEST(Habits, AFormThatIsNotKnownLeavesWhatIs) {
  Prng random(11);
  Pattern pattern = lived(500, random);
  std::string before = encode(pattern);
  begin_with(pattern, model::FormHabit{});
  EXPECT_EQ(encode(pattern), before);
}

}  // namespace
}  // namespace mien::drift
