#include "stats/distribution.h"

#include <cmath>

#include "base/math.h"

namespace mien::stats {
namespace {

constexpr double inverse_sqrt_pi = 0.56418958354775628695;
constexpr double inverse_sqrt_2 = 0.70710678118654752440;

// erf(x) = 2/sqrt(pi) e^{-x^2} sum 2^n x^(2n+1) / (2n+1)!!  (Abramowitz & Stegun 7.1.6), all terms positive.
double erf_series(double x) {
  double term = x;
  double sum = x;
  for (int n = 1; n < 120 && term > 1e-17 * sum; ++n) {
    term *= 2.0 * x * x / (2.0 * n + 1.0);
    sum += term;
  }
  return 2.0 * inverse_sqrt_pi * math::exp(-x * x) * sum;
}

// erfc(x) = e^{-x^2} / sqrt(pi) / (x + 1/2/(x + 2/2/(x + 3/2/(x + ...)))) (Abramowitz & Stegun 7.1.14), from the far
// end.
double erfc_fraction(double x) {
  double fraction = x;
  for (int k = 80; k >= 1; --k) fraction = x + 0.5 * k / fraction;
  return inverse_sqrt_pi * math::exp(-x * x) / fraction;
}

}  // namespace

double erfc(double x) {
  if (x < 0) return 2.0 - erfc(-x);
  return x < 2.0 ? 1.0 - erf_series(x) : erfc_fraction(x);
}

double normal_upper_tail(double z) { return 0.5 * erfc(z * inverse_sqrt_2); }

double normal_two_sided(double z) { return erfc(std::fabs(z) * inverse_sqrt_2); }

double exponential_upper_tail(double x, double mean) { return x <= 0 ? 1.0 : math::exp(-x / mean); }

}  // namespace mien::stats
