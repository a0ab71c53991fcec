// Where findings meet policies and remedies: the acting half of the manager machine. A finding that opened or changed
// is held against the rules; what they wish is asked of the guards; what is ordered, reported and proven goes on from
// there.
//
// State: the remedy room's alone (stored with the core); rules are compiled from the resources. Deterministic: what is
// decided follows from the log. Everything an instance must remember of it (that it is acted on, the ids of actions at
// its findings) leaves as Marks, which the manager puts into the instance and its snapshot.
#pragma once

#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "model/resource.h"
#include "node/action_board.h"
#include "node/effects.h"
#include "node/instance.h"
#include "node/record.h"
#include "policy/policy.h"
#include "remedy/remedy.h"

namespace mien::node {

// What acting may see of the instances; the manager is it.
class Fleet {
 public:
  virtual ~Fleet() = default;
  struct Index {
    std::map<InstanceName, std::vector<InstanceName>> children;  // by host
    std::map<PoolName, std::vector<InstanceName>> members;
    std::map<PersonaName, std::vector<InstanceName>> wearers;
  };
  [[nodiscard]] virtual const InstanceState* state_of(const InstanceName& name) const = 0;
  [[nodiscard]] virtual const Index& index() const = 0;
  [[nodiscard]] virtual const model::Resource* signal(std::string_view name) const = 0;
};

// What instances must remember of what was decided.
struct Marks {
  struct Named {
    InstanceName instance;
    FindingId finding;
    ActionId action;
  };
  std::vector<Named> named;                 // an action about a finding
  std::vector<InstanceName> hold_learning;  // acted on: what they show does not teach
  std::vector<InstanceName> resume_learning;
  std::vector<FindingId> reconsider;  // their next rung is due now
};

class Acting {
 public:
  template <class Body>
  static constexpr bool is_command =
      std::is_same_v<Body, ApproveAction> || std::is_same_v<Body, RejectAction> || std::is_same_v<Body, RevertAction> ||
      std::is_same_v<Body, PutHold> || std::is_same_v<Body, EndHold> || std::is_same_v<Body, ReleaseActions>;

  // The policies as they are written now; what is broken is left out and said (board().problems).
  void set_policies(const std::map<std::string, model::Resource>& resources);

  void consider(const remedy::Moment& at, const model::Finding& finding, const Fleet& fleet, Effects& out,
                Marks& marks);
  void on_tick(const remedy::Moment& at, const Fleet& fleet, Effects& out, Marks& marks);
  void on_reported(const remedy::Moment& at, const AgentReported& reported, Effects& out, Marks& marks);
  void on_finding_closed(const FindingId& finding) { remedy_.on_finding_closed(finding); }

  [[nodiscard]] Status check(const remedy::Moment& at, const ApproveAction& approve) const;
  [[nodiscard]] Status check(const remedy::Moment& at, const RejectAction& reject) const;
  [[nodiscard]] Status check(const remedy::Moment& at, const RevertAction& revert) const;
  [[nodiscard]] Status check(const remedy::Moment& at, const PutHold& hold) const;
  [[nodiscard]] Status check(const remedy::Moment& at, const EndHold& end) const;
  [[nodiscard]] Status check(const remedy::Moment& at, const ReleaseActions& release) const;
  // Carries out a command that its check() allowed.
  template <class Body>
  requires is_command<Body> Answer carry_out(const remedy::Moment& at, const std::string& actor, const Body& body,
                                             Effects& out, Marks& marks) {
    remedy::Effects effects;
    Answer answer = obey(at, actor, body, effects);
    board_changed_ = true;
    take(at, std::move(effects), out, marks);
    return answer;
  }

  [[nodiscard]] const remedy::Remedy& remedy() const { return remedy_; }
  [[nodiscard]] bool has_policies() const { return rules_.size() != 0; }

  // ---- recovery and publishing ----
  Status restore_state(std::string_view bytes) { return remedy_.restore(bytes); }
  Status restore_action(std::string_view bytes) { return remedy_.restore_action(bytes); }
  // The core's entry, when it changed since the last call.
  [[nodiscard]] std::optional<store::Write> take_snapshot();
  // Brings the board up to date where something changed; newest finished actions are carried over from `before`.
  [[nodiscard]] std::shared_ptr<const ActionBoard> board(std::shared_ptr<const ActionBoard> before, Duration steady);

 private:
  Answer obey(const remedy::Moment& at, const std::string& actor, const ApproveAction& approve, remedy::Effects& out);
  Answer obey(const remedy::Moment& at, const std::string& actor, const RejectAction& reject, remedy::Effects& out);
  Answer obey(const remedy::Moment& at, const std::string& actor, const RevertAction& revert, remedy::Effects& out);
  Answer obey(const remedy::Moment& at, const std::string& actor, const PutHold& hold, remedy::Effects& out);
  Answer obey(const remedy::Moment& at, const std::string& actor, const EndHold& end, remedy::Effects& out);
  Answer obey(const remedy::Moment& at, const std::string& actor, const ReleaseActions& release, remedy::Effects& out);
  void take(const remedy::Moment& at, remedy::Effects effects, Effects& out, Marks& marks);

  policy::Rules rules_;
  std::vector<PolicyName> names_;  // of the policies that are whole
  std::map<PolicyName, std::string> problems_;
  remedy::Remedy remedy_;
  std::vector<model::Action> finished_;  // since the last board
  bool board_changed_ = true;
};

}  // namespace mien::node
