// Made series: what an injection does to its rows, that it leaves the others alone, and what counts as catching it.
#include "bench/quality/inject.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/text.h"

namespace mien::quality {
namespace {

const Shape& shape_named(std::string_view name) {
  for (const Shape& shape : shapes()) {
    if (shape.name == name) return shape;
  }
  ADD_FAILURE() << "no shape " << name;
  return shapes().front();
}

struct Sample {
  std::vector<WallTime> times;
  std::vector<double> values;  // of the first column; NaN where the cell is empty
};

Sample read(const std::string& csv) {
  Sample out;
  std::vector<std::string_view> lines = split(csv, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    std::vector<std::string_view> cells = split(lines[i], ',');
    std::optional<WallTime> time = parse_time(cells[0]);
    EXPECT_TRUE(time.has_value()) << cells[0];
    out.times.push_back(time.value_or(WallTime{}));
    out.values.push_back(cells[1].empty() ? std::nan("") : parse_double(cells[1]).value_or(-1e300));
  }
  return out;
}

Made made(std::string_view shape, Injection injection, std::uint64_t seed = 5) {
  return make({.shape = &shape_named(shape), .injection = injection, .seed = seed});
}

double deviation_within(const Sample& sample, std::size_t first, std::size_t end) {
  double sum = 0;
  double squares = 0;
  for (std::size_t i = first; i < end; ++i) {
    sum += sample.values[i];
    squares += sample.values[i] * sample.values[i];
  }
  auto count = static_cast<double>(end - first);
  return std::sqrt(squares / count - (sum / count) * (sum / count));
}
double mean_within(const Sample& sample, std::size_t first, std::size_t end) {
  double sum = 0;
  for (std::size_t i = first; i < end; ++i) sum += sample.values[i];
  return sum / static_cast<double>(end - first);
}

TEST(Make, TheSameCaseGivesTheSameBytesAndAnotherSeedOthers) {
  EXPECT_EQ(made("few errors, 1 min", Injection::level).csv, made("few errors, 1 min", Injection::level).csv);
  EXPECT_NE(made("few errors, 1 min", Injection::level).csv, made("few errors, 1 min", Injection::level, 6).csv);
}

TEST(Make, EveryShapeCarriesEveryInjectionThatSuitsIt) {
  for (const Shape& shape : shapes()) {
    if (shape.step < 60) continue;  // the long ones are made alike
    for (Injection injection : shape.suits) {
      if (shape.step < 300 && injection != shape.suits.front()) continue;
      Made series = make({.shape = &shape, .injection = injection, .seed = 1});
      Sample sample = read(series.csv);
      EXPECT_GE(series.where.first, series.train + shape.quiet) << shape.name;
      EXPECT_GE(sample.values.size(), series.where.end + 2 * naming_rows) << shape.name << to_text(injection);
      for (double value : sample.values)
        ASSERT_GT(value == value ? value : 0, -1e9) << shape.name << to_text(injection);
    }
  }
}

TEST(Make, ASpikeIsEightDeviationsAndShort) {
  Made series = made("smooth noise, 5 min", Injection::spike);
  Sample sample = read(series.csv);
  EXPECT_LE(series.where.size(), 3U);
  double usual = deviation_within(sample, 0, series.where.first);
  EXPECT_GT(std::fabs(sample.values[series.where.first] - 100), 5 * usual);
}

TEST(Make, ALevelMovesTheMeanForItsRowsOnly) {
  Made series = made("temperature, 5 min", Injection::level);
  Sample sample = read(series.csv);
  EXPECT_GT(std::fabs(mean_within(sample, series.where.first, series.where.end) - 45), 1.2);
  EXPECT_LT(std::fabs(mean_within(sample, series.where.end, sample.values.size()) - 45), 0.6);
}

TEST(Make, ACollapseLeavesATenthOfTheSpreadAndARiseThreeTimes) {
  Made collapse = made("smooth noise, 5 min", Injection::spread_collapse);
  Sample sample = read(collapse.csv);
  double usual = deviation_within(sample, 0, collapse.where.first);
  EXPECT_LT(deviation_within(sample, collapse.where.first, collapse.where.end), usual / 5);
  Made rise = made("white noise, 1 s", Injection::spread_up);
  sample = read(rise.csv);
  EXPECT_GT(deviation_within(sample, rise.where.first, rise.where.end), 2.5);
}

TEST(Make, AFrozenMetricRepeatsItsLastValue) {
  Made series = made("cpu by day, 5 min", Injection::frozen);
  Sample sample = read(series.csv);
  for (std::size_t i = series.where.first; i < series.where.end; ++i)
    ASSERT_EQ(sample.values[i], sample.values[series.where.first - 1]);
}

TEST(Make, OffSeasonStaysWithinTheUsualRangeButNotAtItsHour) {
  Made series = made("cpu by day, 5 min", Injection::off_season);
  Sample sample = read(series.csv);
  constexpr std::size_t rows_a_day = 288;
  double away = 0;
  for (std::size_t i = series.where.first; i < series.where.end; ++i) {
    away += std::fabs(sample.values[i] - sample.values[i - rows_a_day]);
    EXPECT_GT(sample.values[i], 0.1);
    EXPECT_LT(sample.values[i], 0.9);
  }
  EXPECT_GT(away / static_cast<double>(series.where.size()), 0.1);
}

TEST(Make, AFlatSeasonHasNoDay) {
  Made series = made("cpu by day, 5 min", Injection::flat_season);
  Sample sample = read(series.csv);
  EXPECT_EQ(series.where.size(), 288U);
  EXPECT_LT(deviation_within(sample, series.where.first, series.where.end), 0.05);
  EXPECT_GT(deviation_within(sample, series.where.first - 288, series.where.first), 0.1);
}

TEST(Make, AnotherShapeHasTheSameDistribution) {
  Made series = made("memory saw-tooth, 1 min", Injection::shape);
  Sample sample = read(series.csv);
  EXPECT_NEAR(deviation_within(sample, series.where.first, series.where.end),
              deviation_within(sample, 0, series.where.first), 0.03);
  std::size_t falls = 0;
  for (std::size_t i = series.where.first + 1; i < series.where.end; ++i)
    falls += sample.values[i] < sample.values[i - 1] - 0.2 ? 1 : 0;
  EXPECT_EQ(falls, 0U);  // it rises at once and falls slowly
}

TEST(Make, SilenceIsRowsThatAreMissing) {
  Made series = made("connections, 5 min", Injection::silence);
  Sample sample = read(series.csv);
  EXPECT_EQ(series.where.size(), 0U);
  Duration gap = sample.times[series.where.first] - sample.times[series.where.first - 1];
  EXPECT_GE(gap, 60 * 300s);
}

TEST(Make, ASlowRampIsOnePercentOfTheMeanADay) {
  Made series = made("temperature, 5 min", Injection::slow_ramp);
  Sample sample = read(series.csv);
  EXPECT_EQ(series.where.size(), 30U * 288);
  EXPECT_NEAR(mean_within(sample, series.where.end - 100, series.where.end), 45 * 1.3, 0.5);
  EXPECT_NEAR(mean_within(sample, series.where.first, series.where.first + 100), 45, 0.5);
}

TEST(Make, CellsAreMissingWhereTheShapeSaysSo) {
  Sample sample = read(made("latency by day, gaps, 1 min", Injection::spike).csv);
  std::size_t empty = 0;
  for (double value : sample.values) empty += std::isnan(value) ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(empty) / static_cast<double>(sample.values.size()), 0.01, 0.003);
}

// ---- judging ----

Scores alerts(std::size_t rows, const Ranges& on, const std::string& kind) {
  Scores scores;
  scores.alert.resize(rows);
  scores.scores.resize(rows);
  scores.kinds.assign(rows, "none");
  for (const Range& range : on) {
    for (std::size_t i = range.first; i < range.end; ++i) {
      scores.alert[i] = 1;
      scores.kinds[i] = kind;
    }
  }
  return scores;
}

TEST(Judge, TheFirstEpisodeInTheInjectionOrJustAfterItCatchesIt) {
  Outcome outcome = judge(alerts(400, {{210, 220}, {225, 300}}, "level"), 100, {200, 230});
  EXPECT_TRUE(outcome.caught);
  EXPECT_EQ(outcome.delay, 10U);
  EXPECT_EQ(outcome.kind, "level");
  EXPECT_EQ(outcome.false_episodes, 0U);
  EXPECT_EQ(outcome.quiet_rows, 100U);
  EXPECT_TRUE(judge(alerts(400, {{261, 262}}, "level"), 100, {200, 230}).caught);
  EXPECT_FALSE(judge(alerts(400, {{262, 263}}, "level"), 100, {200, 230}).caught);
}

TEST(Judge, TheNameIsThatOfThirtyTwoRowsIntoTheEpisode) {
  Scores scores = alerts(400, {{200, 300}}, "spike");
  for (std::size_t i = 220; i < 300; ++i) scores.kinds[i] = "level";
  EXPECT_EQ(judge(scores, 100, {200, 230}).kind, "level");
  EXPECT_EQ(judge(alerts(400, {{200, 203}}, "spike"), 100, {200, 230}).kind, "spike");
}

TEST(Judge, EpisodesBeforeAreFalseAndOneThatIsStillOpenHidesTheInjection) {
  Outcome outcome = judge(alerts(400, {{50, 60}, {120, 130}, {190, 205}, {210, 215}}, "ramp"), 100, {200, 230});
  EXPECT_EQ(outcome.false_episodes, 2U);  // the first was in the history
  EXPECT_TRUE(outcome.busy);
  EXPECT_FALSE(outcome.caught);
}

}  // namespace
}  // namespace mien::quality
