#include "wire/detail/assembler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <set>
#include <span>

#include "base/text.h"
#include "wire/alias.h"
#include "wire/detail/rounds.h"
#include "wire/identity.h"

namespace mien::wire {

struct Assembler::Column {
  std::uint32_t index = 0;
  double factor = 1;
};

// The times of an instance's samples, numbered as they come: nearly always there is one, and the next is the same.
class Assembler::Times {
 public:
  static constexpr std::uint32_t none = Roster::none;
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  [[nodiscard]] std::span<const std::int64_t> all() const { return all_; }
  [[nodiscard]] std::uint32_t find(std::int64_t time) {
    if (last_ < all_.size() && all_[last_] == time) return last_;
    if (all_.size() > few) {
      auto at = rows_.find(time);
      return at == rows_.end() ? none : last_ = at->second;
    }
    auto at = std::find(all_.begin(), all_.end(), time);
    return at == all_.end() ? none : last_ = static_cast<std::uint32_t>(at - all_.begin());
  }
  void add(std::int64_t time) {
    last_ = static_cast<std::uint32_t>(all_.size());
    all_.push_back(time);
    if (all_.size() == few + 1)
      for (std::uint32_t row = 0; row < last_; ++row) rows_.emplace(all_[row], row);
    if (all_.size() > few) rows_.emplace(time, last_);
  }

 private:
  static constexpr std::size_t few = 8;
  std::vector<std::int64_t> all_;
  std::unordered_map<std::int64_t, std::uint32_t> rows_;  // where there are more than few
  std::uint32_t last_ = 0;
};

struct Assembler::Instance {
  model::DeliveredInstance delivered;
  std::uint32_t number = 0;  // among the instances of the request
  Roster::List* list = nullptr;
  std::size_t width = 0;  // columns so far
  bool marked = false;
  std::unordered_map<std::string, Column> columns;  // by what the sender calls them
  // By a hash of what they are, as indexes of delivered.series: two senders' names may be one series.
  std::unordered_multimap<std::size_t, std::uint32_t> canonical;
  Times times;
  std::vector<PlacedSample> samples;
  LabelSpread overflow;
};

namespace {

constexpr std::size_t max_quantiles = 16;  // of one point

void append_counted(std::string& key, std::string_view text) {
  std::array<char, sizeof(std::uint32_t)> size{};
  auto length = static_cast<std::uint32_t>(text.size());
  std::memcpy(size.data(), &length, size.size());
  key.append(size.data(), size.size());
  key.append(text);
}

std::string sender_key(const MetricHead& head, const Point& point, const PointPart& part) {
  std::string key;
  key.reserve(256);
  append_counted(key, head.name);
  append_counted(key, part.suffix);
  append_counted(key, part.unit);
  key += static_cast<char>('0' + static_cast<int>(head.kind));
  for (const auto& [name, value] : point.attributes) {
    append_counted(key, name);
    append_counted(key, value);
  }
  return key;
}

model::Series series_of(const MetricHead& head, const Point& point, const PointPart& part) {
  return {.metric = MetricName{cat(head.name, part.suffix)},
          .attributes = point.attributes,
          .unit = std::string(part.unit),
          .kind = head.kind};
}

std::string_view reason_text(Refusal why) {
  switch (why) {
    case Refusal::unnamed_resource: return "their resource names no instance";
    case Refusal::not_finite:
      return "the value is NaN or infinite; leave the point out or set the flag NO_RECORDED_VALUE";
    case Refusal::no_value: return "the point has no value (asDouble, asInt, count)";
    case Refusal::metric_name: return "the metric's name is empty or too long, its unit too long, or its kind unknown";
    case Refusal::temporality: return "aggregationTemporality is missing; send delta (1) or cumulative (2)";
    case Refusal::attributes: return "attributes are too many, too long, not UTF-8, or not text, numbers or booleans";
    case Refusal::time: return "timeUnixNano is after the year 2262; send nanoseconds since 1970";
    case Refusal::same_time: return "another point of the same series has the same time; the last one was taken";
    case Refusal::too_many_samples: return "the request has too many samples; send smaller requests";
    case Refusal::too_many_series: return "the instance has too many series; drop attributes or metrics";
    case Refusal::too_many_instances: return "the request has too many instances; send them in several requests";
    case Refusal::too_many_cells: return "the points have too many different times; send each tick as it comes";
    case Refusal::count_: break;
  }
  return "";
}

bool plain_attribute(std::string_view text, std::size_t length) { return text.size() <= length && is_utf8(text); }

}  // namespace

void set_sum_kind(MetricHead& head, Temporality temporality, bool monotonic) {
  if (temporality == Temporality::unspecified) head.refusal = Refusal::temporality;
  head.kind = temporality == Temporality::delta ? model::SeriesKind::delta
              : monotonic                       ? model::SeriesKind::counter
                                                : model::SeriesKind::gauge;
}

void set_distribution_kind(MetricHead& head, Temporality temporality) { set_sum_kind(head, temporality, true); }

Assembler::Assembler(const Sender& sender) : sender_(sender) { delivery_.authenticated = sender.trusted; }
Assembler::~Assembler() = default;

void Assembler::read_marks(const model::Attributes& attributes) {
  auto number_of = [&](std::string_view key) {
    auto at = attributes.find(std::string(key));
    std::int64_t number = at == attributes.end() ? 0 : parse_integer(at->second).value_or(0);
    return static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0));
  };
  if (delivery_.sequence == 0) {  // the first resource that has them counts
    delivery_.epoch = number_of(mark_epoch);
    delivery_.sequence = number_of(mark_sequence);
    auto source = attributes.find(std::string(mark_source));
    if (source != attributes.end() && is_plain_name(source->second, sender_.limits.name_length))
      delivery_.source = source->second;
  }
  if (current_ != nullptr) {
    std::uint64_t refused = current_->delivered.refused + number_of(mark_refused);
    current_->delivered.refused =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(refused, std::numeric_limits<std::uint32_t>::max()));
  }
}

