#include "remedy/remedy.h"

#include <algorithm>
#include <set>
#include <utility>

#include "remedy/detail/state.h"

namespace mien::remedy {
namespace {

constexpr std::uint64_t format_version = 2;  // 1: without `steps`

struct StoredAccount {
  model::Budget budget;
  std::vector<Duration> spent;
  std::vector<Grant> open;
  std::uint64_t next_number = 1;
  static constexpr auto fields =
      std::tuple{field("budget", &StoredAccount::budget), field("spent", &StoredAccount::spent),
                 field("open", &StoredAccount::open), field("next_number", &StoredAccount::next_number)};
};

struct StoredRank {
  Rank rank;
  Duration touched{};
  static constexpr auto fields = std::tuple{field("rank", &StoredRank::rank), field("touched", &StoredRank::touched)};
};

// The stored form (docs/formats/remedy.md). Append only; raise format_version.
struct Stored {
  std::uint64_t version = format_version;
  std::map<ActionId, Running> running;
  std::map<HoldScope, Hold> holds;
  std::map<std::string, model::Abilities> agents;
  std::map<FindingId, FindingMemory> findings;
  std::map<InstanceName, TargetMemory> targets;
  std::map<RankKey, StoredRank> ranks;
  std::map<InstanceName, Duration> quiet;
  std::vector<ActionId> finished;
  std::vector<PolicyName> orphans;
  std::map<PolicyName, StoredAccount> accounts;
  std::map<PolicyName, std::vector<Grant>> grants;
  std::uint64_t id_position = 0;
  std::uint64_t id_number = 0;
  std::map<PolicyName, std::vector<std::string>> steps;
  static constexpr auto fields = std::tuple{field("version", &Stored::version),
                                            field("running", &Stored::running),
                                            field("holds", &Stored::holds),
                                            field("agents", &Stored::agents),
                                            field("findings", &Stored::findings),
                                            field("targets", &Stored::targets),
                                            field("ranks", &Stored::ranks),
                                            field("quiet", &Stored::quiet),
                                            field("finished", &Stored::finished),
                                            field("orphans", &Stored::orphans),
                                            field("accounts", &Stored::accounts),
                                            field("grants", &Stored::grants),
                                            field("id_position", &Stored::id_position),
                                            field("id_number", &Stored::id_number),
                                            field("steps", &Stored::steps)};
};

Error corrupt(std::string message) {
  return {.code = Code::corrupt, .message = std::move(message), .where = {}, .cause = {}};
}

}  // namespace

Remedy::Remedy(Limits limits) : state_(std::make_unique<State>()) { state_->limits = limits; }
Remedy::~Remedy() = default;
Remedy::Remedy(const Remedy& other) : state_(std::make_unique<State>(*other.state_)) {}
Remedy& Remedy::operator=(const Remedy& other) {
  if (this != &other) state_ = std::make_unique<State>(*other.state_);
  return *this;
}
Remedy::Remedy(Remedy&&) noexcept = default;
Remedy& Remedy::operator=(Remedy&&) noexcept = default;

void Remedy::on_finding_closed(const FindingId& finding) {
  if (state_->findings.erase(finding) > 0) state_->changed = true;
}

void Remedy::on_policies(const std::vector<const model::Policy*>& policies) {
  State& state = *state_;
  std::set<PolicyName> there;
  for (const model::Policy* policy : policies) there.insert(policy->name);
  std::vector<PolicyName> gone;
  for (const auto& [name, account] : state.coordinator.accounts())
    if (!there.contains(name)) gone.push_back(name);
  if (gone != state.orphans) {
    state.orphans = std::move(gone);
    state.changed = true;
  }
  for (const model::Policy* policy : policies)
    if (state.set_budget(*policy)) state.changed = true;
  state.set_ladders(policies);
}

const std::map<ActionId, model::Action>& Remedy::unfinished() const { return state_->unfinished; }
const std::set<ActionId>& Remedy::about(const FindingId& finding) const { return state_->about(finding); }
const std::map<HoldScope, Hold>& Remedy::holds() const { return state_->holds; }
const std::map<std::string, model::Abilities>& Remedy::agents() const { return state_->agents; }
const std::map<RankKey, Rank>& Remedy::ranks() const { return state_->ranks; }
BudgetView Remedy::budget(const PolicyName& policy, Duration steady) const {
  return state_->coordinator.view(policy, steady);
}

std::vector<model::Order> Remedy::orders_for(const InstanceName& host) const {
  std::vector<model::Order> orders;
  for (const ActionId& id : state_->on_host(host)) {
    const model::Action& action = state_->unfinished.at(id);
    if (action.state == model::ActionState::proposed) continue;
    auto running = state_->running.find(id);
    const bool asked = running != state_->running.end() && running->second.asked;
    model::Order order;
    order.action = id;
    order.version = action.version;
    order.target = action.target;
    order.verb = action.verb;
    order.with = action.with;
    order.lease = action.lease;
    order.valid_until =
        action.ordered_at.value_or(action.created_at) + std::max<Duration>(action.settle, std::chrono::minutes{1});
    order.revert = action.state == model::ActionState::reverting || asked;
    order.reason = action.end_reason;
    orders.push_back(std::move(order));
  }
  return orders;
}

std::string Remedy::encode() const {
  const State& state = *state_;
  Stored stored;
  stored.running = state.running;
  stored.holds = state.holds;
  stored.agents = state.agents;
  stored.findings = state.findings;
  stored.targets = state.targets;
  for (const auto& [key, rank] : state.ranks)
    stored.ranks[key] = {.rank = rank, .touched = state.ranks_touched.at(key)};
  stored.quiet = state.quiet;
  stored.finished = state.finished;
  stored.orphans = state.orphans;
  for (const auto& [name, account] : state.coordinator.accounts())
    stored.accounts[name] = {.budget = account.budget,
                             .spent = {account.spent.begin(), account.spent.end()},
                             .open = account.open,
                             .next_number = account.next_number};
  stored.grants = state.wallet.grants();
  stored.id_position = state.id_position;
  stored.id_number = state.id_number;
  stored.steps = state.steps;
  return mien::encode(stored);
}

Status Remedy::restore(std::string_view bytes) {
  const std::uint64_t version = Decoder{bytes}.varint();
  if (version == 0 || version > format_version)
    return corrupt("the state of acting has version " + std::to_string(version) + ", this program reads " +
                   std::to_string(format_version));
  std::string whole(bytes);
  if (version == 1) whole.push_back('\0');  // the steps, of which it knew none
  Stored stored = TRY(decode<Stored>(whole, "the state of acting"));
  auto state = std::make_unique<State>();
  state->limits = state_->limits;
  for (auto& [id, action] : state_->unfinished) state->add(std::move(action));
  state->changed = state_->changed;
  state->running = std::move(stored.running);
  state->holds = std::move(stored.holds);
  state->agents = std::move(stored.agents);
  state->findings = std::move(stored.findings);
  state->targets = std::move(stored.targets);
  for (const auto& [key, rank] : stored.ranks) {
    state->ranks[key] = rank.rank;
    state->ranks_touched[key] = rank.touched;
  }
  state->quiet = std::move(stored.quiet);
  state->finished = std::move(stored.finished);
  state->orphans = std::move(stored.orphans);
  for (auto& [name, account] : stored.accounts)
    state->coordinator.accounts()[name] = {.budget = account.budget,
                                           .spent = {account.spent.begin(), account.spent.end()},
                                           .open = std::move(account.open),
                                           .next_number = account.next_number};
  state->wallet.grants() = std::move(stored.grants);
  state->id_position = stored.id_position;
  state->id_number = stored.id_number;
  state->steps = std::move(stored.steps);
  state_ = std::move(state);
  return {};
}

Status Remedy::restore_action(std::string_view bytes) {
  auto action = TRY(decode<model::Action>(bytes, "an action"));
  if (model::is_finished(action.state)) return {};
  const bool changed = state_->changed;  // reading is none
  state_->add(std::move(action));
  state_->changed = changed;
  return {};
}

bool Remedy::take_changed() { return std::exchange(state_->changed, false); }

}  // namespace mien::remedy
