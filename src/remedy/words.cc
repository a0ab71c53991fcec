#include "remedy/detail/words.h"

#include <array>
#include <cstdio>

#include "base/text.h"

namespace mien::remedy {

std::string clock_text(WallTime when, WallTime now) {
  std::string text = to_rfc3339(when);
  Duration away = when - now;
  bool near = away < std::chrono::hours{24} && away > std::chrono::hours{-24};
  return near ? cat(text.substr(11, 5), " UTC") : cat(text.substr(0, 10), " ", text.substr(11, 5), " UTC");
}

std::string clock_text(Duration steady, const Moment& at) { return clock_text(at.now + (steady - at.steady), at.now); }

std::string step_text(const model::PolicyStep& step, const InstanceName& target) {
  std::string verb{model::to_text(step.verb)};
  for (char& c : verb)
    if (c == '_') c = ' ';
  if (step.verb == model::Verb::alert) return cat("alert people about ", target.value);
  std::string whose;  // "limit of who" is already said by the target's name
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& [key, value] : step.with)
    if (key != "target") values.emplace_back(key, value);
  std::string text = verb;
  if (values.size() == 1) {
    text += cat(" ", values[0].first, " of ", target.value, " to ", values[0].second);
  } else {
    for (std::size_t i = 0; i < values.size(); ++i)
      text += cat(i == 0 ? " " : ", ", values[i].first, " to ", values[i].second);
    text += cat(values.empty() ? " " : " of ", target.value);
  }
  if (step.lease > Duration{0}) text += cat(" for ", to_text(step.lease));
  return text;
}

std::string hold_text(const HoldScope& scope, const Hold& hold, WallTime now) {
  std::string until = hold.until.ns == 0 ? "until it is resumed" : cat("until ", clock_text(hold.until, now));
  return cat(hold.actor, " holds ", to_text(scope), " ", until);
}

std::string counted(std::uint64_t n, const char* one, const char* many) { return cat(n, " ", n == 1 ? one : many); }

std::string score_text(double score) {
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%.2f", score);
  return out.data();
}

std::string reason_text(model::EndReason reason) {
  switch (reason) {
    case model::EndReason::none: return "no reason was said";
    case model::EndReason::lease_over: return "its lease is over";
    case model::EndReason::by_hand: return "a person took it back";
    case model::EndReason::released: return "the instance was released";
    case model::EndReason::no_effect: return "it did not help";
    case model::EndReason::worse: return "it made things worse";
    case model::EndReason::agent_ended: return "the machine ended it by itself";
  }
  return "no reason was said";
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the newest star, and how far its run reaches
  std::size_t run = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      run = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++run;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace mien::remedy
