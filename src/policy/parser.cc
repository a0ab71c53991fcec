// Recursive descent over the grammar in expression.h. Types are checked on the way: what is compared are numbers, what
// is joined are truths.
#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "model/finding.h"
#include "model/validate.h"
#include "policy/detail/lexer.h"
#include "policy/detail/node.h"

namespace mien::policy::detail {
namespace {

using Tree = std::unique_ptr<Node>;
using model::Dimension;
using model::Dimensions;

// What a name may be compared with.
enum class Scale : std::uint8_t { share, rate, severity };
struct KnownName {
  std::string_view name;
  Scale scale;
};
constexpr std::array<KnownName, 8> known_names{{{"load.cpu", Scale::share},
                                                {"load.memory", Scale::share},
                                                {"load.disk", Scale::share},
                                                {"load.network", Scale::share},
                                                {"load.requests", Scale::rate},
                                                {"drift.score", Scale::share},
                                                {severity_name, Scale::severity},
                                                {"finding.confidence", Scale::share}}};

struct KnownFunction {
  std::string_view name;
  std::string_view example;
  Op op;
};
constexpr std::array<KnownFunction, 4> known_functions{
    {{"metric", "metric('system.cpu.utilization')", Op::metric},
     {"signal", "signal('lb.forecast_rps')", Op::signal},
     {"forecast", "forecast('system.cpu.utilization', 30m).p90", Op::forecast},
     {"time.in", "time.in('Mon-Fri 08:00-20:00 UTC')", Op::time_in}}};

template <class Table>
const typename Table::value_type* find_name(const Table& table, std::string_view name) {
  for (const auto& each : table)
    if (each.name == name) return &each;
  return nullptr;
}

std::optional<Op> comparison(std::string_view sign) {
  constexpr std::array<std::pair<std::string_view, Op>, 6> signs{{{"<", Op::less},
                                                                  {"<=", Op::at_most},
                                                                  {">", Op::more},
                                                                  {">=", Op::at_least},
                                                                  {"==", Op::equal},
                                                                  {"!=", Op::not_equal}}};
  for (const auto& [text, op] : signs)
    if (text == sign) return op;
  return std::nullopt;
}

// Whether the numbers it is made of may have any unit: metrics, signals and rates do, shares do not.
bool any_unit(const Node& node) {
  if (node.op == Op::metric || node.op == Op::signal || node.op == Op::forecast) return true;
  if (node.op == Op::name) return find_name(known_names, node.subject)->scale == Scale::rate;
  return std::any_of(node.children.begin(), node.children.end(), [](const Tree& each) { return any_unit(*each); });
}

bool only_literals(const Node& node) {
  if (node.children.empty()) return node.op == Op::literal;
  return std::all_of(node.children.begin(), node.children.end(), [](const Tree& each) { return only_literals(*each); });
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens) : text_(text), tokens_(std::move(tokens)) {}

  Result<Tree> run() {
    if (here().kind == TokenKind::end)
      return error_at(0, "an expression is empty: write something like load.cpu > 0.6");
    Tree root = TRY(either());
    if (here().kind != TokenKind::end) return unexpected("the end, or && or ||");
    if (Status status = want_truth(*root); !status) return std::move(status).error();
    return root;
  }

 private:
  [[nodiscard]] const Token& here() const { return tokens_[at_]; }
  [[nodiscard]] bool at_sign(std::string_view sign) const {
    return here().kind == TokenKind::sign && here().text == sign;
  }
  bool take_sign(std::string_view sign) {
    if (!at_sign(sign)) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] Error unexpected(std::string_view wanted) const {
    const Token& token = here();
    std::string found = token.kind == TokenKind::end
                            ? std::string("the end")
                            : cat("`", text_.substr(token.begin, token.finish - token.begin), "`");
    return error_at(token.begin, cat("here is ", found, "; wanted is ", wanted));
  }

