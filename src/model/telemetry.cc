#include "model/telemetry.h"

#include <cstring>

namespace mien::model {

std::string to_text(const Series& series) {
  std::string text = series.metric.value;
  if (series.attributes.empty()) return text;
  char separator = '{';
  for (const auto& [key, value] : series.attributes) {
    text += separator + key + "=" + value;
    separator = ',';
  }
  return text + "}";
}

bool operator==(const Batch& a, const Batch& b) {
  return a.times == b.times && a.series == b.series && a.values.size() == b.values.size() &&
         (a.values.empty() || std::memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(double)) == 0);
}

std::string_view to_text(InstanceType type) {
  switch (type) {
    case InstanceType::host: return "host";
    case InstanceType::guest: return "guest";
    case InstanceType::container: return "container";
    case InstanceType::service: return "service";
    case InstanceType::external: return "external";
  }
  return "external";
}

}  // namespace mien::model
