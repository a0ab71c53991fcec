// exp, log and kin with the same bits on every CPU and compiler: libm's differ, and replay promises bit-equal
// decisions. Built from +, -, *, / and sqrt only (exact by IEEE 754). Accuracy is stated in ulps and tested against
// long double.
#pragma once

namespace mien::math {

// Natural logarithm. x > 0; log(0) = -inf, log(x < 0) = NaN. Error <= 2 ulp.
[[nodiscard]] double log(double x);
[[nodiscard]] double log2(double x);   // <= 2 ulp; exact at powers of two
[[nodiscard]] double log10(double x);  // <= 3 ulp
[[nodiscard]] double log1p(double x);  // x > -1; <= 3 ulp
// e^x; overflows to inf above 709.78, underflows to 0 below -745. Error <= 2 ulp for normal results.
[[nodiscard]] double exp(double x);
[[nodiscard]] double expm1(double x);          // <= 4 ulp
[[nodiscard]] double pow(double x, double y);  // x > 0; relative error <= 1e-13
[[nodiscard]] double asinh(double x);          // relative error <= 1e-14
[[nodiscard]] double tanh(double x);           // relative error <= 1e-14
// Sine and cosine for |x| <= 1e5 (seasons and simulation). Absolute error <= 1e-13.
[[nodiscard]] double sin(double x);
[[nodiscard]] double cos(double x);

}  // namespace mien::math