  Result<Tree> make(Op op, std::size_t begin) {
    if (++nodes_ > most_nodes) return error_at(begin, cat("an expression has at most ", most_nodes, " parts"));
    auto node = std::make_unique<Node>();
    node->op = op;
    node->column = begin + 1;
    return node;
  }
  // As written, from `begin` to what was taken last.
  void set_source(Node& node, std::size_t begin) {
    std::size_t end = at_ > 0 ? tokens_[at_ - 1].finish : begin;
    node.source = std::string(text_.substr(begin, end - begin));
  }

  static Status want_truth(const Node& node) {
    if (is_truth(node.op)) return {};
    if (node.op == Op::text) return error_at(node.column - 1, "a text is neither true nor false");
    return error_at(node.column - 1, cat("`", node.source, "` is a number: compare it, like ", node.source, " > ",
                                         node.op == Op::literal ? "load.cpu" : "0.6"));
  }
  static Status want_number(const Node& node) {
    if (node.op == Op::text)
      return error_at(node.column - 1, "a text can only be compared with finding.severity, or be given to a function");
    if (!is_truth(node.op)) return {};
    return error_at(node.column - 1, cat("`", node.source, "` is true or false, not a number"));
  }

  // Descends one level; the guard against input that is nothing but brackets.
  template <class Inner>
  Result<Tree> deeper(Inner inner) {
    if (++levels_ > most_levels) return error_at(here().begin, cat("brackets go at most ", most_levels, " deep"));
    Result<Tree> out = inner();
    --levels_;
    return out;
  }

  Result<Tree> either() {
    return joined("||", Op::any_of, [this] { return both(); });
  }
  Result<Tree> both() {
    return joined("&&", Op::all_of, [this] { return inverted(); });
  }

  template <class Inner>
  Result<Tree> joined(std::string_view sign, Op op, Inner inner) {
    std::size_t begin = here().begin;
    Tree first = TRY(inner());
    if (!at_sign(sign)) return first;
    Tree node = TRY(make(op, begin));
    if (Status status = want_truth(*first); !status) return std::move(status).error();
    node->children.push_back(std::move(first));
    while (take_sign(sign)) {
      Tree next = TRY(inner());
      if (Status status = want_truth(*next); !status) return std::move(status).error();
      node->children.push_back(std::move(next));
    }
    set_source(*node, begin);
    return node;
  }

  Result<Tree> inverted() {
    std::size_t begin = here().begin;
    if (!take_sign("!")) return compare();
    Tree node = TRY(make(Op::negation, begin));
    Tree inner = TRY(deeper([this] { return inverted(); }));
    if (Status status = want_truth(*inner); !status) return std::move(status).error();
    node->children.push_back(std::move(inner));
    set_source(*node, begin);
    return node;
  }

  Result<Tree> compare() {
    std::size_t begin = here().begin;
    std::size_t first_literal = literals_.size();
    Tree left = TRY(sum());
    auto op = here().kind == TokenKind::sign ? comparison(here().text) : std::nullopt;
    if (!op) return left;
    ++at_;
    Tree right = TRY(sum());
    if (here().kind == TokenKind::sign && comparison(here().text))
      return error_at(here().begin, "two are compared at a time: write a < b && b < c");
    if (Status status = match_sides(*left, *right, first_literal); !status) return std::move(status).error();
    Tree node = TRY(make(*op, begin));
    node->children.push_back(std::move(left));
    node->children.push_back(std::move(right));
    set_source(*node, begin);
    return node;
  }

  // Gives the literals of both sides their values, now that it is known what they are compared with.
  Status match_sides(Node& left, Node& right, std::size_t first_literal) {
    if (Status status = name_severity(left, right); !status) return status;
    if (Status status = name_severity(right, left); !status) return status;
    for (Node* side : {&left, &right})
      if (Status status = want_number(*side); !status) return status;
    bool wide = any_unit(left) || any_unit(right) || (only_literals(left) && only_literals(right));
    Dimensions wanted = wide ? model::metric_dimensions : Dimensions{Dimension::number, Dimension::ratio};
    for (std::size_t i = first_literal; i < literals_.size(); ++i) {
      Node& literal = *literals_[i];
      auto quantity = model::parse_quantity(literal.source, wanted);
      if (!quantity) return error_at(literal.column - 1, quantity.error().message);
      literal.value = model::to_metric_value(*quantity);
      literal.dimension = quantity->dimension;
    }
    literals_.resize(first_literal);
    return {};
  }

