#include "node/lease_driver.h"

#include <deque>

namespace mien::node {
namespace {

struct MakeCall {
  Hand& hand;
  HandAnswered& answer;

  void operator()(const PlanCall& call) const { take(hand.plan(call.target, call.verb, call.with), answer.plan); }
  void operator()(const IdentityCall& call) const { take(hand.identity(call.target), answer.value); }
  void operator()(const ReadCall& call) const { take(hand.read(call.target, call.key), answer.value); }
  void operator()(const WriteCall& call) const { answer.status = hand.write(call.target, call.key, call.value); }

  template <class T>
  void take(Result<T> result, T& into) const {
    if (result) into = std::move(*result);
    else answer.status = std::move(result).error();
  }
};

}  // namespace

HandAnswered carry_out(Hand& hand, const CallHand& call) {
  HandAnswered answer;
  answer.call = call.call;
  std::visit(MakeCall{hand, answer}, call.what);
  return answer;
}

void LeaseDriver::step(const AgentNow& now, LeaseEvent first) {
  std::deque<LeaseEvent> events;
  events.push_back(std::move(first));
  while (!events.empty()) {
    LeaseEvent event = std::move(events.front());
    events.pop_front();
    for (LeaseEffect& effect : keeper_.step(now, std::move(event))) {
      if (auto* write = std::get_if<WriteJournal>(&effect)) {
        Status status = journal_.put(write->entry);
        events.push_back(JournalWritten{
            .number = write->number, .ok = status.ok(), .why = status ? "" : status.error().to_string()});
      } else if (auto* call = std::get_if<CallHand>(&effect)) {
        MonoTime give_up = now.mono + call->deadline;
        ways_.call(std::move(*call), give_up);
      } else if (auto* send = std::get_if<SendReports>(&effect)) {
        ways_.send(*send);
      } else if (auto* report = std::get_if<Report>(&effect)) {
        ways_.report(report->line);
      }
    }
  }
}

}  // namespace mien::node
