#include "wire/otlp_logs.h"

#include <simdjson.h>

#include <exception>
#include <limits>
#include <protozero/exception.hpp>

#include "base/text.h"
#include "wire/detail/protobuf_walk.h"
#include "wire/identity.h"
#include "wire/otlp_facts.h"
#include "wire/zstd.h"

namespace mien::wire {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

std::string_view severity_of(std::uint64_t number) {
  constexpr std::array<std::string_view, 6> names{"trace", "debug", "info", "warn", "error", "fatal"};
  return number >= 1 && number <= 24 ? names.at((number - 1) / 4) : "unspecified";
}

// Of a text, what fits, whole characters only.
std::string cut(std::string_view text, std::size_t most) {
  if (!is_utf8(text)) return "(not UTF-8)";
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
  return cat(text.substr(0, end), "…");
}

// What both encodings hand in.
struct RawRecord {
  std::uint64_t time_ns = 0;
  std::uint64_t observed_ns = 0;
  std::uint64_t severity = 0;
  std::string event;
  std::string body;
  model::Attributes attributes;
  std::uint32_t left_out = 0;
};

// ---- security facts ----

constexpr std::string_view fact_events = "mien.security.";

std::optional<model::FactKind> fact_kind_of(std::string_view name) {
  for (std::size_t i = 0; i < model::fact_kinds; ++i)
    if (auto kind = static_cast<model::FactKind>(i); to_text(kind) == name) return kind;
  return std::nullopt;
}

Error unreadable(std::string message) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
}

// Names are chosen by whoever is watched: what would move the cursor of a terminal is written as \x1b.
std::string visible(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) out += c;
    else out += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
  }
  return out;
}

// Takes an attribute of at most `most` bytes.
Status take_text(const model::Attributes& attributes, std::string_view key, std::size_t most, std::string& into) {
  auto at = attributes.find(std::string(key));
  if (at == attributes.end()) return {};
  if (!is_utf8(at->second)) return unreadable(cat("the security fact's ", key, " is not UTF-8"));
  into = visible(at->second);
  if (into.size() > most) return unreadable(cat("the security fact's ", key, " has more than ", most, " bytes"));
  return {};
}

Status take_number(const model::Attributes& attributes, std::string_view key, std::int64_t most, std::int64_t& into) {
  auto at = attributes.find(std::string(key));
  if (at == attributes.end()) return {};
  auto number = parse_integer(at->second);
  if (!number || *number < 0 || *number > most)
    return unreadable(cat("the security fact's ", key, " is not a whole number from 0 to ", most));
  into = *number;
  return {};
}

Result<model::SecurityFact> fact_of(model::FactKind kind, const RawRecord& raw, WallTime arrived) {
  constexpr std::size_t longest = log_limits::object;
  model::SecurityFact fact;
  fact.kind = kind;
  fact.at = raw.time_ns != 0 && raw.time_ns <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                ? WallTime{static_cast<std::int64_t>(raw.time_ns)}
                : arrived;
  std::string_view object = object_attribute(kind);
  TRY(take_text(raw.attributes, object, longest, fact.object));
  if (fact.object.empty()) return unreadable(cat("a security fact of kind ", to_text(kind), " has no ", object));
  TRY(take_text(raw.attributes, "process.executable.path", longest, fact.process));
  TRY(take_text(raw.attributes, "process.parents", log_limits::parents, fact.parents));
  TRY(take_text(raw.attributes, "user.name", longest, fact.user));
  TRY(take_text(raw.attributes, "mien.detail", longest, fact.detail));
  std::int64_t pid = 0;
  std::int64_t count = 1;
  TRY(take_number(raw.attributes, "process.pid", std::numeric_limits<std::int32_t>::max(), pid));
  TRY(take_number(raw.attributes, "mien.count", 1'000'000'000'000, count));
  fact.pid = static_cast<std::uint32_t>(pid);
  fact.count = static_cast<std::uint64_t>(std::max<std::int64_t>(count, 1));
  return fact;
}

