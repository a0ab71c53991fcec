// What no schema node can say alone: keys that contradict each other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/schema.h"
#include "model/validate.h"

namespace mien::model::detail {

// The spec has passed its schema.
void check_rules(ResourceKind kind, std::string_view name, const Value& spec, std::vector<Diagnostic>& out);

// A value against one node, where no null is allowed (a policy verb's `with`).
void check_against(const SchemaNode& schema, const Value& value, const std::string& pointer,
                   std::vector<Diagnostic>& out);

}  // namespace mien::model::detail
