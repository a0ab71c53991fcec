#include "bench/quality/inject.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/text.h"

namespace mien::quality {
namespace {

constexpr double day = 86400;
constexpr std::size_t slow_days = 30;
constexpr std::size_t rows_after = 2 * naming_rows + 8;
constexpr WallTime monday{1'704'067'200'000'000'000};  // 2024-01-01T00:00:00Z

std::size_t rows_in(double seconds, double step) { return static_cast<std::size_t>(seconds / step); }
std::size_t between(Prng& random, std::size_t low, std::size_t high) { return low + random.below(high - low + 1); }

std::size_t duration(const Case& which, Prng& random) {
  double step = which.shape->step;
  std::size_t block = step < 10 ? rows_in(10, step) : 1;
  if (!which.injection) return rows_in(slow_days * day, step);
  switch (*which.injection) {
    case Injection::spike: return between(random, 1, 3);
    case Injection::level: return block * between(random, 60, 120);
    case Injection::ramp: return block * between(random, 128, 256);
    case Injection::spread_up: return block * between(random, 96, 192);
    case Injection::spread_collapse: return block * between(random, 256, 384);
    case Injection::frozen: return block * between(random, 128, 256);
    case Injection::off_season: return rows_in(static_cast<double>(between(random, 3, 5)) * 3600, step);
    case Injection::flat_season: return rows_in(day, step);
    case Injection::relation: return block * between(random, 128, 256);
    case Injection::shape: return block * between(random, 384, 512);
    case Injection::silence: return block * between(random, 60, 120);
    case Injection::slow_ramp: return rows_in(slow_days * day, step);
  }
  return 0;
}

// How far chance takes the values of a column from what is expected.
double deviation(const Column& column, std::size_t rows) {
  std::vector<double> away(rows);
  double squares = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    away[i] = std::fabs(column.value(column.expected[i], column.chance[i]) - column.value(column.expected[i], 0));
    squares += away[i] * away[i];
  }
  auto rare = away.begin() + static_cast<std::ptrdiff_t>(rows - 1 - rows / 1000);
  std::nth_element(away.begin(), rare, away.end());
  return std::max({std::sqrt(squares / static_cast<double>(rows)), *rare / 3.5, column.quantum});
}

// Up or down, as there is room.
double signed_size(const Column& column, std::size_t row, double size, Prng& random) {
  double low = column.multiplies ? 0 : column.low;
  double value = column.value(column.expected[row], column.chance[row]);
  bool up = random.chance(0.5);
  if (up && value + size > column.high) up = false;
  if (!up && value - size < low) up = true;
  return up ? size : -size;
}

// A moment at which half a day's shift shows.
std::size_t seasonal_start(const Column& column, const Range& candidates, std::size_t rows, std::size_t half_day,
                           double least, Prng& random) {
  std::size_t best = candidates.first;
  double most = -1;
  for (int attempt = 0; attempt < 60; ++attempt) {
    std::size_t start = between(random, candidates.first, candidates.end - 1);
    double difference = 0;
    for (std::size_t i = start; i < start + rows; ++i)
      difference += std::fabs(column.expected[i + half_day] - column.expected[i]);
    difference /= static_cast<double>(rows);
    if (difference > most) best = start, most = difference;
    if (most >= least) break;
  }
  return best;
}

// Values of one column with the injection in it.
std::vector<double> injected(const Case& which, const Column& column, std::size_t rows, const Range& where, double u,
                             Prng& random) {
  std::vector<double> values(rows);
  for (std::size_t i = 0; i < rows; ++i) values[i] = column.value(column.expected[i], column.chance[i]);
  if (!which.injection) return values;
  double step = which.shape->step;
  double half = static_cast<double>(where.size());
  std::size_t half_day = rows_in(day / 2, step);
  double strength = random.uniform();
  double spike = signed_size(column, where.first, (8 + 4 * strength) * u, random);
  double level = signed_size(column, where.first, (4 + 2 * strength) * u, random);
  double ramp = signed_size(column, where.first, 8 * u, random);
  auto begin = column.expected.begin() + static_cast<std::ptrdiff_t>(where.first);
  double flat = std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(where.size()), 0.0) / half;
  double all = std::accumulate(column.expected.begin(), column.expected.end(), 0.0) /
               static_cast<double>(column.expected.size());
  for (std::size_t i = where.first; i < where.end; ++i) {
    double expected = column.expected[i];
    double chance = column.chance[i];
    auto into = static_cast<double>(i - where.first + 1);
    switch (*which.injection) {
      case Injection::spike: values[i] = column.value(expected, chance, spike); break;
      case Injection::level: values[i] = column.value(expected, chance, level); break;
      case Injection::ramp: values[i] = column.value(expected, chance, ramp * into / half); break;
      case Injection::spread_up: values[i] = column.value(expected, chance * (3 + strength)); break;
      case Injection::spread_collapse: values[i] = column.value(expected, chance * 0.1); break;
      case Injection::frozen: values[i] = values[where.first - 1]; break;
      case Injection::off_season: values[i] = column.value(column.expected[i + half_day], chance); break;
      case Injection::flat_season: values[i] = column.value(flat, chance); break;
      case Injection::relation:
      case Injection::shape: values[i] = column.value(expected, column.other_chance[i]); break;
      case Injection::silence: break;
      case Injection::slow_ramp: values[i] = column.value(expected, chance, 0.01 * all * into * step / day); break;
    }
  }
  return values;
}

