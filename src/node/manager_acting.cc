// The manager's acting half: findings of a step held against policies, orders and reports, and what instances must
// remember of it. Rules and guards are behind node/acting.h.
#include <algorithm>
#include <deque>
#include <utility>

#include "node/manager.h"

namespace mien::node {
namespace {

constexpr Duration reconsider_every = 10s;
constexpr std::size_t most_rounds = 8;  // an action may end in the step that orders the next rung, and so on

}  // namespace

class Manager::Seen final : public Fleet {
 public:
  explicit Seen(const Manager& manager) : manager_(manager) {}
  [[nodiscard]] const InstanceState* state_of(const InstanceName& name) const override {
    const Instance* instance = manager_.find(name);
    return instance ? &instance->state() : nullptr;
  }
  [[nodiscard]] const Index& index() const override { return manager_.fleet_index(); }
  [[nodiscard]] const model::Resource* signal(std::string_view name) const override {
    return manager_.resource(model::ResourceKind::signal, name);
  }

 private:
  const Manager& manager_;
};

const Fleet::Index& Manager::fleet_index() const {
  if (index_) return *index_;
  index_.emplace();
  for (const auto& [name, slot] : slots_) {
    const InstanceState& state = slot.instance.state();
    if (!state.parent.empty()) index_->children[state.parent].push_back(name);
    if (!state.assignment.pool.empty()) index_->members[state.assignment.pool].push_back(name);
    index_->wearers[state.assignment.persona].push_back(name);
  }
  return *index_;
}

void Manager::take_policies() {
  if (std::exchange(policies_changed_, false)) acting_.set_policies(resources_);
}

// ---- a step's findings ----

void Manager::act(const Moment& at, Effects& out) {
  take_policies();
  // Copied: deciding adds notices of its own.
  std::vector<model::Finding> news;
  for (const Notice& notice : out.notices)
    if (notice.finding && notice.type.starts_with("finding.")) news.push_back(*notice.finding);
  for (const model::Finding& finding : news) {
    if (finding.resolved_at) acting_.on_finding_closed(finding.id);
    else consider(at, finding, out);
  }
  take_marks(at, out);
}

void Manager::consider(const Moment& at, const model::Finding& finding, Effects& out) {
  // INVARIANT late_neither_acts_nor_notifies
  if (!finding.late) acting_.consider(acting_moment(at), finding, Seen{*this}, out, marks_);
}

const model::Finding* Manager::open_finding(const FindingId& id) const {
  for (const auto& [name, slot] : slots_)
    for (const OpenFinding& open : slot.instance.state().open)
      if (open.finding.id == id) return &open.finding;
  return nullptr;
}

// Puts into the instances what was decided about them; what then is due at once is decided in the same step.
void Manager::take_marks(const Moment& at, Effects& out) {
  auto set_acted_on = [this](const InstanceName& name, bool acted_on) {
    auto known = slots_.find(name);
    if (known == slots_.end() || known->second.instance.state().acted_on == acted_on) return;
    known->second.instance.state().acted_on = acted_on;
    touched(*known);
  };
  for (std::size_t round = 0; round < most_rounds; ++round) {
    Marks marks = std::exchange(marks_, {});
    for (const Marks::Named& named : marks.named) {
      auto known = slots_.find(named.instance);
      if (known == slots_.end()) continue;
      Instance::Step step{.now = at.now, .position = at.position};
      if (known->second.instance.name_action(step, named.finding, named.action, out)) touched(*known);
    }
    for (const InstanceName& name : marks.hold_learning) set_acted_on(name, true);
    for (const InstanceName& name : marks.resume_learning) set_acted_on(name, false);
    if (marks.reconsider.empty()) break;
    for (const FindingId& id : marks.reconsider)
      if (const model::Finding* finding = open_finding(id)) consider(at, model::Finding{*finding}, out);
  }
  if (acting_.remedy().holds() != known_holds_) spread_learning_holds();
}

void Manager::spread_learning_holds() {
  known_holds_ = acting_.remedy().holds();
  for (Known& known : slots_) {
    InstanceState& state = known.second.instance.state();
    bool held = acting_.remedy().learning_held(state.name, state.assignment.pool, last_at_);
    if (held == state.learning_held) continue;
    state.learning_held = held;
    touched(known);
  }
}

// ---- time and reports ----

void Manager::let_acting_time_pass(const Moment& at, Effects& out) {
  take_policies();
  acting_tick_at_ = at.now;
  acting_.on_tick(acting_moment(at), Seen{*this}, out, marks_);
  if (at.now - reconsidered_at_ < reconsider_every) return;
  reconsidered_at_ = at.now;
  if (!acting_.has_policies()) return;
  std::vector<model::Finding> open;
  for (const auto& [name, slot] : slots_)
    for (const OpenFinding& each : slot.instance.state().open) open.push_back(each.finding);
  for (const model::Finding& finding : open) consider(at, finding, out);
}

void Manager::on(const Moment& at, const AgentReported& reported, Effects& out) {
  acting_.on_reported(acting_moment(at), reported, out, marks_);
}

}  // namespace mien::node
