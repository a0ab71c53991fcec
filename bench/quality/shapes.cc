#include "bench/quality/shapes.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/math.h"

namespace mien::quality {
namespace {

constexpr double hour = 3600;
constexpr double day = 86400;
constexpr double pi = 3.14159265358979323846;

// ---- courses: the expected part at `t` seconds after a Monday, midnight ----

double hour_of(double t) { return std::fmod(t, day) / hour; }
bool weekend(double t) { return std::fmod(t, 7 * day) >= 5 * day; }

// 0 at four in the morning, about 1 in the afternoon, steeper up than down.
double day_curve(double t) {
  double angle = 2 * pi * (hour_of(t) - 4) / 24;
  return 0.5 - 0.5 * math::cos(angle) + 0.12 * math::sin(2 * angle) + 0.12;
}

template <class Course>
std::vector<double> course(std::size_t rows, double step, Course at) {
  std::vector<double> out(rows);
  for (std::size_t i = 0; i < rows; ++i) out[i] = at(static_cast<double>(i) * step);
  return out;
}
std::vector<double> constant(std::size_t rows, double value) { return std::vector<double>(rows, value); }

// ---- chance ----

// First-order autoregression with this standard deviation.
std::vector<double> wander(Prng& random, std::size_t rows, double memory, double deviation) {
  std::vector<double> out(rows);
  double fresh = std::sqrt(1 - memory * memory);
  double x = random.normal();
  for (double& value : out) {
    value = deviation * x;
    x = memory * x + fresh * random.normal();
  }
  return out;
}

void add(std::vector<double>& to, const std::vector<double>& what, double weight = 1) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += weight * what[i];
}

// Now and then some rows that are higher, each burst by another height.
void add_bursts(Prng& random, std::vector<double>& to, double how_often, double rows_long, double height) {
  double now = 0;
  for (double& value : to) {
    if (now > 0 && random.chance(1 / rows_long)) now = 0;
    if (random.chance(how_often)) now = height * (0.5 + random.uniform());
    value += now;
  }
}

// Up from -1/2 to 1/2 in about `period` rows, then at once back; `falling`: the other way round.
std::vector<double> saw_tooth(Prng& random, std::size_t rows, double period, bool falling) {
  std::vector<double> out(rows);
  double at = random.uniform();
  double length = period;
  for (double& value : out) {
    value = falling ? 0.5 - at : at - 0.5;
    at += 1 / length;
    if (at < 1) continue;
    at -= 1;
    length = period * (0.85 + 0.3 * random.uniform());
  }
  return out;
}

// `on` rows of 1 in every `period`.
std::vector<double> pulses(std::size_t rows, std::size_t period, std::size_t on) {
  std::vector<double> out(rows);
  for (std::size_t i = 0; i < rows; ++i) out[i] = i % period < on ? 1 : 0;
  return out;
}

double poisson(Prng& random, double mean) {
  double count = 0;
  for (double left = mean - random.exponential(); left > 0; left -= random.exponential()) count += 1;
  return count;
}

// ---- the shapes ----

std::vector<Column> cpu_by_day(Prng& random, std::size_t rows, double step) {
  return {{.expected = course(rows, step, [](double t) { return 0.25 + 0.35 * day_curve(t); }),
           .chance = wander(random, rows, 0.7, 0.03),
           .other_chance = {},
           .low = 0,
           .high = 1}};
}

double working_week(double t) { return 1 + 2.2 * day_curve(t) * (weekend(t) ? 0.35 : 1.0); }

std::vector<Column> requests_by_week(Prng& random, std::size_t rows, double step) {
  return {{.expected = course(rows, step, [](double t) { return 200 * working_week(t); }),
           .chance = wander(random, rows, 0.5, 0.08),
           .other_chance = {},
           .multiplies = true}};
}

std::vector<Column> logins_by_week(Prng& random, std::size_t rows, double step) {
  Column column{.expected = course(rows, step, [](double t) { return 60 * working_week(t); }),
                .chance = wander(random, rows, 0, 1),
                .other_chance = {},
                .low = 0,
                .quantum = 1};
  for (std::size_t i = 0; i < rows; ++i) column.chance[i] *= std::sqrt(column.expected[i]);
  return {std::move(column)};
}

std::vector<Column> bursty_requests(Prng& random, std::size_t rows, double) {
  Column column{.expected = constant(rows, 120),
                .chance = wander(random, rows, 0.3, 0.2),
                .other_chance = {},
                .multiplies = true};
  add_bursts(random, column.chance, 0.004, 12, 0.9);
  return {std::move(column)};
}

std::vector<Column> bytes_rate(Prng& random, std::size_t rows, double) {
  return {{.expected = constant(rows, 1.5e6),
           .chance = wander(random, rows, 0.9, 0.15),
           .other_chance = {},
           .multiplies = true}};
}

std::vector<Column> few_errors(Prng& random, std::size_t rows, double) {
  Column column{.expected = constant(rows, 0), .chance = constant(rows, 0), .other_chance = {}, .low = 0, .quantum = 1};
  for (double& count : column.chance) count = poisson(random, 0.4);
  return {std::move(column)};
}

std::vector<Column> connections(Prng& random, std::size_t rows, double) {
  return {{.expected = constant(rows, 60),
           .chance = wander(random, rows, 0.93, 6),
           .other_chance = {},
           .low = 0,
           .quantum = 1}};
}

std::vector<Column> replicas(Prng& random, std::size_t rows, double) {
  Column column{.expected = constant(rows, 3), .chance = constant(rows, 0), .other_chance = {}, .low = 0, .quantum = 1};
  add_bursts(random, column.chance, 0.0007, 3, 1);
  return {std::move(column)};
}

std::vector<Column> temperature(Prng& random, std::size_t rows, double) {
  return {
      {.expected = constant(rows, 45), .chance = wander(random, rows, 0.8, 0.4), .other_chance = {}, .quantum = 0.1}};
}

std::vector<Column> heavy_latency(Prng& random, std::size_t rows, double) {
  Column column{.expected = constant(rows, 20),
                .chance = wander(random, rows, 0.2, 0.35),
                .other_chance = {},
                .multiplies = true};
  for (double& x : column.chance) x += random.chance(0.03) ? 0.45 * random.exponential() : 0;
  return {std::move(column)};
}

std::vector<Column> latency_by_day(Prng& random, std::size_t rows, double step) {
  return {{.expected = course(rows, step, [](double t) { return 60 * (1 + 0.9 * day_curve(t)); }),
           .chance = wander(random, rows, 0.4, 0.12),
           .other_chance = {},
           .multiplies = true}};
}

std::vector<Column> memory_saw(Prng& random, std::size_t rows, double) {
  std::vector<double> noise = wander(random, rows, 0.5, 0.01);
  Column column{.expected = constant(rows, 0.5),
                .chance = saw_tooth(random, rows, 120, false),
                .other_chance = saw_tooth(random, rows, 120, true),
                .low = 0,
                .high = 1};
  for (auto* chance : {&column.chance, &column.other_chance}) {
    for (double& x : *chance) x *= 0.4;
    add(*chance, noise);
  }
  return {std::move(column)};
}

std::vector<Column> memory_wander(Prng& random, std::size_t rows, double) {
  Column column{.expected = constant(rows, 0.45),
                .chance = wander(random, rows, 0.99, 0.03),
                .other_chance = {},
                .low = 0,
                .high = 1};
  add(column.chance, wander(random, rows, 0, 0.004));
  return {std::move(column)};
}

std::vector<Column> white_noise(Prng& random, std::size_t rows, double) {
  return {{.expected = constant(rows, 10), .chance = wander(random, rows, 0, 1), .other_chance = {}}};
}

std::vector<Column> smooth_noise(Prng& random, std::size_t rows, double) {
  return {{.expected = constant(rows, 100),
           .chance = wander(random, rows, 0.95, 5),
           .other_chance = wander(random, rows, 0, 5)}};
}

std::vector<Column> disk_by_day(Prng& random, std::size_t rows, double step) {
  return {{.expected = course(rows, step, [](double t) { return 0.3 + 0.4 * std::fmod(hour_of(t) + 21, 24) / 24; }),
           .chance = wander(random, rows, 0.6, 0.02),
           .other_chance = {},
           .low = 0,
           .high = 1}};
}

std::vector<Column> hourly_batch(Prng& random, std::size_t rows, double) {
  std::vector<double> noise = wander(random, rows, 0.4, 0.02);
  Column column{.expected = constant(rows, 0.2),
                .chance = pulses(rows, 60, 6),
                .other_chance = pulses(rows, 20, 2),
                .low = 0,
                .high = 1};
  for (auto* chance : {&column.chance, &column.other_chance}) {
    for (double& x : *chance) x *= 0.5;
    add(*chance, noise);
  }
  return {std::move(column)};
}

std::vector<Column> backup_at_night(Prng& random, std::size_t rows, double step) {
  return {{.expected = course(rows, step, [](double t) { return hour_of(t) >= 2 && hour_of(t) < 5 ? 90.0 : 12.0; }),
           .chance = wander(random, rows, 0.4, 0.1),
           .other_chance = {},
           .multiplies = true}};
}

// Columns that follow one hidden load, each with a little chance of its own. Where the first leaves them it follows
// another load.
std::vector<Column> driven(Prng& random, std::size_t rows, double step, std::size_t count, double season) {
  std::vector<double> load = wander(random, rows, 0.9, 1);
  std::vector<double> another = wander(random, rows, 0.9, 1);
  std::vector<Column> columns;
  for (std::size_t c = 0; c < count; ++c) {
    double scale = math::pow(10.0, static_cast<double>(c));
    double swing = (c % 3 == 2 ? -0.1 : 0.15) * (1 + 0.2 * static_cast<double>(c % 2));
    Column column{.expected = course(rows, step, [&](double t) { return scale * (1 + season * day_curve(t)); }),
                  .chance = wander(random, rows, 0.2, 0.025),
                  .other_chance = {},
                  .multiplies = true};
    column.other_chance = column.chance;
    add(column.chance, load, swing);
    add(column.other_chance, another, swing);
    columns.push_back(std::move(column));
  }
  return columns;
}
std::vector<Column> host(Prng& random, std::size_t rows, double step) { return driven(random, rows, step, 4, 0.6); }
std::vector<Column> service(Prng& random, std::size_t rows, double step) { return driven(random, rows, step, 6, 0); }
std::vector<Column> database(Prng& random, std::size_t rows, double step) { return driven(random, rows, step, 5, 0.8); }
std::vector<Column> pair_of_three(Prng& random, std::size_t rows, double step) {
  return driven(random, rows, step, 3, 0);
}

using I = Injection;
constexpr std::array season_suits{I::spike,  I::level,      I::ramp,        I::spread_up, I::spread_collapse,
                                  I::frozen, I::off_season, I::flat_season, I::silence};
constexpr std::array slow_season_suits{I::spike,  I::level,      I::ramp,        I::spread_up, I::spread_collapse,
                                       I::frozen, I::off_season, I::flat_season, I::silence,   I::slow_ramp};
constexpr std::array plain_suits{I::spike, I::level, I::ramp, I::spread_up, I::spread_collapse, I::frozen, I::silence};
constexpr std::array slow_plain_suits{I::spike, I::level, I::ramp, I::spread_up, I::frozen, I::silence, I::slow_ramp};
constexpr std::array count_suits{I::spike, I::level, I::ramp, I::silence};
constexpr std::array steady_suits{I::spike, I::level, I::silence};
constexpr std::array course_suits{I::spike, I::level, I::frozen, I::shape, I::silence};
constexpr std::array texture_suits{I::spike,           I::level,  I::ramp,  I::spread_up,
                                   I::spread_collapse, I::frozen, I::shape, I::silence};
constexpr std::array square_suits{I::level, I::frozen, I::off_season, I::flat_season, I::silence};
constexpr std::array joint_suits{I::spike, I::level, I::spread_up, I::relation, I::silence};

// Healthy rows by step: two weeks and two weeks at 5 min, a week and five days at 1 min, two days and one at 10 s, a
// day and two hours at 1 s.
constexpr Shape at(std::string_view name, double step, std::span<const Injection> suits,
                   std::vector<Column> (*make)(Prng&, std::size_t, double), double missing = 0) {
  Shape shape{.name = name, .step = step, .missing = missing, .suits = suits, .make = make};
  shape.train = step >= 300 ? 4032 : step >= 60 ? 10080 : step >= 10 ? 17280 : 86400;
  shape.quiet = step >= 300 ? 4032 : step >= 60 ? 7200 : step >= 10 ? 8640 : 7200;
  return shape;
}

const std::array all_shapes{
    at("cpu by day, 1 min", 60, season_suits, cpu_by_day),
    at("cpu by day, 5 min", 300, slow_season_suits, cpu_by_day),
    at("requests by week, 5 min", 300, slow_season_suits, requests_by_week),
    at("logins by week, 5 min", 300, season_suits, logins_by_week),
    at("bursty requests, 10 s", 10, plain_suits, bursty_requests),
    at("bursty requests, 1 min", 60, plain_suits, bursty_requests),
    at("bytes as a rate, 1 s", 1, plain_suits, bytes_rate),
    at("bytes as a rate, 10 s", 10, plain_suits, bytes_rate),
    at("few errors, 1 min", 60, count_suits, few_errors),
    at("connections, 1 min", 60, plain_suits, connections),
    at("connections, 5 min", 300, slow_plain_suits, connections),
    at("replicas, 1 min", 60, steady_suits, replicas),
    at("temperature, 5 min", 300, slow_plain_suits, temperature),
    at("latency, heavy tail, 10 s", 10, plain_suits, heavy_latency),
    at("latency, heavy tail, 5 min", 300, plain_suits, heavy_latency),
    at("latency by day, gaps, 1 min", 60, season_suits, latency_by_day, 0.01),
    at("memory saw-tooth, 10 s", 10, course_suits, memory_saw),
    at("memory saw-tooth, 1 min", 60, course_suits, memory_saw),
    at("memory that wanders, 1 min", 60, plain_suits, memory_wander),
    at("white noise, 1 s", 1, plain_suits, white_noise),
    at("smooth noise, 1 s", 1, texture_suits, smooth_noise),
    at("smooth noise, 5 min", 300, texture_suits, smooth_noise),
    at("disk emptied each day, 5 min", 300, slow_season_suits, disk_by_day),
    at("batch each hour, 1 min", 60, course_suits, hourly_batch),
    at("backup at night, 5 min", 300, square_suits, backup_at_night),
    at("host of 4 metrics, 1 min", 60, joint_suits, host),
    at("service of 6 metrics, 10 s", 10, joint_suits, service),
    at("database of 5 metrics, 5 min", 300, joint_suits, database),
    at("three metrics, 1 s", 1, joint_suits, pair_of_three),
};

}  // namespace

std::string_view to_text(Injection injection) {
  constexpr std::array<std::string_view, injections> names{"spike",           "level",  "ramp",       "spread up",
                                                           "spread collapse", "frozen", "off-season", "flat season",
                                                           "relation",        "shape",  "silence",    "1 % a day"};
  return names.at(static_cast<std::size_t>(injection));
}

double Column::value(double expected_part, double chance_part, double added) const {
  double x = (multiplies ? expected_part * math::exp(chance_part) : expected_part + chance_part) + added;
  x = std::clamp(x, low, high);
  return quantum > 0 ? std::floor(x / quantum + 0.5) * quantum : x;
}

bool Shape::is_for(Injection injection) const {
  return std::find(suits.begin(), suits.end(), injection) != suits.end();
}

std::span<const Shape> shapes() { return all_shapes; }

}  // namespace mien::quality
