#include "drift/lanes.h"

#include "drift/statistics.h"

#ifdef __SSE2__
#include <emmintrin.h>

#include <bit>
#include <cstddef>
#include <cstring>
#endif

namespace mien::drift {

#ifdef __SSE2__
namespace {

using model::Baseline;
using model::Expert;
using model::SampleEvidence;
using Four = std::span<Taken, lane_count>;

// Four floats, or masks of them (all ones or all zeros). Operations by name: what a lane does is read as in judge.cc.
struct Floats {
  __m128 v;
  Floats(__m128 x) : v(x) {}              // NOLINT(google-explicit-constructor)
  Floats(float x) : v(_mm_set1_ps(x)) {}  // NOLINT(google-explicit-constructor)
};
Floats operator+(Floats a, Floats b) { return _mm_add_ps(a.v, b.v); }
Floats operator-(Floats a, Floats b) { return _mm_sub_ps(a.v, b.v); }
Floats operator*(Floats a, Floats b) { return _mm_mul_ps(a.v, b.v); }
Floats operator/(Floats a, Floats b) { return _mm_div_ps(a.v, b.v); }
Floats operator<(Floats a, Floats b) { return _mm_cmplt_ps(a.v, b.v); }
Floats operator>=(Floats a, Floats b) { return _mm_cmpge_ps(a.v, b.v); }
Floats operator&(Floats a, Floats b) { return _mm_and_ps(a.v, b.v); }
Floats operator|(Floats a, Floats b) { return _mm_or_ps(a.v, b.v); }
// Where the mask is set a, else b.
Floats choose(Floats mask, Floats a, Floats b) {
  return _mm_or_ps(_mm_and_ps(mask.v, a.v), _mm_andnot_ps(mask.v, b.v));
}
Floats negative(Floats x) { return _mm_xor_ps(x.v, _mm_set1_ps(-0.0F)); }
Floats size_of(Floats x) { return _mm_andnot_ps(_mm_set1_ps(-0.0F), x.v); }
Floats larger(Floats a, Floats b) { return _mm_max_ps(b.v, a.v); }   // std::max
Floats smaller(Floats a, Floats b) { return _mm_min_ps(b.v, a.v); }  // std::min
Floats clip(Floats x, float limit) { return _mm_max_ps(_mm_set1_ps(-limit), _mm_min_ps(_mm_set1_ps(limit), x.v)); }
Floats to_floats(__m128i x) { return _mm_cvtepi32_ps(x); }
int bits_of(Floats mask) { return _mm_movemask_ps(mask.v); }

// Four doubles, two and two.
struct Doubles {
  __m128d low, high;
  Doubles(__m128d l, __m128d h) : low(l), high(h) {}
  Doubles(double x) : low(_mm_set1_pd(x)), high(low) {}  // NOLINT(google-explicit-constructor)
  explicit Doubles(Floats x) : low(_mm_cvtps_pd(x.v)), high(_mm_cvtps_pd(_mm_movehl_ps(x.v, x.v))) {}
};
Doubles operator+(Doubles a, Doubles b) { return {_mm_add_pd(a.low, b.low), _mm_add_pd(a.high, b.high)}; }
Doubles operator-(Doubles a, Doubles b) { return {_mm_sub_pd(a.low, b.low), _mm_sub_pd(a.high, b.high)}; }
Doubles operator*(Doubles a, Doubles b) { return {_mm_mul_pd(a.low, b.low), _mm_mul_pd(a.high, b.high)}; }
Doubles operator/(Doubles a, Doubles b) { return {_mm_div_pd(a.low, b.low), _mm_div_pd(a.high, b.high)}; }
Doubles root_of(Doubles x) { return {_mm_sqrt_pd(x.low), _mm_sqrt_pd(x.high)}; }
Doubles size_of(Doubles x) {
  __m128d sign = _mm_set1_pd(-0.0);
  return {_mm_andnot_pd(sign, x.low), _mm_andnot_pd(sign, x.high)};
}
Doubles larger(Doubles a, Doubles b) { return {_mm_max_pd(b.low, a.low), _mm_max_pd(b.high, a.high)}; }
Doubles clip(Doubles x, Doubles limit) {
  Doubles below(_mm_min_pd(limit.low, x.low), _mm_min_pd(limit.high, x.high));
  Doubles least = Doubles(0.0) - limit;
  return {_mm_max_pd(least.low, below.low), _mm_max_pd(least.high, below.high)};
}
Floats to_floats(Doubles x) { return _mm_movelh_ps(_mm_cvtpd_ps(x.low), _mm_cvtpd_ps(x.high)); }
// A mask of doubles as one of floats.
Floats narrow(__m128d low, __m128d high) {
  return _mm_shuffle_ps(_mm_castpd_ps(low), _mm_castpd_ps(high), _MM_SHUFFLE(2, 0, 2, 0));
}
Floats operator<(Doubles a, Doubles b) { return narrow(_mm_cmplt_pd(a.low, b.low), _mm_cmplt_pd(a.high, b.high)); }
Floats operator<=(Doubles a, Doubles b) { return narrow(_mm_cmple_pd(a.low, b.low), _mm_cmple_pd(a.high, b.high)); }
Floats differs(Doubles a, Doubles b) { return narrow(_mm_cmpneq_pd(a.low, b.low), _mm_cmpneq_pd(a.high, b.high)); }

// Sixteen bytes of each series <-> four values of four series.
struct Columns {
  __m128 of[4];
  [[nodiscard]] __m128i whole(std::size_t i) const { return _mm_castps_si128(of[i]); }
};
void turn(Columns& c) { _MM_TRANSPOSE4_PS(c.of[0], c.of[1], c.of[2], c.of[3]); }

template <class From>
Columns take(const std::array<From*, lane_count>& from, std::size_t offset) {
  Columns columns;
  for (std::size_t i = 0; i < lane_count; ++i)
    columns.of[i] = _mm_loadu_ps(reinterpret_cast<const float*>(reinterpret_cast<const char*>(from[i]) + offset));
  turn(columns);
  return columns;
}
template <class To>
void put(Columns columns, const std::array<To*, lane_count>& to, std::size_t offset) {
  turn(columns);
  for (std::size_t i = 0; i < lane_count; ++i)
    _mm_storeu_ps(reinterpret_cast<float*>(reinterpret_cast<char*>(to[i]) + offset), columns.of[i]);
}
template <class From, class Of>
Doubles take_doubles(const std::array<From*, lane_count>& from, double Of::*member) {
  return {_mm_setr_pd(from[0]->*member, from[1]->*member), _mm_setr_pd(from[2]->*member, from[3]->*member)};
}
Doubles locations(const std::array<const Baseline*, lane_count>& from) {
  auto at = [&](std::size_t i) { return from[i]->anchor.location; };
  return {_mm_setr_pd(at(0), at(1)), _mm_setr_pd(at(2), at(3))};
}
template <class To>
void put_doubles(Doubles x, const std::array<To*, lane_count>& to, double To::*member) {
  _mm_storel_pd(&(to[0]->*member), x.low);
  _mm_storeh_pd(&(to[1]->*member), x.low);
  _mm_storel_pd(&(to[2]->*member), x.high);
  _mm_storeh_pd(&(to[3]->*member), x.high);
}

using Statistics = std::array<std::array<float, lane_count>, model::expert_count + 1>;  // by expert, then by series

// Where they lie (watch_state.h, model/behavior.h).
constexpr std::size_t watch_rates = offsetof(SeriesWatch, interval);
constexpr std::size_t watch_means = offsetof(SeriesWatch, season_level);
constexpr std::size_t watch_weights = offsetof(SeriesWatch, weights);
constexpr std::size_t watch_tail = offsetof(SeriesWatch, form);
constexpr std::size_t base_anchor = offsetof(Baseline, anchor);
constexpr std::size_t base_scales = offsetof(Baseline, season_spread);
static_assert(offsetof(SeriesWatch, ramp) == watch_rates + 12 && offsetof(SeriesWatch, block_age) == watch_means + 12);
static_assert(offsetof(SeriesWatch, calm) == offsetof(SeriesWatch, run) + 2);
static_assert(offsetof(SeriesWatch, group) == watch_tail + 8 && offsetof(SeriesWatch, block_rare) == watch_tail + 14);
static_assert(offsetof(Baseline, forecast_scale) == base_scales + 12);
static_assert(model::expert_count == 11 && stats::rung_slots == 16);
static_assert(offsetof(SampleEvidence, rare) == 2 && offsetof(SampleEvidence, forecast) == 12);

struct Gathered {
  std::array<const Baseline*, lane_count> baseline;
  std::array<SeriesWatch*, lane_count> watch;
  Doubles x = 0.0;
  Doubles step = 0.0;
  Doubles season_level = 0.0;
  Floats season_known = 0.0F;  // a mask
  Floats season_spread = 0.0F;
  bool differ = true;  // all of them are different series

