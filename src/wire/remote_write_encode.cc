#include "wire/remote_write_encode.h"

#include <algorithm>
#include <array>
#include <protozero/pbf_writer.hpp>
#include <string_view>

#include "base/text.h"

namespace mien::wire {
namespace {

struct UnitName {
  std::string_view unit;
  std::string_view suffix;
};
constexpr std::array<UnitName, 8> unit_names{{{"1", "_ratio"},
                                              {"s", "_seconds"},
                                              {"By", "_bytes"},
                                              {"By/s", "_bytes_per_second"},
                                              {"s/s", "_seconds_per_second"},
                                              {"1/s", "_per_second"},
                                              {"Hz", "_hertz"},
                                              {"Cel", "_celsius"}}};

// Unit suffixes of counts ("{process}", "{packet}/s") add only the rate.
std::string_view suffix_of(std::string_view unit) {
  auto known =
      std::find_if(unit_names.begin(), unit_names.end(), [unit](const UnitName& each) { return each.unit == unit; });
  if (known != unit_names.end()) return known->suffix;
  return unit.ends_with("/s") ? "_per_second" : "";
}

// Names of Prometheus have letters, digits and underscores, and begin with no digit.
std::string plain_name(std::string_view name) {
  std::string out;
  for (char c : name) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    bool digit = c >= '0' && c <= '9';
    if (digit && out.empty()) out += '_';
    out += letter || digit ? c : '_';
  }
  return out.empty() ? "_" : out;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> prometheus_labels(const model::Series& series,
                                                                   const InstanceName& instance) {
  std::string name = plain_name(series.metric.value);
  std::string_view suffix = suffix_of(series.unit);
  if (!name.ends_with(suffix)) name += suffix;
  std::vector<std::pair<std::string, std::string>> labels{
      {"__name__", std::move(name)}, {"instance", instance.value}, {"job", "mien"}};
  for (const auto& [key, value] : series.attributes) {
    std::string plain = plain_name(key);
    bool taken = std::any_of(labels.begin(), labels.end(), [&plain](const auto& each) { return each.first == plain; });
    labels.emplace_back(taken ? "exported_" + plain : plain, value);
  }
  return labels;
}

std::string encode_remote_write(const std::vector<WrittenSeries>& series) {
  std::string out;
  protozero::pbf_writer request(out);
  for (const WrittenSeries& one : series) {
    auto labels = one.labels;
    // The protocol wants them in order, each name once.
    std::stable_sort(labels.begin(), labels.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    labels.erase(
        std::unique(labels.begin(), labels.end(), [](const auto& a, const auto& b) { return a.first == b.first; }),
        labels.end());
    protozero::pbf_writer written(request, 1);
    for (const auto& [name, value] : labels) {
      if (value.empty()) continue;  // an empty label is none
      protozero::pbf_writer label(written, 1);
      label.add_string(1, name);
      label.add_string(2, value);
    }
    for (const WrittenSample& each : one.samples) {
      protozero::pbf_writer sample(written, 2);
      sample.add_double(1, each.value);
      sample.add_int64(2, each.milliseconds);
    }
  }
  return out;
}

}  // namespace mien::wire