std::string to_csv(const Case& which, const std::vector<std::vector<double>>& columns, const Range& dropped,
                   Prng& random) {
  std::string csv = "timestamp";
  for (std::size_t c = 0; c < columns.size(); ++c) csv += cat(",m", c);
  csv += '\n';
  for (std::size_t i = 0; i < columns.front().size(); ++i) {
    if (i >= dropped.first && i < dropped.end) continue;
    csv += to_rfc3339(monday + from_seconds(static_cast<double>(i) * which.shape->step));
    for (const auto& column : columns) {
      csv += ',';
      if (which.shape->missing == 0 || !random.chance(which.shape->missing)) csv += mien::to_text(column[i], 6);
    }
    csv += '\n';
  }
  return csv;
}

}  // namespace

Made make(const Case& which) {
  const Shape& shape = *which.shape;
  CHECK(!which.injection || *which.injection == Injection::slow_ramp || shape.is_for(*which.injection));
  Prng random(which.seed);
  std::size_t length = duration(which, random);
  std::size_t quiet = shape.train + shape.quiet;
  bool seasonal = which.injection == Injection::off_season || which.injection == Injection::flat_season;
  Range candidates{
      quiet, quiet + (seasonal ? rows_in(day, shape.step) : std::min<std::size_t>(rows_in(day, shape.step), 1000))};
  std::size_t half_day = seasonal ? rows_in(day / 2, shape.step) : 0;
  std::vector<Column> columns = shape.make(random, candidates.end + length + rows_after + half_day, shape.step);

  std::size_t target = which.injection == Injection::shape ? 0 : random.below(columns.size());
  double u = deviation(columns[target], quiet);
  std::size_t start = which.injection == Injection::off_season
                          ? seasonal_start(columns[target], candidates, length, half_day, 4 * u, random)
                          : between(random, candidates.first, candidates.end - 1);
  Range where{start, start + length};
  std::size_t rows = where.end + rows_after;
  std::vector<std::vector<double>> values;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    values.push_back(injected(c == target ? which : Case{.shape = which.shape, .injection = {}}, columns[c], rows,
                              where, u, random));
  }
  bool silent = which.injection == Injection::silence;
  Made made{.csv = to_csv(which, values, silent ? where : Range{}, random), .train = shape.train, .where = where};
  if (silent) made.where.end = made.where.first;
  return made;
}

std::string_view kind_of(Injection injection) {
  constexpr std::array<std::string_view, injections> kinds{"spike",    "level",  "ramp",     "spread",
                                                           "spread",   "frozen", "seasonal", "seasonal",
                                                           "relation", "shape",  "silence",  "ramp"};
  return kinds.at(static_cast<std::size_t>(injection));
}

Outcome judge(const Scores& scores, std::size_t train, const Range& where) {
  Outcome out{.kind = {}};
  out.quiet_rows = where.first - train;
  for (const Range& episode : episodes(scores.alert)) {
    if (episode.first < train) continue;
    if (episode.first < where.first) {
      ++out.false_episodes;
      out.busy = out.busy || episode.end > where.first;
      continue;
    }
    if (out.busy || out.caught || episode.first >= where.end + naming_rows) break;
    out.caught = true;
    out.delay = episode.first - where.first;
    out.kind = scores.kinds[std::min(episode.first + naming_rows, episode.end - 1)];
  }
  return out;
}

}  // namespace mien::quality