void Assembler::begin_resource(const model::Attributes& attributes) {
  current_ = nullptr;
  Result<Identity> identity = identify(attributes, {.trusted = sender_.trusted,
                                                    .agent = std::string(sender_.agent),
                                                    .name_length = sender_.limits.name_length,
                                                    .identities = sender_.limits.identities});
  if (!identity) {
    current_refusal_ = Refusal::unnamed_resource;
    if (unnamed_message_.empty()) unnamed_message_ = identity.error().message;
  } else if (auto known = by_name_.find(identity->instance.value); known != by_name_.end()) {
    current_ = known->second;
    current_->delivered.identities.merge(identity->identities);
  } else if (instances_.size() >= sender_.limits.instances) {
    current_refusal_ = Refusal::too_many_instances;
  } else {
    auto made = std::make_unique<Instance>();
    made->delivered.instance = identity->instance;
    made->delivered.type = identity->type;
    made->delivered.parent = identity->parent;
    made->delivered.identities = std::move(identity->identities);
    made->marked = identity->marked;
    made->number = static_cast<std::uint32_t>(instances_.size());
    if (sender_.roster != nullptr) {
      made->list = &sender_.roster->list_of(identity->instance.value);
      made->list->part = {.request = sender_.roster->request(), .column = made->number};
    }
    current_ = made.get();
    by_name_.emplace(identity->instance.value, current_);
    instances_.push_back(std::move(made));
  }
  if (sender_.trusted) read_marks(attributes);
}

void Assembler::begin_instance(const std::string& name, const std::function<model::Attributes()>& identities) {
  auto known = by_name_.find(name);
  if (known == by_name_.end()) return begin_resource(identities());
  current_ = known->second;
}

void Assembler::refuse(Refusal why, const MetricHead& head, std::size_t samples) {
  ++rejected_;
  Reason& reason = reasons_[static_cast<std::size_t>(why)];
  ++reason.times;
  if (current_ != nullptr) current_->delivered.refused += static_cast<std::uint32_t>(samples);
  if (!reason.first.empty()) return;
  std::string_view name = std::string_view(head.name).substr(0, 80);
  reason.first = is_plain_name(name, 80) ? cat("metric ", name) : "a metric without a readable name";
  if (current_ != nullptr) reason.first += cat(" of ", current_->delivered.instance.value);
}

void Assembler::unknown_metric(const MetricHead& head) { refuse(head.refusal.value_or(Refusal::metric_name), head, 1); }

void Assembler::number(const MetricHead& head, const Point& point, std::optional<double> value) {
  std::array parts{PointPart{.suffix = {}, .unit = head.unit, .value = value.value_or(0)}};
  if (!value && !point.no_recorded_value) return refuse(head.refusal.value_or(Refusal::no_value), head, 1);
  take(head, point, parts);
}

