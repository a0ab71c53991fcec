#include "node/manager_driver.h"

#include <algorithm>

#include "base/text.h"
#include "model/behavior.h"

namespace mien::node {
namespace {

constexpr std::size_t page = 256;  // records or entries read at once

}  // namespace

ManagerDriver::ManagerDriver(const ManagerSeams& seams, ManagerOptions options, std::string engine)
    : seams_(seams),
      options_(std::move(options)),
      engine_(std::move(engine)),
      manager_(options_),
      view_(std::make_shared<View>()) {}

// ---- recovery ----

Status ManagerDriver::recover(WallTime now) {
  manager_ = Manager{options_};
  view_ = std::make_shared<View>();
  waiting_.reset();
  checkpoint_ = TRY(seams_.ledger.acquire(shard_));
  for (store::Table table : {store::Table::core, store::Table::resource, store::Table::access, store::Table::instance,
                             store::Table::directive})
    TRY(load(table));
  chain_.emplace(seams_.sha256, TRY(seams_.ledger.audit_tail()));
  head_ = TRY(seams_.ledger.audit_head());
  head_contradicted_ = TRY(head_contradicts_chain());

  store::LogBounds bounds = TRY(seams_.log.bounds(shard_));
  bool differs = TRY(log_differs(bounds));
  TRY(refold(differs ? std::min(bounds.last, checkpoint_.position) : checkpoint_.position));
  EpochStarted epoch{.epoch = checkpoint_.epoch,
                     .engine = engine_,
                     .folded = checkpoint_.position,
                     .found = bounds.last,
                     .log_differs = differs};
  if (differs) {
    // What the ledger holds of the lost tail stays; what the log has beyond it is not the continuation of what we
    // folded.
    checkpoint_.position = bounds.last;
    manager_.rebase(bounds.last);
  }
  std::string record = encode_record(epoch);
  std::string_view bytes = record;
  TRY(seams_.log.append(shard_, now, std::span(&bytes, 1)));
  for (;;) {
    Sent sent = TRY(pump(now));
    if (!sent.more) return {};
  }
}

Status ManagerDriver::load(store::Table table) {
  std::string after;
  for (;;) {
    std::vector<store::Entry> entries = TRY(seams_.ledger.scan(table, "", after, page));
    for (const store::Entry& entry : entries) TRY(manager_.restore(table, entry));
    if (entries.size() < page) return {};
    after = entries.back().key;
  }
}

// Whether the log is not the one that the ledger folded: shorter, or with another record at the checkpoint.
Result<bool> ManagerDriver::log_differs(const store::LogBounds& bounds) {
  if (checkpoint_.position == 0) return false;
  if (bounds.last < checkpoint_.position) return true;
  std::vector<store::LogRecord> at = TRY(seams_.log.read(shard_, checkpoint_.position - 1, 1));
  return at.empty() || seams_.sha256(at.front().bytes) != checkpoint_.record_hash;
}

Status ManagerDriver::refold(store::LogPosition last) {
  store::LogBounds bounds = TRY(seams_.log.bounds(shard_));
  store::LogPosition position = std::max(manager_.oldest_snapshot(last), bounds.first == 0 ? 0 : bounds.first - 1);
  while (position < last) {
    std::vector<store::LogRecord> records =
        TRY(seams_.log.read(shard_, position, std::min<std::size_t>(page, last - position)));
    if (records.empty()) break;
    std::vector<store::HistoryBlock> blocks;
    std::vector<store::FactBlock> facts;
    for (const store::LogRecord& record : records) {
      Record decoded = TRY(decode_record(record.bytes));
      Manager::Remembered more = manager_.refold(record.at, record.position, decoded);
      std::move(more.blocks.begin(), more.blocks.end(), std::back_inserter(blocks));
      std::move(more.facts.begin(), more.facts.end(), std::back_inserter(facts));
      position = record.position;
    }
    if (!blocks.empty()) TRY(seams_.history.append(blocks));
    if (!facts.empty()) TRY(seams_.history.append_facts(facts));
  }
  return {};
}

// ---- folding ----

Result<ManagerDriver::Sent> ManagerDriver::pump(WallTime) {
  bool waited = waiting_.has_value();  // for room: the log has gone on meanwhile
  if (!waiting_) {
    std::vector<store::LogRecord> records = TRY(seams_.log.read(shard_, checkpoint_.position, group_steps));
    if (records.empty()) return Sent{};
    std::vector<Record> decoded;
    for (const store::LogRecord& record : records) decoded.push_back(TRY(decode_record(record.bytes)));
    waiting_ = fold(records, std::move(decoded));
    waiting_->sent.more = records.size() == group_steps;
  }
  TRY(commit(*waiting_));
  checkpoint_ = waiting_->transaction.checkpoint;
  if (waiting_->transaction.head) head_ = waiting_->transaction.head;
  Sent sent = std::move(waiting_->sent);
  sent.more |= waited;
  waiting_.reset();
  sent.forgotten = publish();
  return sent;
}

ManagerDriver::Group ManagerDriver::fold(const std::vector<store::LogRecord>& records, std::vector<Record> decoded) {
  Group group;
  store::Transaction& transaction = group.transaction;
  for (std::size_t i = 0; i < records.size(); ++i) {
    Effects effects = manager_.step(records[i].at, records[i].position, decoded[i]);
    for (const model::AuditEvent& event : effects.audit) transaction.audit.push_back(chain_->append(event));
    std::move(effects.writes.begin(), effects.writes.end(), std::back_inserter(transaction.writes));
    std::move(effects.history.begin(), effects.history.end(), std::back_inserter(group.history));
    std::move(effects.facts.begin(), effects.facts.end(), std::back_inserter(group.facts));
    std::move(effects.answers.begin(), effects.answers.end(), std::back_inserter(group.sent.answers));
    std::move(effects.notices.begin(), effects.notices.end(), std::back_inserter(group.sent.notices));
  }
  const store::LogRecord& last = records.back();
  folded_at_ = last.at;
  std::vector<store::Write> snapshots = manager_.take_snapshots(last.position, last.at, spare_snapshots);
  std::move(snapshots.begin(), snapshots.end(), std::back_inserter(transaction.writes));
  transaction.shard = shard_;
  transaction.checkpoint = {
      .position = last.position, .record_hash = seams_.sha256(last.bytes), .epoch = checkpoint_.epoch};
  add_head(transaction, last.at);
  group.sent.steps = records.size();
  return group;
}

// Whether the chain was cut or replaced since its head was signed.
Result<bool> ManagerDriver::head_contradicts_chain() {
  if (!head_) return false;
  Result<std::vector<store::AuditRow>> row = seams_.ledger.audit(head_->sequence - 1, 1);
  if (!row && row.error().code != Code::corrupt) return std::move(row).error();
  return !row || row->empty() || row->front().sequence != head_->sequence || row->front().hash != head_->hash;
}

// Every row is under a signed head as soon as it is there, so that not even the newest can be cut off unseen; and each
// minute one is signed anew, so that a fresh head is worth something to those who keep it elsewhere.
void ManagerDriver::add_head(store::Transaction& transaction, WallTime now) {
  // INVARIANT: a head that the chain contradicts stays as it is: it is the trace of what was cut off.
  if (chain_->sequence() == 0 || head_contradicted_) return;
  bool grown = !head_ || head_->sequence < chain_->sequence();
  if (!grown && !head_is_old(now)) return;
  store::AuditHead head{.sequence = chain_->sequence(), .hash = chain_->hash(), .at = now, .signature = {}};
  head.signature = seams_.sign(store::signed_bytes(head));
  transaction.head = std::move(head);
}

bool ManagerDriver::head_is_old(WallTime now) const { return head_ && now - head_->at >= head_every; }

bool ManagerDriver::time_matters(WallTime now) {
  if (waiting_) return false;  // for room: time passes when there is some again
  return manager_.time_matters(now) || (!head_contradicted_ && head_is_old(now));
}

Status ManagerDriver::commit(Group& group) {
  TRY(seams_.log.sync(shard_));
  if (!group.history.empty()) TRY(seams_.history.append(group.history));
  group.history.clear();
  if (!group.facts.empty()) TRY(seams_.history.append_facts(group.facts));
  group.facts.clear();
  return seams_.ledger.commit(group.transaction);
}

std::vector<InstanceName> ManagerDriver::publish() {
  auto next = std::make_shared<View>(*view_);
  std::vector<InstanceName> forgotten = manager_.refresh(*next);
  next->at = folded_at_;
  next->position = checkpoint_.position;
  next->audit_sequence = chain_->sequence();
  next->audit_head = head_;
  view_ = std::move(next);
  return forgotten;
}

Status ManagerDriver::settle(WallTime now) {
  if (waiting_) TRY(pump(now));
  Group group;
  group.transaction.shard = shard_;
  group.transaction.checkpoint = checkpoint_;
  group.transaction.writes = manager_.take_all_snapshots(checkpoint_.position, now);
  return commit(group);
}

Status ManagerDriver::trim(WallTime now, Duration keep) {
  store::LogPosition needed = manager_.needed_from(checkpoint_.position);
  store::LogBounds bounds = TRY(seams_.log.bounds(shard_));
  if (bounds.first == 0 || bounds.first >= needed) return {};
  // Half of what is there and old enough, again and again: the log forgets whole files only, so exactness buys nothing.
  store::LogPosition upto = bounds.first;
  for (store::LogPosition low = bounds.first, high = needed; low < high;) {
    store::LogPosition middle = low + (high - low) / 2;
    std::vector<store::LogRecord> record = TRY(seams_.log.read(shard_, middle, 1));
    bool old = !record.empty() && now - record.front().at > keep;
    if (old) upto = low = middle + 1;
    else high = middle;
  }
  return seams_.log.trim(shard_, upto);
}

// ---- commands ----

namespace {

Status complete(RollbackPersona& rollback, store::Ledger& ledger) {
  std::optional<std::string> bytes = TRY(ledger.get(
      store::Table::generation, generation_key(model::ResourceKind::persona, rollback.persona.value, rollback.to)));
  if (!bytes) return {};  // the machine answers that there is no such generation
  rollback.resource = std::move(*bytes);
  std::string prefix = cat(rollback.persona.value, "@");
  std::map<InstanceName, std::string> newest;  // keys ascend by number, so the last of an instance wins
  std::string after;
  for (;;) {
    std::vector<store::Entry> entries = TRY(ledger.scan(store::Table::revision, prefix, after, page));
    for (store::Entry& entry : entries) {
      if (is_candidate_key(entry.key)) continue;  // nobody promoted it
      Result<model::PersonaRevision> revision = decode<model::PersonaRevision>(entry.bytes, entry.key);
      if (revision && revision->generation == rollback.to) newest[revision->instance] = std::move(entry.bytes);
    }
    if (entries.size() < page) break;
    after = entries.back().key;
  }
  for (auto& [instance, revision] : newest) rollback.revisions.push_back(std::move(revision));
  return {};
}

Status complete(RollbackInstance& rollback, store::Ledger& ledger) {
  std::optional<std::string> bytes =
      TRY(ledger.get(store::Table::revision, revision_key(rollback.persona, rollback.instance, rollback.to)));
  if (!bytes)
    bytes = TRY(ledger.get(store::Table::revision, candidate_key(rollback.persona, rollback.instance, rollback.to)));
  if (bytes) rollback.revision = std::move(*bytes);
  return {};
}

}  // namespace

Status complete(CommandBody& body, store::Ledger& ledger) {
  if (auto* persona = std::get_if<RollbackPersona>(&body)) return complete(*persona, ledger);
  if (auto* instance = std::get_if<RollbackInstance>(&body)) return complete(*instance, ledger);
  return {};
}

}  // namespace mien::node
