// What differs on this machine because of Mien: the agent's journal held against what stands there now.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/result.h"
#include "base/time.h"
#include "node/lease_keeper.h"

namespace mien::app {

// What stands in a field now. Errors: not_found (the target does not run any more), and what the driver says.
using ReadField = std::function<Result<std::string>(const InstanceName& target, const std::string& key)>;

struct LocalNow {
  WallTime wall;
  MonoTime boot;        // the clock that leases are counted by
  std::string boot_id;  // leases of another boot ended with it
};

// One field that does not have the value any more that it had before Mien wrote it.
struct LocalChange {
  std::string target;
  std::string key;
  std::string before;
  std::string ours;
  std::string now;  // empty where it can not be read
  WallTime until;   // 0: not known
  std::string action;
  std::string note;  // "changed by somebody else since", "it can not be read: ..."
  friend bool operator==(const LocalChange&, const LocalChange&) = default;
  static constexpr auto fields = std::tuple{field("target", &LocalChange::target), field("field", &LocalChange::key),
                                            field("before", &LocalChange::before), field("ours", &LocalChange::ours),
                                            field("now", &LocalChange::now),       field("until", &LocalChange::until),
                                            field("action", &LocalChange::action), field("note", &LocalChange::note)};
};

// Of entries in force, in their order. What has its value from before, or went with its target, differs no more.
[[nodiscard]] std::vector<LocalChange> changes_of(const std::vector<node::JournalEntry>& journal, const ReadField& read,
                                                  const LocalNow& now);

}  // namespace mien::app
