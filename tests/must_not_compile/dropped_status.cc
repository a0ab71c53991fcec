// A Status is looked at.
// expect: nodiscard
#include "base/result.h"

mien::Status store();

mien::Status both() {
#ifdef MISTAKE
  store();
#else
  if (mien::Status first = store(); !first) return first;
#endif
  return store();
}
