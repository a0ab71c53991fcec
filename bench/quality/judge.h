// Scores against labels: what the table of a data folder says. Built on formulas.h; reads score files only.
#pragma once

#include <string>
#include <vector>

#include "bench/quality/corpus.h"
#include "bench/quality/formulas.h"

namespace mien::quality {

// One series with its scores, only the rows that are judged: those after its healthy history.
struct Judged {
  std::string folder;
  std::string name;
  Scores scores;
  Ranges anomalies;
  double interval = 0;  // seconds between rows

  [[nodiscard]] double days() const { return static_cast<double>(scores.rows()) * interval / 86400; }
};
[[nodiscard]] Result<Judged> load(const Source& source, const std::string& score_file);

// ---- NAB ----

struct NabReport {
  NabResult whole;        // one threshold, the best for the whole corpus
  NabResult even_to_odd;  // the best for files 0, 2, ... (by name) applied to files 1, 3, ...
  NabResult odd_to_even;  // and the other way round
  [[nodiscard]] double unseen() const { return (even_to_odd.score + odd_to_even.score) / 2; }
};
[[nodiscard]] NabReport judge_nab(const std::vector<Judged>& corpus);

// ---- detection ----

struct Detection {
  std::string name;
  double auc_pr = 0;
  double vus_pr = 0;
  EventRecall recall;       // at one false episode a day, tails of events counted as false
  EventRecall recall_free;  // and not counted
  double interval = 0;
};
// Nothing where the series has no anomaly after its history.
[[nodiscard]] std::vector<Detection> judge_detection(const std::vector<Judged>& series, const VusOptions& options);

// ---- the promise of false alarms ----

struct Promise {
  double budget = 0;  // false episodes a week, as promised
  std::size_t instances = 0;
  std::size_t within = 0;  // instances with at most 1.5 times what was promised for their time
  double weeks = 0;
  std::size_t episodes = 0;

  [[nodiscard]] double realised() const { return weeks > 0 ? static_cast<double>(episodes) / weeks : 0; }
};
enum class Where : std::uint8_t {
  judged,   // all judged rows; an episode that touches an event is not false
  healthy,  // only stretches of a day or more, from six hours after an event to the next
};
void count_promise(Promise& promise, const Judged& series, Where where);

}  // namespace mien::quality
