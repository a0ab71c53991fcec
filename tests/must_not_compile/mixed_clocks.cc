// A wall-clock time is not a monotonic time.
// expect: no match for 'operator-'|invalid operands
#include "base/time.h"

mien::Duration since(mien::WallTime now, mien::WallTime then) {
#ifdef MISTAKE
  return now - mien::MonoTime{then.ns};
#else
  return now - then;
#endif
}
