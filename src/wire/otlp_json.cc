// The JSON half of the OTLP decoder: the proto3 JSON mapping with OTLP's own rules (enums as numbers, 64-bit integers
// as text or numbers). Keys that are not known are ignored, as OTLP prescribes; a known key of a wrong type is an error
// that names its JSON pointer.
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "wire/detail/assembler.h"
#include "wire/detail/json_text.h"
#include "wire/detail/known_json.h"

namespace mien::wire {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

Error malformed(std::string message, std::string where) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = std::move(where), .cause = {}};
}

// simdjson does not say where the text stopped being JSON; the slower parser does.
Error not_json(std::string_view body, std::string_view reason) {
  std::string place;
  try {
    auto keep_nothing = [](int, nlohmann::json::parse_event_t, nlohmann::json&) { return false; };
    const nlohmann::json nothing = nlohmann::json::parse(body, keep_nothing);
  } catch (const nlohmann::json::parse_error& failure) {
    place = cat(" at byte ", failure.byte);
  } catch (const std::exception&) {
    place = " somewhere";
  }
  return malformed(cat("the body is not JSON", place, " (", reason,
                       "); send content-type application/x-protobuf for OTLP in protobuf"),
                   {});
}

// A place in the document: the pointer is only written down when something is wrong there.
struct Place {
  const Place* parent = nullptr;
  std::string_view key;
  std::size_t index = 0;
  [[nodiscard]] std::string pointer() const {
    if (parent == nullptr) return {};
    return parent->pointer() + '/' + (key.empty() ? std::to_string(index) : std::string(key));
  }
};

std::string_view kind_of(element value) {
  switch (value.type()) {
    case element_type::ARRAY: return "a list";
    case element_type::OBJECT: return "an object";
    case element_type::STRING: return "text";
    case element_type::BOOL: return "a boolean";
    case element_type::NULL_VALUE: return "null";
    default: return "a number";
  }
}

Error wrong(const Place& place, element value, std::string_view expected) {
  return malformed(cat("this is ", kind_of(value), " where OTLP has ", expected), place.pointer());
}

