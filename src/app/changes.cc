#include "app/changes.h"

#include "base/text.h"

namespace mien::app {
namespace {

using Stage = node::JournalEntry::Stage;

bool is_in_force(const node::JournalEntry& entry) {
  return entry.stage == Stage::begun || entry.stage == Stage::applied || entry.stage == Stage::reverting;
}

WallTime end_of(const node::JournalEntry& entry, const LocalNow& now) {
  bool counted = entry.stage == Stage::applied && entry.expires_at.ns != 0 && entry.boot_id == now.boot_id;
  return counted ? now.wall + (entry.expires_at - now.boot) : WallTime{};
}

std::string note_of(const node::JournalEntry& entry, bool ours) {
  if (!ours) return "changed by somebody else since; it will be left alone";
  if (entry.stage == Stage::begun) return "half done: its agent ends it at its next start";
  return entry.stage == Stage::reverting ? "being taken back" : "";
}

}  // namespace

std::vector<LocalChange> changes_of(const std::vector<node::JournalEntry>& journal, const ReadField& read,
                                    const LocalNow& now) {
  std::vector<LocalChange> changes;
  for (const node::JournalEntry& entry : journal) {
    if (!is_in_force(entry)) continue;
    for (const model::Change& change : entry.changes) {
      Result<std::string> found = read(entry.order.target, change.key);
      if (!found && found.error().code == Code::not_found) continue;  // it went with its target
      if (found && *found == change.before) continue;
      changes.push_back({.target = entry.order.target.value,
                         .key = change.key,
                         .before = change.before,
                         .ours = change.after,
                         .now = found ? *found : std::string(),
                         .until = end_of(entry, now),
                         .action = entry.order.action.value,
                         .note = found ? note_of(entry, *found == change.after)
                                       : cat("it can not be read: ", found.error().message)});
    }
  }
  return changes;
}

}  // namespace mien::app