  explicit Gathered(Four lanes) {
    alignas(16) std::array<double, lane_count> values;
    alignas(16) std::array<double, lane_count> steps;
    alignas(16) std::array<double, lane_count> levels;
    alignas(16) std::array<float, lane_count> spreads;
    alignas(16) std::array<std::int32_t, lane_count> known;
    for (std::size_t i = 0; i < lane_count; ++i) {
      baseline[i] = lanes[i].baseline;
      watch[i] = lanes[i].watch;
      const Sample& sample = lanes[i].sample;
      values[i] = sample.value;
      steps[i] = to_seconds(sample.at - watch[i]->last_at);
      Hour hour = hour_of(*baseline[i], *lanes[i].past, sample.hour);
      levels[i] = hour.level;
      spreads[i] = hour.spread;
      known[i] = -static_cast<std::int32_t>(hour.known);
      for (std::size_t j = 0; j < i; ++j) differ = differ && watch[j] != watch[i];
    }
    auto pairs = [](const std::array<double, lane_count>& from) {
      return Doubles(_mm_load_pd(from.data()), _mm_load_pd(from.data() + 2));
    };
    x = clip(pairs(values), largest_value);
    step = pairs(steps);
    season_level = pairs(levels);
    season_known = _mm_castsi128_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(known.data())));
    season_spread = _mm_load_ps(spreads.data());
  }
};

