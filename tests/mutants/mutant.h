// Which deliberate bug is on in this process. Only the test programs of tests/mutants have this; see README.md there.
#pragma once

#include <string_view>

namespace mien::mutants {

[[nodiscard]] bool is(std::string_view name);

}  // namespace mien::mutants
