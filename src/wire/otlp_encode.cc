// The writing half of OTLP: the agent's request, and the answer that any sender gets.
#include <cmath>
#include <nlohmann/json.hpp>
#include <protozero/pbf_writer.hpp>

#include "base/text.h"
#include "wire/identity.h"
#include "wire/otlp.h"
#include "wire/otlp_facts.h"
#include "wire/otlp_logs.h"

namespace mien::wire {
namespace {

using protozero::pbf_writer;

constexpr std::uint32_t no_recorded_value = 1;
constexpr std::int32_t delta_temporality = 1;
constexpr std::int32_t cumulative_temporality = 2;

void add_attribute(pbf_writer& parent, protozero::pbf_tag_type tag, std::string_view key, std::string_view value) {
  pbf_writer pair{parent, tag};
  pair.add_string(1, key.data(), key.size());
  pbf_writer any{pair, 2};
  any.add_string(1, value.data(), value.size());
}

// The same marks for metrics and for facts: `Delivery` and `Instance` are those of either.
template <class Delivery, class Instance>
void add_resource(pbf_writer& parent, const Delivery& delivery, const Instance& instance) {
  pbf_writer resource{parent, 1};
  add_attribute(resource, 1, mark_instance, instance.instance.value);
  add_attribute(resource, 1, mark_type, model::to_text(instance.type));
  if (!instance.parent.empty()) add_attribute(resource, 1, mark_parent, instance.parent.value);
  if (instance.refused > 0) add_attribute(resource, 1, mark_refused, std::to_string(instance.refused));
  if (&instance == &delivery.instances.front() && delivery.sequence > 0) {
    add_attribute(resource, 1, mark_source, delivery.source);
    add_attribute(resource, 1, mark_epoch, std::to_string(delivery.epoch));
    add_attribute(resource, 1, mark_sequence, std::to_string(delivery.sequence));
  }
  for (const auto& [key, value] : instance.identities) add_attribute(resource, 1, key, value);
}

void add_points(pbf_writer& data, const model::DeliveredInstance& instance, std::size_t column) {
  for (std::size_t row = 0; row < instance.batch.times.size(); ++row) {
    pbf_writer point{data, 1};
    double value = instance.batch.at(column, row);
    point.add_fixed64(3, static_cast<std::uint64_t>(instance.batch.times[row].ns));
    if (std::isnan(value)) point.add_uint32(8, no_recorded_value);
    else point.add_double(4, value);
    for (const auto& [key, text] : instance.series[column].attributes) add_attribute(point, 7, key, text);
  }
}

bool same_metric(const model::Series& a, const model::Series& b) {
  return a.metric == b.metric && a.unit == b.unit && a.kind == b.kind;
}

// One metric holds the neighbouring columns that differ only in their attributes. Returns the first column after them.
std::size_t add_metric(pbf_writer& scope, const model::DeliveredInstance& instance, std::size_t column) {
  const model::Series& series = instance.series[column];
  pbf_writer metric{scope, 2};
  metric.add_string(1, series.metric.value);
  if (!series.unit.empty()) metric.add_string(3, series.unit);
  bool gauge = series.kind == model::SeriesKind::gauge;
  pbf_writer data{metric, gauge ? 5U : 7U};
  for (; column < instance.series.size() && same_metric(series, instance.series[column]); ++column)
    add_points(data, instance, column);
  if (!gauge) {
    data.add_enum(2, series.kind == model::SeriesKind::delta ? delta_temporality : cumulative_temporality);
    data.add_bool(3, true);
  }
  return column;
}

void add_fact(pbf_writer& scope, const model::SecurityFact& fact) {
  constexpr std::int32_t severity_info = 9;
  auto text = [](pbf_writer& record, std::string_view key, std::string_view value) {
    if (!value.empty()) add_attribute(record, 6, key, value);
  };
  auto number = [&](pbf_writer& record, std::string_view key, std::uint64_t value) {
    pbf_writer pair{record, 6};
    pair.add_string(1, key.data(), key.size());
    pbf_writer any{pair, 2};
    any.add_int64(3, static_cast<std::int64_t>(value));
  };
  pbf_writer record{scope, 2};
  record.add_fixed64(1, static_cast<std::uint64_t>(fact.at.ns));
  record.add_enum(2, severity_info);
  text(record, object_attribute(fact.kind), fact.object);
  text(record, "process.executable.path", fact.process);
  if (fact.pid > 0) number(record, "process.pid", fact.pid);
  text(record, "process.parents", fact.parents);
  text(record, "user.name", fact.user);
  text(record, "mien.detail", fact.detail);
  if (fact.count != 1) number(record, "mien.count", fact.count);
  record.add_string(12, cat("mien.security.", model::to_text(fact.kind)));
}

}  // namespace

std::string_view object_attribute(model::FactKind kind) {
  bool file = kind == model::FactKind::write || kind == model::FactKind::sensitive_read;
  return file ? "file.path" : "mien.object";
}

std::string encode_otlp_facts(const FactDelivery& delivery) {
  std::string bytes;
  pbf_writer request{bytes};
  for (const InstanceFacts& instance : delivery.instances) {
    pbf_writer resource_logs{request, 1};
    add_resource(resource_logs, delivery, instance);
    pbf_writer scope{resource_logs, 2};
    for (const model::SecurityFact& fact : instance.facts) add_fact(scope, fact);
  }
  return bytes;
}

std::string encode_otlp(const model::Delivery& delivery) {
  std::string bytes;
  pbf_writer request{bytes};
  for (const model::DeliveredInstance& instance : delivery.instances) {
    pbf_writer resource_metrics{request, 1};
    add_resource(resource_metrics, delivery, instance);
    pbf_writer scope{resource_metrics, 2};
    for (std::size_t column = 0; column < instance.series.size();) column = add_metric(scope, instance, column);
  }
  return bytes;
}

namespace {

std::string encode_response(OtlpEncoding encoding, std::uint64_t rejected, std::string_view message, const char* what) {
  bool partial = rejected > 0 || !message.empty();
  if (encoding == OtlpEncoding::json) {
    nlohmann::ordered_json document = nlohmann::ordered_json::object();
    if (partial) document["partialSuccess"] = {{what, std::to_string(rejected)}, {"errorMessage", message}};
    return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  std::string bytes;
  pbf_writer response{bytes};
  if (partial) {
    pbf_writer success{response, 1};
    success.add_int64(1, static_cast<std::int64_t>(rejected));
    success.add_string(2, message.data(), message.size());
  }
  return bytes;
}

}  // namespace

std::string encode_otlp_response(OtlpEncoding encoding, std::uint64_t rejected, std::string_view message) {
  return encode_response(encoding, rejected, message, "rejectedDataPoints");
}

std::string encode_otlp_status(std::string_view message) {
  std::string bytes;
  pbf_writer{bytes}.add_string(2, message.data(), message.size());
  return bytes;
}

std::string encode_otlp_logs_response(OtlpEncoding encoding, std::uint64_t rejected, std::string_view message) {
  return encode_response(encoding, rejected, message, "rejectedLogRecords");
}

}  // namespace mien::wire
