// The second half of drift's door: security facts against what is declared and what is known (model/security_profile.h)
// give lessons and episodes of kind security. docs/adr/0033 has the reasons.
//
// A new object costs -log10 of the chance that the next fact is new, times the persona's weight for `security`, less
// the decades by which the kind comes more often than once in five minutes: then it is a surprise per five minutes like
// any other, is held against the same alarm level, and what it opens counts against the same budget. All that is new in
// one tick is one episode; while it is open more joins it, and what is new does not teach. Ten quiet minutes close it.
// What comes again after it was told once teaches, and is told no more.
//
// What dpkg and apt do, and what descends from them, is an episode of its own (severity low, named for the packages).
// Deny lists are always findings (high) and teach nothing; so are things that an allow list does not name.
// Pure: the same arguments give the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drift/drift.h"
#include "model/security_fact.h"
#include "model/security_profile.h"

namespace mien::drift {

enum class SecuritySource : std::uint8_t { learned = 0, package = 1, declared = 2 };

// One fact that an episode is about.
struct SecurityBlame {
  model::SecurityFact fact;  // the first of its object; `count` of all
  std::string key;
  Bits bits;        // its own surprise, unweighted
  std::string why;  // "never seen before here in 12 days", "which is denied (/etc/**)"
  friend bool operator==(const SecurityBlame&, const SecurityBlame&) = default;
  static constexpr auto fields = std::tuple{field("fact", &SecurityBlame::fact), field("key", &SecurityBlame::key),
                                            field("bits", &SecurityBlame::bits), field("why", &SecurityBlame::why)};
};

struct ToldObject {
  model::FactKind kind = model::FactKind::execution;
  std::string key;
  WallTime at;
  friend bool operator==(const ToldObject&, const ToldObject&) = default;
  static constexpr auto fields =
      std::tuple{field("kind", &ToldObject::kind), field("key", &ToldObject::key), field("at", &ToldObject::at)};
};

struct SecurityEpisode {
  static constexpr std::size_t most_blamed = 8;
  static constexpr std::size_t most_objects = 256;
  std::uint64_t number = 0;
  SecuritySource source = SecuritySource::learned;
  model::Severity severity = model::Severity::low;
  bool acknowledged = false;
  WallTime opened_at;
  WallTime last_at;   // of the newest fact about it
  double margin = 0;  // the most that it stood above the alarm level
  double score = 0;
  std::uint64_t objects_seen = 0;
  std::vector<SecurityBlame> blamed;  // the worst first
  std::vector<ToldObject> objects;    // by kind and key
  model::Finding told;
  friend bool operator==(const SecurityEpisode&, const SecurityEpisode&) = default;
  static constexpr auto fields = std::tuple{field("number", &SecurityEpisode::number),
                                            field("source", &SecurityEpisode::source),
                                            field("severity", &SecurityEpisode::severity),
                                            field("acknowledged", &SecurityEpisode::acknowledged),
                                            field("opened_at", &SecurityEpisode::opened_at),
                                            field("last_at", &SecurityEpisode::last_at),
                                            field("margin", &SecurityEpisode::margin),
                                            field("score", &SecurityEpisode::score),
                                            field("objects_seen", &SecurityEpisode::objects_seen),
                                            field("blamed", &SecurityEpisode::blamed),
                                            field("objects", &SecurityEpisode::objects),
                                            field("told", &SecurityEpisode::told)};
};

// What is remembered of one instance between facts; stored in the instance's snapshot (docs/formats/instance.md).
struct SecurityWatch {
  static constexpr std::size_t most_open = 8;
  static constexpr std::size_t most_told = 512;
  std::vector<SecurityEpisode> episodes;  // open ones, by number
  std::vector<ToldObject> told;           // of closed episodes, by kind and key
  std::uint64_t refused = 0;              // not opened because too many were open
  double recent = 0;                      // learned episodes, fading within eight weeks
  WallTime recent_at;
  friend bool operator==(const SecurityWatch&, const SecurityWatch&) = default;
  static constexpr auto fields =
      std::tuple{field("episodes", &SecurityWatch::episodes), field("told", &SecurityWatch::told),
                 field("refused", &SecurityWatch::refused), field("recent", &SecurityWatch::recent),
                 field("recent_at", &SecurityWatch::recent_at)};
};

struct SecurityMoment {
  WallTime now;           // of the newest fact
  bool learning = false;  // only what is declared opens findings
  bool trusted = false;   // nothing opens, everything teaches
};

struct SecurityAssessment {
  std::vector<EpisodeChange> changes;
  std::vector<model::FactLesson> lessons;
  double score = 0;  // of the strongest surprise among them
};

// Whether what was read keeps the bounds and the order.
[[nodiscard]] bool is_whole(const SecurityWatch& security);

// `watch` lends its alarm and the numbers of its episodes.
[[nodiscard]] SecurityAssessment assess_facts(const model::Expectation& expectation,
                                              const model::SecurityProfile& profile, Watch& watch,
                                              SecurityWatch& security, const std::vector<model::SecurityFact>& facts,
                                              const SecurityMoment& moment);
// Closes what has been quiet for long enough.
[[nodiscard]] std::vector<EpisodeChange> let_time_pass(SecurityWatch& security, WallTime now);
// A person says that this episode is known: what it was about is ordinary. Nothing, where it is no such episode.
[[nodiscard]] std::vector<model::FactLesson> acknowledge(SecurityWatch& security, std::uint64_t episode, WallTime at);
[[nodiscard]] std::vector<EpisodeChange> close_all(SecurityWatch& security, WallTime at);

}  // namespace mien::drift
