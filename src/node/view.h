// What readers see: immutable values that the driver publishes after each commit. Reads never enter the machine.
// Its maps share with the view before whatever did not change, so publishing costs what changed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/decision.h"
#include "model/expectation.h"
#include "model/finding.h"
#include "model/resource.h"
#include "model/security_profile.h"
#include "model/telemetry.h"
#include "node/action_board.h"
#include "node/record.h"
#include "node/shared_map.h"
#include "node/slow_view.h"
#include "store/history.h"
#include "store/ledger.h"

namespace mien::node {

// Everything counted since the shard was made; exact across crashes, because it is folded like everything else.
struct Counters {
  std::uint64_t frames = 0;
  std::uint64_t frames_duplicate = 0;   // the same source, epoch and sequence again: dropped
  std::uint64_t samples = 0;            // taken in, scored
  std::uint64_t samples_late = 0;       // taken in, too old to act on
  std::uint64_t samples_duplicate = 0;  // of a time already judged: dropped
  std::uint64_t samples_future = 0;     // more than five minutes ahead of the manager: refused
  std::uint64_t samples_refused = 0;    // refused at the door: NaN, infinite, over a limit
  std::uint64_t instances_refused = 0;  // over the limit of instances of a shard
  std::uint64_t findings_opened = 0;
  std::uint64_t findings_resolved = 0;
  std::uint64_t commands = 0;
  std::uint64_t commands_refused = 0;
  std::uint64_t log_gaps = 0;         // epochs that found a log shorter or different
  std::uint64_t steps_over_cost = 0;  // steps that reached their cost limit

  friend bool operator==(const Counters&, const Counters&) = default;
  static constexpr auto fields = std::tuple{field("frames", &Counters::frames),
                                            field("frames_duplicate", &Counters::frames_duplicate),
                                            field("samples", &Counters::samples),
                                            field("samples_late", &Counters::samples_late),
                                            field("samples_duplicate", &Counters::samples_duplicate),
                                            field("samples_future", &Counters::samples_future),
                                            field("samples_refused", &Counters::samples_refused),
                                            field("instances_refused", &Counters::instances_refused),
                                            field("findings_opened", &Counters::findings_opened),
                                            field("findings_resolved", &Counters::findings_resolved),
                                            field("commands", &Counters::commands),
                                            field("commands_refused", &Counters::commands_refused),
                                            field("log_gaps", &Counters::log_gaps),
                                            field("steps_over_cost", &Counters::steps_over_cost)};
};

// What is known of one kind of security fact.
struct SecurityKnown {
  model::FactKind kind = model::FactKind::execution;
  std::size_t objects = 0;  // known ones
  double facts = 0;         // how often, fading over 30 days
  double probability = 1;   // that the next one is new (model::Novelty)
  WallTime since;           // of the first
  static constexpr auto fields =
      std::tuple{field("kind", &SecurityKnown::kind), field("objects", &SecurityKnown::objects),
                 field("facts", &SecurityKnown::facts), field("probability", &SecurityKnown::probability),
                 field("since", &SecurityKnown::since)};
};

struct InstanceView {
  InstanceName name;
  model::InstanceType type = model::InstanceType::external;
  InstanceName parent;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> identities;
  PersonaName persona;             // the active one
  std::string persona_reason;      // why it is the active one, one sentence
  std::uint64_t generation = 0;    // of the persona
  model::Expectation expectation;  // declared, compiled
  WallTime first_seen;
  WallTime last_seen;         // newest sample
  std::uint64_t samples = 0;  // taken in since first seen
  std::uint64_t samples_refused = 0;
  model::DriftScore drift;                                   // newest
  std::vector<model::Finding> findings;                      // open and acknowledged ones
  std::shared_ptr<const std::vector<model::Series>> series;  // shared by its views while none is added; null: none
  std::vector<SecurityKnown> security;                       // kinds of which anything is known
  std::vector<std::string> conditions;                       // "DuplicateIdentity: ...": for people
  std::shared_ptr<const SlowView> slow = std::make_shared<const SlowView>();  // never null
  std::optional<CandidateView> candidate;  // another baseline that is learned beside the one in force
  model::Batch pending;  // the newest window, not in the history yet: rows as node/history_window has them
  // The same as a block of the history; made when it is asked for, because most views are never read.
  [[nodiscard]] store::HistoryBlock recent() const;
};

constexpr std::size_t most_instances = 10'000;  // of a shard; more are refused, which is said and counted

struct View {
  WallTime at;  // of the last folded record
  store::LogPosition position = 0;
  std::uint64_t epoch = 0;
  Counters counters;
  SharedMap<InstanceName, std::shared_ptr<const InstanceView>> instances;
  SharedMap<std::string, std::shared_ptr<const model::Resource>> resources;  // "persona/web-frontend"
  SharedMap<std::string, Access> access;                                     // "token/<hash>", "enrollment/<hash>"
  std::uint64_t audit_sequence = 0;
  std::optional<store::AuditHead> audit_head;                                        // newest signed
  std::shared_ptr<const ActionBoard> board = std::make_shared<const ActionBoard>();  // never null
};

// What became of a command. `generation` and `name` are of what was written.
struct Answer {
  std::uint64_t request = 0;
  Status status;
  std::string name;
  std::uint64_t generation = 0;
  std::string note;  // one sentence for people: "unchanged", a warning
};

// Something that subscribers of /events hear of.
struct Notice {
  std::string type;     // "finding.opened", "finding.updated", "finding.resolved", "instance.appeared", "drift", ...
  std::string subject;  // "Finding/f-12-1"
  WallTime at;
  std::optional<model::Finding> finding;
  std::optional<model::DriftScore> drift;
  std::optional<model::Action> action = {};      // "action.ordered", "action.reverted", ...
  std::optional<model::Decision> decision = {};  // "decision.made"
};

}  // namespace mien::node
