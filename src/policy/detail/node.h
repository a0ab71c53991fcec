// The tree of an expression. Immutable once it is parsed; its types are checked, so that evaluating can not fail.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/text_quantity.h"
#include "policy/detail/schedule.h"

namespace mien::policy::detail {

enum class Op : std::uint8_t {
  // truths
  any_of,
  all_of,
  negation,
  less,
  at_most,
  more,
  at_least,
  equal,
  not_equal,
  time_in,
  // numbers
  add,
  subtract,
  multiply,
  divide,
  minus,
  literal,
  name,
  metric,
  signal,
  forecast,
  // only while parsing: becomes a literal where a severity is compared
  text,
};
[[nodiscard]] constexpr bool is_truth(Op op) { return op <= Op::time_in; }
[[nodiscard]] constexpr bool is_comparison(Op op) { return op >= Op::less && op <= Op::not_equal; }

struct Node {
  Op op = Op::literal;
  std::string source;  // as written, for people
  std::vector<std::unique_ptr<Node>> children;
  double value = 0;                                       // of literal
  model::Dimension dimension = model::Dimension::number;  // of literal: how its figures are written
  std::string subject;                                    // the name, metric, signal or text
  Duration ahead{};                                       // of forecast
  std::string quantile;
  Schedule schedule;  // of time_in
  std::size_t column = 1;
};

constexpr std::string_view severity_name = "finding.severity";

constexpr std::size_t most_bytes = 4096;
constexpr std::size_t most_levels = 64;
constexpr std::size_t most_nodes = 256;

// Errors: invalid, `where` is "column N".
[[nodiscard]] Result<std::unique_ptr<Node>> parse_expression(std::string_view text);

}  // namespace mien::policy::detail
