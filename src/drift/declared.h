// What people declared, judged from the first sample on: distribution, peak, read/write ratio and limits.
//
// Each sample brings evidence e = -log10 p under the declared distribution, at most 3; a sample above the peak or
// outside a limit brings 3. The evidence adds up as a CUSUM (Page 1954): A <- clip(A + e - 1, 0, 12), and 8 opens a
// finding. So one outlier (+2) never does, four samples in a row far outside do, and a mild departure
// needs proportionally longer; with independent samples that follow the declaration, chance gets to 8 less than
// once in 10^6 samples. Series slower than 15 s count double. It closes when the evidence has run down to 1.
#pragma once

#include "drift/watch_state.h"
#include "model/expectation.h"

namespace mien::drift {

constexpr double declared_open = 8;
constexpr double declared_close = 1;
constexpr double declared_most = 12;

// What is declared of a metric is meant of its total: of the series without attributes where there is one, else of all.
[[nodiscard]] bool is_meant(const std::vector<model::Series>& series, const model::Series& one);
// -log10 of the chance of a value this far out under a declared distribution, 0 .. 16.
[[nodiscard]] double declared_surprise(const model::DeclaredDistribution& declared, double x);
// The middle and the band that holds 99 %.
struct DeclaredBand {
  double expected = 0, low = 0, high = 0;
};
[[nodiscard]] DeclaredBand band_of(const model::DeclaredDistribution& declared);

// Whether a limit is broken by x at t; keeps the history that `change` needs.
[[nodiscard]] bool breaks_limit(const model::Limit& limit, Against& against, double x, WallTime t);

// Adds the evidence of one sample of a series with this interval, in seconds, to against.declared and against.limit.
// True when x is plausible under a declared distribution (p >= 0.01): then what was learned does not speak against it.
bool judge_declared(const model::DeclaredMetric& declared, Against& against, const TimedValue& sample, double interval);

}  // namespace mien::drift
