// Acting in the box: policies of all modes, orders that travel, hands that fail, people who approve, revert, hold and
// edit by hand.
#include <algorithm>

#include "base/text.h"
#include "node/testing/resources.h"
#include "sim/world.h"

namespace mien::sim {
namespace {

constexpr Duration poll_every = 1s;
constexpr Duration abilities_every = 30s;

}  // namespace

model::Resource World::draw_policy(const std::string& name, std::string_view verb) {
  auto seconds = [this](std::uint64_t low, std::uint64_t high) { return cat(low + prng_.below(high - low), "s"); };
  double kind = prng_.uniform();
  std::string mode = kind < 0.15 ? "observe" : kind < 0.4 ? "propose" : "enforce";
  only_observing_ = only_observing_ && mode == "observe";
  auto rung = [&](const char* value) {
    model::Value::Map with{{verb == "limit" ? "cpu" : "cpu_weight", value}};
    return model::Value{
        model::Value::Map{{"do", std::string(verb)}, {"with", std::move(with)}, {"lease", seconds(30, 300)}}};
  };
  model::Value::List ladder =
      verb == "limit" ? model::Value::List{rung("50%"), rung("30%")} : model::Value::List{rung("20"), rung("800")};
  auto actions = static_cast<std::uint32_t>(1 + prng_.below(4));
  Duration per = 1min * (2 + prng_.below(8));
  auto repeats = static_cast<std::uint32_t>(2 + prng_.below(5));
  budgets_[name] = {.actions = actions, .per = per};
  repeats_[name] = repeats;
  model::Value::Map guards{
      {"budget", model::Value::Map{{"actions", std::int64_t{actions}}, {"per", mien::to_text(per)}}},
      {"cooldown", seconds(5, 60)},
      {"settle", seconds(5, 20)},
      {"dwell", "1s"},
      {"approve_within", seconds(30, 300)},
      {"repeats", std::int64_t{repeats}}};
  model::Value::Map spec{{"mode", mode},
                         {"match", model::Value::Map{{"severity", "info"}}},
                         {"ladder", std::move(ladder)},
                         {"guards", std::move(guards)}};
  note("build", cat("policy ", name, " ", mode, " ", actions, " per ", mien::to_text(per)));
  return node::testing::resource_of(model::ResourceKind::policy, name, std::move(spec));
}

void World::plan_acting() {
  hand_faults_ = faults_.none() ? HandFaults{.slow = 5ms} : HandFaults::draw(prng_);
  note("build", hand_faults_.to_string());
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    SimAgent& agent = agents_[i];
    agent.hand = std::make_unique<SimHand>(hand_faults_, prng_.fork(5000 + i));
    for (const Service& service : agent.services) agent.hand->add(service.name);
  }
  std::size_t policies = std::min<std::size_t>(prng_.below(5), 2);
  for (std::size_t i = 0; i < policies; ++i) {
    model::Resource policy = draw_policy(i == 0 ? "contain" : "favour", i == 0 ? "limit" : "prioritize");
    at(8s, [this, policy] { give(node::PutResource{.resource = model::encode_resource(policy), .from_files = true}); });
  }
  every(20s, [this] { let_people_act(); });
  every(90s, [this] { edit_by_hand(); });
  every(150s, [this] {
    SimAgent& agent = agents_[prng_.below(agents_.size())];
    agent.hold_file = !agent.hold_file;
    note(agent.name, agent.hold_file ? "hold file" : "no hold file");
  });
  at(length_, [this] {
    for (SimAgent& agent : agents_) {
      agent.hand->mend();
      agent.hold_file = agent.journal.full = false;
    }
    give(node::EndHold{.scope = {}});
    give(node::PutHold{.scope = {}, .lasting = {}});
    // Again and again: a resume that found a full disk may be repeated after the hold and undo it.
    for (Duration later : {20s, 40s, 60s})
      after(later, [this] {
        give(node::PutHold{.scope = {}, .lasting = {}});
        give(node::ReleaseActions{.instance = {}});
      });
  });
}

