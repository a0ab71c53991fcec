// The formulas on cases small enough to be worked out by hand, and the fast ones beside slow ones that follow the
// papers.
#include "bench/quality/formulas.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/prng.h"

namespace mien::quality {
namespace {

using Scores = std::vector<double>;

double credit(double position) { return scaled_sigmoid(position) / scaled_sigmoid(-1); }

NabResult best_of(const NabSeries& series) {
  std::vector<const NabSeries*> corpus{&series};
  return nab_best(corpus);
}
NabResult at(const NabSeries& series, double threshold) {
  std::vector<const NabSeries*> corpus{&series};
  return nab_at(corpus, threshold);
}

TEST(Nab, SigmoidFallsFromTheLeftEdgeOfTheWindow) {
  EXPECT_NEAR(scaled_sigmoid(-1), 0.98661, 1e-5);
  EXPECT_NEAR(scaled_sigmoid(-0.5), 0.84828, 1e-5);
  EXPECT_NEAR(scaled_sigmoid(0), 0, 1e-12);
  EXPECT_NEAR(scaled_sigmoid(1), -0.98661, 1e-5);
  EXPECT_EQ(scaled_sigmoid(3), -1);
}

TEST(Nab, NothingDetectedIsNoughtAndTheFirstRowOfEachWindowIsAHundred) {
  Scores scores(100, 0.0);
  scores[40] = 1;
  scores[60] = 1;
  NabSeries series = nab_series(scores, {{40, 50}, {60, 70}});
  EXPECT_EQ(series.rows.size(), 85U);  // 15 rows of probation
  EXPECT_DOUBLE_EQ(at(series, 2).score, 0);
  // -(right - i + 1) / width at the left edge is -10/10.
  NabResult perfect = best_of(series);
  EXPECT_DOUBLE_EQ(perfect.score, 100);
  EXPECT_EQ(perfect.threshold, 1);
  EXPECT_EQ(perfect.found, 2U);
  EXPECT_EQ(perfect.outside, 0U);
}

TEST(Nab, OnlyTheEarliestDetectionOfAWindowCounts) {
  Scores scores(100, 0.0);
  scores[45] = 1;
  scores[49] = 1;
  NabSeries series = nab_series(scores, {{40, 50}});
  EXPECT_NEAR(at(series, 1).score, 100 * (credit(-0.5) + 1) / 2, 1e-9);
}

TEST(Nab, DetectionsOutsideCostByTheirDistanceFromTheWindowBefore) {
  Scores scores(100, 0.0);
  scores[20] = 1;  // before the first window: a whole false positive
  scores[54] = 1;  // 5 rows after the last of a window of 11: 5 / 10
  scores[90] = 1;  // more than three widths after it
  NabSeries series = nab_series(scores, {{39, 50}});
  double raw = 0.11 * (-1 + scaled_sigmoid(0.5) - 1) - 1;
  NabResult result = at(series, 1);
  EXPECT_NEAR(result.score, 100 * (raw + 1) / 2, 1e-9);
  EXPECT_EQ(result.outside, 3U);
}

TEST(Nab, ProbationIsIgnoredAndIsAtMost750Rows) {
  Scores scores(10000, 0.0);
  scores[749] = 1;
  scores[750] = 1;
  NabSeries series = nab_series(scores, {{10, 20}, {5000, 5010}});
  EXPECT_EQ(series.rows.size(), 9250U);
  EXPECT_EQ(series.windows, 1U);  // the other lies in the probation
  EXPECT_EQ(at(series, 1).outside, 1U);
  // The window in the probation is still the one before: far more than three widths behind.
  EXPECT_NEAR(at(series, 1).score, 100 * -0.11 / 2, 1e-9);
}

TEST(Nab, TheBestThresholdIsBestOfAllThresholds) {
  Prng random(7);
  std::vector<NabSeries> series;
  for (int s = 0; s < 3; ++s) {
    Scores scores(200);
    for (double& score : scores) score = std::floor(random.uniform() * 20) / 20;
    for (std::size_t i = 100; i < 110; ++i) scores[i] += 0.2;
    series.push_back(nab_series(scores, {{100, 120}, {150, 160}}));
  }
  std::vector<const NabSeries*> corpus{&series[0], &series[1], &series[2]};
  NabResult best = nab_best(corpus);
  double most = -1e9;
  for (int i = 0; i <= 120; ++i) most = std::max(most, nab_at(corpus, i / 100.0).score);
  EXPECT_NEAR(best.score, most, 1e-9);
  EXPECT_NEAR(nab_at(corpus, best.threshold).score, best.score, 1e-9);
}

TEST(AveragePrecision, IsWhatOneCountsByHand) {
  // Descending: hit, miss, hit, miss.  (1/2)(1/1) + (1/2)(2/3).
  EXPECT_DOUBLE_EQ(average_precision(Scores{0.9, 0.8, 0.7, 0.1}, {{0, 1}, {2, 3}}), 0.5 + 0.5 * 2 / 3);
  EXPECT_DOUBLE_EQ(average_precision(Scores{0.1, 0.9}, {{1, 2}}), 1);
  EXPECT_DOUBLE_EQ(average_precision(Scores{0.1, 0.9}, {}), 0);
}

TEST(AveragePrecision, TiesAreOneThreshold) {
  // All equal: one threshold that takes everything, whatever the order of the rows.
  EXPECT_DOUBLE_EQ(average_precision(Scores(8, 0.5), {{0, 2}}), 0.25);
  EXPECT_DOUBLE_EQ(average_precision(Scores(8, 0.5), {{6, 8}}), 0.25);
}

// As the paper says it, one threshold and one window at a time.
double slow_vus(const Scores& scores, const Ranges& anomalies, const VusOptions& options) {
  std::size_t rows = scores.size();
  Scores sorted = scores;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double positives = 0;
  for (const Range& range : anomalies) positives += static_cast<double>(range.size());
  double total = 0;
  double windows = 0;
  for (std::size_t window = 0; window <= options.window; window += options.stride) {
    Scores labels(rows, 0.0);
    for (const Range& range : anomalies) {
      for (std::size_t i = 0; i < rows; ++i) {
        double distance = i < range.first  ? static_cast<double>(range.first - i)
                          : i >= range.end ? static_cast<double>(i - range.end + 1)
                                           : 0;
        if (distance > static_cast<double>(window / 2)) continue;
        labels[i] += distance == 0 ? 1 : std::sqrt(1 - distance / static_cast<double>(window));
      }
    }
    double sum = 0;
    for (double& label : labels) sum += label = std::min(label, 1.0);
    double before = 0;
    double area = 0;
    for (std::size_t k = 0; k < options.thresholds; ++k) {
      double position =
          static_cast<double>(k) * static_cast<double>(rows - 1) / static_cast<double>(options.thresholds - 1);
      double threshold = sorted[static_cast<std::size_t>(position)];
      double hits = 0;
      double predicted = 0;
      double ranges = 0;
      double touched = 0;
      bool inside = false;
      bool hit = false;
      for (std::size_t i = 0; i <= rows; ++i) {
        bool labelled = i < rows && labels[i] > 0;
        if (inside && !labelled) touched += hit ? 1 : 0;
        if (!inside && labelled) ranges += 1, hit = false;
        inside = labelled;
        if (i == rows || scores[i] < threshold) continue;
        predicted += 1;
        hits += labels[i];
        hit = hit || labelled;
      }
      double recall = std::min(hits / ((positives + sum) / 2), 1.0) * touched / ranges;
      area += (recall - before) * hits / predicted;
      before = recall;
    }
    total += area;
    windows += 1;
  }
  return total / windows;
}

TEST(Vus, WindowNoughtWithAThresholdPerRowIsAveragePrecisionOfOneRange) {
  Scores scores{0.1, 0.2, 0.9, 0.8, 0.3};
  VusOptions options{.window = 0, .stride = 1, .thresholds = 5};
  EXPECT_DOUBLE_EQ(vus_pr(scores, {{2, 4}}, options), 1);
  EXPECT_DOUBLE_EQ(vus_pr(scores, {{2, 3}, {4, 5}}, options), slow_vus(scores, {{2, 3}, {4, 5}}, options));
}

TEST(Vus, WindowTwoByHand) {
  // Labels 0, sqrt(1/2), 1, sqrt(1/2), 0 (distance 1 of window 2); positives 1, expected (1 + 1 + sqrt 2) / 2.
  Scores scores{0.1, 0.2, 0.9, 0.8, 0.3};
  double side = std::sqrt(0.5);
  double expected = (2 + 2 * side) / 2;
  double first = 1 / expected;                           // recall of the first threshold, precision 1
  double second = std::min((1 + side) / expected, 1.0);  // then the right side: precision (1 + side) / 2
  double area = first + (second - first) * (1 + side) / 2;
  VusOptions only{.window = 2, .stride = 2, .thresholds = 5};
  double with_nought = vus_pr(scores, {{2, 3}}, only);
  EXPECT_NEAR(with_nought, (1 + area) / 2, 1e-12);
}

TEST(Vus, AgreesWithTheSlowOneOnRandomSeries) {
  Prng random(3);
  for (int round = 0; round < 12; ++round) {
    std::size_t rows = 300 + random.below(400);
    Scores scores(rows);
    for (double& score : scores) score = random.chance(0.3) ? 0.0 : std::floor(random.uniform() * 100) / 100;
    Ranges anomalies;
    for (std::size_t at = random.below(20); at + 30 < rows; at += 20 + random.below(150))
      anomalies.push_back({at, at + 1 + random.below(15)});
    anomalies.push_back({rows - 3, rows});
    for (const Range& range : anomalies) {
      for (std::size_t i = range.first; i < range.end; ++i) scores[i] += random.chance(0.5) ? 0.5 : 0;
    }
    VusOptions options{.window = 60, .stride = 7, .thresholds = 250};
    EXPECT_NEAR(vus_pr(scores, anomalies, options), slow_vus(scores, anomalies, options), 1e-9) << round;
  }
}

TEST(EventRecall, LowersTheThresholdWhileFalseEpisodesAreAffordable) {
  Scores scores(100, 0.0);
  scores[10] = 0.9;  // false
  scores[30] = 0.8;  // in the first event, two rows late
  scores[60] = 0.7;  // false, one too many
  scores[80] = 0.6;  // in the second event
  Ranges events{{28, 35}, {80, 85}};
  EventRecall one = event_recall(scores, events, 1, Tails::count);
  EXPECT_EQ(one.threshold, 0.8);
  EXPECT_EQ(one.found, 1U);
  EXPECT_EQ(one.delays, (std::vector<std::size_t>{2}));
  EventRecall two = event_recall(scores, events, 2, Tails::count);
  EXPECT_EQ(two.found, 2U);
  EXPECT_EQ(event_recall(scores, events, 0.5, Tails::count).found, 0U);
}

TEST(EventRecall, RunsThatAreNearAreOne) {
  Scores scores(100, 0.0);
  for (std::size_t i : {10U, 19U, 28U}) scores[i] = 0.9;
  EXPECT_EQ(event_recall(scores, {{50, 51}}, 1, Tails::count).false_episodes, 1U);
  scores[38] = 0.9;  // ten rows after the last
  EXPECT_FALSE(std::isfinite(event_recall(scores, {{50, 51}}, 1, Tails::count).threshold));
}

TEST(EventRecall, AScoreThatIsAlwaysHighFindsNothing) {
  EXPECT_EQ(event_recall(Scores(100, 0.9), {{50, 51}}, 1, Tails::count).found, 0U);
  Scores scores(100, 0.0);
  for (std::size_t i = 0; i < 10; ++i) scores[i] = 0.9;
  scores[60] = 0.8;
  EXPECT_EQ(event_recall(scores, {{60, 65}}, 1, Tails::count).found, 0U);  // 10 of 95 rows
  EXPECT_EQ(event_recall(scores, {{40, 41}, {60, 61}}, 1, Tails::count).found, 0U);
  scores[9] = 0;
  EXPECT_EQ(event_recall(scores, {{60, 65}}, 1, Tails::count).found, 1U);
}

TEST(EventRecall, TheTailOfAnEventIsFalseOnlyWhereTailsCount) {
  Scores scores(100, 0.0);
  for (std::size_t i = 52; i < 60; ++i) scores[i] = 0.9;
  Ranges events{{50, 55}};
  EXPECT_EQ(event_recall(scores, events, 0, Tails::count).found, 0U);
  EXPECT_EQ(event_recall(scores, events, 0, Tails::free).found, 1U);
  // Two false runs that an event's run joins are excused with it.
  scores[66] = 0.9;
  EXPECT_EQ(event_recall(scores, events, 0, Tails::free).found, 1U);
  scores[90] = 0.9;
  EXPECT_EQ(event_recall(scores, events, 0, Tails::free).found, 0U);
}

TEST(Episodes, AreRunsOfSetRows) {
  EXPECT_EQ(episodes(std::vector<std::uint8_t>{1, 1, 0, 0, 1, 0, 1}), (Ranges{{0, 2}, {4, 5}, {6, 7}}));
  EXPECT_EQ(episodes(std::vector<std::uint8_t>{}), Ranges{});
}

TEST(HealthyStretches, LeaveOutEventsTheirAftermathAndWhatIsShort) {
  EXPECT_EQ(healthy_stretches(100, {{20, 30}, {45, 50}}, 5, 15), (Ranges{{0, 20}, {55, 100}}));
  EXPECT_EQ(healthy_stretches(100, {{20, 30}, {45, 50}}, 5, 10), (Ranges{{0, 20}, {35, 45}, {55, 100}}));
  EXPECT_EQ(healthy_stretches(52, {{0, 50}}, 5, 1), Ranges{});
}

TEST(FromRow, CutsRangesAtTheFirstJudgedRow) {
  EXPECT_EQ(from_row({{1, 3}, {8, 12}, {20, 30}}, 10), (Ranges{{0, 2}, {10, 20}}));
}

TEST(Median, OfAnEvenCountIsBetweenTheTwoInTheMiddle) {
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({5, 1, 3}), 3);
  EXPECT_EQ(median({}), 0);
}

}  // namespace
}  // namespace mien::quality
