#include "wire/prometheus.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "base/text.h"
#include "wire/alias.h"
#include "wire/detail/assembler.h"
#include "wire/detail/bytes_table.h"
#include "wire/roster.h"

namespace mien::wire {
namespace {

using model::SeriesKind;

constexpr std::string_view name_label = "__name__";
constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max() / 1'000'000;

// What Prometheus itself writes for every target it scrapes.
constexpr std::array<std::string_view, 10> scrape_series{"up",
                                                         "scrape_duration_seconds",
                                                         "scrape_samples_scraped",
                                                         "scrape_samples_post_metric_relabeling",
                                                         "scrape_series_added",
                                                         "scrape_timeout_seconds",
                                                         "scrape_sample_limit",
                                                         "scrape_body_size_bytes",
                                                         "ALERTS",
                                                         "ALERTS_FOR_STATE"};

// What a client library says about the exporter's own process.
bool is_about_the_exporter(std::string_view name) {
  return name.starts_with("go_") || name.starts_with("process_") || name.starts_with("promhttp_");
}

bool is_plain_counter_name(std::string_view name) {
  return name.ends_with("_total") || name.ends_with("_count") || name.ends_with("_sum");
}

// The family that a sample's metadata speaks of: NAME for NAME_total, NAME_count, NAME_sum and NAME_bucket.
std::string_view family_of(std::string_view name) {
  for (std::string_view suffix : {"_total", "_count", "_sum", "_bucket"})
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  return name;
}

// Of a name that may be anything, what can be shown.
std::string shown(std::string_view name) {
  constexpr std::size_t enough = 80;
  return std::string(name.size() <= enough && is_utf8(name) ? name
                                                            : std::string_view("one whose name can not be shown"));
}

model::Attributes identities_of(const std::string& instance, std::string_view job) {
  model::Attributes identities{{"host.name", instance}};
  if (!job.empty()) identities.emplace("service.name", job);
  return identities;
}

bool is_accumulating(MetricType type) {
  return type == MetricType::counter || type == MetricType::histogram || type == MetricType::summary;
}

}  // namespace

void PrometheusMemory::learn_type(std::string_view family, MetricType type) {
  if (family.empty() || family.size() > IngestLimits{}.name_length) return;
  auto known = types.find(family);
  if (known != types.end() ? known->second == type : types.size() >= max_types) return;
  ++types_version;
  if (known != types.end()) known->second = type;
  else types.emplace(family, type);
}

// What was made of one series, by the bytes of its labels; refused ones are not kept.
struct KnownSeries {
  bool kept = false;
  bool by_type = false;  // its kind depends on the types as they were
  std::uint32_t types_version = 0;
  const PrometheusMemory::Target* exporter = nullptr;  // of what an exporter says of itself: kept only when it shall be
  // Which instance it is of, and what names that.
  struct Place {
    std::string instance;
    std::string job;
  };
  const Place* of = nullptr;
  // Of its own, as it is taken:
  Roster::List* list = nullptr;
  std::uint64_t list_id = 0;
  std::uint32_t place = Roster::none;
  double factor = 1;
  // Or of a piece of what is derived:
  const model::Series* piece = nullptr;
  std::shared_ptr<Derivation::Piece> input{};
};

struct PrometheusMemory::SeriesMemory {
  explicit SeriesMemory(std::uint16_t door) : roster(door) {}

  Roster roster;
  BytesTable<KnownSeries> known;
  std::deque<model::Series> pieces;
  std::map<std::pair<std::string, std::string>, KnownSeries::Place> places;  // by instance and job
  PrometheusRules rules;
  IngestLimits limits;
  std::uint64_t slowly = 0;
  std::uint64_t emptied = 0;

