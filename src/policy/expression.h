// The expressions of policies and activations: `time.in('Mon-Fri 08:00-20:00 Europe/Berlin') && load.cpu > 0.6`.
//
// Three values: true, false, unknown. What refers to data that is missing is unknown, and unknown never acts
// (Kleene's strong logic: `false && unknown` is false, `true || unknown` is true).
//
//   or      = and { "||" and }
//   and     = not { "&&" not }
//   not     = "!" not | compare
//   compare = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
//   sum     = product { ("+" | "-") product };  product = unary { ("*" | "/") unary };  unary = "-" unary | primary
//   primary = number with unit | 'text' | name | name "(" arguments ")" [ "." name ] | "(" or ")"
//
// Names: load.cpu, load.memory, load.disk, load.network (0..1), load.requests (a rate), drift.score, finding.severity,
// finding.confidence. Functions: metric('system.cpu.utilization'), signal('lb.forecast_rps'),
// forecast('system.cpu.utilization', 30m).p90, time.in('Mon-Fri 08:00-20:00 UTC').
// Limits: 4,096 bytes, 64 levels, 256 nodes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace mien::policy {
namespace detail {
struct Node;
}

// What an expression may look up. Values in the unit of the metric; nothing: unknown.
class Variables {
 public:
  virtual ~Variables() = default;
  [[nodiscard]] virtual std::optional<double> value_of(std::string_view name) const = 0;  // "load.cpu"
  [[nodiscard]] virtual std::optional<double> metric(std::string_view name) const = 0;    // total over attributes
  [[nodiscard]] virtual std::optional<double> signal(std::string_view name) const = 0;
  // Seconds east of UTC in that zone at that time; nothing: the zone is not known here.
  [[nodiscard]] virtual std::optional<Duration> utc_offset(std::string_view zone, WallTime at) const = 0;
  [[nodiscard]] virtual std::optional<double> forecast(std::string_view metric, Duration ahead,
                                                       std::string_view quantile) const = 0;
};

enum class Truth : std::uint8_t { no, yes, unknown };

class Expression {
 public:
  // Errors: invalid, `where` is "column N", the message says what was expected and what to write instead.
  [[nodiscard]] static Result<Expression> parse(std::string_view text);
  struct Answer {
    Truth truth = Truth::unknown;
    std::string why;  // the comparisons that decided it, with figures: "load.cpu is 0.31, not above 0.6"
  };
  [[nodiscard]] Answer evaluate(WallTime now, const Variables& variables) const;
  // The answer without its reasons: allocates nothing.
  [[nodiscard]] Truth truth(WallTime now, const Variables& variables) const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  Expression() = default;
  std::string text_;
  std::shared_ptr<const detail::Node> root_;  // immutable
};

}  // namespace mien::policy
