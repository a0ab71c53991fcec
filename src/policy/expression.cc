#include "policy/expression.h"

namespace mien::policy {

struct Expression::Node {};

Result<Expression> Expression::parse(std::string_view) {
  return Error{.code = Code::unsupported, .message = "expressions are not read yet", .where = "column 1", .cause = {}};
}
Truth Expression::truth(WallTime, const Variables&) const { return Truth::unknown; }
Expression::Answer Expression::evaluate(WallTime, const Variables&) const { return {}; }

}  // namespace mien::policy
