// JSON text as a tree, within the limits of wire/yaml.h; duplicate keys are errors.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/value.h"

namespace mien::wire::detail {

// Errors: invalid, with the JSON pointer or the byte offset in the message.
[[nodiscard]] Result<model::Value> read_json(std::string_view text);

}  // namespace mien::wire::detail
