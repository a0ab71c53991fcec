// Tail probabilities of the distributions a persona may declare, from base/math only (same bits everywhere).
#pragma once

namespace mien::stats {

// Complementary error function. Relative error <= 1e-12 for x <= 26 (beyond, it is below 1e-295 and goes to 0).
[[nodiscard]] double erfc(double x);
// P(Z >= z) of the standard normal.
[[nodiscard]] double normal_upper_tail(double z);
// P(|Z| >= |z|).
[[nodiscard]] double normal_two_sided(double z);
// P(X >= x) of the exponential with this mean > 0.
[[nodiscard]] double exponential_upper_tail(double x, double mean);
// The z with normal_upper_tail(z) = 0.005: half the width of a 99 % band in standard deviations.
inline constexpr double normal_99_band = 2.5758293035489004;

}  // namespace mien::stats
