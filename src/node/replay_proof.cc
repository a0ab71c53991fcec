#include "node/replay_proof.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "model/action.h"
#include "model/decision.h"
#include "model/finding.h"
#include "node/record.h"

namespace mien::node {
namespace {

constexpr std::size_t page = 1000;

std::string_view name_of(store::Table table) {
  switch (table) {
    case store::Table::finding: return "finding";
    case store::Table::decision: return "decision";
    case store::Table::action: return "action";
    default: return "entry";
  }
}

// The first field of T in which two encodings differ; "(bytes)" when one can not be read as a T.
template <class T>
std::string field_of(std::string_view recorded, std::string_view replayed) {
  Result<T> ours = decode<T>(replayed, "replayed");
  Result<T> theirs = decode<T>(recorded, "recorded");
  if (!ours || !theirs) return "(bytes)";
  std::string first;
  std::apply(
      [&](const auto&... each) {
        auto look = [&](const auto& field) {
          if (first.empty() && mien::encode((*ours).*(field.member)) != mien::encode((*theirs).*(field.member)))
            first = field.name;
        };
        (look(each), ...);
      },
      T::fields);
  return first.empty() ? "(bytes)" : first;
}

std::string field_of(store::Table table, std::string_view recorded, std::string_view replayed) {
  switch (table) {
    case store::Table::finding: return field_of<model::Finding>(recorded, replayed);
    case store::Table::decision: return field_of<model::Decision>(recorded, replayed);
    case store::Table::action: return field_of<model::Action>(recorded, replayed);
    default: return "(bytes)";
  }
}

std::string audit_field(const store::AuditRow& recorded, const store::AuditRow& replayed) {
  if (recorded.sequence != replayed.sequence) return "sequence";
  if (recorded.bytes == replayed.bytes) return "hash";
  Result<model::AuditEvent> theirs = store::decode_audit_event(recorded.bytes);
  Result<model::AuditEvent> ours = store::decode_audit_event(replayed.bytes);
  if (!theirs || !ours) return "(bytes)";
  return field_of<model::AuditEvent>(mien::encode(*theirs), mien::encode(*ours));
}

}  // namespace

Proof::Proof(store::Sha256 sha256, std::vector<model::Resource> builtin)
    : manager_(ManagerOptions{.builtin = std::move(builtin), .limits = {}}), chain_(sha256, std::nullopt) {}

void Proof::begins_late(const store::LogBounds& bounds) {
  stop_claiming(bounds.last == 0 ? std::string("the log is empty: there is nothing to fold")
                                 : cat("the log begins with record ", bounds.first,
                                       ": the state before it, from which everything "
                                       "behind follows, is no longer kept (`retention` says for how long it is)"));
}

void Proof::stop_claiming(std::string why) {
  over_ = true;
  verdict_.not_claimed = std::move(why);
}

void Proof::differ(Difference difference) {
  over_ = true;
  if (!verdict_.difference) verdict_.difference = std::move(difference);
}

// ---- folding ----

Status Proof::fold(store::Ledger& ledger, const std::vector<store::LogRecord>& records) {
  for (const store::LogRecord& record : records) {
    if (over_) return {};
    Record decoded = TRY(decode_record(record.bytes));
    if (const auto* epoch = std::get_if<EpochStarted>(&decoded)) {
      if (epoch->log_differs) {
        TRY(compare_audit(ledger));
        if (!over_)
          stop_claiming(cat("the log was cut or replaced before record ", record.position, ", of ",
                            to_rfc3339(record.at), ": what stood between is lost"));
        return {};
      }
      bool known = cat(", ", verdict_.engines, ",").find(cat(" ", epoch->engine, ",")) != std::string::npos;
      if (!known) verdict_.engines += cat(verdict_.engines.empty() ? "" : ", ", epoch->engine);
    }
    if (verdict_.records++ == 0) {
      verdict_.from = record.position;
      verdict_.from_at = record.at;
    }
    Effects effects = manager_.step(record.at, record.position, decoded);
    for (const model::AuditEvent& event : effects.audit) rows_.push_back(chain_.append(event));
    for (store::Write& write : effects.writes) {
      if (!write.bytes) continue;
      if (write.table == store::Table::finding) findings_[write.key] = std::move(*write.bytes);
      if (write.table == store::Table::action) actions_[write.key] = std::move(*write.bytes);
      if (write.table != store::Table::decision) continue;
      ++written_[store::Table::decision];
      TRY(compare_entry(ledger, write.table, write.key, *write.bytes));  // written once: it stands as it was
    }
    verdict_.to = record.position;
    verdict_.to_at = record.at;
  }
  return compare_audit(ledger);
}

// ---- comparing ----

Status Proof::compare_entry(store::Ledger& ledger, store::Table table, const std::string& key,
                            const std::string& replayed) {
  std::string what = cat(name_of(table), " ", key);
  Result<std::optional<std::string>> recorded = ledger.get(table, key);
  if (!recorded && recorded.error().code != Code::corrupt) return std::move(recorded).error();
  if (!recorded) {
    differ({.what = what,
            .field = "(bytes)",
            .recorded = {},
            .replayed = replayed,
            .message = cat(what, ": ", recorded.error().message)});
  } else if (!*recorded) {
    differ({.what = what,
            .field = {},
            .recorded = {},
            .replayed = replayed,
            .message = cat(what, " comes out of the log and is not in the ledger")});
  } else if (**recorded != replayed) {
    std::string field = field_of(table, **recorded, replayed);
    differ({.what = what,
            .field = field,
            .recorded = **recorded,
            .replayed = replayed,
            .message = cat(what, ": `", field, "` is not what comes out of the log")});
  } else {
    if (table == store::Table::finding) ++verdict_.findings;
    if (table == store::Table::decision) ++verdict_.decisions;
    if (table == store::Table::action) ++verdict_.actions;
  }
  return {};
}

Status Proof::compare_audit(store::Ledger& ledger) {
  std::vector<store::AuditRow> made = std::exchange(rows_, {});
  for (std::size_t i = 0; i < made.size() && !over_;) {
    std::vector<store::AuditRow> found = TRY(ledger.audit(made[i].sequence - 1, std::min(page, made.size() - i)));
    if (found.empty()) {
      std::string what = cat("audit link ", made[i].sequence);
      differ({.what = what,
              .field = {},
              .recorded = {},
              .replayed = made[i].bytes,
              .message = cat(what, " comes out of the log and is not in the ledger")});
    }
    for (const store::AuditRow& row : found) {
      if (over_ || i == made.size()) break;
      if (row == made[i]) {
        ++verdict_.audit_links;
        ++i;
        continue;
      }
      std::string what = cat("audit link ", made[i].sequence);
      std::string field = audit_field(row, made[i]);
      differ({.what = what,
              .field = field,
              .recorded = row.bytes,
              .replayed = made[i].bytes,
              .message = cat(what, ": `", field, "` is not what comes out of the log")});
    }
  }
  return {};
}

Status Proof::close(store::Ledger& ledger) {
  if (over_) return {};
  for (const auto& [key, bytes] : findings_)
    if (!over_) TRY(compare_entry(ledger, store::Table::finding, key, bytes));
  for (const auto& [key, bytes] : actions_)
    if (!over_) TRY(compare_entry(ledger, store::Table::action, key, bytes));
  written_[store::Table::finding] = findings_.size();
  written_[store::Table::action] = actions_.size();
  for (store::Table table : {store::Table::finding, store::Table::decision, store::Table::action})
    if (!over_) TRY(find_more(ledger, table));
  if (over_) return {};
  std::optional<store::AuditRow> tail = TRY(ledger.audit_tail());
  if (tail && tail->sequence > chain_.sequence()) {
    std::string what = cat("audit link ", chain_.sequence() + 1);
    differ({.what = what,
            .field = {},
            .recorded = tail->bytes,
            .replayed = {},
            .message = cat(what, " is in the ledger and does not come out of the log")});
  }
  return {};
}

// Everything that came out is there, so that more entries than came out are entries from nowhere. Decisions are not
// kept by key here; theirs are told by their number alone.
Status Proof::find_more(store::Ledger& ledger, store::Table table) {
  std::uint64_t count = 0;
  std::string after;
  for (;;) {
    std::vector<store::Entry> entries = TRY(ledger.scan(table, "", after, page));
    for (const store::Entry& entry : entries) {
      ++count;
      const auto& known = table == store::Table::finding ? findings_ : actions_;
      bool foreign = table != store::Table::decision && !known.contains(entry.key);
      if (!foreign && count <= written_[table]) continue;
      std::string what = table == store::Table::decision ? cat("a decision (there are more than the ", written_[table],
                                                               " that come out of the log)")
                                                         : cat(name_of(table), " ", entry.key);
      differ({.what = what,
              .field = {},
              .recorded = entry.bytes,
              .replayed = {},
              .message = cat(what, " is in the ledger and does not come out of the log")});
      return {};
    }
    if (entries.size() < page) return {};
    after = entries.back().key;
  }
}

}  // namespace mien::node
