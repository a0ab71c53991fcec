#include "wire/exposition.h"

#include <array>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace mien::wire {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':' || c == '.';
}

MetricType type_of(std::string_view word) {
  if (word == "counter") return MetricType::counter;
  if (word == "gauge") return MetricType::gauge;
  if (word == "histogram") return MetricType::histogram;
  if (word == "gaugehistogram") return MetricType::gauge_histogram;
  if (word == "summary") return MetricType::summary;
  if (word == "info") return MetricType::info;
  if (word == "stateset") return MetricType::state_set;
  return MetricType::unknown;
}

constexpr std::array<std::string_view, 8> suffixes{"_total",   "_count", "_sum",    "_bucket",
                                                   "_created", "_info",  "_gcount", "_gsum"};

bool belongs_to(std::string_view name, std::string_view family) {
  if (!name.starts_with(family)) return false;
  std::string_view rest = name.substr(family.size());
  if (rest.empty()) return true;
  for (std::string_view suffix : suffixes)
    if (rest == suffix) return true;
  return false;
}

std::optional<double> number_of(std::string_view word) {
  if (word == "NaN" || word == "nan" || word == "Nan") return std::numeric_limits<double>::quiet_NaN();
  std::string_view digits = word;
  bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits == "Inf" || digits == "inf" || digits == "Infinity" || digits == "infinity")
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  if (digits.empty() || digits[0] == '-' || digits[0] == '+') return std::nullopt;
  std::optional<double> parsed = parse_double(digits);
  if (!parsed) return std::nullopt;
  return negative ? -*parsed : *parsed;
}

class Reader {
 public:
  Reader(bool open_metrics, const ExpositionLimits& limits, const std::function<void(const ExposedSample&)>& take)
      : open_metrics_(open_metrics), limits_(limits), take_(take) {}

  Status line(std::string_view text) {
    ++number_;
    if (ended_) return wrong("something after # EOF");
    if (text.size() > limits_.line_length) return wrong(cat("a line of more than ", limits_.line_length, " bytes"));
    if (text.ends_with('\r')) text.remove_suffix(1);
    rest_ = text;
    skip_blanks();
    if (rest_.empty()) return {};
    if (rest_[0] == '#') {
      comment();
      return {};
    }
    return sample();
  }
  [[nodiscard]] Status finish() const {
    if (open_metrics_ && !ended_) return wrong("the answer ends without # EOF: it was cut short");
    return {};
  }