constexpr std::int64_t most_refused = 1'000'000'000;

class Collector {
 public:
  explicit Collector(const OtlpRequest& request) : request_(request) {}

  void begin_resource(const model::Attributes& attributes) {
    current_ = nullptr;
    Result<Identity> identity = identify(attributes, {.trusted = request_.trusted,
                                                      .agent = request_.agent,
                                                      .name_length = request_.limits.name_length,
                                                      .identities = request_.limits.identities});
    if (!identity) {
      why_ = identity.error().message;
      return;
    }
    for (InstanceLogs& known : out_.instances)
      if (known.instance == identity->instance) current_ = &known;
    if (current_ != nullptr) return take_refused(attributes);
    if (out_.instances.size() >= request_.limits.instances) {
      why_ = "the request has too many instances; send them in several requests";
      return;
    }
    out_.instances.push_back({.instance = identity->instance,
                              .type = identity->type,
                              .parent = identity->parent,
                              .identities = std::move(identity->identities),
                              .counts = {},
                              .newest = {}});
    current_ = &out_.instances.back();
    take_refused(attributes);
  }

  void record(RawRecord raw) {
    if (current_ == nullptr || out_.accepted >= request_.limits.samples)
      return reject(current_ == nullptr ? why_ : "the request has too many records; send smaller requests");
    if (raw.event.empty()) {  // as it was written before records had a field for it
      if (auto name = raw.attributes.find("event.name"); name != raw.attributes.end()) raw.event = name->second;
    }
    if (request_.trusted && raw.event.starts_with(fact_events)) return fact(std::move(raw));
    ++out_.accepted;
    std::string severity(severity_of(raw.severity));
    ++current_->counts[severity];
    std::uint64_t ns = raw.time_ns != 0 ? raw.time_ns : raw.observed_ns;
    bool known = ns != 0 && ns <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    LogRecord record{.at = known ? WallTime{static_cast<std::int64_t>(ns)} : request_.arrived,
                     .severity = std::move(severity),
                     .event = cut(raw.event, request_.limits.attribute_length),
                     .body = cut(raw.body, log_limits::body),
                     .attributes = {},
                     .left_out = raw.left_out};
    for (auto& [key, value] : raw.attributes) {
      bool fits = record.attributes.size() < log_limits::attributes && key.size() <= request_.limits.attribute_length &&
                  value.size() <= request_.limits.attribute_length && is_utf8(key) && is_utf8(value);
      if (fits) record.attributes.emplace(key, value);
      else ++record.left_out;
    }
    if (current_->newest.size() >= log_limits::newest) current_->newest.erase(current_->newest.begin());
    current_->newest.push_back(std::move(record));
  }

  IngestedLogs finish() { return std::move(out_); }

 private:
  void take_refused(const model::Attributes& attributes) {
    auto mark = attributes.find(std::string(mark_refused));
    if (!request_.trusted || mark == attributes.end()) return;
    std::int64_t more = std::clamp<std::int64_t>(parse_integer(mark->second).value_or(0), 0, most_refused);
    current_->refused = static_cast<std::uint32_t>(std::min<std::int64_t>(current_->refused + more, most_refused));
  }

  void reject(std::string why) {
    if (++out_.rejected == 1) out_.why_rejected = std::move(why);
  }

  void fact(RawRecord raw) {
    std::optional<model::FactKind> kind = fact_kind_of(std::string_view(raw.event).substr(fact_events.size()));
    if (!kind) {
      ++out_.accepted;
      ++out_.unknown_facts;
      return;
    }
    if (current_->facts.size() >= log_limits::facts)
      return reject(cat("more than ", log_limits::facts, " security facts of ", current_->instance.value,
                        " in a request; put equal ones together"));
    Result<model::SecurityFact> made = fact_of(*kind, raw, request_.arrived);
    if (!made) return reject(made.error().message);
    ++out_.accepted;
    current_->facts.push_back(std::move(*made));
  }

