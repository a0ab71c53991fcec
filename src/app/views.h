// What several verbs show: findings and deviations as tables, ages, scores.
#pragma once

#include <string>
#include <vector>

#include "app/cli.h"

namespace mien::app {

// How long ago the time at `pointer` was; "-" for never.
[[nodiscard]] std::string age_at(const Session& session, const wire::Document& item, std::string_view pointer);
[[nodiscard]] std::string score_text(double score);
// "surprise 12.3 bits: about one healthy sample in 5.04k looks so".
[[nodiscard]] std::string surprise_text(double bits);
[[nodiscard]] Table findings_table(const Session& session, const wire::Document& list);
// The most surprising first.
[[nodiscard]] std::vector<wire::Document> by_surprise(const wire::Document& deviations);
// "0.1 to 0.4"; of a limit, which has one side only, "at most 0.4".
[[nodiscard]] std::string band_text(const wire::Document& deviation);
// Of what is wrong with a finding's metric: "expected 0.1 to 0.4"; of a limit the side that was crossed: "limit 0.4".
[[nodiscard]] std::string wanted_text(const wire::Document& finding, const wire::Document& deviation);
[[nodiscard]] Table deviations_table(const wire::Document& list);
// "system.disk.io{device=sda}" of a document with `name` (or `metric`) and `attributes`.
[[nodiscard]] std::string series_text(const wire::Document& deviation);

}  // namespace mien::app
