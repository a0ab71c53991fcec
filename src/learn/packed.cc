#include "learn/packed.h"

#include <algorithm>
#include <cmath>

#include "base/codec.h"
#include "base/math.h"

namespace mien::learn {
namespace {

using model::Baseline;
using model::Behavior;
using model::Past;

constexpr double codes_per_octave = 4;
constexpr double season_steps = 8;  // in one scale
constexpr double log2_e = 1.4426950408889634;

// A code of the week: 0 not seen, else 8 + the place in these, in scales of the season, downwards below 8.
constexpr std::array<double, 8> week_steps{0, 0.25, 0.5, 0.75, 1.25, 2, 3, 3.97};

// FNV-1a, 64 bits: tells damage, not malice (the ledger's hash chain does that).
std::uint64_t checksum_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

bool is_readable(std::uint32_t version) { return version >= 1 && version <= packed_version; }

std::uint8_t code_of(std::uint32_t count) {
  if (count == 0) return 0;
  return static_cast<std::uint8_t>(std::floor(1.5 + codes_per_octave * math::log2(static_cast<double>(count))));
}

std::uint32_t count_of(std::uint8_t code) {
  if (code == 0) return 0;
  double octaves = std::min((code - 1) / codes_per_octave, 30.0);
  return static_cast<std::uint32_t>(std::floor(math::exp(octaves / log2_e) + 0.5));
}

// Below the median a bin's place does not matter: it is never looked up.
PackedTail pack_tail(const stats::Tail& tail) {
  const auto& counts = tail.counts();
  std::uint64_t total = 0;
  for (std::uint32_t count : counts) total += count;
  PackedTail packed;
  if (total == 0) return packed;
  std::size_t last = counts.size();
  while (last > 0 && counts[last - 1] == 0) --last;
  std::uint64_t above = 0;
  std::size_t first = last;
  while (first > 0 && 2 * (above + counts[first - 1]) <= total) above += counts[--first];
  packed.first = static_cast<std::uint8_t>(first);
  packed.codes.push_back(code_of(static_cast<std::uint32_t>(total - above)));
  for (std::size_t i = first; i < last; ++i) packed.codes.push_back(code_of(counts[i]));
  return packed;
}

// Version 1 had 32 bins of half an octave.
stats::Tail unpack_tail(const PackedTail& packed, std::uint32_t version) {
  std::array<std::uint32_t, 32> counts{};
  std::size_t bins = version == 1 ? counts.size() : stats::Tail::bins;
  for (std::size_t i = 0; i < packed.codes.size(); ++i) {
    std::size_t bin = i == 0 ? (packed.first > 0 ? packed.first - 1U : 0U) : packed.first + i - 1;
    if (bin < bins) counts[bin] += count_of(packed.codes[i]);
  }
  if (version == 1) return stats::Tail::from_half_octaves(counts);
  std::array<std::uint32_t, stats::Tail::bins> own{};
  std::copy_n(counts.begin(), own.size(), own.begin());
  return stats::Tail::from_counts(own);
}

double season_unit(float season_scale, float scale) {
  return std::max({static_cast<double>(season_scale), static_cast<double>(scale), 1e-12}) / season_steps;
}

unsigned week_code_of(double away) {
  if (std::isnan(away)) return 0;
  std::size_t nearest = 0;
  for (std::size_t i = 1; i < week_steps.size(); ++i)
    if (std::fabs(week_steps[i] - std::fabs(away)) < std::fabs(week_steps[nearest] - std::fabs(away))) nearest = i;
  return static_cast<unsigned>(away < 0 ? 8 - nearest : 8 + nearest);
}

double week_away_of(unsigned code) {
  if (code == 0) return model::missing;
  return code < 8 ? -week_steps[8 - code] : week_steps[code - 8];
}

PackedWeek pack_week(const Baseline& baseline, const model::Season& season) {
  double scale = season_steps * season_unit(baseline.season_scale, baseline.anchor.scale);
  PackedWeek packed;
  bool seen = false;
  for (std::size_t cell = 0; cell < model::week_cells; cell += 2) {
    unsigned low = week_code_of(season.away(cell) / scale);
    unsigned high = week_code_of(season.away(cell + 1) / scale);
    seen = seen || low > 0 || high > 0;
    packed.push_back(static_cast<char>(low | high << 4U));
  }
  return seen ? packed : PackedWeek{};
}

void unpack_week(const PackedWeek& packed, const Baseline& baseline, model::Season& season) {
  if (packed.size() != model::week_cells / 2) return;
  double scale = season_steps * season_unit(baseline.season_scale, baseline.anchor.scale);
  for (std::size_t i = 0; i < packed.size(); ++i) {
    auto codes = static_cast<unsigned char>(packed[i]);
    season.set_away(2 * i, week_away_of(codes & 15U) * scale);
    season.set_away(2 * i + 1, week_away_of(codes >> 4U) * scale);
  }
}

PackedSeries pack_series(const Baseline& baseline, const Past& past, bool with_season) {
  PackedSeries packed{.jump_scale = baseline.jump_scale,
                      .season_scale = baseline.season_scale,
                      .forecast_scale = baseline.forecast_scale,
                      .change_rate = baseline.change_rate,
                      .band_low = baseline.band_low,
                      .band_high = baseline.band_high,
                      .interval = baseline.interval,
                      .blocks = baseline.blocks,
                      .tails = {},
                      .season = {},
                      .season_state = {}};
  for (std::size_t i = 0; i < model::expert_count; ++i) packed.tails[i] = pack_tail(past.tails[i].widen());
  bool visited = false;
  for (std::size_t i = 0; i < model::season_cells; ++i) visited = visited || past.season.visits(i) > 0;
  if (!with_season || !visited) return packed;
  double location = static_cast<float>(baseline.anchor.location);
  double unit = season_unit(baseline.season_scale, baseline.anchor.scale);
  for (std::size_t i = 0; i < model::season_cells; ++i) {
    std::uint8_t visits = past.season.visits(i);
    double steps = std::floor(stats::clip((past.season.level(i) - location) / unit, 127) + 0.5);
    packed.season.push_back(visits == 0 ? std::int8_t{0} : static_cast<std::int8_t>(steps));
    double of = past.season.spread(i);
    double octaves = of > 0 ? math::log2(of) : 0;
    auto spread = static_cast<unsigned>(std::clamp(std::floor(2 * (octaves + 4) + 0.5), 0.0, 15.0));
    packed.season_state.push_back(static_cast<std::uint8_t>(std::min<unsigned>(visits, 7U) + 8 * spread));
  }
  return packed;
}

void unpack_series(const PackedSeries& packed, const PackedPlace& place, std::uint32_t version, Baseline& baseline,
                   Past& past) {
  auto samples = static_cast<std::uint32_t>(std::min<std::uint64_t>(place.samples, ~std::uint32_t{0}));
  baseline.anchor = {.location = place.location, .scale = place.scale, .n = samples};
  baseline.jump_scale = packed.jump_scale;
  baseline.season_scale = packed.season_scale;
  baseline.forecast_scale = packed.forecast_scale;
  baseline.change_rate = packed.change_rate;
  baseline.interval = packed.interval;
  baseline.blocks = packed.blocks;
  baseline.band_low = packed.band_low;
  baseline.band_high = packed.band_high;
  for (std::size_t i = 0; i < model::expert_count; ++i)
    past.tails[i] = stats::SmallTail::narrow(unpack_tail(packed.tails[i], version));
  model::summarise(baseline, past);
  if (packed.season.size() != model::season_cells || packed.season_state.size() != model::season_cells) return;
  double unit = season_unit(packed.season_scale, place.scale);
  for (std::size_t i = 0; i < model::season_cells; ++i) {
    auto visits = static_cast<std::uint8_t>(packed.season_state[i] & 7U);
    if (visits == 0) continue;
    double level = static_cast<double>(place.location) + unit * packed.season[i];
    past.season.set(i, level, visits, std::max(packed.season_scale, place.scale));
    auto spread = static_cast<float>(math::exp((0.5 * (packed.season_state[i] >> 3U) - 4) / log2_e));
    past.season.set_spread(i, spread, baseline.coin);
  }
}

model::SecurityProfile pack_security(model::SecurityProfile profile) {
  for (model::KnownObjects& known : profile.kinds) {
    std::vector<model::KnownObject>& objects = known.objects;
    if (objects.size() <= packed_objects) continue;
    auto newer = [](const model::KnownObject& a, const model::KnownObject& b) {
      return a.last != b.last ? a.last > b.last : a.key < b.key;
    };
    std::nth_element(objects.begin(), objects.begin() + packed_objects, objects.end(), newer);
    objects.resize(packed_objects);
    std::sort(objects.begin(), objects.end(),
              [](const model::KnownObject& a, const model::KnownObject& b) { return a.key < b.key; });
  }
  return profile;
}

}  // namespace

std::string pack(const Behavior& behavior, std::size_t with_season) {
  PackedHead head{.samples = behavior.samples,
                  .interval = behavior.interval,
                  .first = behavior.first,
                  .last = behavior.last,
                  .combined = pack_tail(behavior.combined),
                  .places = {}};
  for (const Baseline& baseline : behavior.series) {
    head.places.push_back({.location = static_cast<float>(baseline.anchor.location),
                           .scale = baseline.anchor.scale,
                           .samples = baseline.anchor.n});
  }
  Encoder payload;
  payload.put(head);
  for (std::size_t i = 0; i < behavior.series.size(); ++i)
    payload.put(pack_series(behavior.series[i], behavior.past[i], i < with_season));
  payload.put(pack_security(behavior.security));
  for (std::size_t i = 0; i < behavior.series.size(); ++i)
    payload.put(i < with_season ? pack_week(behavior.series[i], behavior.past[i].season) : PackedWeek{});
  Encoder out;
  out.put(packed_version);
  out.put(checksum_of(payload.bytes()));
  out.raw(payload.bytes());
  return out.take();
}

Result<Behavior> unpack(std::string_view bytes) {
  Decoder decoder{bytes};
  std::uint32_t version = 0;
  std::uint64_t checksum = 0;
  decoder.get(version);
  decoder.get(checksum);
  if (!decoder.failed() && !is_readable(version)) {
    return Error{.code = Code::unsupported,
                 .message = "revision: packed by another release, version " + std::to_string(version),
                 .where = {},
                 .cause = {}};
  }
  if (!decoder.failed() && checksum_of(decoder.rest()) != checksum) {
    return Error{
        .code = Code::corrupt, .message = "revision: the checksum does not fit the bytes", .where = {}, .cause = {}};
  }
  PackedHead head;
  decoder.get(head);
  Behavior behavior;
  behavior.samples = head.samples;
  behavior.interval = head.interval;
  behavior.first = head.first;
  behavior.last = head.last;
  behavior.combined = unpack_tail(head.combined, version);
  for (std::size_t i = 0; i < head.places.size() && !decoder.failed(); ++i) {
    PackedSeries series;
    decoder.get(series);
    behavior.resize(i + 1);
    unpack_series(series, head.places[i], version, behavior.series[i], behavior.past[i]);
  }
  if (version >= 3) decoder.get(behavior.security);
  for (std::size_t i = 0; version >= 4 && i < behavior.series.size() && !decoder.failed(); ++i) {
    PackedWeek week;
    decoder.get(week);
    unpack_week(week, behavior.series[i], behavior.past[i].season);
  }
  if (!behavior.security.is_whole()) decoder.refuse();
  if (Status status = decoder.finish("revision"); !status) return std::move(status).error();
  return behavior;
}

std::vector<PackedPlace> places_of(std::string_view bytes) {
  Decoder decoder{bytes};
  std::uint32_t version = 0;
  std::uint64_t checksum = 0;
  PackedHead head;
  decoder.get(version);
  decoder.get(checksum);
  decoder.get(head);
  if (decoder.failed() || !is_readable(version)) return {};
  return std::move(head.places);
}

}  // namespace mien::learn