void Assembler::distribution(const MetricHead& head, const Point& point, std::optional<std::uint64_t> count,
                             std::optional<double> sum, std::span<const Quantile> quantiles) {
  std::array parts{PointPart{.suffix = ".count", .unit = "1", .value = static_cast<double>(count.value_or(0))},
                   PointPart{.suffix = ".sum", .unit = head.unit, .value = sum.value_or(0)}};
  if (!count && !point.no_recorded_value) return refuse(head.refusal.value_or(Refusal::no_value), head, 1);
  if (!take(head, point, std::span(parts).first(sum ? 2 : 1))) return;
  // They belong to the point that was taken: what of them can not be is left out and counted, and the point stays.
  MetricHead level = head;
  level.kind = model::SeriesKind::gauge;
  std::uint64_t accepted = accepted_;
  std::uint64_t rejected = rejected_;
  for (const Quantile& quantile : quantiles.first(std::min(quantiles.size(), max_quantiles))) {
    if (!std::isfinite(quantile.of) || !std::isfinite(quantile.value)) continue;  // none yet, as libraries write it
    Point own = point;
    own.start_ns = 0;
    own.attributes.insert_or_assign("quantile", to_text(quantile.of));
    std::array level_part{PointPart{.suffix = {}, .unit = head.unit, .value = quantile.value}};
    (void)take(level, own, level_part);
  }
  accepted_ = accepted;
  rejected_ = rejected;
}

std::optional<Refusal> Assembler::why_not(const MetricHead& head, const Point& point,
                                          std::span<const PointPart> parts) const {
  if (current_ == nullptr) return current_refusal_;
  if (head.refusal) return head.refusal;
  if (point.time_ns > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return Refusal::time;
  if (!point.attributes_are_plain) return Refusal::attributes;
  if (samples_ + parts.size() > sender_.limits.samples) return Refusal::too_many_samples;
  if (point.no_recorded_value || point.ended) return std::nullopt;
  for (const PointPart& part : parts) {
    if (!std::isfinite(part.value)) return Refusal::not_finite;
  }
  return std::nullopt;
}

std::optional<Refusal> Assembler::why_not_series(const MetricHead& head, const Point& point,
                                                 const PointPart& part) const {
  const IngestLimits& limits = sender_.limits;
  std::size_t room = limits.name_length - std::min(limits.name_length, part.suffix.size());
  if (!is_plain_name(head.name, room) || !plain_attribute(head.unit, limits.unit_length)) return Refusal::metric_name;
  if (point.attributes.size() > limits.attributes) return Refusal::attributes;
  for (const auto& [key, value] : point.attributes) {
    if (!plain_attribute(key, limits.attribute_length) || !plain_attribute(value, limits.attribute_length))
      return Refusal::attributes;
  }
  return std::nullopt;
}

// The batch is a full grid, so one more series or time costs a whole column or row of cells.
std::optional<Refusal> Assembler::make_room(std::size_t new_series, std::int64_t time) {
  std::size_t series = current_->width;
  std::size_t times = current_->times.size();
  std::size_t new_times = current_->times.find(time) == Times::none ? 1 : 0;
  if (new_series == 0 && new_times == 0) return std::nullopt;
  if (series + new_series > sender_.limits.series) return Refusal::too_many_series;
  std::size_t cells = cells_ - series * times + (series + new_series) * (times + new_times);
  if (cells > sender_.limits.cells) return Refusal::too_many_cells;
  cells_ = cells;
  if (new_times == 1) current_->times.add(time);
  return std::nullopt;
}

Assembler::Column Assembler::add_column(const MetricHead& head, const Point& point, const PointPart& part,
                                        std::string key) {
  model::Series series = series_of(head, point, part);
  bool as_it_is = current_->marked || sender_.canonical;
  double factor = as_it_is ? 1.0 : canonicalise(series).factor;
  Column column{.index = column_of(*current_, std::move(series)), .factor = factor};
  current_->columns.emplace(std::move(key), column);
  return column;
}

bool Assembler::has_column(const model::Series& series) const {
  std::uint32_t place = current_->list->find(series);
  return place != Roster::none && current_->list->columns[place].request == sender_.roster->request();
}

// Two senders' names may be one series.
std::uint32_t Assembler::column_of(Instance& instance, model::Series series) {
  if (instance.list != nullptr) {
    std::uint32_t place = instance.list->place_of(std::move(series));
    Roster::List::Use& use = instance.list->columns[place];
    if (use.request != sender_.roster->request()) {
      use = {.request = sender_.roster->request(), .column = static_cast<std::uint32_t>(instance.width++)};
      instance.delivered.batch.series.push_back(place);
    }
    return use.column;
  }
  std::size_t hash = hash_of(series);
  auto [like, last] = instance.canonical.equal_range(hash);
  like = std::find_if(like, last, [&](const auto& each) { return instance.delivered.series[each.second] == series; });
  if (like != last) return like->second;
  auto index = static_cast<std::uint32_t>(instance.width++);
  instance.canonical.emplace(hash, index);
  instance.delivered.series.push_back(std::move(series));
  return index;
}

bool Assembler::take(const MetricHead& head, const Point& point, std::span<const PointPart> parts) {
  if (std::optional<Refusal> why = why_not(head, point, parts)) {
    refuse(*why, head, parts.size());
    return false;
  }
  std::array<std::string, 2> keys;
  std::size_t unseen = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    keys.at(i) = sender_key(head, point, parts[i]);
    if (current_->columns.contains(keys.at(i))) continue;
    if (std::optional<Refusal> why = why_not_series(head, point, parts[i])) {
      refuse(*why, head, parts.size());
      return false;
    }
    // What came by the short way has its column already.
    if (current_->list != nullptr && sender_.canonical && has_column(series_of(head, point, parts[i]))) continue;
    ++unseen;
  }
  auto time = point.time_ns == 0 ? sender_.arrived.ns : static_cast<std::int64_t>(point.time_ns);
  // An unseen name may turn out to be a known series by its alias; then this asked for more room than was needed,
  // which matters only at the very limit.
  if (std::optional<Refusal> why = make_room(unseen, time)) {
    if (*why == Refusal::too_many_series) current_->overflow.add(head.name, point.attributes);
    refuse(*why, head, parts.size());
    return false;
  }
  bool overflow = false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto known = current_->columns.find(keys.at(i));
    Column column = known != current_->columns.end() ? known->second : add_column(head, point, parts[i], keys.at(i));
    double value = point.ended               ? model::ended
                   : point.no_recorded_value ? model::missing
                                             : parts[i].value * column.factor;
    if (!point.no_recorded_value) note_start(head, point, keys.at(i), column.index);
    overflow |= std::isinf(value);  // the alias' factor carried it over the edge
    current_->samples.push_back({.column = column.index,
                                 .row = current_->times.find(time),
                                 .value = std::isinf(value) ? model::missing : value});
    if (current_->list != nullptr)
      last_taken_ = {
          .list = current_->list, .place = current_->delivered.batch.series[column.index], .factor = column.factor};
  }
  samples_ += parts.size();
  if (overflow) {
    refuse(Refusal::not_finite, head, parts.size());
    return false;
  }
  ++accepted_;
  return true;
}

