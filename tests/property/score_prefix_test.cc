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

}  // namespace
}  // namespace mien
