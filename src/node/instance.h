// One instance inside the manager: its series, its behaviour under the active persona, its open findings.
//
// Everything a batch does to an instance depends on this state and the batch alone, never on other instances or the
// manager's core. That is what lets each instance be snapshotted at its own position and refolded from there
// (INVARIANT fold_per_instance: any step that is not a batch writes the snapshots of all instances it touches).
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drift/depart.h"
#include "drift/drift.h"
#include "drift/security.h"
#include "learn/windows.h"
#include "model/behavior.h"
#include "model/expectation.h"
#include "model/habits.h"
#include "node/candidate.h"
#include "node/distance_trace.h"
#include "node/effects.h"
#include "node/intake.h"
#include "node/sequence_window.h"

namespace mien::node {

// Which persona an instance has now and what it declares; made by the manager's core from resources.
struct Assignment {
  PersonaName persona;
  std::string reason;  // one sentence
  model::Expectation expectation;
  PoolName pool;
  std::map<std::string, std::string> labels;
  friend bool operator==(const Assignment&, const Assignment&) = default;
  static constexpr auto fields =
      std::tuple{field("persona", &Assignment::persona), field("reason", &Assignment::reason),
                 field("expectation", &Assignment::expectation), field("pool", &Assignment::pool),
                 field("labels", &Assignment::labels)};
};

// Chosen by hand: `mien activate`. Wins over the instance's list until it expires.
struct ManualActivation {
  PersonaName persona;
  WallTime expires_at;  // 0: never
  friend bool operator==(const ManualActivation&, const ManualActivation&) = default;
  static constexpr auto fields =
      std::tuple{field("persona", &ManualActivation::persona), field("expires_at", &ManualActivation::expires_at)};
};

struct OpenFinding {
  std::uint64_t episode = 0;  // drift's number; 0: opened by the node itself (silence)
  model::Finding finding;
  WallTime written_at;  // when its entry in the ledger was last written
  friend bool operator==(const OpenFinding&, const OpenFinding&) = default;
  static constexpr auto fields =
      std::tuple{field("episode", &OpenFinding::episode), field("finding", &OpenFinding::finding),
                 field("written_at", &OpenFinding::written_at)};
};

// The stored form (docs/formats/instance.md); Watch travels as its own bytes.
struct InstanceState {
  InstanceName name;
  model::InstanceType type = model::InstanceType::external;
  InstanceName parent;
  std::map<std::string, std::string> identities;
  WallTime first_seen;
  WallTime last_seen;     // newest sample time judged
  WallTime last_arrival;  // manager's clock
  Duration interval{};    // usual time between rows
  std::uint64_t samples = 0;
  std::uint64_t refused = 0;
  SequenceWindow window;
  std::string source;  // the authenticated sender this instance belongs to; empty: nobody's
  std::vector<model::Series> series;
  std::vector<SeriesMemory> memory;
  Assignment assignment;
  std::optional<ManualActivation> manual;
  model::Behavior behavior;
  std::map<PersonaName, model::Behavior> parked;          // of personas active before, at most max_parked
  std::map<PersonaName, std::uint64_t> revision_numbers;  // newest number given, by persona
  std::optional<model::PersonaRevision> newest_revision;  // of the active persona
  std::vector<OpenFinding> open;
  model::Batch pending;  // rows of the history window that is not full yet; ROW-major, one value per declared series
  model::DriftScore drift;
  std::vector<std::string> conditions;
  bool idle = false;  // nothing arrived for a while; its snapshot is current until something does (see Manager)
  // Since version 2 of the snapshot; stored behind the watch.
  DistanceTrace trace;
  bool acted_on = false;       // an action changes it or did just now: what it shows does not teach
  bool learning_held = false;  // by hand: nothing teaches
  learn::Windows windows;      // since version 4
  std::map<PersonaName, model::Habits> parked_habits;  // since version 5: of parked behaviours that are a revision's

  static constexpr auto fields = std::tuple{field("name", &InstanceState::name),
                                            field("type", &InstanceState::type),
                                            field("parent", &InstanceState::parent),
                                            field("identities", &InstanceState::identities),
                                            field("first_seen", &InstanceState::first_seen),
                                            field("last_seen", &InstanceState::last_seen),
                                            field("last_arrival", &InstanceState::last_arrival),
                                            field("interval", &InstanceState::interval),
                                            field("samples", &InstanceState::samples),
                                            field("refused", &InstanceState::refused),
                                            field("window", &InstanceState::window),
                                            field("source", &InstanceState::source),
                                            field("series", &InstanceState::series),
                                            field("memory", &InstanceState::memory),
                                            field("assignment", &InstanceState::assignment),
                                            field("manual", &InstanceState::manual),
                                            field("behavior", &InstanceState::behavior),
                                            field("parked", &InstanceState::parked),
                                            field("revision_numbers", &InstanceState::revision_numbers),
                                            field("newest_revision", &InstanceState::newest_revision),
                                            field("open", &InstanceState::open),
                                            field("pending", &InstanceState::pending),
                                            field("drift", &InstanceState::drift),
                                            field("conditions", &InstanceState::conditions),
                                            field("idle", &InstanceState::idle)};
};

// How long nothing may arrive before it counts as missed.
[[nodiscard]] inline Duration quiet_limit(const InstanceState& state, Duration at_least) {
  return std::max(at_least, 3 * state.interval);
}

class Instance {
 public:
  static constexpr std::size_t max_series = 1024;
  static constexpr std::size_t max_parked = 8;
  static constexpr Duration history_window = 2min;
  static constexpr WallTime never{std::numeric_limits<std::int64_t>::max()};