// The next of a count that goes on where the mask says so, else `begins` anew.
__m128i count(__m128i length, Floats goes_on, int begins) {
  __m128i full = _mm_cmpeq_epi32(length, _mm_set1_epi32(static_cast<int>(longest_run)));
  __m128i next = _mm_add_epi32(length, _mm_andnot_si128(full, _mm_set1_epi32(1)));
  return _mm_castps_si128(choose(goes_on, _mm_castsi128_ps(next), _mm_castsi128_ps(_mm_set1_epi32(begins))).v);
}

// The weight of the next of n values under a rate; `next` is n + 1.
Floats warm(Floats next, Floats rate) { return choose(next * rate < 1.0F, Floats(1.0F) / next, rate); }

// The predictor's step; returns the size of its residual.
Floats forecast(const std::array<SeriesWatch*, lane_count>& watch, Floats z) {
  Floats y = z / (Floats(1.0F) + Floats(0.25F) * size_of(z));
  __m128i own[lane_count];
  for (std::size_t i = 0; i < lane_count; ++i)
    own[i] = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(watch[i]->past.data()));
  __m128i ab = _mm_unpacklo_epi16(own[0], own[1]);
  __m128i cd = _mm_unpacklo_epi16(own[2], own[3]);
  __m128i newer = _mm_unpacklo_epi32(ab, cd);
  __m128i older = _mm_unpackhi_epi32(ab, cd);
  auto value = [](__m128i doubled) { return to_floats(_mm_srai_epi32(doubled, 16)) * Floats(1 / past_steps); };
  const Floats past[forecast_order] = {value(_mm_unpacklo_epi16(newer, newer)), value(_mm_unpackhi_epi16(newer, newer)),
                                       value(_mm_unpacklo_epi16(older, older)),
                                       value(_mm_unpackhi_epi16(older, older))};
  Columns weights = take(watch, watch_weights);
  auto product = [&](std::size_t i) { return Floats(weights.of[i]) * past[i]; };
  auto squared = [&](std::size_t i) { return past[i] * past[i]; };
  Floats residual = y - ((product(0) + product(2)) + (product(1) + product(3)));
  Floats power = Floats(least_power) + ((squared(0) + squared(2)) + (squared(1) + squared(3)));
  Floats by = Floats(forecast_gain) * clip(residual, 1.0F) / power;
  for (std::size_t i = 0; i < forecast_order; ++i) weights.of[i] = (Floats(weights.of[i]) + past[i] * by).v;
  put(weights, watch, watch_weights);
  // The newest in front.
  __m128i newest = _mm_and_si128(_mm_cvttps_epi32((y * Floats(past_steps)).v), _mm_set1_epi32(0xffff));
  auto shift = [](__m128i a, __m128i b, __m128i front) {
    return _mm_or_si128(_mm_slli_epi64(_mm_unpacklo_epi64(a, b), 16), front);
  };
  __m128d first = _mm_castsi128_pd(shift(own[0], own[1], _mm_unpacklo_epi32(newest, _mm_setzero_si128())));
  __m128d second = _mm_castsi128_pd(shift(own[2], own[3], _mm_unpackhi_epi32(newest, _mm_setzero_si128())));
  auto at = [&](std::size_t i) { return reinterpret_cast<double*>(watch[i]->past.data()); };
  _mm_storel_pd(at(0), first);
  _mm_storeh_pd(at(1), first);
  _mm_storel_pd(at(2), second);
  _mm_storeh_pd(at(3), second);
  return size_of(residual);
}

