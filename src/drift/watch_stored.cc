// The stored form of a Watch, and those before it (docs/formats/watch.md).
#include <algorithm>
#include <string_view>

#include "base/codec.h"
#include "drift/interplay.h"
#include "drift/relations.h"
#include "drift/watch_state.h"

namespace mien::drift {
namespace {

constexpr std::uint32_t version_4_with_interplay = 5;
constexpr std::uint32_t version_6_with_interplay = 7;

// Versions 1 and 2. What is fast of a series starts anew, as after a gap; forms and relations are learned again.
struct Series2 {
  double last = 0;
  WallTime last_at;
  double interval = 0;
  std::uint64_t n = 0;
  std::array<double, 5> means{};  // smooth, level, ramp, season_level, volatility
  double run = 0;
  std::array<double, 10> forecast{};
  WallTime block_started;
  std::array<float, 11> block_u{};
  std::uint16_t block_rare = 0;
  bool block_open = false;
  std::array<float, 6> group{};
  float surprise = 0;
  float z = 0;
  WallTime left_at;
  double declared = 0;
  double limit = 0;
  std::vector<TimedValue> change;
  static constexpr auto fields = std::tuple{field("last", &Series2::last),
                                            field("last_at", &Series2::last_at),
                                            field("interval", &Series2::interval),
                                            field("n", &Series2::n),
                                            field("means", &Series2::means),
                                            field("run", &Series2::run),
                                            field("forecast", &Series2::forecast),
                                            field("block_started", &Series2::block_started),
                                            field("block_u", &Series2::block_u),
                                            field("block_rare", &Series2::block_rare),
                                            field("block_open", &Series2::block_open),
                                            field("group", &Series2::group),
                                            field("surprise", &Series2::surprise),
                                            field("z", &Series2::z),
                                            field("left_at", &Series2::left_at),
                                            field("declared", &Series2::declared),
                                            field("limit", &Series2::limit),
                                            field("change", &Series2::change)};
};

struct Tail2 {
  std::array<std::uint32_t, 32> counts{};
  std::uint32_t total = 0, since_summary = 0;
  std::uint8_t mark = 0, knee = 0;
  float index = 0;
  static constexpr auto fields = std::tuple{
      field("counts", &Tail2::counts), field("total", &Tail2::total), field("since_summary", &Tail2::since_summary),
      field("mark", &Tail2::mark),     field("knee", &Tail2::knee),   field("index", &Tail2::index)};
};

struct Prototype2 {
  std::array<float, 8> shape{};
  float uses = 0;
  static constexpr auto fields = std::tuple{field("shape", &Prototype2::shape), field("uses", &Prototype2::uses)};
};

struct Habit2 {
  Tail2 excess;
  float excess_block = 0;
  bool excess_rare = false;
  std::array<float, 8> past{};
  std::uint8_t next = 0;
  std::uint64_t blocks = 0;
  std::array<float, 8> texture{};
  float sum = 0;
  std::uint8_t count = 0;
  std::array<float, 8> means{};
  std::uint8_t filled = 0;
  std::uint64_t seen = 0;
  float usual_distance = 0;
  std::vector<Prototype2> prototypes;
  std::array<Tail2, 3> tails{};
  float surprise = 0;
  static constexpr auto fields = std::tuple{field("excess", &Habit2::excess),
                                            field("excess_block", &Habit2::excess_block),
                                            field("excess_rare", &Habit2::excess_rare),
                                            field("past", &Habit2::past),
                                            field("next", &Habit2::next),
                                            field("blocks", &Habit2::blocks),
                                            field("texture", &Habit2::texture),
                                            field("sum", &Habit2::sum),
                                            field("count", &Habit2::count),
                                            field("means", &Habit2::means),
                                            field("filled", &Habit2::filled),
                                            field("seen", &Habit2::seen),
                                            field("usual_distance", &Habit2::usual_distance),
                                            field("prototypes", &Habit2::prototypes),
                                            field("tails", &Habit2::tails),
                                            field("surprise", &Habit2::surprise)};
};

struct Path2 {
  std::array<float, 6> values{};
  std::uint16_t count = 0;
  static constexpr auto fields = std::tuple{field("values", &Path2::values), field("count", &Path2::count)};
};

// Of 64 series, in floats.
struct View3 {
  std::uint64_t learned = 0;
  std::uint32_t since_refresh = 0;
  std::array<std::vector<float>, 4> parts;  // mean, variance, covariance, inverse
  static constexpr auto fields = std::tuple{
      field("learned", &View3::learned), field("since_refresh", &View3::since_refresh), field("parts", &View3::parts)};
};

struct Relations2 {
  std::vector<Path2> paths;
  std::vector<View3> views;
  std::array<Tail2, 3> tails{};
  std::array<float, 3> surprise{};
  std::uint64_t blocks = 0;
  static constexpr auto fields = std::tuple{
      field("paths", &Relations2::paths), field("views", &Relations2::views), field("tails", &Relations2::tails),
      field("surprise", &Relations2::surprise), field("blocks", &Relations2::blocks)};
};

// Version 3: up to 16 stretches, five views of 64 series in floats, and a rhythm that knew whether the newest row broke
// it.
struct Stretch3 {
  float sum = 0;
  float usual_distance = 0;
  std::uint32_t seen = 0;
  std::array<std::int16_t, Stretch::length> means{};
  std::array<Stretch::Shape, 16> prototypes{};
  std::array<std::uint8_t, 16> uses{};
  std::uint8_t known = 0;
  std::uint8_t count = 0;
  std::uint8_t filled = 0;
  static constexpr auto fields = std::tuple{field("sum", &Stretch3::sum),
                                            field("usual_distance", &Stretch3::usual_distance),
                                            field("seen", &Stretch3::seen),
                                            field("means", &Stretch3::means),
                                            field("prototypes", &Stretch3::prototypes),
                                            field("uses", &Stretch3::uses),
                                            field("known", &Stretch3::known),
                                            field("count", &Stretch3::count),
                                            field("filled", &Stretch3::filled)};
};

struct Pattern3 {
  Texture texture;
  Stretch3 stretch;
  std::array<stats::SmallTail, Texture::lags + 1> tails{};
  std::array<std::uint8_t, Texture::lags + 1> marks{};
  std::uint8_t unsummarised = 0;
  std::uint32_t coin = 1;
  static constexpr auto fields = std::tuple{field("texture", &Pattern3::texture),
                                            field("stretch", &Pattern3::stretch),
                                            field("tails", &Pattern3::tails),
                                            field("marks", &Pattern3::marks),
                                            field("unsummarised", &Pattern3::unsummarised),
                                            field("coin", &Pattern3::coin)};
};

// Before version 6 up to 12 stretches.
struct Stretch4 {
  float sum = 0;
  std::uint8_t count = 0;
  std::uint8_t filled = 0;
  std::uint8_t known = 0;
  float usual_distance = 0;
  std::uint32_t seen = 0;
  std::array<std::int16_t, Stretch::length> means{};
  std::array<Stretch::Shape, 12> prototypes{};
  std::array<std::uint8_t, 12> uses{};
  static constexpr auto fields = std::tuple{field("sum", &Stretch4::sum),
                                            field("count", &Stretch4::count),
                                            field("filled", &Stretch4::filled),
                                            field("known", &Stretch4::known),
                                            field("usual_distance", &Stretch4::usual_distance),
                                            field("seen", &Stretch4::seen),
                                            field("means", &Stretch4::means),
                                            field("prototypes", &Stretch4::prototypes),
                                            field("uses", &Stretch4::uses)};
};

struct Pattern4 {
  Texture texture;
  std::array<std::uint8_t, Texture::lags + 1> marks{};
  std::uint8_t unsummarised = 0;
  std::uint32_t coin = 1;
  std::array<stats::SmallTail, Texture::lags + 1> tails{};
  Stretch4 stretch;
  static constexpr auto fields = std::tuple{field("texture", &Pattern4::texture),
                                            field("marks", &Pattern4::marks),
                                            field("unsummarised", &Pattern4::unsummarised),
                                            field("coin", &Pattern4::coin),
                                            field("tails", &Pattern4::tails),
                                            field("stretch", &Pattern4::stretch)};
};

// Before version 6 paths had no age.
struct Path4 {
  std::array<float, 7> values{};
  static constexpr auto fields = std::tuple{field("values", &Path4::values)};
};

// Before version 8 each view had its own model of what moves with what.
struct View6 {
  std::uint64_t learned = 0;
  std::uint16_t since_refresh = 0;
  std::uint8_t waiting_count = 0;
  float rate = 0;
  std::vector<float> places;  // means, variances, mean squares
  std::vector<std::int16_t> correlation;
  std::vector<std::int16_t> inverse;
  std::vector<std::int8_t> waiting;
  [[nodiscard]] std::size_t size() const { return places.size() / 3; }
  static constexpr auto fields = std::tuple{field("learned", &View6::learned),
                                            field("since_refresh", &View6::since_refresh),
                                            field("waiting_count", &View6::waiting_count),
                                            field("rate", &View6::rate),
                                            field("places", &View6::places),
                                            field("correlation", &View6::correlation),
                                            field("inverse", &View6::inverse),
                                            field("waiting", &View6::waiting)};
};

template <class Path, class View>
struct RelationsBefore {
  std::vector<Path> paths;
  std::vector<BlockSum> sums;
  std::vector<View> views;
  std::array<stats::Tail, relation_views> tails{};
  std::array<float, relation_views> surprise{};
  std::uint64_t blocks = 0;
  static constexpr auto fields =
      std::tuple{field("paths", &RelationsBefore::paths),       field("sums", &RelationsBefore::sums),
                 field("views", &RelationsBefore::views),       field("tails", &RelationsBefore::tails),
                 field("surprise", &RelationsBefore::surprise), field("blocks", &RelationsBefore::blocks)};
};

struct Alarm2 {
  double held = 0, offset = 0, seen = 0;
  bool bump = false;
  double bump_peak = 0, quiet = 0;
  WallTime forgot_at;
  std::array<float, Alarm::strengths> past{};
  static constexpr auto fields = std::tuple{field("held", &Alarm2::held),           field("offset", &Alarm2::offset),
                                            field("seen", &Alarm2::seen),           field("bump", &Alarm2::bump),
                                            field("bump_peak", &Alarm2::bump_peak), field("quiet", &Alarm2::quiet),
                                            field("forgot_at", &Alarm2::forgot_at), field("past", &Alarm2::past)};
};

struct Blamed2 {
  std::uint32_t series = 0;
  double surprise = 0;
  double observed = 0;
  static constexpr auto fields = std::tuple{field("series", &Blamed2::series), field("surprise", &Blamed2::surprise),
                                            field("observed", &Blamed2::observed)};
};

// Of what its rows looked like little is kept: an open episode stays what it was told to be.
Episode take_episode(Decoder& decoder) {
  Episode e;
  decoder.get(e.number);
  decoder.get(e.source);
  decoder.get(e.kind);
  decoder.get(e.severity);
  decoder.get(e.direction);
  decoder.get(e.first_mover);
  decoder.get(e.opened_at);
  decoder.get(e.quiet_since);
  decoder.get(e.told_at);
  decoder.get(e.peak);
  decoder.get(e.margin);
  decoder.get(e.score);
  decoder.get(e.rows);
  decoder.get(e.likeness.rows_outside);
  decoder.get(e.likeness.began_with_jump);
  decoder.get(e.likeness.groups);
  std::vector<Blamed2> blamed;
  decoder.get(blamed);
  for (const Blamed2& b : blamed)
    e.blamed.push_back({.series = b.series, .surprise = b.surprise, .observed = b.observed, .at = e.opened_at});
  decoder.get(e.told);
  return e;
}

void restore_alarm(Decoder& decoder, Alarm& alarm) {
  Alarm2 from;
  decoder.get(from);
  alarm = {.held = from.held,
           .told = from.held,
           .offset = from.offset,
           .seen = from.seen,
           .bump = from.bump,
           .bump_peak = from.bump_peak,
           .quiet = from.quiet,
           .forgot_at = from.forgot_at,
           .past = from.past};
}

void restore_episodes(Decoder& decoder, std::vector<Episode>& episodes) {
  std::uint64_t count = 0;
  decoder.get(count);
  for (std::uint64_t i = 0; i < count && i < max_open_episodes && !decoder.failed(); ++i)
    episodes.push_back(take_episode(decoder));
}

void restore_series(Decoder& decoder, Watch::State& state) {
  std::vector<Series2> series;
  decoder.get(series);
  state.resize(series.size());
  bool declared = std::any_of(series.begin(), series.end(), [](const Series2& one) {
    return one.declared > 0 || one.limit > 0 || !one.change.empty();
  });
  if (declared) state.against.resize(series.size());
  for (std::size_t i = 0; i < series.size(); ++i) {
    state.series[i].last = series[i].last;
    state.series[i].last_at = series[i].last_at;
    state.series[i].smooth = series[i].last;
    state.series[i].interval = static_cast<float>(series[i].interval);
    state.series[i].left_at = series[i].left_at;
    if (declared)
      state.against[i] = {.declared = series[i].declared, .limit = series[i].limit, .change = series[i].change};
  }
}

void restore_before(Decoder& decoder, std::uint32_t version, Watch::State& state) {
  restore_series(decoder, state);
  restore_alarm(decoder, state.alarm);
  restore_episodes(decoder, state.episodes);
  decoder.get(state.next_episode);
  decoder.get(state.refused_episodes);
  decoder.get(state.last_at);
  decoder.get(state.interval);
  decoder.get(state.block_started);
  decoder.get(state.block_open);
  decoder.get(state.block_u);
  decoder.get(state.block_rare);
  decoder.get(state.known_healthy);
  if (version == 1) return;
  decoder.get(state.standing.lasting);
  std::vector<Habit2> habits;
  decoder.get(habits);
  Relations2 relations;  // of three views; five are learned anew
  decoder.get(relations);
  std::array<std::uint64_t, 3> rows_by_look{};
  decoder.get(rows_by_look);
}

// Of version 3 or 4; the first of its stretches stay.
template <class Before>
Pattern pattern_of(const Before& from) {
  Pattern pattern{
      .texture = from.texture,
      .marks = from.marks,
      .unsummarised = from.unsummarised,
      .coin = from.coin,
      .tails = from.tails,
      .stretch = {.sum = from.stretch.sum,
                  .count = from.stretch.count,
                  .filled = from.stretch.filled,
                  .known = std::min(from.stretch.known, static_cast<std::uint8_t>(Stretch::most_prototypes)),
                  .usual_distance = from.stretch.usual_distance,
                  .seen = from.stretch.seen,
                  .means = from.stretch.means}};
  std::copy_n(from.stretch.prototypes.begin(), Stretch::most_prototypes, pattern.stretch.prototypes.begin());
  std::copy_n(from.stretch.uses.begin(), Stretch::most_prototypes, pattern.stretch.uses.begin());
  return pattern;
}

// Version 3 kept the run as a float, no calm, and of an episode's rows not how many stood still.
struct Series3 {
  SeriesWatch watch;
  void restore(Decoder& decoder) {
    for_each_field(watch, [&](std::string_view name, auto& member) {
      if (name == "calm") return;
      if (name != "run") return decoder.get(member);
      float run = 0;
      decoder.get(run);
      watch.run = static_cast<std::uint16_t>(std::clamp(run, 1.0F, 65535.0F));
    });
  }
};

struct Episode3 {
  Episode episode;
  void restore(Decoder& decoder) {
    for_each_field(episode, [&](const char*, auto& member) {
      if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(member)>, Likeness>) {
        decoder.get(member);
      } else {
        for_each_field(member, [&](std::string_view name, auto& part) {
          if (name != "still") decoder.get(part);
        });
      }
    });
  }
};

// Versions 3 to 5 kept of the standing what lasts.
void restore_standing(Decoder& decoder, Standing& standing) {
  decoder.get(standing.lasting);
  standing.mean = standing.lasting;
}

template <class Before>
void restore_patterns(Decoder& decoder, std::vector<Pattern>& patterns) {
  std::vector<Before> stored;
  decoder.get(stored);
  for (const Before& pattern : stored) patterns.push_back(pattern_of(pattern));
}

void restore_3(Decoder& decoder, Watch::State& state) {
  for_each_field(state, [&](const char*, auto& member) {
    using Member = std::remove_cvref_t<decltype(member)>;
    if constexpr (std::is_same_v<Member, std::vector<Pattern>>) {
      restore_patterns<Pattern3>(decoder, member);
    } else if constexpr (std::is_same_v<Member, std::vector<SeriesWatch>>) {
      std::vector<Series3> series;
      decoder.get(series);
      for (const Series3& one : series) member.push_back(one.watch);
    } else if constexpr (std::is_same_v<Member, std::vector<Episode>>) {
      std::vector<Episode3> episodes;
      decoder.get(episodes);
      for (Episode3& one : episodes) member.push_back(std::move(one.episode));
    } else if constexpr (std::is_same_v<Member, Relations>) {
      RelationsBefore<Path4, View3> relations;  // in groups of 64; smaller ones are learned anew
      decoder.get(relations);
    } else if constexpr (std::is_same_v<Member, Standing>) {
      restore_standing(decoder, member);
    } else {
      decoder.get(member);
    }
    if constexpr (std::is_same_v<Member, Rhythm>) {
      bool broken = false;
      decoder.get(broken);
    }
  });
}

SeriesPath path_of(const SeriesPath& path) { return path; }
SeriesPath path_of(const Path4& from) {
  auto [center, variance, quick, steady, restlessness, now, change] = from.values;
  return {.center = center,
          .variance = variance,
          .quick = quick,
          .steady = steady,
          .restlessness = restlessness,
          .now = now,
          .change = change,
          .age = SeriesPath::settled};
}

// A view as it is stored now: of its places the mean squares went to the correlations.
stats::RelationView places_of(const View6& from) {
  Encoder encoder;
  encoder.put(from.learned);
  encoder.put(std::vector<float>(from.places.begin(), from.places.end() - static_cast<std::ptrdiff_t>(from.size())));
  return decode<stats::RelationView>(encoder.bytes(), "view").value_or({});
}

stats::Correlations correlations_of(const View6& from) {
  Encoder encoder;
  encoder.put(from.learned);
  encoder.put(from.since_refresh);
  encoder.put(from.waiting_count);
  encoder.put(from.rate);
  encoder.put(std::vector<float>(from.places.end() - static_cast<std::ptrdiff_t>(from.size()), from.places.end()));
  encoder.put(from.correlation);
  encoder.put(from.inverse);
  encoder.put(from.waiting);
  return decode<stats::Correlations>(encoder.bytes(), "correlations").value_or({});
}

// Of the five models of what moves with what that a group had, the one of the values themselves stays.
template <class Path>
void restore_relations(Decoder& decoder, Relations& relations) {
  RelationsBefore<Path, View6> from;
  decoder.get(from);
  for (const Path& path : from.paths) relations.paths.push_back(path_of(path));
  relations.sums = std::move(from.sums);
  for (std::size_t i = 0; i < from.views.size(); ++i) {
    relations.views.push_back(places_of(from.views[i]));
    if (i % relation_views == teaching_view) relations.correlations.push_back(correlations_of(from.views[i]));
  }
  relations.tails = from.tails;
  relations.surprise = from.surprise;
  relations.blocks = from.blocks;
}

void restore_4(Decoder& decoder, Watch::State& state) {
  for_each_field(state, [&](const char*, auto& member) {
    using Member = std::remove_cvref_t<decltype(member)>;
    if constexpr (std::is_same_v<Member, Standing>) restore_standing(decoder, member);
    else if constexpr (std::is_same_v<Member, Relations>) restore_relations<Path4>(decoder, member);
    else if constexpr (std::is_same_v<Member, std::vector<Pattern>>) restore_patterns<Pattern4>(decoder, member);
    else decoder.get(member);
  });
}

void restore_6(Decoder& decoder, Watch::State& state) {
  for_each_field(state, [&](const char*, auto& member) {
    using Member = std::remove_cvref_t<decltype(member)>;
    if constexpr (std::is_same_v<Member, Relations>) restore_relations<SeriesPath>(decoder, member);
    else decoder.get(member);
  });
}

Status corrupt(std::string message) {
  return Error{.code = Code::corrupt, .message = "watch: " + std::move(message), .where = {}, .cause = {}};
}

Status check(const Watch::State& state) {
  bool fits = state.patterns.size() == state.series.size() &&
              (state.against.empty() || state.against.size() == state.series.size());
  if (!fits) return corrupt("its columns do not fit each other");
  bool whole = std::all_of(state.patterns.begin(), state.patterns.end(), [](const Pattern& p) { return is_whole(p); });
  if (!whole) return corrupt("a pattern is larger than it may be");
  if (!is_whole(state.relations)) return corrupt("its relations do not fit its series");
  if (!is_whole(state.interplay)) return corrupt("its autoencoder does not fit its series");
  for (const Episode& episode : state.episodes) {
    bool known = !episode.blamed.empty() && episode.first_mover < state.series.size();
    for (const Blamed& blamed : episode.blamed) known = known && blamed.series < state.series.size();
    if (!known) return corrupt("an episode names a series that is not there");
  }
  return {};
}

}  // namespace

