#include "bench/quality/formulas.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/math.h"

namespace mien::quality {
namespace {

constexpr double false_positive_weight = 0.11;  // of NAB's standard profile; true positive and miss weigh 1
constexpr double far_behind = 3;
constexpr double most_above = 0.1;  // share of the rows outside events

std::vector<std::size_t> by_descending(std::span<const double> scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
  return order;
}

std::vector<std::uint8_t> marked(std::size_t rows, const Ranges& ranges) {
  std::vector<std::uint8_t> mark(rows);
  for (const Range& range : ranges)
    std::fill(mark.begin() + std::ptrdiff_t(range.first), mark.begin() + std::ptrdiff_t(range.end), 1);
  return mark;
}

double normalised(double raw, std::size_t windows) {
  auto count = static_cast<double>(windows);
  return windows == 0 ? 0 : 100 * (raw + count) / (2 * count);
}

// Sums what detections bring while the threshold goes down.
class NabSum {
 public:
  explicit NabSum(std::span<const NabSeries* const> corpus) {
    for (const NabSeries* series : corpus) {
      first_.push_back(best_.size());
      best_.resize(best_.size() + series->windows, -1.0);
    }
    raw_ = -static_cast<double>(best_.size());
  }
  void detect(std::size_t series, const NabSeries::Row& row) {
    if (row.window < 0) {
      raw_ += row.credit;
      ++outside_;
      return;
    }
    double& best = best_[first_[series] + static_cast<std::size_t>(row.window)];
    if (best == -1.0) ++found_;
    if (row.credit <= best) return;
    raw_ += row.credit - best;
    best = row.credit;
  }
  [[nodiscard]] NabResult result(double threshold) const {
    return {.threshold = threshold,
            .score = normalised(raw_, best_.size()),
            .windows = best_.size(),
            .found = found_,
            .outside = outside_};
  }

 private:
  std::vector<std::size_t> first_;  // window of each series
  std::vector<double> best_;        // credit of each window
  double raw_ = 0;
  std::size_t found_ = 0;
  std::size_t outside_ = 0;
};

// Labels at one window of the VUS: 1 inside anomalies, falling to both sides, and where they are not 0.
void extend_labels(const Ranges& anomalies, std::size_t window, std::vector<double>& labels, Ranges& extended) {
  std::size_t rows = labels.size();
  std::size_t reach = window / 2;
  extended.clear();
  for (const Range& range : anomalies) {
    Range wide{range.first - std::min(range.first, reach), std::min(range.end + reach, rows)};
    if (!extended.empty() && wide.first <= extended.back().end)
      extended.back().end = std::max(extended.back().end, wide.end);
    else extended.push_back(wide);
  }
  for (const Range& range : extended)
    std::fill(labels.begin() + std::ptrdiff_t(range.first), labels.begin() + std::ptrdiff_t(range.end), 0.0);
  for (const Range& range : anomalies) {
    std::fill(labels.begin() + std::ptrdiff_t(range.first), labels.begin() + std::ptrdiff_t(range.end), 1.0);
  }
  for (std::size_t distance = 1; distance <= reach; ++distance) {
    double weight = std::sqrt(1 - static_cast<double>(distance) / static_cast<double>(window));
    for (const Range& range : anomalies) {
      if (range.end - 1 + distance < rows) labels[range.end - 1 + distance] += weight;
      if (range.first >= distance) labels[range.first - distance] += weight;
    }
  }
}

// Rows that are above a threshold, joined into runs while more of them come.
class Runs {
 public:
  Runs(std::size_t rows, std::size_t merged) : parent_(rows, none), excused_(rows), reach_(merged - 1) {}
  void add(std::size_t row, bool excused) {
    parent_[row] = row;
    excused_[row] = excused ? 1 : 0;
    if (!excused) ++count_;
    for (std::size_t d = 1; d <= reach_; ++d) {
      if (row >= d && parent_[row - d] != none) join(row, row - d);
      if (row + d < parent_.size() && parent_[row + d] != none) join(row, row + d);
    }
  }
  [[nodiscard]] std::size_t unexcused() const { return count_; }

