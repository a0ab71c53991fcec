// Times of different clocks can not be compared.
// expect: no match for 'operator<'|invalid operands
#include "base/time.h"

bool is_before(mien::WallTime a, mien::MonoTime b) {
#ifdef MISTAKE
  return a < b;
#else
  return a.ns < 0 && b.ns < 0;
#endif
}
