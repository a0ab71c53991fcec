#include "node/candidate.h"

#include <algorithm>
#include <utility>

#include "learn/learn.h"

namespace mien::node {
namespace {

using namespace std::chrono_literals;

constexpr double ordinary_surprise = 0.5;   // decades: what half of the healthy blocks stay below
constexpr double ordinary_score = 0.048;    // the same as a score of a lone series (drift/alarm.h)
constexpr double combined_empirical = 0.5;  // as drift judges the combination

// What is to be ignored stays ignored; what is declared is not the candidate's business.
model::Expectation undeclared(model::Expectation expectation) {
  for (auto& [name, metric] : expectation.metrics) {
    bool ignore = metric.ignore;
    metric = {};
    metric.ignore = ignore;
  }
  std::erase_if(expectation.metrics, [](const auto& metric) { return !metric.second.ignore; });
  expectation.security = {};
  return expectation;
}

}  // namespace

Candidate::Candidate(WallTime began_at, const model::Expectation& expectation)
    : began(began_at), expectation_(undeclared(expectation)) {}

void Candidate::expect(const model::Expectation& expectation) { expectation_ = undeclared(expectation); }

Duration Candidate::begins_after(Duration interval) { return std::max<Duration>(1h, 170 * interval); }
Duration Candidate::learns_for(Duration interval) { return std::max<Duration>(24h, 300 * interval); }
Duration Candidate::given_up_after(Duration interval) { return std::max<Duration>(6h, 170 * interval); }

void Candidate::judge(const std::vector<model::Series>& series, const model::Batch& batch) {
  drift::Assessment assessment = drift::assess(expectation_, behavior, watch, series, batch);
  bool alone = series.size() <= 1;
  bool speaks = alone ? !behavior.series.empty() && behavior.series.front().ready() : behavior.combined.speaks();
  for (std::size_t row = 0; speaks && row < batch.times.size(); ++row) {
    const model::RowEvidence& evidence = assessment.evidence.rows[row];
    if (!alone && !evidence.combined) continue;
    bool ordinary =
        alone ? assessment.rows[row].score <= ordinary_score
              : behavior.combined.surprise(static_cast<double>(evidence.u), combined_empirical) <= ordinary_surprise;
    ++judged_;
    ordinary_ += ordinary ? 1 : 0;
  }
  learn::update(behavior, series, batch, assessment.evidence);
}

bool Candidate::fits(Duration interval) const {
  if (behavior.last - began < learns_for(interval)) return false;
  return learn::state_of(behavior, behavior.last) == model::LearningState::ready && judged_ > 0 &&
         2 * ordinary_ >= judged_;
}

bool Candidate::is_lost(Duration interval) const {
  if (learn::state_of(behavior, behavior.last) == model::LearningState::suspect) return true;
  return number == 0 && behavior.last - began >= 2 * learns_for(interval);
}

void Candidate::store(Encoder& encoder) const {
  encoder.put(began);
  encoder.put(number);
  encoder.put(unneeded_since);
  encoder.put(judged_);
  encoder.put(ordinary_);
  encoder.put(behavior);
  encoder.put(watch.encode());
}

Result<Candidate> Candidate::restore(Decoder& decoder, const model::Expectation& expectation) {
  Candidate candidate{{}, expectation};
  std::string stored_watch;
  decoder.get(candidate.began);
  decoder.get(candidate.number);
  decoder.get(candidate.unneeded_since);
  decoder.get(candidate.judged_);
  decoder.get(candidate.ordinary_);
  decoder.get(candidate.behavior);
  decoder.get(stored_watch);
  if (decoder.failed()) return candidate;  // the snapshot's reader says what is wrong
  candidate.watch = TRY(drift::Watch::decode(stored_watch));
  return candidate;
}

}  // namespace mien::node
