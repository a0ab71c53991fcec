#include "model/finding.h"

#include <array>

namespace mien::model {
namespace {

template <std::size_t N, class Enum>
std::string_view pick(const std::array<std::string_view, N>& names, Enum value) {
  auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : std::string_view("unknown");
}

}  // namespace

std::string_view to_text(FindingKind kind) {
  constexpr std::array<std::string_view, 13> names{"none",   "spike",         "level",    "ramp",  "spread",
                                                   "frozen", "seasonal",      "relation", "shape", "security",
                                                   "limit",  "configuration", "silence"};
  return pick(names, kind);
}

std::string_view to_text(Severity severity) {
  constexpr std::array<std::string_view, 5> names{"info", "low", "medium", "high", "critical"};
  return pick(names, severity);
}

std::string_view to_text(FindingState state) {
  constexpr std::array<std::string_view, 3> names{"open", "acknowledged", "resolved"};
  return pick(names, state);
}

std::string_view to_text(Direction direction) {
  constexpr std::array<std::string_view, 3> names{"none", "up", "down"};
  return pick(names, direction);
}

std::string_view to_text(LearningState state) {
  constexpr std::array<std::string_view, 4> names{"learning", "ready", "stale", "suspect"};
  return pick(names, state);
}

}  // namespace mien::model
