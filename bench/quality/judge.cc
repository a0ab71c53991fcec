#include "bench/quality/judge.h"

#include <algorithm>

namespace mien::quality {
namespace {

constexpr double day = 86400;
constexpr double aftermath = 6 * 3600;
constexpr double lenience = 1.5;

std::size_t rows_in(double seconds, double interval) {
  return interval > 0 ? static_cast<std::size_t>(seconds / interval) : 0;
}

}  // namespace

Result<Judged> load(const Source& source, const std::string& score_file) {
  Scores all = TRY(read_scores(score_file));
  Ranges anomalies = source.windows.empty() ? source.anomalies : rows_of(source.windows, all.times);
  if (!anomalies.empty() && anomalies.back().end > all.rows()) {
    return Error{
        .code = Code::invalid, .message = "has fewer rows than the labels speak of", .where = score_file, .cause = {}};
  }
  std::size_t first = source.train_rows.value_or(0);
  double seconds = interval(all.times);
  return Judged{.folder = source.folder,
                .name = source.name,
                .scores = first == 0 ? std::move(all) : all.from_row(first),
                .anomalies = from_row(anomalies, first),
                .interval = seconds};
}

NabReport judge_nab(const std::vector<Judged>& corpus) {
  std::vector<NabSeries> series;
  for (const Judged& one : corpus) series.push_back(nab_series(one.scores.scores, one.anomalies));
  std::vector<const NabSeries*> all;
  std::vector<const NabSeries*> even;
  std::vector<const NabSeries*> odd;
  for (std::size_t i = 0; i < series.size(); ++i) {
    all.push_back(&series[i]);
    (i % 2 == 0 ? even : odd).push_back(&series[i]);
  }
  return {.whole = nab_best(all),
          .even_to_odd = nab_at(odd, nab_best(even).threshold),
          .odd_to_even = nab_at(even, nab_best(odd).threshold)};
}

std::vector<Detection> judge_detection(const std::vector<Judged>& series, const VusOptions& options) {
  std::vector<Detection> out;
  for (const Judged& one : series) {
    if (one.anomalies.empty()) continue;
    const std::vector<double>& scores = one.scores.scores;
    out.push_back({.name = one.name,
                   .auc_pr = average_precision(scores, one.anomalies),
                   .vus_pr = vus_pr(scores, one.anomalies, options),
                   .recall = event_recall(scores, one.anomalies, one.days(), Tails::count),
                   .recall_free = event_recall(scores, one.anomalies, one.days(), Tails::free),
                   .interval = one.interval});
  }
  return out;
}

void count_promise(Promise& promise, const Judged& series, Where where) {
  Ranges stretches{{0, series.scores.rows()}};
  if (where == Where::healthy) {
    stretches = healthy_stretches(series.scores.rows(), series.anomalies, rows_in(aftermath, series.interval),
                                  rows_in(day, series.interval));
  }
  std::size_t rows = 0;
  for (const Range& stretch : stretches) rows += stretch.size();
  if (rows == 0) return;
  std::size_t count = 0;
  for (const Range& episode : episodes(series.scores.alert)) {
    bool excused = std::any_of(series.anomalies.begin(), series.anomalies.end(),
                               [&](const Range& event) { return event.touches(episode); });
    bool begins_here = std::any_of(stretches.begin(), stretches.end(), [&](const Range& stretch) {
      return episode.first >= stretch.first && episode.first < stretch.end;
    });
    if (begins_here && !excused) ++count;
  }
  double weeks = static_cast<double>(rows) * series.interval / (7 * day);
  ++promise.instances;
  promise.weeks += weeks;
  promise.episodes += count;
  if (static_cast<double>(count) <= lenience * promise.budget * weeks) ++promise.within;
}

}  // namespace mien::quality
