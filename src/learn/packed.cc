#include "learn/packed.h"

#include <algorithm>
#include <cmath>

#include "base/codec.h"
#include "base/math.h"

namespace mien::learn {
namespace {

using model::Baseline;
using model::Behavior;

constexpr double codes_per_octave = 4;
constexpr double season_steps = 8;  // in one scale
constexpr double log2_e = 1.4426950408889634;

// FNV-1a, 64 bits: tells damage, not malice (the ledger's hash chain does that).
std::uint64_t checksum_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

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

stats::Tail unpack_tail(const PackedTail& packed) {
  std::array<std::uint32_t, stats::Tail::bins> counts{};
  for (std::size_t i = 0; i < packed.codes.size(); ++i) {
    std::size_t bin = i == 0 ? (packed.first > 0 ? packed.first - 1U : 0U) : packed.first + i - 1;
    if (bin < counts.size()) counts[bin] += count_of(packed.codes[i]);
  }
  return stats::Tail::from_counts(counts);
}

double season_unit(double season_scale, double scale) { return std::max({season_scale, scale, 1e-12}) / season_steps; }

PackedSeries pack_series(const Baseline& baseline, bool with_season) {
  PackedSeries packed{.jump_scale = static_cast<float>(baseline.jump_scale),
                      .season_scale = static_cast<float>(baseline.season_scale),
                      .forecast_scale = static_cast<float>(baseline.forecast_scale),
                      .change_rate = static_cast<float>(baseline.change_rate),
                      .band_low = static_cast<float>(baseline.band_low),
                      .band_high = static_cast<float>(baseline.band_high),
                      .interval = static_cast<float>(baseline.interval),
                      .blocks = baseline.blocks,
                      .tails = {},
                      .season = {},
                      .season_state = {}};
  for (std::size_t i = 0; i < model::expert_count; ++i) packed.tails[i] = pack_tail(baseline.tails[i]);
  bool visited = std::any_of(baseline.season.begin(), baseline.season.end(),
                             [](const model::SeasonCell& cell) { return cell.visits > 0; });
  if (!with_season || !visited) return packed;
  double unit = season_unit(packed.season_scale, static_cast<float>(baseline.anchor.scale));
  for (const model::SeasonCell& cell : baseline.season) {
    double steps =
        (static_cast<double>(cell.level) - static_cast<double>(static_cast<float>(baseline.anchor.location))) / unit;
    packed.season.push_back(cell.visits == 0 ? std::int8_t{0}
                                             : static_cast<std::int8_t>(std::floor(stats::clip(steps, 127) + 0.5)));
    double octaves = cell.spread > 0 ? math::log2(static_cast<double>(cell.spread)) : 0;
    auto spread = static_cast<unsigned>(std::clamp(std::floor(2 * (octaves + 4) + 0.5), 0.0, 15.0));
    packed.season_state.push_back(static_cast<std::uint8_t>(std::min<unsigned>(cell.visits, 7U) + 8 * spread));
  }
  return packed;
}

Baseline unpack_series(const PackedSeries& packed, const PackedPlace& place, WallTime last) {
  Baseline baseline;
  baseline.anchor = {.location = place.location, .scale = place.scale, .n = place.samples};
  baseline.jump_scale = packed.jump_scale;
  baseline.season_scale = packed.season_scale;
  baseline.forecast_scale = packed.forecast_scale;
  baseline.change_rate = packed.change_rate;
  baseline.band_low = packed.band_low;
  baseline.band_high = packed.band_high;
  baseline.interval = packed.interval;
  baseline.blocks = packed.blocks;
  baseline.last = last;
  for (std::size_t i = 0; i < model::expert_count; ++i) baseline.tails[i] = unpack_tail(packed.tails[i]);
  if (packed.season.size() != model::season_cells || packed.season_state.size() != model::season_cells) return baseline;
  double unit = season_unit(packed.season_scale, place.scale);
  for (std::size_t i = 0; i < model::season_cells; ++i) {
    model::SeasonCell& cell = baseline.season[i];
    cell.visits = packed.season_state[i] & 7U;
    if (cell.visits == 0) continue;
    cell.level = static_cast<float>(static_cast<double>(place.location) + unit * packed.season[i]);
    cell.spread = static_cast<float>(math::exp((0.5 * (packed.season_state[i] >> 3U) - 4) / log2_e));
  }
  return baseline;
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
                           .scale = static_cast<float>(baseline.anchor.scale),
                           .samples = baseline.anchor.n});
  }
  Encoder payload;
  payload.put(head);
  for (std::size_t i = 0; i < behavior.series.size(); ++i)
    payload.put(pack_series(behavior.series[i], i < with_season));
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
  if (!decoder.failed() && version != packed_version) {
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
  behavior.combined = unpack_tail(head.combined);
  for (const PackedPlace& place : head.places) {
    if (decoder.failed()) break;
    PackedSeries series;
    decoder.get(series);
    behavior.series.push_back(unpack_series(series, place, head.last));
  }
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
  if (decoder.failed() || version != packed_version) return {};
  return std::move(head.places);
}

}  // namespace mien::learn
