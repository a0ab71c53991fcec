// A bare number is not a duration: it must say seconds or milliseconds.
// expect: no match for 'operator\+'|invalid operands
#include "base/time.h"

mien::WallTime later(mien::WallTime now) {
  using namespace std::chrono_literals;
#ifdef MISTAKE
  return now + 5;
#else
  return now + 5s;
#endif
}
