// A Result is looked at.
// expect: nodiscard
#include "base/result.h"

mien::Result<int> count();

int total() {
#ifdef MISTAKE
  count();
  return 0;
#else
  return count().value_or(0);
#endif
}