void Assembler::refuse_known(Refusal why, const model::Series& series) {
  refuse(why, {.name = series.metric.value, .unit = {}, .refusal = {}}, 1);
}

void Assembler::known(Roster::List& list, std::uint32_t place, const std::string& name,
                      const std::function<model::Attributes()>& identities, std::int64_t time, double value) {
  std::uint64_t request = sender_.roster->request();
  if (list.part.request == request) current_ = instances_[list.part.column].get();
  else begin_instance(name, identities);
  if (current_ == nullptr) return refuse_known(current_refusal_, list.at(place));
  if (samples_ >= sender_.limits.samples) return refuse_known(Refusal::too_many_samples, list.at(place));
  if (std::optional<Refusal> why = append(place, time, value)) {
    if (*why == Refusal::too_many_series)
      current_->overflow.add(list.at(place).metric.value, list.at(place).attributes);
    refuse_known(*why, list.at(place));
  }
}

Roster::List* Assembler::list() const { return current_ == nullptr ? nullptr : current_->list; }

bool Assembler::is_marked() const { return current_ != nullptr && current_->marked; }

bool Assembler::put(std::uint32_t place, std::int64_t time, double value) {
  return samples_ < sender_.limits.samples && !append(place, time, value);
}

std::optional<Refusal> Assembler::append(std::uint32_t place, std::int64_t time, double value) {
  Roster::List::Use& use = current_->list->columns[place];
  bool unseen = use.request != sender_.roster->request();
  if (std::optional<Refusal> why = make_room(unseen ? 1 : 0, time)) return why;
  if (unseen) {
    use = {.request = sender_.roster->request(), .column = static_cast<std::uint32_t>(current_->width++)};
    current_->delivered.batch.series.push_back(place);
  }
  current_->samples.push_back({.column = use.column, .row = current_->times.find(time), .value = value});
  ++samples_;
  ++accepted_;
  return std::nullopt;
}

