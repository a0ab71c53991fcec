#include "model/describe.h"

#include "base/text.h"

namespace mien::model {
namespace {

std::string signed_percent(double observed, double expected) {
  if (expected == 0) return "";
  double percent = (observed - expected) / (expected < 0 ? -expected : expected) * 100;
  return cat(percent >= 0 ? "+" : "", mien::to_text(percent, 3), " %");
}

std::string is_text(const Deviation& deviation) {
  Series series{.metric = deviation.name, .attributes = deviation.attributes, .unit = {}, .kind = {}};
  return cat(to_text(series), " is ", mien::to_text(deviation.observed, 4));
}

std::string band_sentence(const Deviation& deviation) {
  std::string text = cat(is_text(deviation), "; expected ", mien::to_text(deviation.expected, 4));
  // Ends that are one point are no band: nothing was learned yet, or a constant is declared.
  if (deviation.low < deviation.high)
    text += cat(", band ", mien::to_text(deviation.low, 4), " to ", mien::to_text(deviation.high, 4));
  std::string change = signed_percent(deviation.observed, deviation.expected);
  return change.empty() ? text : cat(text, " (", change, ")");
}

// A limit is a line that people drew, no expectation: the side of the band that was crossed.
std::string limit_sentence(const Deviation& deviation) {
  bool above = deviation.observed > deviation.high;
  if (!above && !(deviation.observed < deviation.low))
    return cat(is_text(deviation), "; the limit is on how fast it may change");
  double limit = above ? deviation.high : deviation.low;
  std::string beyond = signed_percent(deviation.observed, limit);
  return cat(is_text(deviation), "; limit ", mien::to_text(limit, 4), beyond.empty() ? "" : cat(" (", beyond, ")"));
}

}  // namespace

std::string describe(const Deviation& deviation) { return band_sentence(deviation); }

std::string describe(const Finding& finding, const Deviation& deviation) {
  return finding.kind == FindingKind::limit ? limit_sentence(deviation) : band_sentence(deviation);
}

}  // namespace mien::model
