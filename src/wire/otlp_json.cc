// The JSON half of the OTLP decoder: the proto3 JSON mapping with OTLP's own rules (enums as numbers, 64-bit integers
// as text or numbers). Keys that are not known are ignored, as OTLP prescribes; a known key of a wrong type is an error
// that names its JSON pointer.
#include <simdjson.h>

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "wire/detail/assembler.h"

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

class JsonWalk {
 public:
  explicit JsonWalk(Assembler& into) : into_(into) {}

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

 private:
  Status resource_metrics(object of, const Place& place) {
    model::Attributes found;
    bool plain = true;  // a resource's lists and maps are of no use to us, and no harm
    std::optional<object> resource = TRY(child(of, "resource", place));
    Place resource_place{.parent = &place, .key = "resource"};
    if (resource) TRY(attributes(*resource, resource_place, found, plain));
    into_.begin_resource(found);
    return each_object(of, "scopeMetrics", place, [this](object scope, const Place& at) {
      return each_object(scope, "metrics", at,
                         [this](object each, const Place& metric_at) { return metric(each, metric_at); });
    });
  }

  Status metric(object of, const Place& place) {
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
    into_.number(head, read, value);
    return {};
  }

  Assembler& into_;
};

}  // namespace

Status read_otlp_json(std::string_view body, Assembler& into) {
  if (body.empty()) return not_json(body, "the body is empty");
  simdjson::dom::parser parser;
  element root;
  simdjson::error_code code = parser.parse(body.data(), body.size()).get(root);
  if (code != simdjson::SUCCESS) return not_json(body, simdjson::error_message(code));
  return JsonWalk{into}.request(root);
}

}  // namespace mien::wire
