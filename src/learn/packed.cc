#include "learn/packed.h"

#include <algorithm>
#include <cmath>

#include "base/codec.h"
#include "base/math.h"
#include "base/range_coder.h"

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

constexpr std::uint32_t first_with_columns = 5;
constexpr std::uint32_t first_with_one_factor = 6;

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
  for (std::size_t cell = 0; cell < model::week_cells; ++cell) {
    packed.push_back(static_cast<std::uint8_t>(week_code_of(season.away(cell) / scale)));
    seen = seen || packed.back() > 0;
  }
  return seen ? packed : PackedWeek{};
}

void unpack_week(const PackedWeek& packed, const Baseline& baseline, model::Season& season) {
  if (packed.size() != model::week_cells) return;
  double scale = season_steps * season_unit(baseline.season_scale, baseline.anchor.scale);
  for (std::size_t i = 0; i < packed.size(); ++i) season.set_away(i, week_away_of(packed[i] & 15U) * scale);
}

// Version 4: two codes a byte, the earlier one low.
PackedWeek get_week_4(Decoder& decoder) {
  std::string pairs;
  decoder.get(pairs);
  PackedWeek week;
  for (char c : pairs) {
    auto codes = static_cast<unsigned char>(c);
    week.push_back(codes & 15U);
    week.push_back(codes >> 4U);
  }
  return week;
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

// What is computed with: a checksum says who wrote it, not that it can be.
bool is_finite(const PackedSeries& packed) {
  return std::isfinite(packed.jump_scale) && std::isfinite(packed.season_scale) &&
         std::isfinite(packed.forecast_scale) && std::isfinite(packed.change_rate) && std::isfinite(packed.band_low) &&
         std::isfinite(packed.band_high) && std::isfinite(packed.interval);
}
bool is_finite(const PackedPlace& place) { return std::isfinite(place.location) && std::isfinite(place.scale); }

// False, and nothing is taken, where it holds what can not be computed with.
bool unpack_series(const PackedSeries& packed, const PackedPlace& place, std::uint32_t version, Baseline& baseline,
                   Past& past) {
  if (!is_finite(packed)) return false;
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
  if (packed.season.size() != model::season_cells || packed.season_state.size() != model::season_cells) return true;
  double unit = season_unit(packed.season_scale, place.scale);
  for (std::size_t i = 0; i < model::season_cells; ++i) {
    auto visits = static_cast<std::uint8_t>(packed.season_state[i] & 7U);
    if (visits == 0) continue;
    double level = static_cast<double>(place.location) + unit * packed.season[i];
    past.season.set(i, level, visits, std::max(packed.season_scale, place.scale));
    auto spread = static_cast<float>(math::exp((0.5 * (packed.season_state[i] >> 3U) - 4) / log2_e));
    past.season.set_spread(i, spread, baseline.coin);
  }
  return true;
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

// ---- columns ----

// Numbers of one kind, of every series one after the other, are guessed from each other and take a third less room
// (base/range_coder.h). The order is stored.
enum class Column : std::uint8_t {
  numbers,  // scales, band, interval and blocks of each series
  tails,    // of experts, then of the relations' views
  levels,   // of seasons
  states,   // their visits and spreads
  weeks,
  paths,     // where the block means of each series lie
  views,     // means and spreads
  factors,   // what moves with what
  textures,  // of forms
  shapes,
  uses,  // of shapes
  form_tails,
};
constexpr std::size_t column_count = 12;

// Neighbours in these have nothing to do with each other.
Guess guess_of(Column column) {
  bool alone = column == Column::views || column == Column::factors || column == Column::uses;
  return alone ? Guess::alone : Guess::one_before;
}

// More of one kind than a series can have is not read.
constexpr std::size_t most_per_series = 1024;
constexpr std::size_t most_beside = 1024;

template <class Coder>
struct Columns {
  std::vector<Coder> all;
  Coder& operator[](Column column) { return all[static_cast<std::size_t>(column)]; }
};

void put_columns(Columns<Encoder>& columns, Encoder& out) {
  for (std::size_t i = 0; i < column_count; ++i) {
    const std::string& bytes = columns.all[i].bytes();
    out.put(std::uint64_t{bytes.size()});
    out.put(compress(bytes, guess_of(static_cast<Column>(i))));
  }
}

std::vector<std::string> get_columns(Decoder& in, std::size_t series) {
  std::vector<std::string> columns(column_count);
  for (std::size_t i = 0; i < column_count && !in.failed(); ++i) {
    std::uint64_t size = 0;
    std::string code;
    in.get(size);
    in.get(code);
    std::optional<std::string> bytes;
    if (size <= series * most_per_series + most_beside)
      bytes = expand(code, static_cast<std::size_t>(size), guess_of(static_cast<Column>(i)));
    if (!bytes) in.refuse();
    else columns[i] = std::move(*bytes);
  }
  return columns;
}

// One order for both ways: `each` puts or gets.
template <class C, class Series>
void each_part(C& columns, Series& series, auto each) {
  each(columns[Column::numbers], series.jump_scale);
  each(columns[Column::numbers], series.season_scale);
  each(columns[Column::numbers], series.forecast_scale);
  each(columns[Column::numbers], series.change_rate);
  each(columns[Column::numbers], series.band_low);
  each(columns[Column::numbers], series.band_high);
  each(columns[Column::numbers], series.interval);
  each(columns[Column::numbers], series.blocks);
  each(columns[Column::tails], series.tails);
  each(columns[Column::levels], series.season);
  each(columns[Column::states], series.season_state);
}

constexpr auto putting = [](Encoder& encoder, const auto& value) { encoder.put(value); };
constexpr auto getting = [](Decoder& decoder, auto& value) { decoder.get(value); };

template <class C, class View>
void each_part_of_view(C& columns, View& view, auto each) {
  each(columns[Column::views], view.learned);
  each(columns[Column::views], view.means);
  each(columns[Column::views], view.spreads);
}

template <class C, class Form>
void each_part_of_form(C& columns, Form& form, auto each) {
  each(columns[Column::textures], form.blocks);
  each(columns[Column::textures], form.usual);
  each(columns[Column::textures], form.deviation);
  each(columns[Column::textures], form.mean);
  each(columns[Column::textures], form.variance);
  each(columns[Column::textures], form.stretches);
  each(columns[Column::textures], form.usual_distance);
  each(columns[Column::shapes], form.shapes);
  each(columns[Column::uses], form.uses);
}

void put_habits(Columns<Encoder>& columns, const model::Habits& habits, const Kept& kept) {
  const model::RelationHabits none;
  const model::RelationHabits& relations = kept.relations ? habits.relations : none;
  columns[Column::paths].put(relations.blocks);
  columns[Column::paths].put(relations.paths);
  columns[Column::views].put(std::uint64_t{relations.views.size()});
  for (const stats::CoarseView& view : relations.views) each_part_of_view(columns, view, putting);
  for (const stats::CoarseFactor& factor : relations.factors) columns[Column::factors].put(factor);
  columns[Column::tails].put(std::uint64_t{relations.tails.size()});
  for (const stats::Tail& tail : relations.tails) columns[Column::tails].put(pack_tail(tail));
  std::size_t forms = std::min(habits.forms.size(), kept.forms);
  columns[Column::textures].put(std::uint64_t{forms});
  for (std::size_t i = 0; i < forms; ++i) {
    each_part_of_form(columns, habits.forms[i], putting);
    for (const stats::SmallTail& tail : habits.forms[i].tails) columns[Column::form_tails].put(pack_tail(tail.widen()));
  }
}

// One a group; version 5 had one of each view.
std::vector<stats::CoarseFactor> get_factors(Decoder& column, std::uint64_t views, std::uint32_t version) {
  std::vector<stats::CoarseFactor> factors;
  for (std::uint64_t i = 0; i < views && !column.failed(); ++i) {
    bool teaches = i % model::RelationHabits::views_per_group == model::RelationHabits::teaching_view;
    if (!teaches && version >= first_with_one_factor) continue;
    stats::CoarseFactor factor;
    column.get(factor);
    if (teaches) factors.push_back(std::move(factor));
  }
  return factors;
}

model::Habits get_habits(Columns<Decoder>& columns, std::uint32_t version) {
  model::Habits habits;
  model::RelationHabits& relations = habits.relations;
  std::uint64_t views = 0, tails = 0, forms = 0;
  columns[Column::paths].get(relations.blocks);
  columns[Column::paths].get(relations.paths);
  columns[Column::views].get(views);
  for (std::uint64_t i = 0; i < views && !columns[Column::views].failed(); ++i)
    each_part_of_view(columns, relations.views.emplace_back(), getting);
  relations.factors = get_factors(columns[Column::factors], relations.views.size(), version);
  columns[Column::tails].get(tails);
  for (std::uint64_t i = 0; i < tails && !columns[Column::tails].failed(); ++i) {
    PackedTail tail;
    columns[Column::tails].get(tail);
    relations.tails.push_back(unpack_tail(tail, packed_version));
  }
  columns[Column::textures].get(forms);
  for (std::uint64_t i = 0; i < forms && !columns[Column::textures].failed(); ++i) {
    model::FormHabit& form = habits.forms.emplace_back();
    each_part_of_form(columns, form, getting);
    for (stats::SmallTail& small : form.tails) {
      PackedTail tail;
      columns[Column::form_tails].get(tail);
      small = stats::SmallTail::narrow(unpack_tail(tail, packed_version));
    }
  }
  return habits;
}

void get_series(const PackedHead& head, Columns<Decoder>& columns, Behavior& behavior) {
  behavior.resize(head.places.size());
  for (std::size_t i = 0; i < head.places.size(); ++i) {
    PackedSeries series;
    each_part(columns, series, getting);
    if (!unpack_series(series, head.places[i], packed_version, behavior.series[i], behavior.past[i]))
      columns[Column::numbers].refuse();
    PackedWeek week;
    columns[Column::weeks].get(week);
    unpack_week(week, behavior.series[i], behavior.past[i].season);
  }
}

// All of it, or the whole is refused.
void get_all(Decoder& decoder, std::uint32_t version, const PackedHead& head, Unpacked& out) {
  std::vector<std::string> bytes = get_columns(decoder, head.places.size());
  decoder.get(out.behavior.security);
  if (decoder.failed()) return;
  Columns<Decoder> columns;
  for (const std::string& column : bytes) columns.all.emplace_back(column);
  get_series(head, columns, out.behavior);
  out.habits = get_habits(columns, version);
  bool read = std::all_of(columns.all.begin(), columns.all.end(),
                          [](const Decoder& column) { return column.finish("column").ok(); });
  bool fits = out.habits.forms.size() <= head.places.size() && out.habits.relations.paths.size() <= head.places.size();
  if (!read || !fits || !model::is_whole(out.habits)) decoder.refuse();
}

// Versions 1 to 4: series after series.
void get_before(Decoder& decoder, std::uint32_t version, const PackedHead& head, Behavior& behavior) {
  for (std::size_t i = 0; i < head.places.size() && !decoder.failed(); ++i) {
    PackedSeries series;
    decoder.get(series);
    behavior.resize(i + 1);
    if (!unpack_series(series, head.places[i], version, behavior.series[i], behavior.past[i])) decoder.refuse();
  }
  if (version >= 3) decoder.get(behavior.security);
  for (std::size_t i = 0; version >= 4 && i < behavior.series.size() && !decoder.failed(); ++i)
    unpack_week(get_week_4(decoder), behavior.series[i], behavior.past[i].season);
}

}  // namespace

std::string pack(const Behavior& behavior, const model::Habits& habits, const Kept& kept) {
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
  Columns<Encoder> columns{.all = std::vector<Encoder>(column_count)};
  for (std::size_t i = 0; i < behavior.series.size(); ++i) {
    bool with_season = i < kept.seasons;
    const PackedSeries series = pack_series(behavior.series[i], behavior.past[i], with_season);
    each_part(columns, series, putting);
    columns[Column::weeks].put(with_season ? pack_week(behavior.series[i], behavior.past[i].season) : PackedWeek{});
  }
  put_habits(columns, habits, kept);
  Encoder payload;
  payload.put(head);
  put_columns(columns, payload);
  payload.put(pack_security(behavior.security));
  Encoder out;
  out.put(packed_version);
  out.put(checksum_of(payload.bytes()));
  out.raw(payload.bytes());
  return out.take();
}

Result<Unpacked> unpack(std::string_view bytes) {
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
  bool finite = std::isfinite(head.interval) &&
                std::all_of(head.places.begin(), head.places.end(), [](const auto& place) { return is_finite(place); });
  if (head.places.size() > Behavior::max_series || !finite) decoder.refuse();
  Unpacked out;
  Behavior& behavior = out.behavior;
  behavior.samples = head.samples;
  behavior.interval = head.interval;
  behavior.first = head.first;
  behavior.last = head.last;
  behavior.combined = unpack_tail(head.combined, version);
  if (version < first_with_columns) get_before(decoder, version, head, behavior);
  else get_all(decoder, version, head, out);
  if (!behavior.security.is_whole()) decoder.refuse();
  if (Status status = decoder.finish("revision"); !status) return std::move(status).error();
  return out;
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
