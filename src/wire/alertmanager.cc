#include "wire/alertmanager.h"

#include <map>

#include "base/text.h"
#include "wire/identity.h"
#include "wire/yaml.h"

namespace mien::wire {
namespace {

constexpr std::size_t longest_name = 128;
constexpr std::size_t longest_summary = 512;

std::string_view text_of(const model::Value* map, std::string_view key) {
  if (map == nullptr || !map->map()) return {};
  for (const auto& [name, value] : *map->map())
    if (name == key && value.text()) return *value.text();
  return {};
}

const model::Value* member(const model::Value& map, std::string_view key) {
  if (!map.map()) return nullptr;
  for (const auto& [name, value] : *map.map())
    if (name == key) return &value;
  return nullptr;
}

std::string shortened(std::string_view text) {
  if (text.size() <= longest_summary) return std::string(text);
  std::size_t end = longest_summary;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
  return cat(text.substr(0, end), "…");
}

}  // namespace

Result<IngestedAlerts> decode_alerts(std::string_view body, const PrometheusRules& rules, WallTime arrived) {
  model::Value tree = TRY(parse_json(body));
  const model::Value* alerts = member(tree, "alerts");
  if (alerts == nullptr || !alerts->list())
    return Error{.code = Code::invalid,
                 .message = "the message has no list `alerts`: point a webhook receiver of Alertmanager here",
                 .where = {},
                 .cause = {}};
  IngestedAlerts out;
  for (const model::Value& each : *alerts->list()) {
    const model::Value* labels = member(each, "labels");
    const model::Value* annotations = member(each, "annotations");
    std::string_view name = text_of(labels, "alertname");
    std::string_view address = text_of(labels, rules.instance_label);
    std::string_view instance = rules.keep_port ? address : without_port(address);
    auto refuse = [&out](std::string why) {
      if (++out.refused == 1) out.why = std::move(why);
    };
    if (!is_plain_name(name, longest_name)) {
      refuse("an alert has no label alertname that is a plain text");
    } else if (!is_plain_name(instance, IngestLimits{}.name_length)) {
      refuse(cat("the alert ", name, " has no label `", rules.instance_label, "`, so it is about no instance"));
    } else if (out.alerts.size() >= most_alerts) {
      refuse(cat("the message has more than ", most_alerts, " alerts"));
    } else {
      std::string_view summary = text_of(annotations, "summary");
      if (summary.empty()) summary = text_of(annotations, "description");
      std::string_view fingerprint = text_of(&each, "fingerprint");
      out.alerts.push_back({.instance = InstanceName{std::string(instance)},
                            .name = std::string(name),
                            .severity = shortened(text_of(labels, "severity")),
                            .summary = shortened(summary),
                            .fingerprint = fingerprint.empty() ? cat(name, "/", instance) : shortened(fingerprint),
                            .firing = text_of(&each, "status") != "resolved",
                            .since = parse_time(text_of(&each, "startsAt")).value_or(arrived)});
    }
  }
  return out;
}

model::Delivery series_of(const std::vector<ExternalAlert>& alerts, WallTime arrived) {
  std::map<InstanceName, std::map<std::string, double>> firing;
  for (const ExternalAlert& alert : alerts) {
    double& value = firing[alert.instance][alert.name];
    if (alert.firing) value = 1;  // of several by one name one is enough
  }
  model::Delivery delivery;
  for (const auto& [instance, names] : firing) {
    model::DeliveredInstance made{.instance = instance,
                                  .type = model::InstanceType::external,
                                  .parent = {},
                                  .identities = {{"host.name", instance.value}},
                                  .series = {},
                                  .batch = {.times = {arrived}, .series = {}, .values = {}},
                                  .refused = 0};
    for (const auto& [name, value] : names) {
      made.series.push_back({.metric = MetricName{"alert.firing"},
                             .attributes = {{"alertname", name}},
                             .unit = "1",
                             .kind = model::SeriesKind::gauge});
      made.batch.values.push_back(value);
    }
    delivery.instances.push_back(std::move(made));
  }
  return delivery;
}

}  // namespace mien::wire
