// Telemetry history in SQLite (docs/formats/history.md): one row per instance and block, with its seconds and its
// minutes as two blobs of their own, so that seconds can be dropped first. Lists of series are kept once.
#include <sys/statvfs.h>

#include <algorithm>
#include <map>

#include "base/codec.h"
#include "base/text.h"
#include "edge/mutex.h"
#include "edge/sqlite/database.h"
#include "edge/sqlite/history_minutes.h"
#include "edge/sqlite/sqlite.h"
#include "store/facts.h"
#include "store/history_codec.h"
#include "store/minutes.h"

namespace mien::edge {

namespace {

using store::Columns;
using store::HistoryBlock;
using store::HistoryPoint;
using store::HistoryQuery;
using store::HistorySeries;
using store::HistoryUse;

constexpr DatabaseKind history_kind{
    .name = "history",
    .version = 1,
    .schema =
        "CREATE TABLE instance (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "CREATE TABLE series (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL);"
        "CREATE TABLE block (id INTEGER PRIMARY KEY, instance INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER "
        "NOT NULL, "
        "series INTEGER NOT NULL, rows INTEGER NOT NULL, samples INTEGER NOT NULL, bytes BLOB NOT NULL);"
        "CREATE UNIQUE INDEX block_of ON block (instance, first);"
        "CREATE INDEX block_age ON block (first, samples);"
        "CREATE INDEX block_series ON block (series);"
        "CREATE TABLE minutes (id INTEGER PRIMARY KEY, instance INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER "
        "NOT NULL, "
        "series INTEGER NOT NULL, joined INTEGER NOT NULL, bytes BLOB NOT NULL);"
        "CREATE UNIQUE INDEX minutes_of ON minutes (instance, first);"
        "CREATE INDEX minutes_age ON minutes (first);"
        "CREATE INDEX minutes_loose ON minutes (first, instance) WHERE joined = 0;"
        "CREATE INDEX minutes_series ON minutes (series)",
    .full_sync = false};

// Beside it since facts are kept: older files get it when they are opened, and older programs look past it.
constexpr const char* fact_schema =
    "CREATE TABLE IF NOT EXISTS fact (instance INTEGER NOT NULL, position INTEGER NOT NULL, part INTEGER NOT NULL, "
    "first INTEGER NOT NULL, last INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (instance, position, part)) "
    "WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS fact_of ON fact (instance, last);"
    "CREATE INDEX IF NOT EXISTS fact_age ON fact (last)";

constexpr Duration keep_seconds = 48h;
constexpr Duration keep_facts = 24h * 30;
constexpr Duration keep_minutes = 24h * 90;
constexpr std::int64_t end_of_time = std::int64_t{1} << 61;
constexpr std::uint64_t free_part = 10;       // one tenth of the disk stays free
constexpr std::int64_t rows_at_a_time = 200;  // deleted in one transaction: readers and appends come in between

Error make_error(Code code, std::string message, std::string where) {
  return {.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

Result<std::int64_t> pragma(Database& database, std::string_view sql) {
  Query query = TRY(database.query(sql));
  TRY(query.step());
  return query.integer(0);
}

// What one block becomes; made before the transaction begins.
struct Encoded {
  const HistoryBlock* block = nullptr;
  std::string series;
  std::string seconds;
  std::string minutes;
  std::uint64_t samples = 0;
};

Result<Encoded> encode_block(const HistoryBlock& block) {
  const Columns columns{.times = block.batch.times, .count = block.series.size(), .values = block.batch.values};
  Encoded encoded{.block = &block, .series = {}, .seconds = {}, .minutes = {}, .samples = 0};
  encoded.series = TRY(store::encode_series_list(block.series));
  encoded.seconds = TRY(store::encode_columns(columns));
  encoded.minutes = TRY(store::encode_columns(store::to_minutes(columns)));
  encoded.samples = static_cast<std::uint64_t>(
      std::count_if(columns.values.begin(), columns.values.end(), [](double x) { return x == x; }));
  return encoded;
}

class SqliteHistory final : public store::History {
 public:
  explicit SqliteHistory(std::unique_ptr<Database> writer)
      : path_(writer->path()), readers_(path_, history_kind), writer_(std::move(writer)) {}

  Status append(const std::vector<HistoryBlock>& blocks) override;
  Result<std::vector<HistorySeries>> read(const HistoryQuery& query) override;
  Status append_facts(const std::vector<store::FactBlock>& blocks) override;
  Result<std::vector<store::StoredFact>> read_facts(const store::FactQuery& query) override;
  Status retain(WallTime now, Bytes limit) override;
  Result<HistoryUse> use() override;

 private:
  static Result<std::int64_t> instance_id(Database& writer, const InstanceName& name);
  static Status put(Database& writer, const Encoded& encoded);
  Status drop_older(const char* sql, WallTime than) REQUIRES_LOCK(mutex_);
  Status drop_until(std::uint64_t target) REQUIRES_LOCK(mutex_);
  Status give_back_space() REQUIRES_LOCK(mutex_);
  static Result<std::uint64_t> used(Database& database);

  const std::string path_;
  ReadPool readers_;
  Mutex mutex_;
  std::unique_ptr<Database> writer_ GUARDED_BY(mutex_);
};

Result<std::int64_t> SqliteHistory::instance_id(Database& writer, const InstanceName& name) {
  Query known = TRY(writer.query("SELECT id FROM instance WHERE name = ?"));
  if (TRY(known.bind_text(name.value).step())) return known.integer(0);
  Query fresh = TRY(writer.query("INSERT INTO instance (name) VALUES (?)"));
  TRY(fresh.bind_text(name.value).run());
  return std::int64_t{sqlite3_last_insert_rowid(writer.handle())};
}

Status SqliteHistory::put(Database& writer, const Encoded& encoded) {
  const std::vector<WallTime>& times = encoded.block->batch.times;
  const std::int64_t instance = TRY(instance_id(writer, encoded.block->instance));
  const std::int64_t series = TRY(series_list_id(writer, encoded.series));
  Query seconds =
      TRY(writer.query("INSERT OR REPLACE INTO block (instance, first, last, series, rows, samples, bytes) VALUES (?, "
                       "?, ?, ?, ?, ?, ?)"));
  seconds.bind(instance)
      .bind(times.front().ns)
      .bind(times.back().ns)
      .bind(series)
      .bind(static_cast<std::int64_t>(times.size()));
  TRY(seconds.bind(static_cast<std::int64_t>(encoded.samples)).bind_blob(encoded.seconds).run());
  Query minutes = TRY(writer.query(
      "INSERT OR REPLACE INTO minutes (instance, first, last, series, joined, bytes) VALUES (?, ?, ?, ?, 0, ?)"));
  return minutes.bind(instance)
      .bind(times.front().ns)
      .bind(times.back().ns)
      .bind(series)
      .bind_blob(encoded.minutes)
      .run();
}

Status SqliteHistory::append(const std::vector<HistoryBlock>& blocks) {
  std::vector<Encoded> all;
  for (const HistoryBlock& block : blocks) {
    if (block.batch.times.empty()) continue;
    auto encoded = encode_block(block);
    if (!encoded)
      return encoded.error().within(
          cat("history of ", block.instance.value, " at ", to_rfc3339(block.batch.times.front())));
    all.push_back(std::move(*encoded));
  }
  if (all.empty()) return {};
  const Lock lock{mutex_};
  Database& writer = *writer_;
  return writer.transaction([&]() -> Status {
    for (const Encoded& encoded : all) TRY(put(writer, encoded));
    return {};
  });
}

// ---- reading ----

// Collects the points of each series over many blocks, whose lists of series may differ.
class Gathering {
 public:
  Gathering(Database& reader, const HistoryQuery& query) : reader_(reader), query_(query) {}

  Result<std::int64_t> instance() {
    Query known = TRY(reader_.query("SELECT id FROM instance WHERE name = ?"));
    if (!TRY(known.bind_text(query_.instance.value).step())) return std::int64_t{-1};
    return known.integer(0);
  }

  // How many rows the blocks of the range have, and when the first of them begins.
  Status measure(std::int64_t instance) {
    const std::int64_t start = TRY(
        first_reaching("SELECT MAX(first) FROM block WHERE instance = ? AND first <= ?", instance, 10 * store::minute));
    Query sum =
        TRY(reader_.query("SELECT COALESCE(SUM(rows), 0), MIN(first) FROM block WHERE instance = ? AND first >= ? AND "
                          "first < ? AND last >= ?"));
    TRY(sum.bind(instance).bind(start).bind(query_.to.ns).bind(query_.from.ns).step());
    rows_ = static_cast<std::uint64_t>(sum.integer(0));
    seconds_from_ = rows_ == 0 ? query_.to : WallTime{sum.integer(1)};
    return {};
  }
  [[nodiscard]] bool fits() const {
    const Duration before = std::max(Duration{0}, seconds_from_ - query_.from);
    return rows_ != 0 && rows_ + static_cast<std::uint64_t>(before / store::minute) <= query_.max_points;
  }
  [[nodiscard]] WallTime seconds_from() const { return seconds_from_; }

  Status add_seconds(std::int64_t instance) {
    const std::int64_t start = TRY(
        first_reaching("SELECT MAX(first) FROM block WHERE instance = ? AND first <= ?", instance, 10 * store::minute));
    return each({instance, start, query_.to.ns},
                "SELECT first, series, bytes FROM block WHERE instance = ? AND first >= ? AND first < ? AND last >= ? "
                "ORDER BY first",
                1, [this](const Columns& columns, std::size_t place, std::vector<HistoryPoint>& points) {
                  const std::size_t rows = columns.times.size();
                  for (std::size_t r = 0; r < rows; ++r) {
                    const double x = columns.values[place * rows + r];
                    if (inside(columns.times[r]) && x == x)
                      points.push_back({.at = columns.times[r], .min = x, .max = x, .mean = x, .count = 1});
                  }
                });
  }
  // Minutes that begin before `until`.
  Status add_minutes(std::int64_t instance, WallTime until) {
    const std::int64_t start = TRY(first_reaching("SELECT MAX(first) FROM minutes WHERE instance = ? AND first <= ?",
                                                  instance, 70 * store::minute));
    return each({instance, start, until.ns},
                "SELECT first, series, bytes FROM minutes WHERE instance = ? AND first >= ? AND first < ? AND last >= "
                "? ORDER BY first",
                store::minute_columns,
                [this, until](const Columns& columns, std::size_t place, std::vector<HistoryPoint>& points) {
                  for (const HistoryPoint& point : store::minute_points(columns, place)) {
                    if (point.at + store::minute > query_.from && point.at < until && point.at < query_.to)
                      points.push_back(point);
                  }
                });
  }

  // In the order of the series, each in the order of time.
  std::vector<HistorySeries> take(Duration width) {
    std::vector<HistorySeries> all;
    for (auto& [series, points] : points_) {
      if (points.empty()) continue;
      std::stable_sort(points.begin(), points.end(),
                       [](const HistoryPoint& a, const HistoryPoint& b) { return a.at < b.at; });
      all.push_back(
          {.series = series, .points = width.count() == 0 ? std::move(points) : store::join_points(points, width)});
    }
    return all;
  }
  void join_minutes() {
    for (auto& [series, points] : points_) {
      std::stable_sort(points.begin(), points.end(),
                       [](const HistoryPoint& a, const HistoryPoint& b) { return a.at < b.at; });
      points = store::join_points(points, store::minute);
    }
  }

 private:
  // The columns of one list of series that the query asks for.
  struct Wanted {
    std::vector<std::size_t> places;
    std::vector<std::vector<HistoryPoint>*> into;
  };

  struct Range {
    std::int64_t instance = 0;
    std::int64_t start = 0;  // of first, inclusive
    std::int64_t end = 0;    // of first, exclusive
  };

  // Where to begin in the index, so that not every older row is looked at: the last block that begins before the range,
  // and a while earlier, because a backlog's block may lie beside it, or an hour's last minutes reach into the next.
  Result<std::int64_t> first_reaching(std::string_view sql, std::int64_t instance, Duration a_while) {
    Query query = TRY(reader_.query(sql));
    TRY(query.bind(instance).bind(query_.from.ns).step());
    const std::int64_t a_while_before = (query_.from - a_while).ns;
    return query.is_null(0) ? a_while_before : std::min(query.integer(0), a_while_before);
  }

  [[nodiscard]] bool inside(WallTime t) const { return t >= query_.from && t < query_.to; }

  template <class Add>
  Status each(const Range& range, std::string_view sql, std::size_t width, Add add) {
    Query blocks = TRY(reader_.query(sql));
    // A minute may begin before the range and reach into it.
    const WallTime from = width == 1 ? query_.from : query_.from - store::minute;
    blocks.bind(range.instance).bind(range.start).bind(range.end).bind(from.ns);
    while (TRY(blocks.step())) {
      const Wanted* wanted = TRY(wanted_of(blocks.integer(1)));
      if (wanted->places.empty()) continue;
      std::vector<std::size_t> columns_wanted;
      for (std::size_t place : wanted->places)
        for (std::size_t k = 0; k < width; ++k) columns_wanted.push_back(place * width + k);
      auto columns = store::decode_columns(blocks.bytes(2), columns_wanted);
      if (!columns)
        return columns.error().within(cat("history of ", query_.instance.value, " at ",
                                          to_rfc3339(WallTime{blocks.integer(0)}), " in ", reader_.path(),
                                          " can not be read; ask for a range without it"));
      for (std::size_t i = 0; i < wanted->places.size(); ++i) add(*columns, i, *wanted->into[i]);
    }
    return {};
  }

  Result<const Wanted*> wanted_of(std::int64_t list) {
    const auto known = wanted_.find(list);
    if (known != wanted_.end()) return &known->second;
    Query query = TRY(reader_.query("SELECT bytes FROM series WHERE id = ?"));
    if (!TRY(query.bind(list).step()))
      return make_error(Code::corrupt, cat("list of series ", list, " is missing"), reader_.path());
    const auto series = TRY(store::decode_series_list(query.bytes(0)));
    Wanted& wanted = wanted_[list];
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (!query_.metric.empty() && series[i].metric.value != query_.metric) continue;
      wanted.places.push_back(i);
      wanted.into.push_back(&points_[series[i]]);
    }
    return &wanted;
  }

  Database& reader_;
  const HistoryQuery& query_;
  std::uint64_t rows_ = 0;
  WallTime seconds_from_;
  std::map<std::int64_t, Wanted> wanted_;
  std::map<model::Series, std::vector<HistoryPoint>> points_;  // nodes stay where they are
};

Result<std::vector<HistorySeries>> SqliteHistory::read(const HistoryQuery& asked) {
  HistoryQuery query = asked;
  query.from = std::max(query.from, WallTime{-end_of_time});  // room to reckon in without overflow
  query.to = std::min(query.to, WallTime{end_of_time});
  auto reader = TRY(readers_.take());
  TRY(reader->run("BEGIN"));  // one picture, whatever is written meanwhile
  auto answer = [&]() -> Result<std::vector<HistorySeries>> {
    Gathering gathering{*reader, query};
    const std::int64_t instance = TRY(gathering.instance());
    if (instance < 0 || query.to <= query.from || query.max_points == 0) return std::vector<HistorySeries>{};
    TRY(gathering.measure(instance));
    if (!gathering.fits()) {
      TRY(gathering.add_minutes(instance, query.to));
      return gathering.take(store::width_for(query.to - query.from, query.max_points));
    }
    // A minute that the first seconds cut in two is answered by seconds.
    TRY(gathering.add_minutes(instance, gathering.seconds_from() - store::minute + Duration{1}));
    gathering.join_minutes();
    TRY(gathering.add_seconds(instance));
    return gathering.take(Duration{0});
  }();
  static_cast<void>(reader->run("COMMIT"));
  return answer;
}

// ---- security facts ----

Status SqliteHistory::append_facts(const std::vector<store::FactBlock>& blocks) {
  const Lock lock{mutex_};
  Database& writer = *writer_;
  return writer.transaction([&]() -> Status {
    for (const store::FactBlock& block : blocks) {
      if (block.facts.empty()) continue;
      auto [first, last] = std::minmax_element(block.facts.begin(), block.facts.end(),
                                               [](const auto& a, const auto& b) { return a.at < b.at; });
      const std::int64_t instance = TRY(instance_id(writer, block.instance));
      const std::string bytes = store::encode_facts(block.facts);
      Query query = TRY(writer.query(
          "INSERT OR REPLACE INTO fact (instance, position, part, first, last, bytes) VALUES (?, ?, ?, ?, ?, ?)"));
      query.bind(instance).bind(static_cast<std::int64_t>(block.position)).bind(static_cast<std::int64_t>(block.part));
      TRY(query.bind(first->at.ns).bind(last->at.ns).bind_blob(bytes).run());
    }
    return {};
  });
}

Result<std::vector<store::StoredFact>> SqliteHistory::read_facts(const store::FactQuery& query) {
  auto reader = TRY(readers_.take());
  Query known = TRY(reader->query("SELECT id FROM instance WHERE name = ?"));
  if (query.limit == 0 || !TRY(known.bind_text(query.instance.value).step())) return std::vector<store::StoredFact>{};
  store::FactPage page{query};
  Query rows =
      TRY(reader->query("SELECT position, part, last, bytes FROM fact WHERE instance = ? AND last >= ? AND first < ? "
                        "ORDER BY last DESC"));
  rows.bind(known.integer(0)).bind(query.from.ns).bind(query.to.ns);
  while (TRY(rows.step())) {
    if (page.is_settled(WallTime{rows.integer(2)})) break;
    auto facts = store::decode_facts(rows.bytes(3));
    if (!facts)
      return facts.error().within(cat("facts of ", query.instance.value, " up to ",
                                      to_rfc3339(WallTime{rows.integer(2)}), " in ", reader->path()));
    page.offer({.instance = query.instance,
                .position = static_cast<std::uint64_t>(rows.integer(0)),
                .part = static_cast<std::uint64_t>(rows.integer(1)),
                .facts = std::move(*facts)});
  }
  return page.take();
}

// ---- keeping within bounds ----

Status SqliteHistory::drop_older(const char* sql, WallTime than) {
  Database& writer = *writer_;
  Query query = TRY(writer.query(sql));
  do {
    query.again();
    TRY(query.bind(than.ns).bind(rows_at_a_time).run());
  } while (writer.changes() == rows_at_a_time);
  return {};
}

// Oldest seconds first, then oldest minutes, then oldest facts, until no more than `target` bytes are used.
Status SqliteHistory::drop_until(std::uint64_t target) {
  for (const char* sql : {"DELETE FROM block WHERE id IN (SELECT id FROM block ORDER BY first LIMIT ?)",
                          "DELETE FROM minutes WHERE id IN (SELECT id FROM minutes ORDER BY first LIMIT ?)",
                          "DELETE FROM fact WHERE (instance, position, part) IN (SELECT instance, position, part FROM "
                          "fact ORDER BY last LIMIT ?)"}) {
    while (TRY(used(*writer_)) > target) {
      Query query = TRY(writer_->query(sql));
      TRY(query.bind(rows_at_a_time / 10).run());
      if (writer_->changes() == 0) break;
    }
  }
  return {};
}

Status SqliteHistory::give_back_space() {
  // In steps, each a transaction of its own, so that giving back a gigabyte does not first write one into the WAL.
  for (std::int64_t before = -1;;) {
    const std::int64_t unused = TRY(pragma(*writer_, "PRAGMA freelist_count"));
    if (unused == 0 || unused == before) break;
    before = unused;
    TRY(writer_->run("PRAGMA incremental_vacuum(1000)"));
  }
  return writer_->run("PRAGMA wal_checkpoint(PASSIVE)");
}

// Pages in use, without the free ones inside the file.
Result<std::uint64_t> SqliteHistory::used(Database& database) {
  const std::int64_t pages = TRY(pragma(database, "PRAGMA page_count"));
  const std::int64_t unused = TRY(pragma(database, "PRAGMA freelist_count"));
  const std::int64_t size = TRY(pragma(database, "PRAGMA page_size"));
  return static_cast<std::uint64_t>((pages - unused) * size);
}

Status SqliteHistory::retain(WallTime now, Bytes limit) {
  const Lock lock{mutex_};
  TRY(drop_older("DELETE FROM block WHERE id IN (SELECT id FROM block WHERE first < ? ORDER BY first LIMIT ?)",
                 now - keep_seconds));
  TRY(drop_older("DELETE FROM minutes WHERE id IN (SELECT id FROM minutes WHERE first < ? ORDER BY first LIMIT ?)",
                 now - keep_minutes));
  TRY(
      drop_older("DELETE FROM fact WHERE (instance, position, part) IN (SELECT instance, position, part FROM fact "
                 "WHERE last < ? ORDER BY last LIMIT ?)",
                 now - keep_facts));
  TRY(join_old_minutes(*writer_, now - keep_seconds));
  std::uint64_t target = limit.value;
  struct statvfs disk {};
  if (::statvfs(path_.c_str(), &disk) == 0) {
    const std::uint64_t wanted_free = disk.f_blocks * disk.f_frsize / free_part;
    const std::uint64_t free_now = disk.f_bavail * disk.f_frsize;
    const std::uint64_t present = TRY(used(*writer_));
    if (free_now < wanted_free) target = std::min(target, present - std::min(present, wanted_free - free_now));
  }
  TRY(drop_until(target));
  TRY(
      writer_->run("DELETE FROM series AS s WHERE NOT EXISTS (SELECT 1 FROM block WHERE block.series = s.id) "
                   "AND NOT EXISTS (SELECT 1 FROM minutes WHERE minutes.series = s.id)"));
  return give_back_space();
}

Result<HistoryUse> SqliteHistory::use() {
  auto reader = TRY(readers_.take());
  HistoryUse use;
  Query query = TRY(reader->query("SELECT COUNT(*), COALESCE(SUM(samples), 0), COALESCE(MIN(first), 0) FROM block"));
  TRY(query.step());
  use.blocks = static_cast<std::uint64_t>(query.integer(0));
  use.samples = static_cast<std::uint64_t>(query.integer(1));
  use.oldest = {query.integer(2)};
  use.bytes = { TRY(used(*reader)) };
  Query minutes = TRY(reader->query("SELECT COALESCE(MIN(first), 0), COUNT(*) FROM minutes"));
  TRY(minutes.step());
  if (minutes.integer(1) != 0)
    use.oldest = use.blocks == 0 ? WallTime{minutes.integer(0)} : std::min(use.oldest, WallTime{minutes.integer(0)});
  return use;
}

}  // namespace

Result<std::unique_ptr<store::History>> open_history(const std::string& path) {
  auto writer = TRY(Database::open_or_create(path, history_kind));
  TRY(writer->run("PRAGMA journal_size_limit=16777216"));
  TRY(writer->run(fact_schema));
  return std::unique_ptr<store::History>{std::make_unique<SqliteHistory>(std::move(writer))};
}

}  // namespace mien::edge