  // 'high' beside finding.severity is the number that it is ranked by.
  static Status name_severity(Node& text, const Node& other) {
    if (text.op != Op::text || other.op != Op::name || other.subject != severity_name) return {};
    for (int i = 0; i <= static_cast<int>(model::Severity::critical); ++i) {
      if (to_text(static_cast<model::Severity>(i)) != text.subject) continue;
      text.op = Op::literal;
      text.value = i;
      return {};
    }
    return error_at(text.column - 1,
                    cat("`", text.subject, "` is not a severity: write info, low, medium, high or critical"));
  }

  Result<Tree> sum() {
    return chained({{{"+", Op::add}, {"-", Op::subtract}}}, [this] { return product(); });
  }
  Result<Tree> product() {
    return chained({{{"*", Op::multiply}, {"/", Op::divide}}}, [this] { return unary(); });
  }

  template <class Inner>
  Result<Tree> chained(const std::array<std::pair<std::string_view, Op>, 2>& signs, Inner inner) {
    std::size_t begin = here().begin;
    Tree left = TRY(inner());
    while (at_sign(signs[0].first) || at_sign(signs[1].first)) {
      Op op = at_sign(signs[0].first) ? signs[0].second : signs[1].second;
      ++at_;
      Tree right = TRY(inner());
      for (const Node* side : {left.get(), right.get()})
        if (Status status = want_number(*side); !status) return std::move(status).error();
      Tree node = TRY(make(op, begin));
      node->children.push_back(std::move(left));
      node->children.push_back(std::move(right));
      set_source(*node, begin);
      left = std::move(node);
    }
    return left;
  }

  Result<Tree> unary() {
    std::size_t begin = here().begin;
    if (!take_sign("-")) return primary();
    Tree node = TRY(make(Op::minus, begin));
    Tree inner = TRY(deeper([this] { return unary(); }));
    if (Status status = want_number(*inner); !status) return std::move(status).error();
    node->children.push_back(std::move(inner));
    set_source(*node, begin);
    return node;
  }

  Result<Tree> primary() {
    const Token token = here();
    if (token.kind == TokenKind::name) return word();
    if (token.kind == TokenKind::number || token.kind == TokenKind::text) {
      ++at_;
      Tree node = TRY(make(token.kind == TokenKind::number ? Op::literal : Op::text, token.begin));
      node->source = std::string(token.text);
      if (token.kind == TokenKind::text) node->subject = std::string(token.text);
      else literals_.push_back(node.get());
      return node;
    }
    if (!take_sign("(")) return unexpected("a name, a number or a bracket");
    Tree inner = TRY(deeper([this] { return either(); }));
    if (!take_sign(")")) return unexpected(cat("the `)` of the bracket in column ", token.begin + 1));
    return inner;
  }

  Result<Tree> word() {
    const Token token = here();
    ++at_;
    if (at_sign("(")) return call(token);
    if (const KnownName* known = find_name(known_names, token.text)) {
      Tree node = TRY(make(Op::name, token.begin));
      node->subject = std::string(known->name);
      node->source = node->subject;
      return node;
    }
    if (const KnownFunction* known = find_name(known_functions, token.text))
      return error_at(token.begin, cat("`", token.text, "` is a function: write ", known->example));
    std::vector<std::string_view> names;
    for (const KnownName& each : known_names) names.push_back(each.name);
    for (const KnownFunction& each : known_functions) names.push_back(each.name);
    auto near = nearest(token.text, names);
    std::string hint;
    if (near) hint = cat("; did you mean `", *near, "`?");
    else if (token.text.find('.') != std::string_view::npos && !token.text.starts_with("load."))
      hint = cat("; for a metric write metric('", token.text, "')");
    else hint = cat("; names are ", listed_names());
    return error_at(token.begin, cat("unknown name `", token.text, "`", hint));
  }

