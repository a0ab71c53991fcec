// What explain and why draw of a walk back to the samples.
#pragma once

#include "app/cli.h"

namespace mien::app {

// One series of a walk's samples, with the band of the deviation that the walk has of it, and the moment the finding
// opened. `finding` may be null.
void print_plot(Session& session, const wire::Document& series, const wire::Document& walk,
                const wire::Document& finding);

}  // namespace mien::app
