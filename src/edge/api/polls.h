// Long polls for directives: an agent's request waits here until there is something newer for it, or its time is over.
//
// What an agent is told is the state as it should be, never a step towards it: telling it twice changes nothing. So the
// numbers need no memory across restarts: a manager that starts anew tells every agent everything once, under numbers
// above those it may have used before (they begin at its clock, in milliseconds). Orders come before personas: what is
// to be done is never behind what is to be known.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "edge/api/service.h"
#include "edge/mutex.h"
#include "node/action_board.h"
#include "wire/directive.h"

namespace mien::edge::api {

constexpr std::size_t most_polls = 4096;
constexpr Duration longest_poll = 30s;

class PollHub {
 public:
  explicit PollHub(Service& service) : service_(service) {}
  // Answers now when there is something newer than `after`, else later. Errors: exhausted.
  Status wait(const CallPtr& call, const std::string& agent, std::uint64_t after);
  // Looks at the newest view for everybody who waits; answers those whose time is over with the newest audit head.
  void tick(WallTime now);
  // An action on that host changed: its agent is answered now, not at the next tick. Called for each notice of an
  // action, from the thread that folds: costs one look at the board, and nothing where no agent waits.
  void on_action(const InstanceName& host);
  // Answers everybody who waits with nothing new, and from then on lets nobody wait. Before the server stops.
  void close();

 private:
  struct Poll {
    CallPtr call;
    std::string agent;
    std::uint64_t after = 0;
    WallTime until;
  };
  // What an agent was told of one instance, and under which number.
  struct Told {
    PersonaName persona;
    std::uint64_t generation = 0;
    std::uint64_t id = 0;
  };
  struct ToldOrder {
    model::Order order;
    std::uint64_t id = 0;
  };
  struct ToldAgent {
    std::map<InstanceName, Told> personas;
    std::map<ActionId, ToldOrder> orders;
  };
  using Seen = std::shared_ptr<const node::InstanceView>;
  using ByHost = std::map<std::string, std::vector<Seen>>;

  static std::vector<Seen> of_agent(const node::View& view, const std::string& agent);
  static ByHost by_host(const node::View& view);
  void begin(const std::string& agent, std::uint64_t after) REQUIRES_LOCK(mutex_);
  void take_orders(ToldAgent& told, const std::vector<model::Order>& orders) REQUIRES_LOCK(mutex_);
  void take_personas(ToldAgent& told, const std::vector<Seen>& instances) REQUIRES_LOCK(mutex_);
  // What is newer than `after` of what the agent is told now.
  static wire::DirectiveBatch batch_of(const node::View& view, const ToldAgent& told, std::uint64_t after);
  wire::DirectiveBatch news(const node::View& view, const std::vector<Seen>& instances, const std::string& agent,
                            std::uint64_t after) REQUIRES_LOCK(mutex_);

  Service& service_;
  Mutex mutex_;
  std::vector<Poll> polls_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  std::map<std::string, ToldAgent> told_ GUARDED_BY(mutex_);  // by agent
  std::uint64_t last_id_ GUARDED_BY(mutex_) = 0;
};

}  // namespace mien::edge::api