// A cumulative series that began anew was zero when it began: with that sample the next one is a rate again, whatever
// its value.
void Assembler::note_start(const MetricHead& head, const Point& point, std::string_view key, std::uint32_t column) {
  if (sender_.starts == nullptr || head.kind != model::SeriesKind::counter || point.start_ns == 0) return;
  if (point.start_ns >= point.time_ns) return;  // a start of zero length: the value itself is what it began with
  std::uint64_t hash = 0xcbf29ce484222325U;     // FNV-1a
  for (std::string_view part : {std::string_view(current_->delivered.instance.value), std::string_view("\n"), key}) {
    for (char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  auto start = static_cast<std::int64_t>(point.start_ns);
  if (!sender_.starts->begins_anew(hash, start) || make_room(0, start)) return;
  current_->samples.push_back({.column = column, .row = current_->times.find(start), .value = 0});
}

const model::Series& Assembler::series_at(const Instance& instance, std::uint32_t column) {
  return instance.list != nullptr ? instance.list->at(instance.delivered.batch.series[column])
                                  : instance.delivered.series[column];
}

// What is made of the instance's samples joins them, unless the sender has the same itself.
void Assembler::derive(Instance& instance) {
  if (sender_.derivation == nullptr || instance.list == nullptr || instance.marked) return;
  current_ = &instance;
  Roster::List& list = *instance.list;
  std::size_t sent = instance.width;
  std::set<std::pair<std::uint32_t, std::int64_t>> made;  // some make the same of two series: the first one counts
  auto emit = [&](const model::Series& series, WallTime at, double value) {
    if (instance.times.find(at.ns) == Times::none) return;  // of an earlier request: its row is over
    std::uint32_t place = list.place_of(series);
    const Roster::List::Use& use = list.columns[place];
    if (use.request == sender_.roster->request() && use.column < sent) return;
    if (!made.emplace(place, at.ns).second) return;
    if (!append(place, at.ns, value)) --accepted_;  // it is no point of the sender's
  };
  for (std::size_t i = 0, count = instance.samples.size(); i < count; ++i) {
    PlacedSample sample = instance.samples[i];
    std::uint32_t place = instance.delivered.batch.series[sample.column];
    if (Derivation::Piece* piece = list.piece_at(place))
      static_cast<void>(sender_.derivation->take(*piece, instance.delivered.instance.value, list.at(place),
                                                 WallTime{instance.times.all()[sample.row]}, sample.value, emit));
  }
}

model::DeliveredInstance Assembler::lay_out(Instance& instance) {
  model::Batch& batch = instance.delivered.batch;
  Rounds rounds = rounds_of(instance.times.all(), instance.samples, instance.width);
  std::size_t rows = rounds.times.size();
  for (std::int64_t time : rounds.times) batch.times.push_back(WallTime{time});
  batch.values.assign(instance.width * rows, model::missing);
  for (const PlacedSample& sample : instance.samples) {
    double& cell = batch.values[sample.column * rows + rounds.round[sample.row]];
    if (std::isnan(sample.value)) {
      if (model::is_ended(sample.value) && std::isnan(cell)) cell = sample.value;
      continue;
    }
    if (!std::isnan(cell) && !(sender_.may_repeat && cell == sample.value)) {
      current_ = &instance;
      refuse(Refusal::same_time, {.name = series_at(instance, sample.column).metric.value, .unit = {}, .refusal = {}},
             1);
      --accepted_;
    }
    cell = sample.value;
  }
  return std::move(instance.delivered);
}

std::string Assembler::explain() const {
  std::string text;
  for (std::size_t i = 0; i < reasons_.size(); ++i) {
    const Reason& reason = reasons_.at(i);
    if (reason.times == 0) continue;
    bool unnamed = static_cast<Refusal>(i) == Refusal::unnamed_resource;
    text += cat(text.empty() ? "" : "; ", reason.times, reason.times == 1 ? " data point" : " data points",
                " (first: ", reason.first,
                "): ", unnamed ? std::string_view(unnamed_message_) : reason_text(static_cast<Refusal>(i)));
  }
  return text;
}

Ingested Assembler::finish() {
  std::map<InstanceName, LabelSpread> overflow;
  model::SeriesLists lists;
  for (const std::unique_ptr<Instance>& instance : instances_) {
    if (instance->overflow.refused() > 0) overflow.emplace(instance->delivered.instance, instance->overflow);
    bool says_something = instance->marked || instance->width > 0 || instance->delivered.refused > 0;
    if (!says_something) continue;
    derive(*instance);
    if (instance->list != nullptr) lists.emplace(instance->delivered.instance, instance->list->shared());
    delivery_.instances.push_back(lay_out(*instance));
  }
  return {.delivery = std::move(delivery_),
          .accepted = accepted_,
          .rejected = rejected_,
          .overflow = std::move(overflow),
          .lists = std::move(lists),
          .why_rejected = explain()};
}

}  // namespace mien::wire
