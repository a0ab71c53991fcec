// What model/validate.h can not say of a spec, because it knows no expressions: whether they can be read.
//
// For the doors where a resource is written: a policy or persona with a broken expression is refused there, with its
// place, instead of being left out later. Pure; costs one parse for each expression.
#pragma once

#include <vector>

#include "model/resource.h"
#include "model/validate.h"
#include "model/value.h"

namespace mien::policy {

// Of a policy's `when` and a persona's `activation`. Pointers are relative to the spec, as validate_spec's are. What
// has not the right form is passed over: validate_spec has said so.
[[nodiscard]] std::vector<model::Diagnostic> check_expressions(model::ResourceKind kind, const model::Value& spec);

}  // namespace mien::policy
