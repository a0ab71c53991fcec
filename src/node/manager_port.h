// What the HTTP threads may ask of a running manager. One real implementation (edge/manager_runtime), one in tests.
// All methods may be called from any thread and return quickly; nothing here waits for the machine except the callback.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/listed.h"
#include "node/record.h"
#include "node/view.h"
#include "store/history.h"
#include "store/ledger.h"

namespace mien::node {

using Delivery = model::Delivery;
using DeliveredInstance = model::DeliveredInstance;

class ManagerPort {
 public:
  virtual ~ManagerPort() = default;
  // The newest published view; never null.
  virtual std::shared_ptr<const View> view() = 0;
  // Appends a command to the log and calls back once with its answer, after its group is committed (from another
  // thread), or with `unavailable` when the manager stops first.
  virtual void give(std::string actor, CommandBody body, std::function<void(Answer)> done) = 0;
  // What a command would do, without doing it (`?dry_run=true`).
  virtual void rehearse(std::string actor, CommandBody body, std::function<void(Answer)> done) = 0;
  // Takes one decoded request in: numbers the series, appends the frame, returns once it is in the log's file.
  // Errors: exhausted (queue or disk full: the sender keeps it and tries again), unavailable.
  virtual Result<store::LogPosition> take_in(Delivery delivery) = 0;
  // The same of a door that remembers series.
  virtual Result<store::LogPosition> take_in_listed(Delivery delivery, const model::SeriesLists& lists) {
    return take_in(model::spelled_out(std::move(delivery), lists));
  }
  // What an agent reports of its orders and abilities; returns once it is in the log's file. Errors as take_in.
  virtual Status report(AgentReported reported) = 0;
  // Subscribes to notices with number > after (those still kept, at most 4,096); the callback runs on another thread
  // until the returned handle is dropped.
  virtual std::shared_ptr<void> subscribe(std::uint64_t after,
                                          std::function<void(std::uint64_t number, const Notice&)> on_notice) = 0;
  virtual store::History& history() = 0;
  virtual store::Ledger& ledger() = 0;  // for reading: scan, get, audit
};

}  // namespace mien::node
