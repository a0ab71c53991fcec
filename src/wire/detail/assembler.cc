#include "wire/detail/assembler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "base/text.h"
#include "wire/alias.h"
#include "wire/identity.h"

namespace mien::wire {

struct Assembler::Column {
  std::uint32_t index = 0;
  double factor = 1;
};

struct Assembler::Instance {
  struct Sample {
    std::uint32_t column;
    std::int64_t time;
    double value;
  };
  model::DeliveredInstance delivered;
  bool marked = false;
  std::unordered_map<std::string, Column> columns;  // by what the sender calls them
  // By a hash of what they are, as indexes of delivered.series: two senders' names may be one series.
  std::unordered_multimap<std::size_t, std::uint32_t> canonical;
  std::unordered_set<std::int64_t> times;
  std::vector<Sample> samples;
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

std::size_t hash_of(const model::Series& series) {
  std::hash<std::string_view> hash;
  std::size_t all = hash(series.metric.value);
  auto add = [&](std::string_view text) { all = (all ^ hash(text)) * 0x9e3779b97f4a7c15U; };
  for (const auto& [name, value] : series.attributes) {
    add(name);
    add(value);
  }
  return all;
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
  std::size_t series = current_->delivered.series.size();
  std::size_t times = current_->times.size();
  std::size_t new_times = current_->times.contains(time) ? 0 : 1;
  if (series + new_series > sender_.limits.series) return Refusal::too_many_series;
  std::size_t cells = cells_ - series * times + (series + new_series) * (times + new_times);
  if (cells > sender_.limits.cells) return Refusal::too_many_cells;
  cells_ = cells;
  if (new_times == 1) current_->times.insert(time);
  return std::nullopt;
}

Assembler::Column Assembler::add_column(const MetricHead& head, const Point& point, const PointPart& part,
                                        std::string key) {
  model::Series series{.metric = MetricName{cat(head.name, part.suffix)},
                       .attributes = point.attributes,
                       .unit = std::string(part.unit),
                       .kind = head.kind};
  bool as_it_is = current_->marked || sender_.canonical;
  Column column{.index = static_cast<std::uint32_t>(current_->delivered.series.size()),
                .factor = as_it_is ? 1.0 : canonicalise(series).factor};
  std::size_t hash = hash_of(series);
  auto [like, last] = current_->canonical.equal_range(hash);
  like = std::find_if(like, last, [&](const auto& each) { return current_->delivered.series[each.second] == series; });
  if (like != last) {
    column.index = like->second;
  } else {
    current_->canonical.emplace(hash, column.index);
    current_->delivered.series.push_back(std::move(series));
  }
  current_->columns.emplace(std::move(key), column);
  return column;
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
    current_->samples.push_back(
        {.column = column.index, .time = time, .value = std::isinf(value) ? model::missing : value});
  }
  samples_ += parts.size();
  if (overflow) {
    refuse(Refusal::not_finite, head, parts.size());
    return false;
  }
  ++accepted_;
  return true;
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
  current_->samples.push_back({.column = column, .time = start, .value = 0});
}

model::DeliveredInstance Assembler::lay_out(Instance& instance) {
  model::Batch& batch = instance.delivered.batch;
  std::vector<std::int64_t> times(instance.times.begin(), instance.times.end());
  std::sort(times.begin(), times.end());
  batch.times.reserve(times.size());
  for (std::int64_t ns : times) batch.times.push_back(WallTime{ns});
  batch.values.assign(instance.delivered.series.size() * times.size(), model::missing);
  for (const Instance::Sample& sample : instance.samples) {
    auto row = static_cast<std::size_t>(std::lower_bound(times.begin(), times.end(), sample.time) - times.begin());
    double& cell = batch.values[sample.column * times.size() + row];
    if (std::isnan(sample.value)) {
      if (model::is_ended(sample.value) && std::isnan(cell)) cell = sample.value;
      continue;
    }
    if (!std::isnan(cell) && !(sender_.may_repeat && cell == sample.value)) {
      current_ = &instance;
      refuse(Refusal::same_time,
             {.name = instance.delivered.series[sample.column].metric.value, .unit = {}, .refusal = {}}, 1);
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
  for (const std::unique_ptr<Instance>& instance : instances_) {
    if (instance->overflow.refused() > 0) overflow.emplace(instance->delivered.instance, instance->overflow);
    bool says_something = instance->marked || !instance->delivered.series.empty() || instance->delivered.refused > 0;
    if (says_something) delivery_.instances.push_back(lay_out(*instance));
  }
  return {.delivery = std::move(delivery_),
          .accepted = accepted_,
          .rejected = rejected_,
          .overflow = std::move(overflow),
          .why_rejected = explain()};
}

}  // namespace mien::wire