  void clear() {
    known.clear();
    roster.clear();
    pieces.clear();
    places.clear();
  }
  void begin_request(const PrometheusRules& given, const IngestLimits& given_limits) {
    bool full =
        known.size() > max_series || known.bytes() > max_series_bytes || roster.series() + pieces.size() > max_series;
    emptied += full ? 1 : 0;
    if (full || rules != given || limits != given_limits) clear();
    rules = given;
    limits = given_limits;
    known.begin_request();
    roster.begin_request();
  }
};

void PrometheusMemory::remember_series(std::uint16_t door) { series = std::make_shared<SeriesMemory>(door); }

PrometheusMemory::Remembered PrometheusMemory::remembered() const {
  if (!series) return {};
  return {.series = series->known.size(),
          .bytes = series->known.bytes(),
          .slowly = series->slowly,
          .emptied = series->emptied};
}

PrometheusMemory::Target* PrometheusMemory::target_of(std::string_view address, WallTime now) {
  auto known = targets.find(address);
  if (known != targets.end()) return &known->second;
  if (targets.size() >= max_targets) return nullptr;
  return &targets.emplace(address, Target{.first_seen = now}).first->second;
}

bool PrometheusMemory::tells_of_itself(const Target& target, WallTime now) {
  return !target.is_node_exporter && now - target.first_seen >= known_after;
}

PrometheusCounts& PrometheusCounts::operator+=(const PrometheusCounts& other) {
  samples += other.samples;
  histograms += other.histograms;
  exemplars += other.exemplars;
  ended += other.ended;
  not_kept += other.not_kept;
  unnamed += other.unnamed;
  invalid += other.invalid;
  return *this;
}

std::string_view without_port(std::string_view address) {
  std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == address.size()) return address;
  std::string_view port = address.substr(colon + 1);
  if (port.size() > 5 || !std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return address;
  std::string_view host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') return host.substr(1, host.size() - 2);
  // A bare IPv6 address has more colons and no port; a URL is the name of a probe, not of a host.
  return host.empty() || host.find_first_of(":/") != std::string_view::npos ? address : host;
}

struct PrometheusIntake::State {
  enum class Fate : std::uint8_t { kept, not_kept, unnamed, invalid };

  PrometheusRules rules;
  PrometheusMemory& memory;
  Assembler assembler;
  WallTime now;
  PrometheusCounts counts;
  std::string first_unnamed;
  std::string first_invalid;
  std::string_view why_invalid;

  // Of the series that was begun.
  Fate fate = Fate::invalid;
  std::string instance;
  model::Series series;
  double factor = 1;
  std::string_view job;                      // of the labels that were given: valid until the next series begins
  std::shared_ptr<Derivation::Piece> piece;  // of what is derived; its attributes stay in `series`
  MetricHead head;
  Point point;

  // Of a door that remembers: what the series is known as; or, while it is not, what will name it.
  KnownSeries* known_as = nullptr;
  bool is_asked = false;  // begin_known did not know what is begun next
  bool is_new = false;
  KnownSeries* outdated = nullptr;
  std::string_view bytes;
  bool by_type = false;
  const PrometheusMemory::Target* exporter = nullptr;

  State(const PrometheusRules& given, WallTime arrived, PrometheusMemory& kept, const IngestLimits& limits)
      : rules(given),
        memory(kept),
        assembler({.trusted = false,
                   .agent = {},
                   .arrived = arrived,
                   .limits = limits,
                   .may_repeat = true,
                   .canonical = true,
                   .roster = kept.series ? &kept.series->roster : nullptr}),
        now(arrived) {
    if (memory.series) memory.series->begin_request(rules, limits);
  }

  [[nodiscard]] const std::string& name() const {
    if (known_as == nullptr) return series.metric.value;
    return known_as->piece != nullptr ? known_as->piece->metric.value
                                      : known_as->list->at(known_as->place).metric.value;
  }
  void refuse(std::string_view why, std::string_view of_which) {
    fate = Fate::invalid;
    if (first_invalid.empty() && why_invalid.empty()) {
      first_invalid = shown(of_which);
      why_invalid = why;
    }
  }

