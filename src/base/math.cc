#include "base/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace mien::math {
namespace {

constexpr double ln2_high = 6.93147180369123816490e-01;  // fdlibm's split of ln 2: high part has 32 trailing zero bits
constexpr double ln2_low = 1.90821492927058770002e-10;

struct Split {
  double f;  // mantissa - 1, in [sqrt(1/2) - 1, sqrt(2) - 1]
  int k;     // exponent
};

Split split(double x) {
  int extra = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    extra = -54;
  }
  auto bits = std::bit_cast<std::uint64_t>(x);
  int k = static_cast<int>(bits >> 52) - 1023 + extra;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffU) | 0x3ff0000000000000U);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++k;
  }
  return {m - 1, k};
}

// log(1+f) for the reduced range as f - (correction), after fdlibm e_log.c (Sun Microsystems 1993, freely usable).
double log1p_correction(double f) {
  double s = f / (2.0 + f);
  double z = s * s;
  double w = z * z;
  double t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  double t2 = z * (6.666666666666735130e-01 +
                   w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  double r = t1 + t2;
  double half_square = 0.5 * f * f;
  return half_square - s * (half_square + r);
}

}  // namespace

double log(double x) {
  if (!(x > 0)) return x == 0 ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  if (x == std::numeric_limits<double>::infinity()) return x;
  auto [f, k] = split(x);
  double correction = log1p_correction(f);
  double dk = k;
  return dk * ln2_high - ((correction - dk * ln2_low) - f);
}

double log2(double x) {
  if (!(x > 0) || x == std::numeric_limits<double>::infinity()) return log(x);
  auto [f, k] = split(x);
  constexpr double inverse_ln2 = 1.44269504088896338700;
  return static_cast<double>(k) + (f - log1p_correction(f)) * inverse_ln2;
}

double log10(double x) { return log(x) * 0.43429448190325182765; }

double log1p(double x) {
  if (x > -0x1p-53 && x < 0x1p-53) return x;
  double u = 1 + x;
  // Kahan: the rounding error of 1+x is mended to first order.
  return log(u) - ((u - 1) - x) / u;
}

double exp(double x) {
  if (std::isnan(x)) return x;
  if (x > 709.782712893383973096) return std::numeric_limits<double>::infinity();
  if (x < -745.13321910194110842) return 0;
  double scaled = x * 1.44269504088896338700;
  int k = static_cast<int>(scaled + (scaled < 0 ? -0.5 : 0.5));
  double high = x - k * ln2_high;
  double low = k * ln2_low;
  double r = high - low;
  double t = r * r;
  // fdlibm e_exp.c: rational approximation on |r| <= ln2/2.
  double c =
      r -
      t * (1.66666666666666019037e-01 +
           t * (-2.77777777770155933842e-03 +
                t * (6.61375632143793436117e-05 + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
  double y = 1 - ((low - (r * c) / (2 - c)) - high);
  if (k < -1021) {
    double lifted = y * std::bit_cast<double>(static_cast<std::uint64_t>(k + 54 + 1023) << 52);
    return lifted * 0x1p-54;
  }
  if (k == 1024) return y * 2 * 0x1p1023;
  return y * std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
}

double expm1(double x) {
  if (x > -1e-5 && x < 1e-5) return x + x * x * 0.5 + x * x * x / 6;
  if (x > -0.35 && x < 0.35) {
    // exp(x) - 1 = 2 tanh(x/2) / (1 - tanh(x/2)), with tanh from its series: no cancellation.
    double sum = 1;
    for (int n = 18; n >= 2; --n) sum = 1 + sum * x / n;
    return x * sum;
  }
  return exp(x) - 1;
}

double pow(double x, double y) { return exp(y * log(x)); }

double asinh(double x) {
  double a = x < 0 ? -x : x;
  double value = 0;
  if (a > 1e8) {
    value = log(a) + 0.69314718055994530942;
  } else {
    value = log1p(a + a * a / (1 + std::sqrt(1 + a * a)));
  }
  return x < 0 ? -value : value;
}

double tanh(double x) {
  if (x > 20) return 1;
  if (x < -20) return -1;
  double e = expm1(2 * x);
  return e / (e + 2);
}

namespace {

struct Reduced {
  double r;      // in [-pi/4, pi/4]
  int quadrant;  // 0..3
};

Reduced reduce(double x) {
  constexpr double two_over_pi = 0.63661977236758134308;
  constexpr double half_pi_high = 1.57079632673412561417e+00;
  constexpr double half_pi_low = 6.07710050650619224932e-11;
  auto n = static_cast<std::int64_t>(x * two_over_pi + (x < 0 ? -0.5 : 0.5));
  auto dn = static_cast<double>(n);
  return {(x - dn * half_pi_high) - dn * half_pi_low, static_cast<int>(n & 3)};
}

double sin_reduced(double r) {
  double t = r * r;
  return r + r * t *
                 (-1.66666666666666324348e-01 +
                  t * (8.33333333332248946124e-03 +
                       t * (-1.98412698298579493134e-04 +
                            t * (2.75573137070700676789e-06 +
                                 t * (-2.50507602534068634195e-08 + t * 1.58969099521155010221e-10)))));
}

double cos_reduced(double r) {
  double t = r * r;
  return 1 - 0.5 * t +
         t * t *
             (4.16666666666666019037e-02 +
              t * (-1.38888888888741095749e-03 +
                   t * (2.48015872894767294178e-05 +
                        t * (-2.75573143513906633035e-07 +
                             t * (2.08757232129817482790e-09 + t * -1.13596475577881948265e-11)))));
}

}  // namespace

double sin(double x) {
  auto [r, quadrant] = reduce(x);
  switch (quadrant) {
    case 0: return sin_reduced(r);
    case 1: return cos_reduced(r);
    case 2: return -sin_reduced(r);
    default: return -cos_reduced(r);
  }
}

double cos(double x) {
  auto [r, quadrant] = reduce(x);
  switch (quadrant) {
    case 0: return cos_reduced(r);
    case 1: return -sin_reduced(r);
    case 2: return -cos_reduced(r);
    default: return sin_reduced(r);
  }
}

}  // namespace mien::math