 private:
  [[nodiscard]] Error wrong(std::string what) const {
    return Error{
        .code = Code::invalid, .message = cat("line ", number_, ": ", std::move(what)), .where = {}, .cause = {}};
  }
  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_[0])) rest_.remove_prefix(1);
  }
  std::string_view word() {
    std::size_t end = 0;
    while (end < rest_.size() && !is_blank(rest_[end])) ++end;
    std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end);
    skip_blanks();
    return found;
  }

  void comment() {
    rest_.remove_prefix(1);
    skip_blanks();
    std::string_view what = word();
    if (what == "EOF") ended_ = open_metrics_;
    if (what != "TYPE" && what != "UNIT") return;
    std::string_view family = word();
    if (family.size() >= 2 && family.front() == '"' && family.back() == '"')
      family = family.substr(1, family.size() - 2);
    if (family != family_) {
      family_ = std::string(family);
      type_ = MetricType::unknown;
      unit_.clear();
    }
    if (what == "TYPE") type_ = type_of(trim(rest_));
    else unit_ = std::string(trim(rest_));
  }

  Status sample() {
    sample_.labels.clear();
    kept_.clear();
    std::size_t end = 0;
    while (end < rest_.size() && is_name(rest_[end])) ++end;
    std::string_view name = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (!name.empty()) sample_.labels.push_back({.name = "__name__", .value = name});
    skip_blanks();
    if (rest_.starts_with('{')) TRY(labels());
    if (sample_.labels.empty() || sample_.labels[0].name != "__name__")
      return wrong("a sample begins with the name of its metric");
    name = sample_.labels[0].value;
    skip_blanks();
    std::optional<double> value = number_of(word());
    if (!value) return wrong("a number belongs behind the name");
    sample_.value = *value;
    sample_.milliseconds.reset();
    if (!rest_.empty() && rest_[0] != '#') TRY(time());
    if (!rest_.empty() && (rest_[0] != '#' || !open_metrics_)) return wrong("something after the sample");
    bool of_family = belongs_to(name, family_);
    sample_.type = of_family ? type_ : MetricType::unknown;
    sample_.unit = of_family ? std::string_view(unit_) : std::string_view{};
    if (++samples_ > limits_.samples)
      return Error{.code = Code::exhausted,
                   .message = cat("more than ", limits_.samples, " samples in one answer"),
                   .where = {},
                   .cause = {}};
    take_(sample_);
    return {};
  }

  Status time() {
    std::optional<double> at = number_of(word());
    double milliseconds = at.value_or(std::numeric_limits<double>::quiet_NaN()) * (open_metrics_ ? 1000 : 1);
    if (!(std::fabs(milliseconds) < 9e15)) return wrong("the time of a sample is a number");
    sample_.milliseconds = static_cast<std::int64_t>(milliseconds);
    return {};
  }

  // {a="1",b="2",}; in quotes alone: the name of the metric.
  Status labels() {
    rest_.remove_prefix(1);
    while (true) {
      skip_blanks();
      if (rest_.starts_with('}')) break;
      std::string_view name;
      bool quoted = rest_.starts_with('"');
      if (quoted) {
        name = TRY(quoted_text());
      } else {
        std::size_t end = 0;
        while (end < rest_.size() && is_name(rest_[end])) ++end;
        name = rest_.substr(0, end);
        rest_.remove_prefix(end);
      }
      skip_blanks();
      if (quoted && (rest_.starts_with(',') || rest_.starts_with('}'))) {
        sample_.labels.insert(sample_.labels.begin(), {.name = "__name__", .value = name});
      } else {
        if (name.empty() || !rest_.starts_with('=')) return wrong("a label is written name=\"value\"");
        rest_.remove_prefix(1);
        skip_blanks();
        if (!rest_.starts_with('"')) return wrong("the value of a label stands in double quotes");
        std::string_view value = TRY(quoted_text());
        // A label without a value is no label.
        if (!value.empty()) sample_.labels.push_back({.name = name, .value = value});
      }
      if (sample_.labels.size() > limits_.labels) return wrong(cat("more than ", limits_.labels, " labels"));
      skip_blanks();
      if (rest_.starts_with(',')) rest_.remove_prefix(1);
      else if (!rest_.starts_with('}')) return wrong("labels are separated by commas and end with }");
    }
    rest_.remove_prefix(1);
    return {};
  }

  Result<std::string_view> quoted_text() {
    rest_.remove_prefix(1);
    std::size_t end = rest_.find_first_of("\"\\");
    if (end == std::string_view::npos) return wrong("a text in quotes has no end");
    if (rest_[end] == '"') {
      std::string_view text = rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      return text;
    }
    std::string& plain = kept_.emplace_back();
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return std::string_view(plain);
      }
      if (rest_[i] != '\\' || i + 1 == rest_.size()) {
        plain += rest_[i];
        continue;
      }
      ++i;
      if (rest_[i] == 'n') plain += '\n';
      else if (rest_[i] == '\\' || rest_[i] == '"') plain += rest_[i];
      else (plain += '\\') += rest_[i];
    }
    return wrong("a text in quotes has no end");
  }

  bool open_metrics_;
  const ExpositionLimits& limits_;
  const std::function<void(const ExposedSample&)>& take_;
  std::size_t number_ = 0;
  std::size_t samples_ = 0;
  bool ended_ = false;
  std::string_view rest_;
  std::string family_;
  MetricType type_ = MetricType::unknown;
  std::string unit_;
  ExposedSample sample_;
  std::deque<std::string> kept_;  // texts that had escapes
};

}  // namespace

Status read_exposition(std::string_view text, bool open_metrics, const ExpositionLimits& limits,
                       const std::function<void(const ExposedSample&)>& take) {
  Reader reader{open_metrics, limits, take};
  while (!text.empty()) {
    std::size_t end = text.find('\n');
    TRY(reader.line(text.substr(0, end)));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return reader.finish();
}

bool is_open_metrics(std::string_view content_type) {
  return trim(content_type.substr(0, content_type.find(';'))) == "application/openmetrics-text";
}

}  // namespace mien::wire
