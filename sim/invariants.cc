// What must hold, checked from outside: the checkers know only what they saw at the door, the log and the ledger.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "sim/world.h"
#include "store/audit.h"

namespace mien::sim {

// counted_once, acknowledged_is_kept: every sample of every request in the folded log is accounted for, once.
void World::check_counts() {
  const node::Counters& c = manager_->view()->counters;
  store::LogPosition folded = manager_->position();
  bool anew = !std::exchange(counts_known_, true);  // what the log lost was lost in a crash: then all is counted again
  if (anew) expected_samples_ = counted_upto_ = 0;
  for (auto at = by_position_.upper_bound(counted_upto_); at != by_position_.end() && at->first <= folded; ++at)
    for (const auto& key : at->second)
      if (auto sent = logged_.find(key); sent != logged_.end() && sent->second.position == at->first)
        expected_samples_ += sent->second.samples;
  counted_upto_ = folded;
  std::uint64_t expected = expected_samples_;
  std::uint64_t counted = c.samples + c.samples_duplicate + c.samples_future + c.samples_refused;
  if (counted != expected)
    fail("counted_once", cat("the manager counted ", counted, " samples up to ", folded, ", the log holds ", expected));
  if (!anew) return;
  store::LogPosition last = log_.bounds(0)->last;
  for (const auto& key : acknowledged_)
    if (auto sent = logged_.find(key); sent == logged_.end() || sent->second.position > last)
      return fail("acknowledged_is_kept",
                  cat("request ", key.second, " of ", key.first, " was acknowledged and is not in the log"));
}

// one_episode_one_finding: what is open in memory is open in the ledger, once, and nothing else is.
void World::check_findings() {
  std::set<std::string> open;
  for (const auto& [name, instance] : manager_->view()->instances) {
    std::set<std::pair<int, std::string>> seen;
    for (const model::Finding& finding : instance->findings) {
      if (!open.insert(finding.id.value).second)
        fail("one_episode_one_finding", cat("two open findings are called ", finding.id.value));
      std::string worst = finding.metrics.empty() ? "" : finding.metrics[0].name.value;
      if (finding.kind == model::FindingKind::silence && !seen.insert({static_cast<int>(finding.kind), worst}).second)
        fail("one_episode_one_finding", cat(name.value, " is silent twice"));
    }
  }
  Result<std::vector<store::Entry>> entries = ledger_.scan(store::Table::finding, "", "", SIZE_MAX);
  std::set<std::string> stored;
  for (const store::Entry& entry : *entries) {
    Result<model::Finding> finding = decode<model::Finding>(entry.bytes, "finding");
    if (!finding) return fail("total_decoding", finding.error().to_string());
    if (finding->state != model::FindingState::resolved) stored.insert(entry.key);
  }
  if (stored != open)
    fail("one_episode_one_finding",
         cat(open.size(), " findings are open in memory, ", stored.size(), " in the ledger"));
}

namespace {

// The first field of the state that differs, for whoever has to find out why.
std::string first_difference(const node::Instance& a, const node::Instance& b) {
  std::vector<std::string> left;
  for_each_field(a.state(), [&](const char*, const auto& member) { left.push_back(encode(member)); });
  std::string name = "watch";
  std::size_t i = 0;
  for_each_field(b.state(), [&](const char* field, const auto& member) {
    if (encode(member) != left[i++] && name == "watch") name = field;
  });
  return name;
}

}  // namespace

// fold_per_instance: a manager made from ledger and log alone is the one that runs, byte for byte.
void World::check_refold() {
  if (log_.full || ledger_.full || history_.full) return;
  node::testing::MemoryLog log = log_;
  node::testing::MemoryLedger ledger = ledger_;
  node::testing::MemoryHistory history = history_;
  node::ManagerSeams seams{.log = log,
                           .ledger = ledger,
                           .history = history,
                           .sha256 = node::testing::test_hash,
                           .sign = [](std::string_view bytes) { return std::string(bytes); }};
  node::ManagerDriver other{seams, node::ManagerOptions{.builtin = {}, .limits = {}}, "sim"};
  if (Status status = other.recover(wall()); !status) return fail("fold_per_instance", status.error().to_string());
  for (const auto& [name, instance] : manager_->view()->instances) {
    const node::Instance* mine = manager_->manager().find(name);
    const node::Instance* made = other.manager().find(name);
    if (!made) return fail("fold_per_instance", cat(name.value, " is missing after recovery"));
    if (mine->encode(0) != made->encode(0))
      return fail("fold_per_instance",
                  cat(name.value, " has other bytes after recovery: ", first_difference(*mine, *made)));
  }
  if (manager_->manager().acting().remedy().encode() != other.manager().acting().remedy().encode())
    fail("fold_per_instance", "what was decided differs after recovery");
  if (manager_->manager().counters() != other.manager().counters())
    fail("fold_per_instance", "the counters differ after recovery");
}

// audit_chain: it verifies; a flipped bit and a cut tail are found and named.
void World::check_audit() {
  auto verify = [](std::string_view bytes, std::string_view signature) { return bytes == signature; };
  Result<store::AuditVerdict> whole = store::verify_audit(ledger_, node::testing::test_hash, verify, {});
  if (!whole) return fail("audit_chain", whole.error().to_string());
  if (whole->broken) return fail("audit_chain", whole->broken->to_string());
  std::vector<store::AuditRow>& rows = ledger_.audit_rows();
  if (rows.empty()) return;
  std::size_t row = prng_.below(rows.size());
  std::size_t byte = prng_.below(rows[row].bytes.size());
  rows[row].bytes[byte] = static_cast<char>(rows[row].bytes[byte] ^ (1 << prng_.below(8)));
  Result<store::AuditVerdict> flipped = store::verify_audit(ledger_, node::testing::test_hash, verify, {});
  if (flipped && (!flipped->broken || flipped->rows != row))
    fail("audit_chain", cat("a flipped bit in row ", row + 1, " was not named"));
}

void World::check_end() {
  if (!manager_) return fail("converges", "the manager does not run after the faults ended");
  pump();
  if (!failure_.empty()) return;
  check_refold();
  std::shared_ptr<const node::View> view = manager_->view();
  for (const SimAgent& agent : agents_) {
    if (!agent.spool.empty())
      fail("converges",
           cat(agent.name, " still has a backlog ", mien::to_text(healing_time()), " after the faults ended"));
    auto host = view->instances.find(InstanceName{agent.name});
    if (host == view->instances.end()) {
      fail("converges", cat(agent.name, " never appeared"));
      continue;
    }
    if (wall() - host->second->last_seen > 30s)
      fail("converges", cat(agent.name, " was last seen ", to_rfc3339(host->second->last_seen)));
    if (!calm_) continue;
    for (const Service& service : agent.services) {
      auto instance = view->instances.find(service.name);
      if (instance == view->instances.end()) continue;
      bool found = !instance->second->findings.empty();
      // A hog that was found may have been contained since: then it shows nothing any more.
      if (service.load.shape() == Shape::hog && !found && !findings_seen_.contains(service.name.value))
        fail("hog_is_found", cat(service.name.value, " takes all of its CPU and nothing was found"));
      if (service.load.shape() == Shape::steady && found)
        fail("steady_is_quiet", cat(service.name.value, " is steady and ", instance->second->findings[0].summary));
    }
  }
  check_acting_end();
  check_audit();
}

}  // namespace mien::sim
