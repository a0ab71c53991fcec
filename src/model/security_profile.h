// What an instance does under one persona, as sets: for each kind of security fact the objects it was seen with, and
// how likely the next fact is to name one that is new. Taught by learn/security.h, judged by drift/security.h, kept in
// Behavior, so that revisions, rollback and parking carry it (docs/formats/behavior.md).
//
// The chance is Good and Turing's: of all that came, the share that came only once, both decaying over 30 days.
//   I. J. Good, "The population frequencies of species and the estimation of population parameters", Biometrika 40
//   (1953).
// One more is added to both, so that who has seen nothing yet is surprised by nothing.
//
// Objects are kept by keys (key_of), so that what differs each time without meaning anything does not flood the sets.
// Some kinds tell what stands, not what happens (is_state): each object once, when it begins. Of these there is no
// share that came once; what is asked is how often a new one begins in five minutes, and what was there in the first
// hour is the inventory, not news.
//
// Bounded: 512 objects of a kind, the longest unseen makes room; keys of 256 bytes. Pure values; cost of a look-up the
// logarithm of the set.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "base/time.h"
#include "model/security_fact.h"

namespace mien {
class Decoder;
class Encoder;
}  // namespace mien

namespace mien::model {

constexpr double security_memory = 30.0 * 86400;  // seconds; what was seen fades by e in it

// The key under which an object is known. Of the kinds where it matters who does it, the program is part of it.
//   connection               10.1.2.3:5432 -> 10.1.2.0/24:5432 (private /24, public /16; private IPv6 /64, public /32);
//                            ports from 32768 on -> :high
//   listener                 tcp/443 by nginx; ports from 32768 on -> tcp/high by nginx
//   sensitive_read, privilege  /etc/shadow by sshd
//   paths                    runs of three digits and more -> #, what mktemp makes -> tmp.#
//   login                    deploy from 10.1.2.0/24
//   sudo                     root by deploy
[[nodiscard]] std::string key_of(const SecurityFact& fact);

struct KnownObject {
  std::string key;
  double weight = 0;        // how often, decaying
  std::uint32_t times = 0;  // how often, not decaying
  WallTime first;
  WallTime last;
  friend bool operator==(const KnownObject&, const KnownObject&) = default;
  static constexpr auto fields = std::tuple{field("key", &KnownObject::key), field("weight", &KnownObject::weight),
                                            field("times", &KnownObject::times), field("first", &KnownObject::first),
                                            field("last", &KnownObject::last)};
};

struct KnownObjects {
  static constexpr std::size_t most = 512;
  std::vector<KnownObject> objects;  // by key, strictly ascending
  double total = 0;                  // facts, decaying
  double once = 0;                   // of these, those of objects seen once; also of some forgotten since
  WallTime first;                    // fact of this kind
  WallTime decayed_at;               // total, once and weights are as of this
  friend bool operator==(const KnownObjects&, const KnownObjects&) = default;
  static constexpr auto fields =
      std::tuple{field("objects", &KnownObjects::objects), field("total", &KnownObjects::total),
                 field("once", &KnownObjects::once), field("first", &KnownObjects::first),
                 field("decayed_at", &KnownObjects::decayed_at)};
};

struct SecurityProfile {
  std::vector<KnownObjects> kinds;  // by FactKind; empty until the first fact
  WallTime since;                   // of the first fact of any kind

  [[nodiscard]] const KnownObject* find(FactKind kind, std::string_view key) const;
  [[nodiscard]] const KnownObjects& of(FactKind kind) const;
  // Whether what was read keeps the bounds and the order.
  [[nodiscard]] bool is_whole() const;

  friend bool operator==(const SecurityProfile&, const SecurityProfile&) = default;
  static constexpr auto fields =
      std::tuple{field("kinds", &SecurityProfile::kinds), field("since", &SecurityProfile::since)};
};

[[nodiscard]] constexpr bool is_state(FactKind kind) {
  return kind == FactKind::listener || kind == FactKind::system_call || kind == FactKind::kernel_module ||
         kind == FactKind::bpf_program;
}
constexpr Duration inventory_time = std::chrono::hours{1};

// How much a new object of a kind says, at a time.
struct Novelty {
  double probability = 1;  // that the next fact of the kind is new; of states, that one begins in five minutes
  // -log10: of that, or, where the kind is rarer than one fact in five minutes, of a new one in five minutes.
  double surprise = 0;
  double per_block = 0;  // facts of the kind in five minutes
};
[[nodiscard]] Novelty novelty_of(const SecurityProfile& profile, FactKind kind, WallTime now);

// A fact that may teach.
struct FactLesson {
  FactKind kind = FactKind::execution;
  std::string key;
  WallTime at;
  friend bool operator==(const FactLesson&, const FactLesson&) = default;
};

}  // namespace mien::model