std::string Watch::encode() const {
  bool with_interplay = state_->interplay.mode != Interplay::Mode::off;
  Encoder encoder;
  encoder.put(with_interplay ? State::version_with_interplay : State::version);
  encoder.put(*state_);
  if (with_interplay) encoder.put(state_->interplay);
  return encoder.take();
}

Result<Watch> Watch::decode(std::string_view bytes) {
  Decoder decoder{bytes};
  std::uint32_t version = 0;
  decoder.get(version);
  if (!decoder.failed() && (version == 0 || version > State::version_with_interplay)) {
    return Error{.code = Code::unsupported,
                 .message = "watch: version " + std::to_string(version) +
                            " was written by another release; this one reads versions 1 to 9",
                 .where = {},
                 .cause = {}};
  }
  Watch watch;
  if (version < 3) restore_before(decoder, version, *watch.state_);
  else if (version == 3) restore_3(decoder, *watch.state_);
  else if (version <= version_4_with_interplay) restore_4(decoder, *watch.state_);
  else if (version <= version_6_with_interplay) restore_6(decoder, *watch.state_);
  else decoder.get(*watch.state_);
  if (version == version_4_with_interplay || version == version_6_with_interplay ||
      version == State::version_with_interplay)
    decoder.get(watch.state_->interplay);
  if (Status status = decoder.finish("watch"); !status) return std::move(status).error();
  if (Status status = check(*watch.state_); !status) return std::move(status).error();
  *watch.state_ = State(*watch.state_);  // what was read item by item took up to twice the room: a copy takes its own
  return watch;
}

}  // namespace mien::drift