Floats low_outlier(Floats z, Doubles x, Doubles level) {
  Doubles share = level / (x + Doubles(next_to_nothing) * level);
  Floats by_level = negative(z) * to_floats(root_of(share));
  Floats plain = (x < 0.0) | (level <= x);
  return _mm_andnot_ps((z >= 0.0F).v, choose(plain, negative(z), by_level).v);
}

// To each series its own.
void hand_out(const Statistics& statistics, Four lanes) {
  std::array<float*, lane_count> u;
  for (std::size_t i = 0; i < lane_count; ++i) u[i] = lanes[i].measured.u.data();
  for (std::size_t i = 0; i < statistics.size(); i += 4) {
    auto column = [&](std::size_t of) { return _mm_load_ps(statistics[i + of].data()); };
    put(Columns{{column(0), column(1), column(2), column(3)}}, u, i * sizeof(float));
  }
  for (float* own : u) _mm_storeu_ps(own + statistics.size(), _mm_setzero_ps());
}

// Four experts of four series as bytes, expert after expert -> series after series.
__m128i turn_bytes(__m128i x) {
  __m128i pairs = _mm_unpacklo_epi8(x, _mm_srli_si128(x, 8));
  return _mm_unpacklo_epi8(pairs, _mm_srli_si128(pairs, 8));
}

// ask() of each; nothing is fetched.
void ask_four(const Statistics& statistics, Four lanes) {
  Columns rungs;
  for (std::size_t i = 0; i < statistics.size() / 4; ++i) {
    __m128i low = stats::detail::eight_of(statistics[4 * i].data());
    __m128i high = stats::detail::eight_of(statistics[4 * i + 2].data());
    rungs.of[i] = _mm_castsi128_ps(turn_bytes(_mm_packus_epi16(low, high)));
  }
  rungs.of[3] = _mm_castsi128_ps(_mm_set1_epi8(1));  // slots beyond the experts
  turn(rungs);
  for (std::size_t i = 0; i < lane_count; ++i) {
    model::Rungs own;
    stats::detail::save(own, rungs.whole(i));
    stats::raise(lanes[i].watch->rungs, own);
    lanes[i].measured.asked = stats::reached(own, lanes[i].baseline->marks) & all_experts;
  }
}

