#include "edge/replay/replay.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "edge/replay/document.h"
#include "node/instance.h"
#include "node/replay.h"

namespace mien::edge {
namespace {

constexpr std::size_t page = 512;  // records or entries read at once
constexpr Duration minutes_at_once = std::chrono::hours{1};
constexpr store::ShardId shard = 0;
constexpr store::LogPosition minutes_positions = 2 * node::Replay::made_up;  // they have none in the log

Error stopped() {
  return {.code = Code::unavailable, .message = "the replay was stopped before its end", .where = {}, .cause = {}};
}

// ---- what the ledger says of the time before the first record ----

struct Known {
  model::InstanceType type = model::InstanceType::external;
  InstanceName parent;
  bool authenticated = false;
  std::vector<model::Series> series;
};

template <class Each>
Status each_entry(store::Ledger& ledger, store::Table table, const std::string& prefix, Each&& each) {
  std::string after;
  for (;;) {
    std::vector<store::Entry> entries = TRY(ledger.scan(table, prefix, after, page));
    for (store::Entry& entry : entries) TRY(each(entry));
    if (entries.size() < page) return {};
    after = entries.back().key;
  }
}

Result<std::map<InstanceName, Known>> known_instances(store::Ledger& ledger) {
  std::map<InstanceName, Known> known;
  auto look_at = [&](store::Entry& entry) -> Status {
    node::Instance::Restored restored = TRY(node::Instance::decode(entry.bytes));
    const node::InstanceState& state = restored.instance.state();
    known[state.name] = {
        .type = state.type, .parent = state.parent, .authenticated = !state.source.empty(), .series = state.series};
    return {};
  };
  TRY(each_entry(ledger, store::Table::instance, "", look_at));
  return known;
}

// The resources that are there now, each as it was written at a moment; one that came later is left out.
Result<std::vector<store::Entry>> resources_at(store::Ledger& ledger, WallTime at) {
  std::vector<store::Entry> then;
  auto look_at = [&](store::Entry& entry) -> Status {
    std::optional<store::Entry> newest;
    auto look = [&](store::Entry& generation) -> Status {
      model::Resource resource = TRY(model::decode_resource(generation.bytes));
      if (resource.metadata.updated_at <= at) newest = store::Entry{.key = entry.key, .bytes = generation.bytes};
      return {};
    };
    if (Status status = each_entry(ledger, store::Table::generation, cat(entry.key, "/"), look); !status) return status;
    if (newest) then.push_back(std::move(*newest));
    return {};
  };
  TRY(each_entry(ledger, store::Table::resource, "", look_at));
  return then;
}

// The newest revision of each instance and persona that was there at a moment.
Status restore_revisions(store::Ledger& ledger, WallTime at, node::Replay& replay) {
  return each_entry(ledger, store::Table::revision, "", [&](store::Entry& entry) -> Status {
    if (node::is_candidate_key(entry.key)) return {};  // nobody promoted it
    model::PersonaRevision revision = TRY(decode<model::PersonaRevision>(entry.bytes, entry.key));
    if (revision.created_at <= at) replay.restore_revision(std::move(revision));  // keys ascend by number
    return {};
  });
}

// ---- one run ----

class Run {
 public:
  Run(const ReplayPlace& place, const ReplayRequest& request, const TellLine& tell)
      : place_(place), request_(request), tell_(tell) {}

  Status run() {
    DataPaths paths{place_.data};
    std::unique_ptr<store::Log> log = TRY(open_log_for_reading(paths.log));
    bounds_ = TRY(log->bounds(shard));
    if (bounds_.first == 0)
      return Error{
          .code = Code::not_found, .message = "the log is empty: there is nothing to replay", .where = {}, .cause = {}};
    TRY(prepare(*log, paths));
    if (!say(header())) return stopped();
    if (!whole() && grounds_.from < log_from_) TRY(replay_minutes());
    TRY(replay_log(*log));
    wire::Document summary{{"type", "summary"}};
    summary.update(counts_document(counts_));
    summary.update(grounds_document(grounds_));
    return say(summary) ? Status{} : Status{stopped()};
  }

 private:
  [[nodiscard]] bool whole() const { return bounds_.first == 1; }
  [[nodiscard]] bool rehearses() const { return request_.policies || request_.mode; }

  Status prepare(store::Log& log, const DataPaths& paths) {
    std::vector<store::LogRecord> first = TRY(log.read(shard, bounds_.first - 1, 1));
    std::vector<store::LogRecord> last = TRY(log.read(shard, bounds_.last - 1, 1));
    if (first.empty() || last.empty())
      return Error{.code = Code::corrupt,
                   .message = "the log has no record where it should begin",
                   .where = paths.log,
                   .cause = {}};
    log_from_ = first.front().at;
    grounds_.from = std::max(request_.from, WallTime{});
    grounds_.to = last.front().at;
    if (whole()) {
      grounds_.from = std::max(grounds_.from, log_from_);
      grounds_.exact_from = grounds_.from;
      return {};
    }
    ledger_ = TRY(open_ledger_at_rest(paths.ledger));
    known_ = TRY(known_instances(*ledger_));
    if (place_.history) {
      if (Result<store::HistoryUse> use = place_.history->use(); use && use->oldest.ns != 0)
        grounds_.from = std::max(grounds_.from, use->oldest);
      if (grounds_.from < log_from_)
        grounds_.approximate.push_back(
            cat("before ", to_rfc3339(log_from_), " only the history is left: means of a minute, and no commands"));
    } else {
      grounds_.from = std::max(grounds_.from, log_from_);
    }
    grounds_.approximate.push_back(
        cat("the log begins with record ", bounds_.first, " of ", to_rfc3339(log_from_),
            ": what came before is lost. What was learned is that of the newest revision before it, where there is "
            "one; resources are as they were written then, without those that were deleted since"));
    return {};
  }

