#include "bench/quality/floor.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/text.h"
#include "bench/quality/table.h"

namespace mien::quality {
namespace {

constexpr std::string_view ramp_name = "slow_ramp_reported";
constexpr std::string_view rate_name = "false_episodes_a_week";

double lowest(const Count& count, double errors) {
  if (count.whole == 0) return 0;
  double p = std::clamp(count.percent() / 100, 0.05, 0.95);
  return std::max(
      0.0, std::floor(count.percent() - 100 * errors * std::sqrt(p * (1 - p) / static_cast<double>(count.whole))));
}

std::string key(const std::string& name) {
  std::string out = name;
  std::replace(out.begin(), out.end(), ' ', '_');
  return out;
}

}  // namespace

Result<Floor> parse_floor(std::string_view text, const std::string& name) {
  Floor floor;
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    std::vector<std::string_view> words;
    for (std::string_view word : split(line, ' ')) {
      if (!word.empty()) words.push_back(word);
    }
    auto wrong = [&] {
      return Error{.code = Code::invalid,
                   .message = "write: NAME caught PERCENT named PERCENT, or NAME FIGURE",
                   .where = cat(name, ":", number),
                   .cause = {}};
    };
    bool kind = words.size() == 5 && words[1] == "caught" && words[3] == "named";
    if (!kind && words.size() != 2) return wrong();
    for (std::size_t at = kind ? 2 : 1; at < words.size(); at += 2) {
      std::optional<double> value = parse_double(words[at]);
      if (!value) return wrong();
      floor[kind ? cat(words[0], " ", words[at - 1]) : std::string(words[0])] = *value;
    }
  }
  return floor;
}

std::string floor_text(const Figures& figures) {
  std::string out =
      "# The figures of the injected sets that may not be undercut (the rate: exceeded). Written by\n"
      "# `mien-quality --injected --program PATH --rewrite-floor`: what was measured, less two standard errors, three "
      "for one kind.\n";
  for (const Figures::Kind& kind : figures.kinds) {
    double errors = kind.name == "all" ? 2 : 3;
    out += cat(key(kind.name), " caught ", fixed(lowest(kind.caught, errors), 0), " named ",
               fixed(lowest(kind.named, errors), 0), '\n');
  }
  out += cat(ramp_name, ' ', fixed(lowest(figures.slow_ramp, 2), 0), '\n');
  double slack = 2 * std::sqrt(std::max(static_cast<double>(figures.false_episodes), 4.0));
  double most = figures.weeks > 0 ? (static_cast<double>(figures.false_episodes) + slack) / figures.weeks : 0;
  out += cat(rate_name, ' ', fixed(std::ceil(most * 100) / 100, 2), '\n');
  return out;
}

std::vector<std::string> below(const Figures& figures, const Floor& floor) {
  std::vector<std::string> out;
  auto check = [&](const std::string& name, double value, const auto& better) {
    auto found = floor.find(name);
    if (found == floor.end()) out.push_back(cat(name, " has no floor"));
    else if (better(found->second, value))
      out.push_back(cat(name, " is ", fixed(value, 2), ", the floor ", fixed(found->second, 2)));
  };
  for (const Figures::Kind& kind : figures.kinds) {
    check(cat(key(kind.name), " caught"), kind.caught.percent(), std::greater<>());
    check(cat(key(kind.name), " named"), kind.named.percent(), std::greater<>());
  }
  check(std::string(ramp_name), figures.slow_ramp.percent(), std::greater<>());
  check(std::string(rate_name), figures.false_rate(), std::less<>());
  return out;
}

}  // namespace mien::quality