// False, and nothing has changed, unless all four are as nearly all samples are: warm, and no gap before them. Then
// measure() has to do it.
bool measure_four(Four lanes) {
  Gathered in(lanes);
  const auto& watch = in.watch;
  Columns rates = take(watch, watch_rates);          // interval, n, level, ramp
  Columns anchors = take(in.baseline, base_anchor);  // location in two, scale, n
  Doubles last = take_doubles(watch, &SeriesWatch::last);
  Doubles interval_before{Floats(rates.of[0])};
  Floats follows = (last <= last) & (Doubles(0.0) < in.step) &
                   (in.step <= Doubles(gap_in_intervals) * interval_before) & (Floats(1e-30F) < rates.of[0]);
  __m128i grown = _mm_and_si128(
      _mm_cmpgt_epi32(anchors.whole(3), _mm_set1_epi32(static_cast<int>(stats::RobustLocation::warm_up) - 1)),
      _mm_cmpgt_epi32(rates.whole(1), _mm_set1_epi32(-1)));
  if (!in.differ || bits_of(follows & Floats(_mm_castsi128_ps(grown))) != 15) return false;

  Columns means = take(watch, watch_means);  // season_level, volatility, run and calm, block_age
  Columns scales = take(in.baseline, base_scales);
  Doubles x = in.x;
  // The times: judge.cc, advance().
  Doubles allowed = Doubles(0.05) * interval_before;
  Floats interval = to_floats(clip(in.step - interval_before, allowed) + interval_before);
  Floats begins = Floats(means.of[3]) < 0.0F;
  Floats age = _mm_andnot_ps(begins.v, (Floats(means.of[3]) + to_floats(in.step)).v);
  Floats block = larger(Floats(static_cast<float>(shortest_block)), interval);
  Floats ends = age >= block - Floats(1.5F) * interval;
  // The value: judge.cc, measure().
  Doubles smooth = take_doubles(watch, &SeriesWatch::smooth);
  Doubles away = x - smooth;
  put_doubles(smooth + Doubles(0.8) * away, watch, &SeriesWatch::smooth);
  put_doubles(x, watch, &SeriesWatch::last);
  Floats changed = differs(x, last);
  __m128i counts = means.whole(2);
  __m128i run = count(_mm_and_si128(counts, _mm_set1_epi32(0xffff)),
                      _mm_castsi128_ps(_mm_cmpeq_epi32(_mm_castps_si128(changed.v), _mm_setzero_si128())), 1);

  // The experts: judge.cc, take_statistics().
  Doubles location = locations(in.baseline);
  Doubles floor = larger(Doubles(1e-9), Doubles(1e-6) * size_of(location));
  Doubles scale = larger(floor, Doubles(Floats(anchors.of[2])));
  Floats z = to_floats(clip((x - location) / scale, largest_z));
  Doubles jump_scale = larger(Doubles(Floats(scales.of[2])), Doubles(0.01) * scale);
  Floats jump = to_floats(size_of(away) / larger(jump_scale, floor));
  Floats wide = clip(z, far);
  Floats next = to_floats(rates.whole(1)) + 1.0F;
  Floats quick = warm(next, level_rate);
  Floats level = Floats(rates.of[2]) + quick * (wide - Floats(rates.of[2]));
  Floats slow = warm(next, interval / (Floats(ramp_blocks) * block));
  Floats ramp = Floats(rates.of[3]) + slow * (wide - Floats(rates.of[3]));
  Floats volatility = Floats(means.of[1]) + Floats(volatility_rate) * (smaller(jump, far) - Floats(means.of[1]));
  Floats residual = forecast(watch, clip(z, 4.0F));
  __m128i calm = count(_mm_srli_epi32(counts, 16), jump < calm_jump, 0);

  // The season: judge.cc, season_statistics().
  Floats seasonal = in.season_known & (Floats(0.0F) < Floats(scales.of[1]));
  Doubles season_scale = larger(Doubles(Floats(scales.of[1])), floor);
  Floats r = to_floats((x - in.season_level) / season_scale);
  Floats season_before = means.of[0];
  Floats season_level = choose(seasonal, season_before + quick * (clip(r, far) - season_before), season_before);
  Floats spread = size_of(r) / larger(in.season_spread, 0.05F);

  Floats change_rate(_mm_setr_ps(in.baseline[0]->change_rate, in.baseline[1]->change_rate, in.baseline[2]->change_rate,
                                 in.baseline[3]->change_rate));
  Floats frozen = to_floats(run) * change_rate;
  Floats still = choose(change_rate < always_changes, frozen, larger(frozen, to_floats(calm) / calm_unit));

  auto mute = [&](Floats statistic) { return choose(seasonal, statistic, silent); };
  alignas(16) Statistics statistics;
  auto say = [&](Expert expert, Floats u) { _mm_store_ps(statistics[static_cast<std::size_t>(expert)].data(), u.v); };
  say(Expert::low_outlier, low_outlier(z, x, location));
  say(Expert::jump, jump);
  say(Expert::forecast, residual / larger(Floats(scales.of[3]), 0.01F));
  say(Expert::off_season, mute(size_of(r)));
  say(Expert::off_season_spread, mute(spread));
  say(Expert::level, Floats(4.0F) * size_of(level));
  say(Expert::ramp, Floats(8.0F) * size_of(ramp));
  say(Expert::off_season_level, mute(Floats(4.0F) * size_of(season_level)));
  say(Expert::wide, Floats(2.0F) * volatility);
  say(Expert::narrow, Floats(2.0F) / larger(volatility, 1e-3F));
  say(Expert::frozen, still);
  _mm_store_ps(statistics[model::expert_count].data(), _mm_setzero_ps());
  hand_out(statistics, lanes);

  __m128i n = _mm_add_epi32(rates.whole(1), _mm_set1_epi32(1));
  put(Columns{{interval.v, _mm_castsi128_ps(n), level.v, ramp.v}}, watch, watch_rates);
  __m128i both = _mm_or_si128(run, _mm_slli_epi32(calm, 16));
  put(Columns{{season_level.v, volatility.v, _mm_castsi128_ps(both), age.v}}, watch, watch_means);

  __m128i flags = _mm_or_si128(_mm_set1_epi32(SampleEvidence::present | SampleEvidence::has_jump),
                               _mm_and_si128(_mm_castps_si128(changed.v), _mm_set1_epi32(SampleEvidence::changed)));
  std::array<SampleEvidence*, lane_count> out;
  for (std::size_t i = 0; i < lane_count; ++i) out[i] = lanes[i].out;
  put(Columns{{_mm_castsi128_ps(flags), interval.v, to_floats(away).v, residual.v}}, out, 0);

  alignas(16) std::array<float, lane_count> zs;
  _mm_store_ps(zs.data(), z.v);
  int new_blocks = bits_of(begins);
  int ended = bits_of(ends);
  for (std::size_t i = 0; i < lane_count; ++i) {
    watch[i]->z = zs[i];
    watch[i]->last_at = lanes[i].sample.at;
    lanes[i].measured.warm = true;
    lanes[i].measured.block_ends = (ended >> i & 1) != 0;
    if (!lanes[i].sample.gated) out[i]->flags |= SampleEvidence::teaches;
  }
  for (std::size_t i = 0; new_blocks != 0 && i < lane_count; ++i) {
    if ((new_blocks >> i & 1) == 0) continue;
    watch[i]->rungs = {};
    watch[i]->block_rare = 0;
  }
  ask_four(statistics, lanes);
  return true;
}