  wire::Document header() const {
    wire::Document out{{"type", "replay"}};
    out.update(grounds_document(grounds_));
    out["records"] = wire::Document{{"first", bounds_.first}, {"last", bounds_.last}};
    out["policies"] = request_.policies ? "given" : "recorded";
    out["mode"] = request_.mode ? wire::Document(std::string(model::to_text(*request_.mode))) : wire::Document(nullptr);
    out["rehearsed"] = rehearses();
    return out;
  }

  node::ReplayOptions options(WallTime from, bool rehearse) const {
    return {.builtin = place_.builtin,
            .rehearse = rehearse,
            .policies = request_.policies,
            .mode = request_.mode,
            .instance = request_.instance,
            .from = from};
  }

  bool say(const wire::Document& document) { return tell_(wire::dump(document)); }

  Status tell_all(const std::vector<node::ReplayLine>& lines, bool approximate) {
    for (const node::ReplayLine& line : lines) {
      if (!say(replay_document(line, approximate))) return stopped();
    }
    return {};
  }
  Status restore_resources(node::Replay& replay, WallTime at) {
    std::vector<store::Entry> then = TRY(resources_at(*ledger_, at));
    for (const store::Entry& entry : then) TRY(replay.restore_resource(entry));
    return {};
  }

  Status replay_log(store::Log& log) {
    node::Replay replay{options(std::max(request_.from, log_from_), rehearses())};
    if (!whole()) {
      TRY(restore_resources(replay, log_from_));
      for (auto& [name, known] : known_) replay.restore_series(name, std::move(known.series));
      TRY(restore_revisions(*ledger_, log_from_, replay));
      known_.clear();
      ledger_.reset();
    }
    for (store::LogPosition position = bounds_.first - 1; position < bounds_.last;) {
      std::size_t wanted = std::min<std::size_t>(page, bounds_.last - position);
      std::vector<store::LogRecord> records = TRY(log.read(shard, position, wanted));
      if (records.empty()) break;
      for (store::LogRecord& record : records) {
        node::Record decoded = TRY(node::decode_record(record.bytes));
        std::uint64_t gaps = replay.counts().gaps;
        std::vector<node::ReplayLine> lines = TRY(replay.step(record.at, record.position, std::move(decoded)));
        if (replay.counts().gaps != gaps)
          grounds_.approximate.push_back(cat("the log was cut or replaced before record ", record.position, " of ",
                                             to_rfc3339(record.at), ": what stood between is lost"));
        TRY(tell_all(lines, !grounds_.approximate.empty()));
      }
      position = records.back().position;
      if (!tell_("")) return stopped();
    }
    add(replay.counts());
    return {};
  }

  // ---- older than the log: minutes from the history, as frames ----

  struct Row {
    WallTime at;
    InstanceName instance;
    std::vector<model::SeriesDeclaration> declared;
    std::vector<std::pair<model::SeriesIndex, double>> values;
  };
  using Numbers = std::map<InstanceName, std::map<model::Series, model::SeriesIndex>>;

  Status replay_minutes() {
    node::Replay replay{options(grounds_.from, true)};
    TRY(restore_resources(replay, grounds_.from));
    Numbers numbers;
    store::LogPosition position = minutes_positions;
    for (WallTime from = grounds_.from; from < log_from_; from = from + minutes_at_once) {
      WallTime to = std::min(from + minutes_at_once, log_from_);
      std::vector<Row> rows;
      for (const auto& [name, known] : known_) TRY(read_minutes(name, from, to, numbers[name], rows));
      std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.at < b.at; });
      for (Row& row : rows) {
        WallTime arrived = row.at + std::chrono::minutes{1};  // a minute is known when it is over
        node::FrameArrived frame = frame_of(std::move(row), ++position);
        std::vector<node::ReplayLine> lines = TRY(replay.step(arrived, position, std::move(frame)));
        TRY(tell_all(lines, true));
      }
      if (!tell_("")) return stopped();
    }
    TRY(tell_all(replay.pass(log_from_), true));
    add(replay.counts());
    return {};
  }