 private:
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  std::size_t root(std::size_t row) {
    while (parent_[row] != row) row = parent_[row] = parent_[parent_[row]];
    return row;
  }
  void join(std::size_t a, std::size_t b) {
    a = root(a);
    b = root(b);
    if (a == b) return;
    std::size_t before = (excused_[a] == 0 ? 1U : 0U) + (excused_[b] == 0 ? 1U : 0U);
    parent_[b] = a;
    excused_[a] |= excused_[b];
    count_ = count_ - before + (excused_[a] == 0 ? 1U : 0U);
  }

  std::vector<std::size_t> parent_;
  std::vector<std::uint8_t> excused_;
  std::size_t reach_;
  std::size_t count_ = 0;
};

}  // namespace

Ranges from_row(const Ranges& ranges, std::size_t first) {
  Ranges out;
  for (const Range& range : ranges) {
    if (range.end > first) out.push_back({std::max(range.first, first) - first, range.end - first});
  }
  return out;
}

double scaled_sigmoid(double position) { return position >= far_behind ? -1.0 : 2 / (1 + math::exp(5 * position)) - 1; }

NabSeries nab_series(std::span<const double> scores, const Ranges& windows) {
  NabSeries out;
  std::size_t probation = std::min<std::size_t>(scores.size() * 15 / 100, 750);
  std::size_t next = 0;             // window that is not behind us
  const Range* previous = nullptr;  // window that is
  double most = scaled_sigmoid(-1);
  std::ptrdiff_t counted = -1;
  std::size_t last_counted = windows.size();
  for (std::size_t i = 0; i < scores.size(); ++i) {
    while (next < windows.size() && i >= windows[next].end) previous = &windows[next++];
    bool inside = next < windows.size() && i >= windows[next].first;
    if (i < probation) continue;
    NabSeries::Row row{.score = scores[i]};
    if (inside) {
      const Range& window = windows[next];
      if (last_counted != next) ++counted;
      last_counted = next;
      row.window = counted;
      row.credit = scaled_sigmoid(-static_cast<double>(window.end - i) / static_cast<double>(window.size())) / most;
    } else {
      double position = far_behind;
      if (previous != nullptr && previous->size() > 1)
        position = static_cast<double>(i - (previous->end - 1)) / static_cast<double>(previous->size() - 1);
      row.credit = false_positive_weight * scaled_sigmoid(position);
    }
    out.rows.push_back(row);
  }
  out.windows = static_cast<std::size_t>(counted + 1);
  return out;
}

NabResult nab_at(std::span<const NabSeries* const> corpus, double threshold) {
  NabSum sum(corpus);
  for (std::size_t s = 0; s < corpus.size(); ++s) {
    for (const NabSeries::Row& row : corpus[s]->rows) {
      if (row.score >= threshold) sum.detect(s, row);
    }
  }
  return sum.result(threshold);
}

NabResult nab_best(std::span<const NabSeries* const> corpus) {
  struct Entry {
    double score;
    std::size_t series;
    const NabSeries::Row* row;
  };
  std::vector<Entry> entries;
  for (std::size_t s = 0; s < corpus.size(); ++s) {
    for (const NabSeries::Row& row : corpus[s]->rows) entries.push_back({row.score, s, &row});
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.score > b.score; });
  NabSum sum(corpus);
  NabResult best = sum.result(std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    sum.detect(entries[i].series, *entries[i].row);
    bool tie = i + 1 < entries.size() && entries[i + 1].score == entries[i].score;
    if (tie) continue;
    NabResult here = sum.result(entries[i].score);
    if (here.score > best.score) best = here;
  }
  return best;
}

double average_precision(std::span<const double> scores, const Ranges& anomalies) {
  std::vector<std::uint8_t> mark = marked(scores.size(), anomalies);
  std::vector<std::size_t> order = by_descending(scores);
  auto positives = static_cast<double>(std::accumulate(mark.begin(), mark.end(), std::size_t{0}));
  if (positives == 0) return 0;
  double area = 0;
  double found = 0;
  double found_before = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    found += mark[order[i]];
    if (i + 1 < order.size() && scores[order[i + 1]] == scores[order[i]]) continue;
    area += (found - found_before) / positives * found / static_cast<double>(i + 1);
    found_before = found;
  }
  return area;
}