  const OtlpRequest& request_;
  IngestedLogs out_;
  InstanceLogs* current_ = nullptr;  // points into out_.instances: set anew with each resource
  std::string why_ = "the record has no resource";
};

// ---- protobuf ----

class ProtobufWalk : public OtlpWalk {
 public:
  ProtobufWalk(std::string_view body, Collector& into) : OtlpWalk(body), into_(into) {}

  void request(pbf_reader reader) {
    while (next(reader)) {
      if (reader.tag_and_type() == tag_and_type(1, bytes_type)) resource_logs(reader.get_message());
      else reader.skip();
    }
  }

 private:
  void resource_logs(const pbf_reader& message) {
    model::Attributes attributes;
    for (pbf_reader reader = message; next(reader);) {
      if (reader.tag_and_type() == tag_and_type(1, bytes_type)) resource(reader.get_message(), attributes);
      else reader.skip();
    }
    into_.begin_resource(attributes);
    for (pbf_reader reader = message; next(reader);) {
      if (reader.tag_and_type() == tag_and_type(2, bytes_type)) scope_logs(reader.get_message());
      else reader.skip();
    }
  }

  void scope_logs(pbf_reader reader) {
    while (next(reader)) {
      if (reader.tag_and_type() == tag_and_type(2, bytes_type)) record(reader.get_message());
      else reader.skip();
    }
  }

  void record(pbf_reader reader) {
    RawRecord raw;
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case tag_and_type(1, fixed64_type): raw.time_ns = reader.get_fixed64(); break;
        case tag_and_type(2, varint_type): raw.severity = reader.get_uint64(); break;
        case tag_and_type(5, bytes_type): (void)any_value(reader.get_message(), raw.body); break;
        case tag_and_type(6, bytes_type):
          raw.left_out += key_value(reader.get_message(), raw.attributes) ? 0 : 1;
          break;
        case tag_and_type(11, fixed64_type): raw.observed_ns = reader.get_fixed64(); break;
        case tag_and_type(12, bytes_type): raw.event = reader.get_string(); break;
        default: reader.skip();
      }
    }
    into_.record(std::move(raw));
  }

  Collector& into_;
};

// ---- JSON: a member of another kind than OTLP has reads as absent ----

std::string_view text(object of, const char* key) {
  std::string_view words;
  return of[key].get(words) == simdjson::SUCCESS ? words : std::string_view{};
}

std::uint64_t whole(object of, const char* key) {
  std::uint64_t number = 0;
  if (of[key].get(number) == simdjson::SUCCESS) return number;
  std::optional<std::int64_t> parsed = parse_integer(text(of, key));
  return parsed && *parsed > 0 ? static_cast<std::uint64_t>(*parsed) : 0;
}

template <class Each>
void each_object(object of, const char* key, Each&& each) {
  simdjson::dom::array items;
  if (of[key].get(items) != simdjson::SUCCESS) return;
  for (element item : items) {
    object fields;
    if (item.get(fields) == simdjson::SUCCESS) each(fields);
  }
}

bool json_value(object of, std::string& value) {
  bool flag = false;
  double number = 0;
  element whole_number;
  if (of["boolValue"].get(flag) == simdjson::SUCCESS) value = flag ? "true" : "false";
  else if (of["intValue"].get(whole_number) == simdjson::SUCCESS) {
    std::int64_t integer = 0;
    value =
        whole_number.get(integer) == simdjson::SUCCESS ? std::to_string(integer) : std::string(text(of, "intValue"));
  } else if (of["doubleValue"].get(number) == simdjson::SUCCESS) value = to_text(number);
  else if (element string; of["stringValue"].get(string) == simdjson::SUCCESS)
    value = std::string(text(of, "stringValue"));
  else return of.size() == 0;
  return true;
}

