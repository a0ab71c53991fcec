#include "app/views.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace mien::app {

std::string age_at(const Session& session, const wire::Document& item, std::string_view pointer) {
  WallTime at = time_at(item, pointer);
  return at.ns == 0 ? std::string{"-"} : short_age(session.now() - at);
}

std::string score_text(double score) { return std::isnan(score) ? "-" : to_text(std::round(score * 1000) / 1000); }

std::string surprise_text(double bits) {
  return cat("surprise ", to_text(bits, 3), " bits: about one healthy sample in ",
             short_number(std::exp2(std::min(bits, 1000.0))), " looks so");
}

Table findings_table(const Session& session, const wire::Document& list) {
  Table table({{.title = "ID"},
               {.title = "SEVERITY"},
               {.title = "KIND"},
               {.title = "INSTANCE", .shrinks = true},
               {.title = "STATE"},
               {.title = "SINCE"},
               {.title = "SCORE", .right = true},
               {.title = "WHAT", .shrinks = true}});
  for (const wire::Document& item : list) {
    std::string severity = text_at(item, "/severity");
    std::string what = text_at(item, "/summary");
    if (what.empty()) what = text_at(item, "/first_mover");
    table.add({text_at(item, "/id"), Cell{severity, colour_of_severity(severity)}, text_at(item, "/kind"),
               text_at(item, "/instance"),
               Cell{text_at(item, "/state"), text_at(item, "/state") == "resolved" ? Colour::grey : Colour::none},
               age_at(session, item, "/opened_at"), score_text(number_at(item, "/score")), what});
  }
  return table;
}

std::string series_text(const wire::Document& deviation) {
  model::Series series;
  series.metric = MetricName{text_at(deviation, "/name")};
  if (series.metric.empty()) series.metric = MetricName{text_at(deviation, "/metric")};
  for (const auto& [key, value] : member_at(deviation, "/attributes").items())
    series.attributes[key] = value.is_string() ? value.get<std::string>() : wire::dump(value);
  return model::to_text(series);
}

std::vector<wire::Document> by_surprise(const wire::Document& deviations) {
  std::vector<wire::Document> sorted(deviations.begin(), deviations.end());
  auto bits = [](const wire::Document& deviation) {
    double value = number_at(deviation, "/bits");
    return std::isnan(value) ? 0.0 : value;
  };
  std::stable_sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) { return bits(a) > bits(b); });
  return sorted;
}

std::string band_text(const wire::Document& deviation) {
  double low = number_at(deviation, "/low");
  double high = number_at(deviation, "/high");
  if (low < high) return cat(short_number(low), " to ", short_number(high));
  if (low == high) return short_number(high);
  bool above = std::isnan(low) || number_at(deviation, "/observed") > high;
  if (std::isnan(low) && std::isnan(high)) return "-";
  return above ? cat("at most ", short_number(high)) : cat("at least ", short_number(low));
}

std::string wanted_text(const wire::Document& finding, const wire::Document& deviation) {
  if (text_at(finding, "/kind") != "limit") return cat("expected ", band_text(deviation));
  bool above = number_at(deviation, "/observed") > number_at(deviation, "/high");
  bool below = number_at(deviation, "/observed") < number_at(deviation, "/low");
  if (above || below) return cat("limit ", short_number(number_at(deviation, above ? "/high" : "/low")));
  return "limited in how fast it may change";
}

Table deviations_table(const wire::Document& list) {
  Table table({{.title = "METRIC", .shrinks = true},
               {.title = "OBSERVED", .right = true},
               {.title = "EXPECTED", .right = true},
               {.title = "BAND", .right = true},
               {.title = "BITS", .right = true}});
  for (const wire::Document& item : by_surprise(list)) {
    double bits = number_at(item, "/bits");
    Colour colour = bits >= 10 ? Colour::red : bits >= 5 ? Colour::yellow : Colour::none;
    table.add({series_text(item), Cell{short_number(number_at(item, "/observed")), colour},
               short_number(number_at(item, "/expected")), band_text(item), Cell{to_text(bits, 2), colour}});
  }
  return table;
}

}  // namespace mien::app
