// Expressions: any bytes are an expression whose answer is the same with and without its reasons, or an error with a
// column inside the text.
// rooms: policy model
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/text.h"
#include "policy/expression.h"

namespace {

using namespace mien;

// Every third name is unknown; the others are spread over what numbers can be.
class Spread final : public policy::Variables {
 public:
  [[nodiscard]] std::optional<double> value_of(std::string_view name) const override { return from(name); }
  [[nodiscard]] std::optional<double> metric(std::string_view name) const override { return from(name); }
  [[nodiscard]] std::optional<double> signal(std::string_view name) const override { return from(name); }
  [[nodiscard]] std::optional<Duration> utc_offset(std::string_view zone, WallTime) const override {
    if (zone.size() % 3 == 0) return std::nullopt;
    return std::chrono::minutes(static_cast<std::int64_t>(zone.size()) * 15 - 720);
  }
  [[nodiscard]] std::optional<double> forecast(std::string_view metric, Duration ahead,
                                               std::string_view quantile) const override {
    CHECK(ahead > Duration{0});
    CHECK(quantile.starts_with('p'));
    return from(metric);
  }

 private:
  static std::optional<double> from(std::string_view name) {
    if (name.size() % 3 == 0) return std::nullopt;
    return name.size() % 2 == 0 ? 1e308 * static_cast<double>(name.size()) : static_cast<double>(name.size()) / 16;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  auto parsed = policy::Expression::parse(text);
  if (!parsed) {
    std::string_view where = parsed.error().where;
    CHECK(where.starts_with("column "));
    auto column = parse_integer(where.substr(7));
    CHECK(column && *column >= 1 && static_cast<std::size_t>(*column) <= size + 1);
    CHECK(!parsed.error().message.empty());
    return 0;
  }
  CHECK(parsed->text() == text);
  Spread variables;
  for (std::int64_t now : {std::int64_t{0}, std::int64_t{1'790'000'000'000'000'000}, INT64_MIN, INT64_MAX}) {
    auto answer = parsed->evaluate(WallTime{now}, variables);
    CHECK(answer.truth == parsed->truth(WallTime{now}, variables));
    CHECK(!answer.why.empty());
  }
  return 0;
}