void json_attributes(object of, model::Attributes& into, std::uint32_t& left_out) {
  each_object(of, "attributes", [&](object pair) {
    object given;
    std::string value;
    bool plain = pair["value"].get(given) != simdjson::SUCCESS || json_value(given, value);
    if (plain) into.emplace(text(pair, "key"), std::move(value));
    else ++left_out;
  });
}

void json_record(object of, Collector& into) {
  RawRecord raw;
  raw.time_ns = whole(of, "timeUnixNano");
  raw.observed_ns = whole(of, "observedTimeUnixNano");
  raw.severity = whole(of, "severityNumber");
  raw.event = std::string(text(of, "eventName"));
  object body;
  if (of["body"].get(body) == simdjson::SUCCESS) (void)json_value(body, raw.body);
  json_attributes(of, raw.attributes, raw.left_out);
  into.record(std::move(raw));
}

Status read_json(std::string_view body, Collector& into) {
  simdjson::dom::parser parser;
  element root;
  object fields;
  simdjson::error_code code = parser.parse(body.data(), body.size()).get(root);
  if (code != simdjson::SUCCESS) return unreadable(cat("the body is not JSON (", simdjson::error_message(code), ")"));
  if (root.get(fields) != simdjson::SUCCESS ||
      (fields.size() > 0 && fields["resourceLogs"].error() != simdjson::SUCCESS))
    return unreadable("the body has no resourceLogs; send an ExportLogsServiceRequest with keys in lowerCamelCase");
  each_object(fields, "resourceLogs", [&](object resource_logs) {
    model::Attributes attributes;
    std::uint32_t ignored = 0;
    object resource;
    if (resource_logs["resource"].get(resource) == simdjson::SUCCESS) json_attributes(resource, attributes, ignored);
    into.begin_resource(attributes);
    each_object(resource_logs, "scopeLogs", [&](object scope) {
      each_object(scope, "logRecords", [&](object record) { json_record(record, into); });
    });
  });
  return {};
}

}  // namespace

Result<IngestedLogs> decode_otlp_logs(const OtlpRequest& request) {
  std::string unfolded;
  std::string_view body = TRY(unfold(request.content_encoding, request.body, request.gzip, unfolded));
  Collector collector{request};
  if (request.encoding == OtlpEncoding::json) {
    TRY(read_json(body, collector));
    return collector.finish();
  }
  ProtobufWalk walk{body, collector};
  try {
    walk.request(pbf_reader{body.data(), body.size()});
    return collector.finish();
  } catch (const std::exception& failure) {
    return unreadable(cat("the body is not an ExportLogsServiceRequest in protobuf: the field at byte ", walk.offset(),
                          " can not be read (", failure.what(), ")"));
  }
}

model::Delivery counts_of(const IngestedLogs& logs, WallTime arrived) {
  model::Delivery delivery;
  for (const InstanceLogs& each : logs.instances) {
    model::DeliveredInstance made{.instance = each.instance,
                                  .type = each.type,
                                  .parent = each.parent,
                                  .identities = each.identities,
                                  .series = {},
                                  .batch = {.times = {arrived}, .series = {}, .values = {}},
                                  .refused = each.refused};
    for (const auto& [severity, count] : each.counts) {
      made.series.push_back({.metric = MetricName{"log.record.count"},
                             .attributes = {{"severity", severity}},
                             .unit = "{record}",
                             .kind = model::SeriesKind::delta});
      made.batch.values.push_back(static_cast<double>(count));
    }
    // Facts alone are no row of samples: no time stands for them.
    if (made.series.empty()) made.batch.times.clear();
    made.facts = each.facts;
    if (!made.series.empty() || !made.facts.empty() || made.refused > 0) delivery.instances.push_back(std::move(made));
  }
  return delivery;
}

}  // namespace mien::wire