// ---- the agents' half ----

void World::start_leases(std::size_t index) {
  SimAgent& agent = agents_[index];
  std::uint64_t incarnation = agent.incarnation;
  node::LeaseOptions options{.boot_id = "boot",
                             .allow = {model::Verb::limit, model::Verb::prioritize},
                             .never_touch = {},
                             .journal = agent.journal.entries(),
                             .most_leases = 256};
  agent.leases_ran_since = clock_;
  agent.leases = std::make_unique<node::LeaseDriver>(
      node::LeaseKeeper{std::move(options)}, agent.journal,
      node::LeaseDriver::Ways{
          .call = [this, index, incarnation](const node::CallHand& call,
                                             MonoTime give_up) { call_hand(index, incarnation, call, give_up); },
          .send = [this, index, incarnation](const node::SendReports& sent) { send_reports(index, incarnation, sent); },
          .report = [this, index](std::string_view line) { note(agents_[index].name, std::string(line)); }});
  tell_abilities(index);
}

void World::lease_step(std::size_t index, node::LeaseEvent event) {
  SimAgent& agent = agents_[index];
  if (agent.leases) agent.leases->step(now_of(agent), std::move(event));
}

void World::tick_leases(std::size_t index) {
  SimAgent& agent = agents_[index];
  if (clock_ < agent.stalled_until) {
    agent.leases_ran_since = agent.stalled_until;
    return;
  }
  lease_step(index, node::LeaseTick{.hold_file = agent.hold_file});
  check_leases(index);
  check_fields(index);
}

// A call is made when its time has come, unless its agent is gone or has given it up. One that was under way when the
// agent died may have been made all the same.
void World::call_hand(std::size_t index, std::uint64_t incarnation, const node::CallHand& call, MonoTime give_up) {
  Duration takes = agents_[index].hand->takes();
  after(takes, [this, index, incarnation, call, give_up] {
    SimAgent& agent = agents_[index];
    bool gone = agent.incarnation != incarnation;
    if (now_of(agent).mono >= give_up || (gone && prng_.chance(0.5))) return;
    if (clock_ < agent.stalled_until && !gone) {
      at(agent.stalled_until, [this, index, incarnation, call, give_up] {
        if (agents_[index].incarnation == incarnation && now_of(agents_[index]).mono < give_up)
          lease_step(index, node::carry_out(*agents_[index].hand, call));
      });
      return;
    }
    node::HandAnswered answered = node::carry_out(*agent.hand, call);
    if (!gone) lease_step(index, std::move(answered));
  });
}

// What shall be in force here, as it was published: the state as it should be.
void World::poll(std::size_t index) {
  after(poll_every, [this, index] { poll(index); });
  SimAgent& agent = agents_[index];
  if (!manager_ || clock_ < agent.mute_until || clock_ < agent.deaf_until || prng_.chance(faults_.loss)) return;
  std::vector<model::Order> orders = node::orders_of(*manager_->view()->board, InstanceName{agent.name});
  if (orders.empty()) return;
  Duration delay{static_cast<std::int64_t>(static_cast<double>(faults_.delay.count()) * prng_.exponential())};
  after(delay, [this, index, incarnation = agent.incarnation, orders] {
    if (agents_[index].incarnation == incarnation && clock_ >= agents_[index].stalled_until)
      lease_step(index, node::OrdersReceived{.orders = orders});
  });
}

void World::tell_abilities(std::size_t index) {
  SimAgent& agent = agents_[index];
  after(abilities_every, [this, index, incarnation = agent.incarnation] {
    if (agents_[index].incarnation == incarnation) tell_abilities(index);
  });
  if (!manager_ || clock_ < agent.mute_until || prng_.chance(faults_.loss)) return;
  append(node::AgentReported{.agent = agent.name,
                             .abilities = model::Abilities{.agent = agent.name,
                                                           .boot_id = "boot",
                                                           .can = {"limit", "prioritize"},
                                                           .allow = {"limit", "prioritize"},
                                                           .never_touch = {},
                                                           .held = agent.hold_file},
                             .reports = {}});
}