  Status read_minutes(const InstanceName& name, WallTime from, WallTime to,
                      std::map<model::Series, model::SeriesIndex>& numbers, std::vector<Row>& rows) {
    std::vector<store::HistorySeries> found =
        TRY(place_.history->read({.instance = name, .metric = {}, .from = from, .to = to, .max_points = 60}));
    std::map<WallTime, Row> by_time;
    std::vector<model::SeriesDeclaration> declared;
    for (store::HistorySeries& each : found) {
      if (each.points.empty()) continue;
      each.series.kind = model::SeriesKind::gauge;  // counters are rates already
      auto [number, is_new] = numbers.emplace(each.series, static_cast<model::SeriesIndex>(numbers.size()));
      for (const store::HistoryPoint& point : each.points) {
        Row& row = by_time[point.at];
        row.at = point.at;
        row.instance = name;
        row.values.emplace_back(number->second, point.mean);
      }
      if (is_new) declared.push_back({.index = number->second, .series = std::move(each.series)});
    }
    if (!declared.empty()) by_time.begin()->second.declared = std::move(declared);
    for (auto& [at, row] : by_time) rows.push_back(std::move(row));
    return {};
  }

  node::FrameArrived frame_of(Row row, std::uint64_t sequence) const {
    const Known& known = known_.at(row.instance);
    model::InstanceFrame part;
    part.instance = row.instance;
    part.type = known.type;
    part.parent = known.parent;
    part.declared = std::move(row.declared);
    part.batch.times = {row.at};
    for (const auto& [number, value] : row.values) {
      part.batch.series.push_back(number);
      part.batch.values.push_back(value);
    }
    model::Frame frame;
    frame.source = known.authenticated ? (known.parent.empty() ? row.instance.value : known.parent.value) : "";
    frame.epoch = 1;
    frame.sequence = sequence;
    frame.authenticated = known.authenticated;
    frame.instances.push_back(std::move(part));
    return {.frame = std::move(frame)};
  }

  void add(const node::ReplayCounts& counts) {
    counts_.records += counts.records;
    counts_.instances = std::max(counts_.instances, counts.instances);
    counts_.found += counts.found;
    counts_.decided += counts.decided;
    counts_.acted += counts.acted;
    counts_.instance_time += counts.instance_time;
  }

  const ReplayPlace& place_;
  const ReplayRequest& request_;
  const TellLine& tell_;
  store::LogBounds bounds_;
  WallTime log_from_;
  ReplayGrounds grounds_;
  node::ReplayCounts counts_;
  std::unique_ptr<LedgerAtRest> ledger_;
  std::map<InstanceName, Known> known_;
};

// Folds what the ledger has folded, as far as it is now.
Status fold_up_to(node::Proof& proof, store::Log& log, LedgerAtRest& ledger, store::LogPosition& position,
                  const TellLine& tell) {
  store::LogPosition last = TRY(ledger.checkpoint(shard))
  .position;
  while (position < last && !proof.is_over()) {
    std::vector<store::LogRecord> records =
        TRY(log.read(shard, position, std::min<std::size_t>(page, last - position)));
    if (records.empty()) break;
    TRY(proof.fold(ledger, records));
    position = records.back().position;
    if (!tell("")) return stopped();
  }
  return {};
}

}  // namespace

Status run_replay(const ReplayPlace& place, const ReplayRequest& request, const TellLine& tell) {
  return Run(place, request, tell).run();
}

Result<node::ProofVerdict> run_proof(const ReplayPlace& place, const TellLine& tell) {
  DataPaths paths{place.data};
  std::unique_ptr<store::Log> log = TRY(open_log_for_reading(paths.log));
  std::unique_ptr<LedgerAtRest> ledger = TRY(open_ledger_at_rest(paths.ledger));
  store::LogBounds bounds = TRY(log->bounds(shard));
  node::Proof proof{sha256, place.builtin};
  if (bounds.first != 1) proof.begins_late(bounds);
  // A manager goes on meanwhile, so the ledger is looked at again until there is little between; then it is held.
  constexpr int most_rounds = 8;
  store::LogPosition position = 0;
  for (int round = 0; round < most_rounds && !proof.is_over(); ++round) {
    store::LogPosition before = position;
    TRY(fold_up_to(proof, *log, *ledger, position, tell));
    bool caught_up = position - before < page;
    TRY(ledger->look_again());
    TRY(log->bounds(shard));  // the log is looked at after the ledger: it is never behind it
    if (caught_up) break;
  }
  TRY(fold_up_to(proof, *log, *ledger, position, tell));
  store::Checkpoint checkpoint = TRY(ledger->checkpoint(shard));
  if (!proof.is_over() && position != checkpoint.position)
    return Error{.code = Code::corrupt,
                 .message = cat("the log ends with record ", position, ", but the ledger has folded ",
                                checkpoint.position, ": the newest records are missing"),
                 .where = paths.log,
                 .cause = {}};
  TRY(proof.close(*ledger));
  return proof.verdict();
}

Status answer_replay(const ReplayPlace& place, const ReplayRequest& request, const TellLine& tell) {
  if (!request.verify) return run_replay(place, request, tell);
  node::ProofVerdict verdict = TRY(run_proof(place, tell));
  wire::Document answer{{"type", "proof"}};
  answer.update(proof_document(verdict));
  return tell(wire::dump(answer)) ? Status{} : Status{stopped()};
}

}  // namespace mien::edge
