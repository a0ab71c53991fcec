// The engine over rows looks at nothing that is still to come, and forgets nothing that was: every prefix of a random
// run has the lines it has in the whole, and a run that is cut anywhere, encoded and restored goes on alike.
// rooms: app
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "app/score.h"
#include "base/prng.h"

namespace mien {
namespace {

struct Row {
  WallTime time;
  std::vector<double> values;
};

struct Life {
  std::vector<std::string> columns;
  std::uint64_t train_rows = 0;
  std::vector<Row> rows;
};

// Any number of columns, any step, gaps, missing cells, steps that go back, steps in level, frozen stretches.
Life random_life(std::uint64_t seed) {
  Prng random(seed);
  Life run;
  std::size_t columns = 1 + random.below(6);
  for (std::size_t c = 0; c < columns; ++c) run.columns.push_back("m" + std::to_string(c));
  std::size_t count = 300 + random.below(900);
  run.train_rows = random.chance(0.5) ? random.below(count / 2) : 0;
  constexpr std::int64_t second = 1'000'000'000;
  const std::int64_t step = random.chance(0.5) ? second : 60 * second;
  WallTime now{1'700'000'000 * second};
  std::vector<double> level(columns, 10);
  std::vector<double> value(columns, 0);
  for (std::size_t i = 0; i < count; ++i) {
    now.ns += random.chance(0.01) ? -step : random.chance(0.01) ? 500 * step : step;
    Row row{.time = now, .values = {}};
    for (std::size_t c = 0; c < columns; ++c) {
      if (random.chance(0.003)) level[c] += 20 * random.normal();
      bool frozen = (i / 100) % 7 == c;
      if (!frozen) value[c] = level[c] + random.normal();
      row.values.push_back(random.chance(0.03) ? std::numeric_limits<double>::quiet_NaN() : value[c]);
    }
    run.rows.push_back(std::move(row));
  }
  return run;
}

std::string lines_of(app::Scorer& scorer, const Life& run, std::size_t from, std::size_t to) {
  std::string out;
  for (std::size_t i = from; i < to; ++i) {
    app::Scorer::Line line = scorer.add(run.rows[i].time, run.rows[i].values);
    out += app::score_line(std::to_string(i), line, run.columns[line.column]);
  }
  return out;
}

TEST(ScorePrefix, TheFirstLinesDependOnTheFirstRowsOnly) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Life run = random_life(seed);
    app::Scorer whole(run.columns, run.train_rows, 1);
    std::string all = lines_of(whole, run, 0, run.rows.size());
    Prng random(seed + 100);
    for (int trial = 0; trial < 4; ++trial) {
      std::size_t k = random.below(run.rows.size());
      Life other = run;  // another future
      for (std::size_t i = k; i < other.rows.size(); ++i)
        for (double& x : other.rows[i].values) x = 1e6 * random.normal();
      app::Scorer scorer(run.columns, run.train_rows, 1);
      std::string first = lines_of(scorer, other, 0, k);
      (void)lines_of(scorer, other, k, other.rows.size());
      EXPECT_EQ(first, all.substr(0, first.size())) << "seed " << seed << ", " << k << " rows";
    }
  }
}

TEST(ScorePrefix, CutAnywhereItGoesOnInTheSameBytes) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Life run = random_life(seed);
    app::Scorer whole(run.columns, run.train_rows, 1);
    std::string all = lines_of(whole, run, 0, run.rows.size());
    Prng random(seed + 200);
    std::string out;
    std::string state;
    for (std::size_t at = 0; at < run.rows.size();) {
      std::size_t next = std::min(run.rows.size(), at + 1 + random.below(run.rows.size() / 3));
      app::Scorer scorer(run.columns, run.train_rows, 1);
      bool restored = at == 0 || scorer.restore(state).ok();
      ASSERT_TRUE(restored) << "seed " << seed;
      out += lines_of(scorer, run, at, next);
      state = scorer.encode();
      at = next;
    }
    EXPECT_EQ(out, all) << "seed " << seed;
    EXPECT_EQ(state, whole.encode()) << "seed " << seed;
  }
}

// Three columns that go together along a curve, healthy for long enough that an autoencoder is trained, then not.
Life curved_life() {
  Prng random(17);
  Life run{.columns = {"load", "answer", "rest"}, .train_rows = 1200, .rows = {}};
  double load = 0;
  for (std::int64_t i = 0; i < 1300; ++i) {
    load = 0.9 * load + 0.4 * random.normal();
    double answer = i < 1260 ? load * load : 0;
    run.rows.push_back({.time = WallTime{(1'700'000'000 + 60 * i) * 1'000'000'000},
                        .values = {load, answer + 0.1 * random.normal(), random.normal() - load}});
  }
  return run;
}

TEST(ScorePrefix, WithAnAutoencoderItLooksAtNothingToComeAndGoesOnInTheSameBytes) {
  Life run = curved_life();
  app::Scorer plain(run.columns, run.train_rows, 1);
  std::string without = lines_of(plain, run, 0, run.rows.size());
  app::Scorer whole(run.columns, run.train_rows, 1);
  whole.learn_interplay(1);
  std::string all = lines_of(whole, run, 0, run.rows.size());
  EXPECT_NE(all, without);

  app::Scorer first(run.columns, run.train_rows, 1);
  first.learn_interplay(1);
  constexpr std::size_t cut = 1150;  // it was trained at the 1,000th ordinary block, and its past speaks
  Life other = run;
  for (std::size_t i = cut; i < other.rows.size(); ++i) other.rows[i].values = {1e6, -1e6, 0};
  std::string out = lines_of(first, other, 0, cut);
  std::string state = first.encode();
  EXPECT_EQ(out, all.substr(0, out.size()));
  app::Scorer second(run.columns, run.train_rows, 1);
  ASSERT_TRUE(second.restore(state).ok());
  out += lines_of(second, run, cut, run.rows.size());
  EXPECT_EQ(out, all);
  EXPECT_EQ(second.encode(), whole.encode());
}

}  // namespace
}  // namespace mien