constexpr std::size_t most_at_once = 3;

// What the tails of a row's series are asked, and what they say.
struct Questions {
  std::array<std::uint16_t, together * model::expert_count + most_at_once> which;  // 16 * series + expert
  std::size_t count = 0;
  std::array<std::array<float, together>, model::group_count> groups{};  // by group, then by series: the largest
  std::array<std::uint32_t, together> rare{};

  // Three are written whether they are there or not: nothing foretells how many there are.
  void note(std::size_t series, std::uint32_t asked) {
    constexpr std::uint32_t none = 1U << 15;
    for (std::size_t i = 0; i < most_at_once; ++i) {
      which[count] = static_cast<std::uint16_t>(16 * series + static_cast<std::size_t>(std::countr_zero(asked | none)));
      count += asked != 0 ? 1 : 0;
      asked &= asked - 1;
    }
    for (; asked != 0; asked &= asked - 1)
      which[count++] = static_cast<std::uint16_t>(16 * series + static_cast<std::size_t>(std::countr_zero(asked)));
  }
};

// Notes what four series ask, and fetches what will answer: the next four are measured meanwhile.
void ask_for(Four lanes, std::size_t first, Questions& questions) {
  std::size_t next = questions.count;
  for (std::size_t i = 0; i < lane_count; ++i) {
    questions.note(first + i, lanes[i].measured.asked);
    questions.rare[first + i] = rare_at_first(lanes[i].sample);
    if (lanes[i].measured.block_ends) fetch_pattern(*lanes[i].pattern);
  }
  for (; next < questions.count; ++next)
    __builtin_prefetch(&lanes[questions.which[next] / 16U - first].past->tails[questions.which[next] % 16U]);
}

