#include "node/agent_driver.h"

#include <deque>

namespace mien::node {

void AgentDriver::step(const AgentNow& now, AgentEvent first) {
  std::deque<AgentEvent> events;
  events.push_back(std::move(first));
  while (!events.empty()) {
    AgentEvent event = std::move(events.front());
    events.pop_front();
    for (AgentEffect& effect : agent_.step(now, std::move(event))) {
      if (auto* upload = std::get_if<Upload>(&effect)) {
        upload_(upload->request);
      } else if (auto* put = std::get_if<PutSpool>(&effect)) {
        Result<std::uint64_t> dropped = spool_.put(put->request);
        if (!dropped) report_(dropped.error().within("the spool could not keep a request").to_string());
        if (!dropped || *dropped > 0) events.push_back(SpoolShed{.requests = dropped ? *dropped : 1});
      } else if (auto* drop = std::get_if<DropSpool>(&effect)) {
        if (Status status = spool_.drop(drop->number); !status) report_(status.error().to_string());
      } else if (std::get_if<ReadSpool>(&effect)) {
        Result<std::optional<AgentRequest>> oldest = spool_.oldest();
        if (!oldest) report_(oldest.error().within("the spool can not be read").to_string());
        events.push_back(SpoolRead{oldest ? std::move(oldest).value() : std::optional<AgentRequest>{}});
      } else if (auto* report = std::get_if<Report>(&effect)) {
        report_(report->line);
      }
    }
  }
}

}  // namespace mien::node