void World::send_reports(std::size_t index, std::uint64_t incarnation, const node::SendReports& sent) {
  SimAgent& agent = agents_[index];
  if (clock_ < agent.mute_until || prng_.chance(faults_.loss)) return;
  Duration delay{static_cast<std::int64_t>(static_cast<double>(faults_.delay.count()) * prng_.exponential())};
  after(delay, [this, index, incarnation, sent] {
    if (!manager_) return;
    bool kept = append(node::AgentReported{.agent = agents_[index].name, .abilities = {}, .reports = sent.reports});
    if (!kept) return;
    node::ReportsTaken taken{.number = sent.number, .actions = {}};
    for (const model::ActionReport& report : sent.reports) {
      note(agents_[index].name,
           cat("reports ", report.action.value, " ", model::to_text(report.state), " ", report.note));
      taken.actions.push_back(report.action);
    }
    if (clock_ < agents_[index].deaf_until || prng_.chance(faults_.loss)) return;
    Duration back{static_cast<std::int64_t>(static_cast<double>(faults_.delay.count()) * prng_.exponential())};
    after(back, [this, index, incarnation, taken] {
      if (agents_[index].incarnation == incarnation) lease_step(index, taken);
    });
  });
}

// ---- people ----

void World::let_people_act() {
  if (!manager_) return;
  std::shared_ptr<const node::View> view = manager_->view();
  std::vector<const model::Action*> open;
  for (const auto& [id, action] : view->board->actions)
    if (!model::is_finished(action.state)) open.push_back(&action);
  double what = prng_.uniform();
  if (what < 0.08) {
    note("person", "holds everything");
    hold_request_ = next_request_;
    return give(node::PutHold{.scope = {}, .lasting = {}});
  }
  if (what < 0.25) {
    held_since_.reset();
    hold_request_ = 0;
    return give(node::EndHold{.scope = {}});
  }
  if (open.empty()) return;
  const model::Action& action = *open[prng_.below(open.size())];
  note("person", cat("looks at ", action.id.value, " ", model::to_text(action.state)));
  if (action.state == model::ActionState::proposed && what < 0.8) {
    approved_.insert(action.id.value);
    return give(node::ApproveAction{.action = action.id});
  }
  if (action.state == model::ActionState::proposed) return give(node::RejectAction{.action = action.id});
  if (what < 0.5) return give(node::RevertAction{.action = action.id});
  if (what < 0.55) return give(node::ReleaseActions{.instance = action.target});
}

bool World::is_being_written(SimAgent& agent, const InstanceName& target) {
  using enum node::JournalEntry::Stage;
  for (const node::JournalEntry& entry : agent.journal.entries())
    if (entry.order.target == target && (entry.stage == begun || entry.stage == reverting)) return true;
  if (!manager_) return true;
  for (const auto& [id, action] : manager_->view()->board->actions) {
    bool under_way = action.state == model::ActionState::ordered || action.state == model::ActionState::reverting;
    if (under_way && action.target == target) return true;
  }
  return false;
}

void World::edit_by_hand() {
  SimAgent& agent = agents_[prng_.below(agents_.size())];
  const InstanceName& target = agent.services[prng_.below(agent.services.size())].name;
  // Between what was planned and what is written, or read and put back, a person's value may be lost: the window is as
  // long as the hand takes, here for seconds. That it is so is said (docs/guide/when-mien-dies.md), and not looked for.
  if (is_being_written(agent, target)) return;
  std::string value = cat(40000 + prng_.below(50) * 997, " 100000");
  note("person", cat("writes cpu.max of ", target.value, ": ", value));
  agent.hand->edit(target, "cpu.max", value);
}

}  // namespace mien::sim