double vus_pr(std::span<const double> scores, const Ranges& anomalies, const VusOptions& options) {
  if (anomalies.empty() || scores.size() < 2) return 0;
  std::size_t rows = scores.size();
  std::size_t count = options.thresholds;
  std::vector<double> sorted(scores.begin(), scores.end());
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  std::vector<double> threshold(count);
  double step = static_cast<double>(rows - 1) / static_cast<double>(count - 1);
  for (std::size_t k = 0; k < count; ++k)
    threshold[k] = sorted[static_cast<std::size_t>(static_cast<double>(k) * step)];
  threshold.back() = sorted.back();

  // The first threshold that a row reaches, and how many rows reach each.
  std::vector<std::uint16_t> reached(rows);
  std::vector<double> predicted(count);
  for (std::size_t i = 0; i < rows; ++i) {
    auto at = std::partition_point(threshold.begin(), threshold.end(), [&](double t) { return t > scores[i]; });
    reached[i] = static_cast<std::uint16_t>(at - threshold.begin());
    predicted[reached[i]] += 1;
  }
  std::partial_sum(predicted.begin(), predicted.end(), predicted.begin());

  double positives = 0;
  for (const Range& range : anomalies) positives += static_cast<double>(range.size());
  std::vector<double> labels(rows);
  Ranges extended;
  double volume = 0;
  std::size_t windows = 0;
  for (std::size_t window = 0; window <= options.window; window += options.stride, ++windows) {
    extend_labels(anomalies, window, labels, extended);
    std::vector<double> hits(count);
    std::vector<double> touched(count);
    for (const Range& range : extended) {
      std::uint16_t first = reached[range.first];
      for (std::size_t i = range.first; i < range.end; ++i) {
        hits[reached[i]] += std::min(labels[i], 1.0);
        first = std::min(first, reached[i]);
      }
      touched[first] += 1;
    }
    double all = std::accumulate(hits.begin(), hits.end(), 0.0);
    double expected = (positives + all) / 2;
    double found = 0;
    double seen = 0;
    double before = 0;
    for (std::size_t k = 0; k < count; ++k) {
      found += hits[k];
      seen += touched[k];
      double recall = std::min(found / expected, 1.0) * seen / static_cast<double>(extended.size());
      volume += (recall - before) * found / predicted[k];
      before = recall;
    }
  }
  return volume / static_cast<double>(windows);
}

EventRecall event_recall(std::span<const double> scores, const Ranges& events, double affordable, Tails tails,
                         std::size_t merged) {
  std::vector<std::uint8_t> mark = marked(scores.size(), events);
  std::vector<std::size_t> order = by_descending(scores);
  EventRecall out{.threshold = std::numeric_limits<double>::infinity(), .events = events.size(), .delays = {}};
  Runs runs(scores.size(), merged);
  auto outside = static_cast<double>(std::count(mark.begin(), mark.end(), 0));
  double above = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::size_t row = order[i];
    bool inside = mark[row] != 0;
    if (!inside) above += 1;
    if (!inside || tails == Tails::free) runs.add(row, inside);
    if (i + 1 < order.size() && scores[order[i + 1]] == scores[row]) continue;
    if (static_cast<double>(runs.unexcused()) > affordable || above > most_above * outside) break;
    out.threshold = scores[row];
    out.false_episodes = runs.unexcused();
  }
  for (const Range& event : events) {
    for (std::size_t row = event.first; row < event.end; ++row) {
      if (scores[row] < out.threshold) continue;
      ++out.found;
      out.delays.push_back(row - event.first);
      break;
    }
  }
  return out;
}

Ranges episodes(std::span<const std::uint8_t> alert) {
  Ranges out;
  for (std::size_t i = 0; i < alert.size(); ++i) {
    if (alert[i] == 0) continue;
    if (!out.empty() && out.back().end == i) ++out.back().end;
    else out.push_back({i, i + 1});
  }
  return out;
}

Ranges healthy_stretches(std::size_t rows, const Ranges& events, std::size_t aftermath, std::size_t least) {
  Ranges out;
  std::size_t from = 0;
  auto add = [&](std::size_t end) {
    if (end >= from + least && end > from) out.push_back({from, end});
  };
  for (const Range& event : events) {
    add(event.first);
    from = event.end + aftermath;
  }
  add(rows);
  return out;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double mean(std::span<const double> values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace mien::quality
