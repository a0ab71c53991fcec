// Bytes and a ratio do not add up.
// expect: no match for 'operator\+'|invalid operands
#include "base/quantity.h"

auto sum(mien::Bytes a, mien::Ratio b) {
#ifdef MISTAKE
  return a + b;
#else
  return b + b + mien::Ratio{static_cast<double>(a.value)};
#endif
}