  void begin(std::span<const Label> labels, MetricType type, std::string_view unit);
  [[nodiscard]] SeriesKind kind_of(std::string_view name, MetricType type) const;
  void put(const model::Series& one, WallTime at, double value);
  void put_own(WallTime at, double value);
  void begin_instance();
  [[nodiscard]] bool begin_known(std::string_view given);
  void put_known(WallTime at, double value);
  void remember();
};

// The types that the sender tells are believed before what a name looks like.
SeriesKind PrometheusIntake::State::kind_of(std::string_view name, MetricType type) const {
  if (type == MetricType::unknown) {
    auto known = memory.types.find(name);
    if (known == memory.types.end()) known = memory.types.find(family_of(name));
    if (known != memory.types.end()) type = known->second;
  }
  bool named_so = is_plain_counter_name(name);
  if (type == MetricType::gauge || type == MetricType::gauge_histogram) return SeriesKind::gauge;
  if (type == MetricType::counter) return SeriesKind::counter;
  // Of a summary the quantiles are levels.
  if (is_accumulating(type)) return named_so ? SeriesKind::counter : SeriesKind::gauge;
  return named_so ? SeriesKind::counter : SeriesKind::gauge;
}

void PrometheusIntake::State::begin(std::span<const Label> labels, MetricType type, std::string_view unit) {
  std::string_view name, address;
  bool bucket = false;
  series = {};
  job = {};
  known_as = nullptr;
  piece.reset();
  by_type = type == MetricType::unknown;
  exporter = nullptr;
  for (const Label& label : labels) {
    if (label.name == name_label) name = label.value;
    else if (label.name == rules.instance_label) address = label.value;
    else if (!series.attributes.emplace(label.name, label.value).second)
      return refuse("a label stands twice", label.name);
    if (label.name.empty()) return refuse("a label has no name", name);
    if (label.name == "job") job = label.value;
    bucket |= label.name == "le";
  }
  if (name.empty()) return refuse("a series has no label __name__", "");
  fate = Fate::not_kept;
  if (std::find(scrape_series.begin(), scrape_series.end(), name) != scrape_series.end()) return;
  if (name.ends_with("_info") || name.ends_with("_created") || (bucket && name.ends_with("_bucket"))) return;
  if (type == MetricType::info || type == MetricType::state_set) return;
  if (address.empty()) {
    fate = Fate::unnamed;
    if (first_unnamed.empty()) first_unnamed = shown(name);
    return;
  }
  if (is_about_the_exporter(name)) {
    exporter = memory.target_of(address, now);
    if (exporter != nullptr && !PrometheusMemory::tells_of_itself(*exporter, now)) return;
  } else if (name.starts_with("node_")) {
    if (PrometheusMemory::Target* target = memory.target_of(address, now)) target->is_node_exporter = true;
  }

  instance = std::string(rules.keep_port ? address : without_port(address));
  series.metric = MetricName{std::string(name)};
  series.unit = std::string(unit);
  series.kind = kind_of(name, type);
  Alias alias = canonicalise(series);
  factor = alias.factor;
  if (!alias.kept) return;
  // Two exporters of one host may have the same metric; what says the same of the host whoever exports it has no such
  // mark.
  if (!series.metric.value.starts_with("system.") && instance != address)
    series.attributes.emplace("instance", address);
  fate = Fate::kept;
  piece = Derivation::piece_of(series);
  if (piece) return;
  head = {.name = series.metric.value, .unit = series.unit, .kind = series.kind, .refusal = {}};
  point.attributes = std::move(series.attributes);
}

void PrometheusIntake::State::begin_instance() {
  assembler.begin_instance(instance, [this] { return identities_of(instance, job); });
}

// ---- a door that remembers ----

bool PrometheusIntake::State::begin_known(std::string_view given) {
  known_as = outdated = nullptr;
  bytes = given;
  is_asked = memory.series != nullptr;
  if (!is_asked) return false;
  KnownSeries* found = memory.series->known.find(bytes);
  if (found == nullptr) return false;
  outdated = found;
  if (found->by_type && found->types_version != memory.types_version) return false;
  if (found->list != nullptr && found->list->id() != found->list_id) return false;
  fate = found->kept ? Fate::kept : Fate::not_kept;
  if (found->exporter != nullptr) {
    bool tells = PrometheusMemory::tells_of_itself(*found->exporter, now);
    if (tells && !found->kept) return false;
    if (!tells) fate = Fate::not_kept;
  }
  known_as = found;
  outdated = nullptr;
  is_asked = is_new = false;
  factor = known_as->factor;
  if (known_as->piece != nullptr) {
    instance = known_as->of->instance;
    job = known_as->of->job;
  }
  return true;
}

void PrometheusIntake::State::put_known(WallTime at, double value) {
  if (known_as->piece != nullptr) {
    auto emit = [this](const model::Series& one, WallTime when, double made) { put(one, when, made); };
    if (memory.derivation.take(*known_as->input, instance, *known_as->piece, at, value, emit))
      put(*known_as->piece, at, value);
    return;
  }
  auto identities = [this] { return identities_of(known_as->of->instance, known_as->of->job); };
  if (!std::isfinite(value) && !model::is_ended(value)) value = model::missing;
  assembler.known(*known_as->list, known_as->place, known_as->of->instance, identities, at.ns, value);
}

// What was made of the series that was begun; called when it is settled, and does nothing the second time.
void PrometheusIntake::State::remember() {
  if (!is_new) return;
  std::optional<Assembler::Taken> taken = assembler.last_taken();
  if (fate == Fate::kept && !piece && !taken) return;  // refused: there may be room another time
  is_new = false;
  PrometheusMemory::SeriesMemory& all = *memory.series;
  ++all.slowly;
  KnownSeries& made = outdated != nullptr ? *outdated : all.known.add(bytes);
  made = {.kept = fate == Fate::kept,
          .by_type = by_type && fate == Fate::kept,
          .types_version = memory.types_version,
          .exporter = exporter};
  if (fate != Fate::kept) return;
  made.of =
      &all.places.try_emplace(std::pair(instance, std::string(job)), KnownSeries::Place{instance, std::string(job)})
           .first->second;
  made.factor = factor;
  if (piece) {
    made.piece = &all.pieces.emplace_back(series);
    made.input = piece;  // more samples of it may follow
  } else {
    made.list = taken->list;
    made.list_id = taken->list->id();
    made.place = taken->place;
  }
}

// What is no piece of anything goes as it was begun.
void PrometheusIntake::State::put_own(WallTime at, double value) {
  begin_instance();
  point.time_ns = static_cast<std::uint64_t>(at.ns);
  point.no_recorded_value = !std::isfinite(value);
  point.ended = model::is_ended(value);
  assembler.number(head, point, value);
}

void PrometheusIntake::State::put(const model::Series& one, WallTime at, double value) {
  begin_instance();
  Point made{.time_ns = static_cast<std::uint64_t>(at.ns),
             .attributes = one.attributes,
             .no_recorded_value = !std::isfinite(value),
             .ended = model::is_ended(value)};
  assembler.number({.name = one.metric.value, .unit = one.unit, .kind = one.kind, .refusal = {}}, made, value);
}

PrometheusIntake::PrometheusIntake(const PrometheusRules& rules, WallTime arrived, PrometheusMemory& memory,
                                   const IngestLimits& limits)
    : state_(std::make_unique<State>(rules, arrived, memory, limits)) {}
PrometheusIntake::~PrometheusIntake() = default;

void PrometheusIntake::begin_series(std::span<const Label> labels, MetricType type, std::string_view unit) {
  state_->is_new = std::exchange(state_->is_asked, false);
  state_->begin(labels, type, unit);
}

bool PrometheusIntake::begin_known(std::string_view bytes) { return state_->begin_known(bytes); }

void PrometheusIntake::sample(std::int64_t milliseconds, double value) {
  State& s = *state_;
  using Fate = State::Fate;
  if (s.fate == Fate::kept && (milliseconds <= 0 || milliseconds > latest))
    s.refuse("its time is not in milliseconds since 1970", s.name());
  if (s.fate == Fate::invalid) return void(++s.counts.invalid);
  if (s.fate == Fate::unnamed) return void(++s.counts.unnamed);
  ++s.counts.samples;
  if (std::bit_cast<std::uint64_t>(value) == staleness_marker) {
    value = model::ended;
    ++s.counts.ended;
  }
  if (s.fate == Fate::not_kept) {
    ++s.counts.not_kept;
    return s.remember();
  }
  WallTime at{milliseconds * 1'000'000};
  if (!std::isnan(value)) value *= s.factor;
  if (s.known_as != nullptr) return s.put_known(at, value);
  if (s.piece) {
    auto emit = [&s](const model::Series& series, WallTime when, double made) { s.put(series, when, made); };
    if (s.memory.derivation.take(*s.piece, s.instance, s.series, at, value, emit)) s.put(s.series, at, value);
  } else {
    s.assembler.forget_taken();
    s.put_own(at, value);
  }
  s.remember();
}

void PrometheusIntake::histogram(std::int64_t milliseconds, double count, double sum) {
  State& s = *state_;
  if (s.fate == State::Fate::kept && (milliseconds <= 0 || milliseconds > latest))
    s.refuse("its time is not in milliseconds since 1970", s.series.metric.value);
  if (s.fate == State::Fate::invalid) return void(++s.counts.invalid);
  if (s.fate == State::Fate::unnamed) return void(++s.counts.unnamed);
  ++s.counts.histograms;
  if (s.fate == State::Fate::not_kept) return;
  // The marker of a histogram that ended stands in its sum.
  bool over = std::bit_cast<std::uint64_t>(sum) == staleness_marker;
  s.counts.ended += over ? 1 : 0;
  model::Series part = s.series;
  if (!s.piece) part.attributes = s.point.attributes;
  part.kind = SeriesKind::counter;
  WallTime at{milliseconds * 1'000'000};
  part.metric = MetricName{cat(s.series.metric.value, "_count")};
  s.put(part, at, over ? model::ended : count);
  part.metric = MetricName{cat(s.series.metric.value, "_sum")};
  s.put(part, at, over ? model::ended : sum);
}

void PrometheusIntake::exemplar() { ++state_->counts.exemplars; }

PrometheusIngested PrometheusIntake::finish() {
  State& s = *state_;
  Ingested made = s.assembler.finish();
  PrometheusIngested out{.delivery = std::move(made.delivery),
                         .counts = s.counts,
                         .lists = std::move(made.lists),
                         .overflow = std::move(made.overflow),
                         .why = {}};
  auto say = [&out](std::string_view text) { out.why += cat(out.why.empty() ? "" : "; ", text); };
  if (s.counts.unnamed > 0)
    say(cat(s.counts.unnamed, " samples without the label `", s.rules.instance_label, "` (first: ", s.first_unnamed,
            "): they belong to no instance; drop them with write_relabel_configs"));
  if (s.counts.invalid > 0) say(cat(s.counts.invalid, " samples (first: ", s.first_invalid, "): ", s.why_invalid));
  if (made.rejected > 0) say(made.why_rejected);
  // What is made of samples is not what was sent, but it is refused for the same reasons.
  std::uint64_t over = std::min(made.rejected, out.counts.samples);
  out.counts.invalid += over;
  out.counts.samples -= over;
  return out;
}

}  // namespace mien::wire