  static std::string listed_names() {
    std::string out;
    for (const KnownName& each : known_names) out += cat(out.empty() ? "" : ", ", each.name);
    return out;
  }

  Result<Tree> call(const Token& token) {
    const KnownFunction* known = find_name(known_functions, token.text);
    if (!known) {
      std::vector<std::string_view> names;
      for (const KnownFunction& each : known_functions) names.push_back(each.name);
      auto near = nearest(token.text, names);
      std::string hint =
          near ? cat("; did you mean `", *near, "`?") : "; there are metric, signal, forecast and time.in";
      return error_at(token.begin, cat("unknown function `", token.text, "`", hint));
    }
    ++at_;  // the bracket
    Tree node = TRY(make(known->op, token.begin));
    const Token subject = here();
    if (subject.kind != TokenKind::text) return unexpected(cat("a text in quotes, like ", known->example));
    ++at_;
    node->subject = std::string(subject.text);
    if (Status status = check_subject(*node, subject.begin); !status) return std::move(status).error();
    if (node->op == Op::forecast)
      if (Status status = horizon(*node); !status) return std::move(status).error();
    if (!take_sign(")")) return unexpected(cat("`)`: ", known->name, " is written like ", known->example));
    if (node->op == Op::forecast)
      if (Status status = quantile(*node); !status) return std::move(status).error();
    set_source(*node, token.begin);
    return node;
  }

  static Status check_subject(Node& node, std::size_t begin) {
    if (node.op == Op::time_in) {
      auto schedule = parse_schedule(node.subject);
      if (!schedule) return error_at(begin, schedule.error().message);
      node.schedule = std::move(schedule).value();
      return {};
    }
    if (node.op == Op::signal) {
      if (node.subject.empty() || node.subject.size() > model::limits::name_bytes)
        return error_at(begin, "a signal's name is missing or too long");
      return {};
    }
    if (auto wrong = model::check_format(model::TextFormat::metric, node.subject)) return error_at(begin, *wrong);
    return {};
  }

  Status horizon(Node& node) {
    if (!take_sign(",")) return unexpected("a comma and how far ahead, like 30m");
    const Token token = here();
    if (token.kind != TokenKind::number) return unexpected("how far ahead, like 30m");
    ++at_;
    auto ahead = model::parse_duration(token.text);
    if (!ahead) return error_at(token.begin, ahead.error().message);
    constexpr Duration most = std::chrono::hours(24 * 366);
    if (*ahead <= Duration{0} || *ahead > most)
      return error_at(token.begin, "a forecast looks ahead by more than nothing and at most 366 days");
    node.ahead = *ahead;
    return {};
  }

  // `.p90`; the middle when nothing is written.
  Status quantile(Node& node) {
    node.quantile = "p50";
    if (!take_sign(".")) return {};
    const Token token = here();
    auto percent = token.kind == TokenKind::name && token.text.starts_with('p') ? parse_integer(token.text.substr(1))
                                                                                : std::nullopt;
    if (!percent || *percent < 1 || *percent > 99 || token.text != cat('p', *percent))
      return unexpected("a quantile from p1 to p99, like p90");
    ++at_;
    node.quantile = std::string(token.text);
    return {};
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t nodes_ = 0;
  std::size_t levels_ = 0;
  std::vector<Node*> literals_;  // that have no value yet: it depends on what they are compared with
};

}  // namespace

Result<std::unique_ptr<Node>> parse_expression(std::string_view text) {
  if (text.size() > most_bytes)
    return error_at(0, cat("an expression has at most ", most_bytes, " bytes; this one has ", text.size()));
  std::vector<Token> tokens = TRY(tokenize(text));
  return Parser(text, std::move(tokens)).run();
}

}  // namespace mien::policy::detail
