#include "policy/expression.h"

#include <array>
#include <cmath>

#include "base/text.h"
#include "model/finding.h"
#include "policy/detail/node.h"

namespace mien::policy {
namespace {

using detail::Node;
using detail::Op;
using model::Dimension;

struct Scope {
  WallTime now;
  const Variables& variables;
};

// What is not a number is not known.
std::optional<double> finite(std::optional<double> value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<double> number_of(const Node& node, const Scope& scope) {
  switch (node.op) {
    case Op::literal: return node.value;
    case Op::name: return finite(scope.variables.value_of(node.subject));
    case Op::metric: return finite(scope.variables.metric(node.subject));
    case Op::signal: return finite(scope.variables.signal(node.subject));
    case Op::forecast: return finite(scope.variables.forecast(node.subject, node.ahead, node.quantile));
    case Op::minus: {
      auto value = number_of(*node.children[0], scope);
      return value ? std::optional(-*value) : std::nullopt;
    }
    default: break;
  }
  if (node.children.size() != 2) return std::nullopt;
  auto left = number_of(*node.children[0], scope);
  auto right = number_of(*node.children[1], scope);
  if (!left || !right) return std::nullopt;
  switch (node.op) {
    case Op::add: return finite(*left + *right);
    case Op::subtract: return finite(*left - *right);
    case Op::multiply: return finite(*left * *right);
    case Op::divide: return finite(*left / *right);
    default: return std::nullopt;
  }
}

Truth from_bool(bool b) { return b ? Truth::yes : Truth::no; }

Truth compare(const Node& node, const Scope& scope) {
  auto left = number_of(*node.children[0], scope);
  auto right = number_of(*node.children[1], scope);
  if (!left || !right) return Truth::unknown;
  switch (node.op) {
    case Op::less: return from_bool(*left < *right);
    case Op::at_most: return from_bool(*left <= *right);
    case Op::more: return from_bool(*left > *right);
    case Op::at_least: return from_bool(*left >= *right);
    case Op::equal: return from_bool(*left == *right);
    case Op::not_equal: return from_bool(*left != *right);
    default: return Truth::unknown;
  }
}

std::optional<Duration> offset_of(const Node& node, const Scope& scope) {
  if (node.schedule.offset) return node.schedule.offset;
  return scope.variables.utc_offset(node.schedule.zone, scope.now);
}

Truth truth_of(const Node& node, const Scope& scope) {
  switch (node.op) {
    case Op::any_of:
    case Op::all_of: {
      // One child of this truth decides alone; otherwise one that is unknown leaves it open.
      Truth decisive = from_bool(node.op == Op::any_of);
      Truth out = from_bool(node.op == Op::all_of);
      for (const auto& child : node.children) {
        Truth truth = truth_of(*child, scope);
        if (truth == decisive) return decisive;
        if (truth == Truth::unknown) out = Truth::unknown;
      }
      return out;
    }
    case Op::negation: {
      Truth truth = truth_of(*node.children[0], scope);
      if (truth == Truth::unknown) return truth;
      return from_bool(truth == Truth::no);
    }
    case Op::time_in: {
      auto offset = offset_of(node, scope);
      if (!offset) return Truth::unknown;
      return from_bool(is_within(node.schedule, scope.now, *offset));
    }
    default: return is_comparison(node.op) ? compare(node, scope) : Truth::unknown;
  }
}

// ---- in words ----

// A size with the decimal multiple that leaves one to three digits before the point.
std::string size_text(double bytes, std::string_view per) {
  constexpr std::array<std::string_view, 6> units{"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; std::fabs(bytes) >= 1000 && unit + 1 < units.size(); ++unit) bytes /= 1000;
  return cat(to_text(bytes, 4), units[unit], per);
}

std::string figure(double value, Dimension like) {
  constexpr double longest = 1e9;  // seconds; beyond it a Duration would be the wrong type
  switch (like) {
    case Dimension::ratio: return cat(to_text(value * 100, 4), "%");
    case Dimension::bytes: return size_text(value, "");
    case Dimension::byte_rate:
    case Dimension::bit_rate: return size_text(value, "/s");
    case Dimension::event_rate: return cat(to_text(value, 4), "/s");
    case Dimension::duration:
      if (std::fabs(value) < longest) return to_text(from_seconds(value));
      break;
    case Dimension::number:
    case Dimension::change: break;
  }
  return to_text(value, 4);
}

std::string_view relation(Op op, bool holds) {
  switch (op) {
    case Op::less: return holds ? "below" : "not below";
    case Op::at_most: return holds ? "at most" : "above";
    case Op::more: return holds ? "above" : "not above";
    case Op::at_least: return holds ? "at least" : "below";
    case Op::equal: return holds ? "equal to" : "not equal to";
    case Op::not_equal: return holds ? "not equal to" : "equal to";
    default: return "beside";
  }
}

bool is_severity(const Node& node) { return node.op == Op::name && node.subject == detail::severity_name; }

class Explainer {
 public:
  Explainer(const Scope& scope, std::string& out) : scope_(scope), out_(out) {}

  // The comparisons that made the node what it is.
  void explain(const Node& node, Truth truth) {
    switch (node.op) {
      case Op::any_of:
      case Op::all_of:
        for (const auto& child : node.children)
          if (truth_of(*child, scope_) == truth) explain(*child, truth);
        return;
      case Op::negation: return explain(*node.children[0], truth_of(*node.children[0], scope_));
      case Op::time_in: return add(explain_time(node, truth));
      default: return add(truth == Truth::unknown ? explain_unknown(node) : explain_comparison(node, truth));
    }
  }
  void finish() {
    if (left_out_ > 0) out_ += cat("; and ", left_out_, " more");
  }

 private:
  void add(const std::string& reason) {
    constexpr std::size_t most_reasons = 6;
    if (count_ == most_reasons) {
      ++left_out_;
      return;
    }
    out_ += cat(count_++ == 0 ? "" : "; ", reason);
  }

  std::string explain_time(const Node& node, Truth truth) {
    auto offset = offset_of(node, scope_);
    if (!offset) return cat("the time zone ", node.schedule.zone, " is not known here");
    return cat("it is ", detail::time_text(scope_.now, *offset), ", ", truth == Truth::yes ? "" : "not ", "within '",
               node.subject, "'");
  }

  // What is missing: every name in it that has no value, or the sum that has none.
  std::string explain_unknown(const Node& node) {
    std::vector<const Node*> missing;
    collect(node, missing);
    std::string out;
    for (const Node* each : missing) {
      std::string part = cat(each->source, " is unknown");
      if (out.find(part) == std::string::npos) out += cat(out.empty() ? "" : "; ", part);
    }
    return out.empty() ? cat(node.source, " has no value") : out;
  }
  void collect(const Node& node, std::vector<const Node*>& missing) {
    for (const auto& child : node.children) collect(*child, missing);
    if (node.children.empty() && node.op != Op::literal && !number_of(node, scope_)) missing.push_back(&node);
  }

  std::string explain_comparison(const Node& node, Truth truth) {
    const Node& left = *node.children[0];
    const Node& right = *node.children[1];
    double a = number_of(left, scope_).value_or(0);
    double b = number_of(right, scope_).value_or(0);
    std::string_view words = relation(node.op, truth == Truth::yes);
    bool severities = is_severity(left) || is_severity(right);
    Dimension like = right.op == Op::literal  ? right.dimension
                     : left.op == Op::literal ? left.dimension
                                              : Dimension::number;
    auto text_of = [&](double value, double other) {
      constexpr double most = static_cast<double>(model::Severity::critical);
      if (severities && value >= 0 && value <= most && value == std::floor(value))
        return std::string(to_text(static_cast<model::Severity>(static_cast<int>(value))));
      std::string text = figure(value, like);
      // Rounded to the same figures although they differ: then all of them.
      return value != other && text == figure(other, like) ? to_text(value) : text;
    };
    std::string first =
        left.op == Op::literal ? cat(left.source, " is ") : cat(left.source, " is ", text_of(a, b), ", ");
    std::string last = right.op == Op::literal ? right.source : cat(right.source, " of ", text_of(b, a));
    return cat(first, words, " ", last);
  }

  const Scope& scope_;
  std::string& out_;
  std::size_t count_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace

Result<Expression> Expression::parse(std::string_view text) {
  Expression out;
  out.root_ = TRY(detail::parse_expression(text));
  out.text_ = std::string(text);
  return out;
}

Truth Expression::truth(WallTime now, const Variables& variables) const {
  return truth_of(*root_, {.now = now, .variables = variables});
}

Expression::Answer Expression::evaluate(WallTime now, const Variables& variables) const {
  Scope scope{.now = now, .variables = variables};
  Answer out;
  out.truth = truth_of(*root_, scope);
  Explainer explainer(scope, out.why);
  explainer.explain(*root_, out.truth);
  explainer.finish();
  return out;
}

}  // namespace mien::policy
