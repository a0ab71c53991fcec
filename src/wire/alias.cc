#include "wire/alias.h"

namespace mien::wire {
double canonicalise(model::Series&) { return 1; }
}  // namespace mien::wire