// Goes through all that is asked in one loop: that of one series would end where nothing foretells it.
void take_answers(std::span<Taken> taken, Questions& questions) {
  for (std::size_t q = 0; q < questions.count; ++q) {
    std::size_t t = questions.which[q] / 16U;
    std::size_t expert = questions.which[q] % 16U;
    auto group = static_cast<std::size_t>(group_of(static_cast<Expert>(expert)));
    ask_tail(taken[t], expert, questions.groups[group][t], questions.rare[t]);
  }
}

// The groups of four series, and their surprise.
void weigh_four(Four lanes, const Questions& questions, std::size_t first) {
  std::array<SeriesWatch*, lane_count> watch;
  for (std::size_t i = 0; i < lane_count; ++i) watch[i] = lanes[i].watch;
  Columns tail = take(watch, watch_tail);  // form, jumped, groups, more of them and what was rare
  Floats squared = 0.0F;
  __m128i bytes[model::group_count];
  for (std::size_t g = 0; g < model::group_count; ++g) {
    Floats group = _mm_loadu_ps(questions.groups[g].data() + first);
    squared = squared + group * group;
    bytes[g] = _mm_cvttps_epi32(smaller(group * Floats(group_steps) + Floats(0.5F), 255.0F).v);
  }
  auto join = [](__m128i low, __m128i high, int shift) { return _mm_or_si128(low, _mm_slli_epi32(high, shift)); };
  __m128i rare = _mm_loadu_si128(reinterpret_cast<const __m128i*>(questions.rare.data() + first));
  __m128i before = _mm_and_si128(tail.whole(3), _mm_set1_epi32(static_cast<int>(0xffff0000U)));
  tail.of[2] = _mm_castsi128_ps(join(join(bytes[0], bytes[1], 8), join(bytes[2], bytes[3], 8), 16));
  tail.of[3] = _mm_castsi128_ps(_mm_or_si128(before, join(join(bytes[4], bytes[5], 8), rare, 16)));
  put(tail, watch, watch_tail);
  for (const Taken& one : lanes) end_block(one);
  Floats form = _mm_setr_ps(watch[0]->form, watch[1]->form, watch[2]->form, watch[3]->form);
  Floats length = _mm_sqrt_ps((squared + form * form).v);
  alignas(16) std::array<float, lane_count> surprise;
  _mm_store_ps(surprise.data(), (Floats(combined_share) * length).v);
  for (std::size_t i = 0; i < lane_count; ++i) {
    watch[i]->surprise = surprise[i];
    WallTime since = watch[i]->left_at.ns == 0 ? lanes[i].sample.at : watch[i]->left_at;
    watch[i]->left_at = surprise[i] < left_surprise ? WallTime{} : since;
  }
}

void judge_fours(std::span<Taken> taken, const Ahead& ahead) {
  Questions questions;
  for (std::size_t i = 0; i < taken.size(); i += lane_count) {
    Four lanes = taken.subspan(i).first<lane_count>();
    if (!ahead.baselines.empty())
      for (const Taken& one : lanes) ahead.fetch(one.series + fetched_ahead);
    if (!measure_four(lanes)) {
      for (Taken& one : lanes) {
        measure(one);
        ask(one);
      }
    }
    ask_for(lanes, i, questions);
  }
  take_answers(taken, questions);
  for (std::size_t i = 0; i < taken.size(); i += lane_count)
    weigh_four(taken.subspan(i).first<lane_count>(), questions, i);
}

}  // namespace

void judge_all(std::span<Taken> taken, const Ahead& ahead) {
  std::size_t fours = taken.size() / lane_count * lane_count;
  if (fours > 0) judge_fours(taken.first(fours), ahead);
  for (Taken& one : taken.subspan(fours)) {
    measure(one);
    ask(one);
  }
  for (Taken& one : taken.subspan(fours)) weigh(one);
}

#else

void judge_all(std::span<Taken> taken, const Ahead& /*ahead*/) {
  for (Taken& one : taken) {
    measure(one);
    ask(one);
  }
  for (Taken& one : taken) weigh(one);
}

#endif

}  // namespace mien::drift