// The member, or nothing when it is absent or null (proto3 reads null as the default).
std::optional<element> member(object of, std::string_view key) {
  element value;
  if (of[key].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

// Calls each(item, place) for every object of the list `key`.
template <class Each>
Status each_object(object of, std::string_view key, const Place& place, Each&& each) {
  std::optional<element> value = member(of, key);
  if (!value) return {};
  Place list_place{.parent = &place, .key = key};
  array items;
  if (value->get(items) != simdjson::SUCCESS) return wrong(list_place, *value, "a list");
  std::size_t index = 0;
  for (element item : items) {
    Place item_place{.parent = &list_place, .key = {}, .index = index++};
    object fields;
    if (item.get(fields) != simdjson::SUCCESS) return wrong(item_place, item, "an object");
    TRY(each(fields, item_place));
  }
  return {};
}

Result<std::optional<object>> child(object of, std::string_view key, const Place& place) {
  std::optional<element> value = member(of, key);
  if (!value) return std::optional<object>{};
  object fields;
  if (value->get(fields) != simdjson::SUCCESS) return wrong(Place{.parent = &place, .key = key}, *value, "an object");
  return std::optional<object>{fields};
}

Result<std::string> text(object of, std::string_view key, const Place& place) {
  std::optional<element> value = member(of, key);
  if (!value) return std::string{};
  std::string_view words;
  if (value->get(words) != simdjson::SUCCESS) return wrong(Place{.parent = &place, .key = key}, *value, "text");
  return std::string(words);
}

// An unsigned 64-bit integer as proto3 JSON writes it: text or number.
Result<std::optional<std::uint64_t>> unsigned_number(object of, std::string_view key, const Place& place) {
  std::optional<element> value = member(of, key);
  if (!value) return std::optional<std::uint64_t>{};
  std::uint64_t number = 0;
  if (value->get(number) == simdjson::SUCCESS) return std::optional{number};
  double real = 0;
  if (!value->is_string() && value->get(real) == simdjson::SUCCESS && real >= 0 && real < 18446744073709551616.0) {
    return std::optional{static_cast<std::uint64_t>(real)};
  }
  std::string_view words;
  if (value->get(words) == simdjson::SUCCESS) {
    auto [end, code] = std::from_chars(words.data(), words.data() + words.size(), number);
    if (code == std::errc{} && end == words.data() + words.size()) return std::optional{number};
  }
  return wrong(Place{.parent = &place, .key = key}, *value, "a whole number from 0, as number or text");
}

// A double or 64-bit integer: a number, or text ("12", "NaN", "Infinity", "-Infinity").
Result<std::optional<double>> number(object of, std::string_view key, const Place& place) {
  std::optional<element> value = member(of, key);
  if (!value) return std::optional<double>{};
  double real = 0;
  if (!value->is_string() && value->get(real) == simdjson::SUCCESS) return std::optional{real};
  std::string_view words;
  if (value->get(words) == simdjson::SUCCESS) {
    if (words == "NaN") return std::optional{std::numeric_limits<double>::quiet_NaN()};
    if (words == "Infinity") return std::optional{std::numeric_limits<double>::infinity()};
    if (words == "-Infinity") return std::optional{-std::numeric_limits<double>::infinity()};
    if (std::optional<double> parsed = parse_double(words)) return parsed;
  }
  return wrong(Place{.parent = &place, .key = key}, *value, "a number, as number or text");
}

// The text of an AnyValue; nothing when it is a list, a map or bytes.
Result<std::optional<std::string>> any_value(object value, const Place& place) {
  if (auto flag = member(value, "boolValue")) {
    bool yes = false;
    if (flag->get(yes) != simdjson::SUCCESS)
      return wrong(Place{.parent = &place, .key = "boolValue"}, *flag, "true or false");
    return std::optional<std::string>{yes ? "true" : "false"};
  }
  if (auto whole = member(value, "intValue")) {
    std::int64_t integer = 0;
    if (whole->get(integer) == simdjson::SUCCESS) return std::optional{std::to_string(integer)};
    std::string_view words;
    if (whole->get(words) == simdjson::SUCCESS) {
      if (std::optional<std::int64_t> parsed = parse_integer(words)) return std::optional{std::to_string(*parsed)};
    }
    return wrong(Place{.parent = &place, .key = "intValue"}, *whole, "a whole number, as number or text");
  }
  if (member(value, "doubleValue")) return std::optional {
      to_text(TRY(number(value, "doubleValue", place)).value_or(0))
    };
  if (member(value, "arrayValue") || member(value, "kvlistValue") || member(value, "bytesValue"))
    return std::optional<std::string>{};
  return std::optional { TRY(text(value, "stringValue", place)) };
}

Status attributes(object of, const Place& place, model::Attributes& into, bool& plain) {
  return each_object(of, "attributes", place, [&](object pair, const Place& at) -> Status {
    std::string key = TRY(text(pair, "key", at));
    std::optional<object> value = TRY(child(pair, "value", at));
    Place value_place{.parent = &at, .key = "value"};
    std::optional<std::string> words = value ? TRY(any_value(*value, value_place)) : std::optional<std::string>{""};
    plain &= words.has_value();
    if (words) into.emplace(std::move(key), *std::move(words));
    return {};
  });
}

// What was made of a body, for it to be remembered.
struct Made {
  std::vector<model::Attributes> resources;
  std::vector<MadePoint> points;  // of the last metric
  bool all_plain = true;          // its points are numbers that were taken, and there is nothing else to say of them
};

class JsonWalk {
 public:
  explicit JsonWalk(Assembler& into, Made* made = nullptr) : into_(into), made_(made) {}

  Status request(element root) {
    object fields;
    Place top;
    if (root.get(fields) != simdjson::SUCCESS) return wrong(top, root, "an object with resourceMetrics");
    if (!member(fields, "resourceMetrics") && fields.size() > 0) {
      return malformed(
          "the object has no resourceMetrics; send an ExportMetricsServiceRequest with keys in lowerCamelCase", "/");
    }
    return each_object(fields, "resourceMetrics", top,
                       [this](object each, const Place& at) { return resource_metrics(each, at); });
  }

  Status metric(object of, const Place& place) {
    if (made_ != nullptr) {
      made_->points.clear();
      made_->all_plain = true;
    }
    MetricHead head;  // not a braced list of TRYs: leaving in the middle of one would leak the members already made
    head.name = TRY(text(of, "name", place));
    head.unit = TRY(text(of, "unit", place));
    bool known = false;
    for (std::string_view key : {"gauge", "sum", "histogram", "exponentialHistogram", "summary"}) {
      std::optional<object> data = TRY(child(of, key, place));
      if (!data) continue;
      known = true;
      Place at{.parent = &place, .key = key};
      MetricHead own = head;
      if (key == "sum") set_sum_kind(own, TRY(temporality(*data, at)), is_monotonic(*data));
      if (key == "histogram" || key == "exponentialHistogram") set_distribution_kind(own, TRY(temporality(*data, at)));
      if (key == "summary") set_distribution_kind(own, Temporality::cumulative);
      bool distribution = key != "gauge" && key != "sum";
      TRY(each_object(*data, "dataPoints", at,
                      [&](object each, const Place& point_at) { return point(each, point_at, own, distribution); }));
    }
    if (!known) into_.unknown_metric(head);
    return {};
  }

 private:
  Status resource_metrics(object of, const Place& place) {
    model::Attributes found;
    bool plain = true;  // a resource's lists and maps are of no use to us, and no harm
    std::optional<object> resource = TRY(child(of, "resource", place));
    Place resource_place{.parent = &place, .key = "resource"};
    if (resource) TRY(attributes(*resource, resource_place, found, plain));
    into_.begin_resource(found);
    if (made_ != nullptr) made_->resources.push_back(std::move(found));
    return each_object(of, "scopeMetrics", place, [this](object scope, const Place& at) {
      return each_object(scope, "metrics", at,
                         [this](object each, const Place& metric_at) { return metric(each, metric_at); });
    });
  }

  static bool is_monotonic(object sum) {
    bool yes = false;
    return sum["isMonotonic"].get(yes) == simdjson::SUCCESS && yes;
  }

  static Result<Temporality> temporality(object of, const Place& place) {
    std::optional<element> value = member(of, "aggregationTemporality");
    if (!value) return Temporality::unspecified;
    std::string_view word;
    if (value->get(word) == simdjson::SUCCESS) {
      if (word == "AGGREGATION_TEMPORALITY_DELTA") return Temporality::delta;
      if (word == "AGGREGATION_TEMPORALITY_CUMULATIVE") return Temporality::cumulative;
      return Temporality::unspecified;
    }
    std::uint64_t kind = TRY(unsigned_number(of, "aggregationTemporality", place))
    .value_or(0);
    return kind == 1 || kind == 2 ? static_cast<Temporality>(kind) : Temporality::unspecified;
  }

  Status point(object of, const Place& place, const MetricHead& head, bool distribution) {
    Point read;
    read.time_ns = TRY(unsigned_number(of, "timeUnixNano", place))
    .value_or(0);
    read.start_ns = TRY(unsigned_number(of, "startTimeUnixNano", place))
    .value_or(0);
    read.no_recorded_value = (TRY(unsigned_number(of, "flags", place)).value_or(0) & 1U) != 0;
    TRY(attributes(of, place, read.attributes, read.attributes_are_plain));
    if (distribution) {
      std::vector<Quantile> quantiles;
      auto read_quantile = [&quantiles](object each, const Place& at) -> Status {
        Quantile quantile;
        quantile.of = TRY(number(each, "quantile", at))
        .value_or(0);
        quantile.value = TRY(number(each, "value", at))
        .value_or(0);
        quantiles.push_back(quantile);
        return {};
      };
      TRY(each_object(of, "quantileValues", place, read_quantile));
      std::optional<std::uint64_t> count = TRY(unsigned_number(of, "count", place));
      into_.distribution(head, read, count, TRY(number(of, "sum", place)), quantiles);
      return {};
    }
    std::optional<double> value = TRY(number(of, "asDouble", place));
    if (!value) value = TRY(number(of, "asInt", place));
    std::uint64_t accepted = into_.accepted();
    into_.forget_taken();
    into_.number(head, read, value);
    if (made_ != nullptr) note(head, read, value, into_.accepted() > accepted);
    return {};
  }

  void note(const MetricHead& head, const Point& point, std::optional<double> value, bool accepted) {
    std::optional<Assembler::Taken> taken = into_.last_taken();
    bool is_counter = head.kind == model::SeriesKind::counter;
    // A start that is not before its point was not noted; before a later point it would be.
    bool starts_late = is_counter && point.start_ns != 0 && point.start_ns >= point.time_ns;
    made_->all_plain &= accepted && taken && value && !point.no_recorded_value && !starts_late;
    if (!made_->all_plain) return;
    made_->points.push_back({.place = taken->place,
                             .factor = taken->factor,
                             .is_counter = is_counter,
                             .time_ns = point.time_ns,
                             .value = *value});
  }

  Assembler& into_;
  Made* made_;
};

// Reads a body by the text that is remembered, metric by metric; a metric that is not known is parsed by itself.
class KnownWalk {
 public:
  KnownWalk(std::string_view body, Assembler& into, KnownPoints& known)
      : body_(body), into_(into), known_(known.json), points_(known.read_points) {}

  bool read() {
    const KnownJson::Frame* frame = known_.find_frame(body_);
    if (frame == nullptr || frame->second.stands != KnownFrame::Stands::before_all) return false;
    while (begin(*frame)) {
      if (!metric()) return false;
      frame = next_frame();
      if (frame == nullptr || frame->second.stands == KnownFrame::Stands::before_all) return false;
      if (frame->second.stands != KnownFrame::Stands::behind_all) continue;
      static_cast<void>(begin(*frame));
      if (at_ != body_.size()) return false;
      // Only now it is known that the body is taken.
      for (KnownMetric& metric : learned_) known_.add(std::move(metric));
      return true;
    }
    return false;
  }

 private:
  [[nodiscard]] std::string_view rest() const { return body_.substr(at_); }

  // Goes behind the frame. False: what follows belongs to no instance.
  bool begin(const KnownJson::Frame& frame) {
    for (const model::Attributes& resource : frame.second.resources) into_.begin_resource(resource);
    at_ += frame.first.size();
    return into_.list() != nullptr;
  }

  const KnownJson::Frame* next_frame() {
    const KnownJson::Frame* as_before = metric_ != nullptr ? metric_->frame : nullptr;
    if (as_before != nullptr && is_next(*as_before)) return as_before;
    const KnownJson::Frame* found = known_.find_frame(rest());
    if (metric_ != nullptr) metric_->frame = found;
    return found;
  }

  // Up to a metric or the end, for one frame may begin as another does.
  [[nodiscard]] bool is_next(const KnownJson::Frame& frame) const {
    std::string_view left = rest();
    if (!left.starts_with(frame.first)) return false;
    return left.size() == frame.first.size() || left[frame.first.size()] == '{';
  }

  bool metric() {
    KnownMetric* before = std::exchange(metric_, nullptr);
    KnownMetric* as_before = before != nullptr ? before->next : nullptr;
    if (as_before != nullptr && matches(*as_before)) return put(*as_before);
    KnownJson::Texts* texts = known_.find_texts(into_.list()->id(), rest());
    bool learns = texts == nullptr || texts->are_of_use();
    KnownMetric* found = texts != nullptr && learns ? find(*texts) : nullptr;
    if (texts != nullptr) texts->note(found != nullptr);
    if (found == nullptr) return unknown_metric(learns);
    if (before != nullptr) before->next = found;
    return put(*found);
  }

  KnownMetric* find(const KnownJson::Texts& texts) {
    auto found = std::find_if(texts.kept().begin(), texts.kept().end(), [this](auto* each) { return matches(*each); });
    return found == texts.kept().end() ? nullptr : *found;
  }

  bool matches(const KnownMetric& metric) {
    if (metric.list != into_.list()->id() || metric.is_marked != into_.is_marked() ||
        metric.notes_starts != into_.notes_starts())
      return false;
    const char* behind = read_known(metric, rest(), points_);
    if (behind != nullptr) behind_ = static_cast<std::size_t>(behind - body_.data());
    return behind != nullptr;
  }

  bool put(KnownMetric& metric) {
    metric_ = &metric;
    at_ = behind_;
    for (std::size_t i = 0; i < points_.size(); ++i)
      if (!into_.put(metric.points[i].place, points_[i].time, points_[i].value)) return false;
    return true;
  }

  // False also where something of it is refused: that is told in the order of the body, by who reads all of it.
  bool unknown_metric(bool learns) {
    std::size_t end = JsonText{body_}.behind(at_);
    if (end == JsonText::none) return false;
    std::string_view text = body_.substr(at_, end - at_);
    object fields;
    if (parser_.parse(text.data(), text.size()).get(fields) != simdjson::SUCCESS) return false;
    std::uint64_t rejected = into_.rejected();
    if (!JsonWalk{into_, &made_}.metric(fields, Place{}) || into_.rejected() != rejected) return false;
    at_ = end;
    if (!learns || !made_.all_plain) return true;
    std::optional<KnownMetric> learned = learn_metric(text, made_.points);
    if (!learned) return true;
    learned->list = into_.list()->id();
    learned->is_marked = into_.is_marked();
    learned->notes_starts = into_.notes_starts();
    learned_.push_back(*std::move(learned));
    return true;
  }

  std::string_view body_;
  Assembler& into_;
  KnownJson& known_;
  std::vector<ReadPoint>& points_;
  std::size_t at_ = 0;
  std::size_t behind_ = 0;         // the metric that matched last
  KnownMetric* metric_ = nullptr;  // the last, where it is known
  simdjson::dom::parser parser_;
  Made made_;
  std::vector<KnownMetric> learned_;
};

}  // namespace

bool read_known_otlp_json(std::string_view body, Assembler& into, KnownPoints& known) {
  return KnownWalk{body, into, known}.read();
}

Status read_otlp_json(std::string_view body, Assembler& into, KnownPoints* known) {
  if (body.empty()) return not_json(body, "the body is empty");
  simdjson::dom::parser parser;
  element root;
  simdjson::error_code code = parser.parse(body.data(), body.size()).get(root);
  if (code != simdjson::SUCCESS) return not_json(body, simdjson::error_message(code));
  if (known == nullptr) return JsonWalk{into}.request(root);
  Made made;
  TRY(JsonWalk(into, &made).request(root));
  known->json.learn_frames(body, made.resources);
  return {};
}

}  // namespace mien::wire
