#include "model/describe.h"

#include <map>

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

constexpr std::string_view security_metrics = "mien.security.";

std::string attribute(const Deviation& deviation, const char* key) {
  auto at = deviation.attributes.find(key);
  return at == deviation.attributes.end() ? std::string() : at->second;
}

// "execution of /tmp/x by /usr/bin/bash (user deploy, pid 42; parents sshd), 3 times: never seen before here in 12
// days".
std::string security_sentence(const Deviation& deviation) {
  std::string text = cat(std::string_view(deviation.name.value).substr(security_metrics.size()), " of ",
                         attribute(deviation, "object"));
  if (std::string process = attribute(deviation, "process"); !process.empty()) text += cat(" by ", process);
  std::string about;
  for (const char* key : {"user", "pid", "parents", "detail"}) {
    std::string value = attribute(deviation, key);
    if (!value.empty()) about += cat(about.empty() ? "" : ", ", key, " ", value);
  }
  if (!about.empty()) text += cat(" (", about, ")");
  if (deviation.observed > 1) text += cat(", ", mien::to_text(deviation.observed, 6), " times");
  if (std::string why = attribute(deviation, "why"); !why.empty()) text += cat(": ", why);
  return text;
}

bool is_security(const Deviation& deviation) { return deviation.name.value.starts_with(security_metrics); }

// What of a fact is neither a path nor a user name nor anything that a process said.
bool is_public(std::string_view metric, std::string_view key) {
  if (key == "pid") return true;
  if (key != "object") return false;
  for (std::string_view kind : {"listener", "connection", "kernel_module", "system_call", "package"})
    if (metric.substr(security_metrics.size()) == kind) return true;
  return false;
}

}  // namespace

std::string describe(const Deviation& deviation) {
  return is_security(deviation) ? security_sentence(deviation) : band_sentence(deviation);
}

Finding blanked(Finding finding) {
  if (finding.kind != FindingKind::security) return finding;
  std::map<std::string, std::size_t> kinds;
  for (Deviation& deviation : finding.metrics) {
    if (!is_security(deviation)) continue;
    ++kinds[deviation.name.value.substr(security_metrics.size())];
    for (auto& [key, value] : deviation.attributes)
      if (!is_public(deviation.name.value, key)) value = "(hidden)";
  }
  finding.summary = "security: what was never seen here or is not allowed (";
  bool first = true;
  for (const auto& [kind, count] : kinds) {
    finding.summary += cat(first ? "" : ", ", count, " ", kind);
    first = false;
  }
  finding.summary += ")";
  finding.first_mover = finding.metrics.empty() ? std::string() : finding.metrics.front().name.value;
  finding.comment = finding.comment.empty() ? "" : "(hidden)";
  return finding;
}

std::string describe(const Finding& finding, const Deviation& deviation) {
  if (is_security(deviation)) return security_sentence(deviation);
  return finding.kind == FindingKind::limit ? limit_sentence(deviation) : band_sentence(deviation);
}

}  // namespace mien::model