  Instance(InstanceName name, const model::InstanceFrame& first, WallTime now);

  // Names the step: a finding opened in it is called f-<position>-<part>-<episode>.
  struct Step {
    WallTime now;
    store::LogPosition position = 0;
    std::size_t part = 0;  // which instance of the frame, or 0
  };

  // The product on one screen: see instance.cc.
  Counters on_frame(const Step& step, const model::Frame& frame, const model::InstanceFrame& part, Effects& out);
  // Once a second: history windows that time has closed, silence, staleness. True when anything but the view changed.
  // `silent_since`: no earlier than this may silence be counted (the manager itself was away before).
  bool on_tick(const Step& step, WallTime silent_since, Effects& out);
  // The first moment at which on_tick can do anything, unless something else happens before; `never` where it can not.
  [[nodiscard]] WallTime next_tick(WallTime silent_since) const;
  // A service or container: that it is heard of no more is its end, not a fault.
  [[nodiscard]] bool ends_silently() const;
  // A changed assignment: the behaviour of the persona left is parked, that of the persona entered comes back.
  void assign(const Step& step, Assignment assignment, Effects& out);
  // Nothing was learned yet of the active persona.
  [[nodiscard]] bool knows_nothing() const { return state_.behavior.samples == 0; }
  // Begins with what others learned of the same persona; `whose` says it in the audit.
  void inherit(const Step& step, model::Behavior begun, std::string_view whose, Effects& out);
  // Of its own candidate: promotes it, and goes on with all that it has learned meanwhile.
  void restore_revision(const Step& step, const model::PersonaRevision& revision, Effects& out);
  [[nodiscard]] bool is_candidate(const PersonaName& persona, std::uint64_t number) const {
    return candidate_ && number != 0 && candidate_->number == number && persona == state_.assignment.persona;
  }
  // An action about one of its findings; false where that is not open any more.
  bool name_action(const Step& step, const FindingId& finding, const ActionId& action, Effects& out);
  // The open finding by that id, acknowledged; false where there is none.
  bool acknowledge(const Step& step, const FindingId& id, const std::string& comment, const std::string& actor,
                   Effects& out);
  void close_all(const Step& step, Effects& out);  // before it is deleted
  // While on, what arrives is known to be healthy (see drift::Watch::trust); not part of the state.
  void trust(bool known_healthy) {
    watch_.trust(known_healthy);
    trusting_ = known_healthy;
  }

  [[nodiscard]] const InstanceState& state() const { return state_; }
  [[nodiscard]] InstanceState& state() { return state_; }
  [[nodiscard]] std::shared_ptr<const InstanceView> view() const;

  // The snapshot carries the position up to which this instance is folded.
  [[nodiscard]] std::string encode(store::LogPosition folded) const;
  struct Restored;
  [[nodiscard]] static Result<Restored> decode(std::string_view bytes);

 private:
  Instance() = default;
  void judge(const Step& step, const model::Batch& batch, bool late, Effects& out);
  // Security facts: instance_facts.cc.
  void take_facts(const Step& step, const model::InstanceFrame& part, Effects& out);
  void judge_facts(const Step& step, const std::vector<model::SecurityFact>& facts, bool late, Effects& out);
  void close_quiet_facts(const Step& step, WallTime now, Effects& out);
  const model::Batch& known_columns(const model::Batch& batch, bool joined, Counters& counted);
  bool listens_to(const model::Frame& frame);
  void learn_series(const model::InstanceFrame& part);
  void learn_identity(const model::InstanceFrame& part);
  [[nodiscard]] bool joins(const model::Frame& frame) const;
  void remember(const model::Batch& batch, Effects& out);
  void flush_history(Effects& out);
  void revise(const Step& step, Effects& out);
  model::PersonaRevision number(model::PersonaRevision revision);
  void keep(const Step& step, model::PersonaRevision revision, Effects& out);
  // What is learned slowly: instance_slow.cc.
  void follow_change(const Step& step, const model::Batch& batch, Effects& out);
  [[nodiscard]] std::optional<WallTime> changed_since() const;
  void propose(const Step& step, Effects& out);
  void withdraw(const Step& step, Effects& out);
  [[nodiscard]] model::Habits habits_of(const model::PersonaRevision& revision) const;
  void promote(const Step& step, const model::PersonaRevision& revision, Effects& out);
  [[nodiscard]] bool is_healthy() const;
  void look_back(const Step& step, Effects& out);
  void judge_departure(const Step& step, const std::vector<drift::Departure>& all, Effects& out);
  void show_slow(const std::vector<drift::Departure>& all);
  void apply(const Step& step, std::vector<drift::EpisodeChange> changes, bool late, Effects& out);
  void open_finding(const Step& step, std::uint64_t episode, model::Finding finding, Effects& out);
  void resolve_finding(const Step& step, OpenFinding& open, WallTime at, Effects& out);
  void note_silence(const Step& step, WallTime silent_since, Effects& out);
  void note_end(const Step& step, Effects& out);
  void open_silence(const Step& step, std::string summary, Effects& out);
  [[nodiscard]] bool silence_noted() const;

  InstanceState state_;
  drift::Watch watch_;
  drift::SecurityWatch security_watch_;
  bool trusting_ = false;
  std::optional<Candidate> candidate_;
  std::shared_ptr<const SlowView> slow_;  // derived from the state each time a history window closes
  bool window_closed_ = false;            // in this step
  model::Batch filtered_;                 // scratch
  mutable std::shared_ptr<const std::vector<model::Series>> shown_series_;  // in views; series are only added
};

struct Instance::Restored {
  Instance instance;
  store::LogPosition folded = 0;
};

}  // namespace mien::node
