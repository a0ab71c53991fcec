// The personas that are there without being written: what packaging/personas says, as resources.
#pragma once

#include <vector>

#include "model/resource.h"

namespace mien::app {

[[nodiscard]] std::vector<model::Resource> builtin_resources();

}  // namespace mien::app
