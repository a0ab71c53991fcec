// The ledger in SQLite: its own file, WAL, synchronous=FULL, so that a commit is on the disk when it returns
// (docs/formats/ledger.md). One writing connection under a mutex; every reader has a connection of its own and sees the
// last commit.
#include <array>
#include <cstring>

#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "edge/mutex.h"
#include "edge/sqlite/database.h"
#include "edge/sqlite/formats.h"
#include "edge/sqlite/sqlite.h"
#include "store/audit.h"
#include "store/checksum.h"

namespace mien::edge {

namespace {

using store::AuditHead;
using store::AuditRow;
using store::Checkpoint;
using store::Entry;
using store::Hash;
using store::ShardId;
using store::Table;
using store::Transaction;

// What may be asked of each table, prepared as text once.
struct TableSql {
  const char* put;
  const char* erase;
  const char* get;
  const char* scan;
};
#define MIEN_TABLE_SQL(name)                                                                                           \
  TableSql {                                                                                                           \
    "INSERT INTO " name " (key, sum, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET sum = ?2, bytes = ?3", \
        "DELETE FROM " name " WHERE key = ?", "SELECT sum, bytes FROM " name " WHERE key = ?",                         \
        "SELECT key, sum, bytes FROM " name " WHERE key > ?1 AND key >= ?2 ORDER BY key LIMIT ?3"                      \
  }
constexpr std::array<TableSql, 10> table_sql{
    MIEN_TABLE_SQL("core"),      MIEN_TABLE_SQL("instance"), MIEN_TABLE_SQL("resource"), MIEN_TABLE_SQL("generation"),
    MIEN_TABLE_SQL("revision"),  MIEN_TABLE_SQL("finding"),  MIEN_TABLE_SQL("decision"), MIEN_TABLE_SQL("action"),
    MIEN_TABLE_SQL("directive"), MIEN_TABLE_SQL("access")};
#undef MIEN_TABLE_SQL
constexpr std::array<std::string_view, 10> table_names{"core",    "instance", "resource", "generation", "revision",
                                                       "finding", "decision", "action",   "directive",  "access"};

const TableSql& sql_of(Table table) {
  const auto index = static_cast<std::size_t>(table);
  CHECK(index < table_sql.size());
  return table_sql[index];
}

Error make_error(Code code, std::string message, std::string where = {}) {
  return {.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

std::uint32_t checksum(std::string_view key, std::string_view bytes) {
  return store::crc32c(bytes, store::crc32c(key));
}

std::string_view view_of(const Hash& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }

// A hash column that has another length can only be damage; it comes out as zeros, which no chain contains.
Hash hash_of(std::string_view bytes) {
  Hash hash{};
  if (bytes.size() == hash.size()) std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

Status check_sum(Table table, std::string_view key, std::string_view bytes, std::int64_t sum, const std::string& path) {
  if (checksum(key, bytes) == sum) return {};
  return make_error(Code::corrupt,
                    cat("entry \"", key, "\" of table ", table_names[static_cast<std::size_t>(table)],
                        " is damaged: its checksum does not fit. Stop Mien, keep a copy, and restore a backup with "
                        "`mien restore FILE`"),
                    path);
}

Result<std::optional<AuditRow>> read_audit_row(Database& database, std::string_view sql, std::int64_t sequence) {
  Query query = TRY(database.query(sql));
  query.bind(sequence);
  if (!TRY(query.step())) return std::optional<AuditRow>{};
  return std::optional{AuditRow{.sequence = static_cast<std::uint64_t>(query.integer(0)),
                                .bytes = std::string(query.bytes(1)),
                                .hash = hash_of(query.bytes(2))}};
}

Result<std::optional<AuditRow>> read_audit_tail(Database& database) {
  return read_audit_row(database,
                        "SELECT sequence, bytes, hash FROM audit WHERE sequence > ? ORDER BY sequence DESC LIMIT 1", 0);
}

class SqliteLedger final : public store::Ledger {
 public:
  explicit SqliteLedger(std::unique_ptr<Database> writer)
      : path_(writer->path()), readers_(path_, ledger_kind()), writer_(std::move(writer)) {}

  Result<Checkpoint> acquire(ShardId shard) override;
  Status commit(const Transaction& transaction) override;
  Result<std::vector<Entry>> scan(Table table, std::string_view prefix, std::string_view after,
                                  std::size_t limit) override;
  Result<std::optional<std::string>> get(Table table, std::string_view key) override;
  Result<std::vector<AuditRow>> audit(std::uint64_t after, std::size_t limit) override;
  Result<std::optional<AuditHead>> audit_head() override;
  Result<std::optional<AuditRow>> audit_tail() override;

 private:
  static Status write(Database& writer, const Transaction& transaction);
  static Status put_checkpoint(Database& writer, ShardId shard, const Checkpoint& checkpoint);
  static Status put_entry(Database& writer, const store::Write& write);
  static Status put_audit(Database& writer, const std::vector<AuditRow>& rows);
  static Status put_head(Database& writer, const AuditHead& head);

  const std::string path_;
  ReadPool readers_;
  Mutex mutex_;
  std::unique_ptr<Database> writer_ GUARDED_BY(mutex_);
  std::optional<Error> broken_ GUARDED_BY(mutex_);  // an fsync failed: what is on the disk is not known any more
};

Result<std::optional<Checkpoint>> read_checkpoint(Database& database, ShardId shard) {
  Query query = TRY(database.query("SELECT position, record_hash, epoch FROM shard WHERE shard = ?"));
  query.bind(shard);
  if (!TRY(query.step())) return std::optional<Checkpoint>{};
  return std::optional{Checkpoint{.position = static_cast<store::LogPosition>(query.integer(0)),
                                  .record_hash = hash_of(query.bytes(1)),
                                  .epoch = static_cast<std::uint64_t>(query.integer(2))}};
}

Status SqliteLedger::put_checkpoint(Database& writer, ShardId shard, const Checkpoint& checkpoint) {
  Query query =
      TRY(writer.query("INSERT INTO shard (shard, position, record_hash, epoch) VALUES (?1, ?2, ?3, ?4) "
                       "ON CONFLICT (shard) DO UPDATE SET position = ?2, record_hash = ?3, epoch = ?4"));
  return query.bind(shard)
      .bind(static_cast<std::int64_t>(checkpoint.position))
      .bind_blob(view_of(checkpoint.record_hash))
      .bind(static_cast<std::int64_t>(checkpoint.epoch))
      .run();
}

Result<Checkpoint> SqliteLedger::acquire(ShardId shard) {
  const Lock lock{mutex_};
  if (broken_) return *broken_;
  Database& writer = *writer_;
  Checkpoint taken;
  const Status status = writer.transaction([&]() -> Status {
    taken = TRY(read_checkpoint(writer, shard))
    .value_or(Checkpoint{});
    ++taken.epoch;
    return put_checkpoint(writer, shard, taken);
  });
  if (!status) return status.error();
  return taken;
}

Status SqliteLedger::put_entry(Database& writer, const store::Write& write) {
  const TableSql& sql = sql_of(write.table);
  if (!write.bytes) {
    Query query = TRY(writer.query(sql.erase));
    return query.bind_text(write.key).run();
  }
  Query query = TRY(writer.query(sql.put));
  return query.bind_text(write.key).bind(checksum(write.key, *write.bytes)).bind_blob(*write.bytes).run();
}

Status SqliteLedger::put_audit(Database& writer, const std::vector<AuditRow>& rows) {
  if (rows.empty()) return {};
  std::optional<AuditRow> tail = TRY(read_audit_tail(writer));
  const AuditRow* before = tail ? &*tail : nullptr;
  Query query = TRY(writer.query("INSERT INTO audit (sequence, bytes, hash) VALUES (?, ?, ?)"));
  for (const AuditRow& row : rows) {
    if (!store::continues(before, row, &sha256))
      return make_error(Code::conflict,
                        cat("audit row ", row.sequence, " does not continue the chain, which ends with row ",
                            before != nullptr ? before->sequence : 0));
    query.again();
    TRY(query.bind(static_cast<std::int64_t>(row.sequence)).bind_blob(row.bytes).bind_blob(view_of(row.hash)).run());
    before = &row;
  }
  return {};
}

Status SqliteLedger::put_head(Database& writer, const AuditHead& head) {
  const auto row = TRY(read_audit_row(writer, "SELECT sequence, bytes, hash FROM audit WHERE sequence = ?",
                                      static_cast<std::int64_t>(head.sequence)));
  if (head.hash != (row ? row->hash : Hash{}) || (!row && head.sequence != 0))
    return make_error(Code::conflict,
                      cat("the signed head names audit row ", head.sequence, ", which is not in the chain as signed"));
  Query query =
      TRY(writer.query("INSERT INTO audit_head (id, sequence, hash, at, signature) VALUES (1, ?1, ?2, ?3, ?4) "
                       "ON CONFLICT (id) DO UPDATE SET sequence = ?1, hash = ?2, at = ?3, signature = ?4"));
  return query.bind(static_cast<std::int64_t>(head.sequence))
      .bind_blob(view_of(head.hash))
      .bind(head.at.ns)
      .bind_blob(head.signature)
      .run();
}

Status SqliteLedger::write(Database& writer, const Transaction& transaction) {
  const auto present = TRY(read_checkpoint(writer, transaction.shard));
  if (!present || present->epoch != transaction.checkpoint.epoch)
    return make_error(Code::conflict,
                      cat("shard ", transaction.shard, " belongs to epoch ", present ? present->epoch : 0,
                          " now; this owner is of epoch ", transaction.checkpoint.epoch, " and may no longer write"));
  TRY(put_checkpoint(writer, transaction.shard, transaction.checkpoint));
  for (const store::Write& each : transaction.writes) TRY(put_entry(writer, each));
  TRY(put_audit(writer, transaction.audit));
  if (transaction.head) TRY(put_head(writer, *transaction.head));
  return {};
}

Status SqliteLedger::commit(const Transaction& transaction) {
  const Lock lock{mutex_};
  if (broken_) return *broken_;
  Database& writer = *writer_;
  Status status = writer.transaction([&] { return write(writer, transaction); });
  const int code = sqlite3_extended_errcode(writer.handle());
  if (!status && (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)) {
    // The commit may or may not be found after a restart: going on would be to guess.
    broken_ = status.error().within("the ledger can not be trusted until Mien is started again; look at the disk");
    return *broken_;
  }
  return status;
}

Result<std::vector<Entry>> read_entries(Database& reader, Table table, std::string_view prefix, std::string_view after,
                                        std::size_t limit) {
  std::vector<Entry> entries;
  Query query = TRY(reader.query(sql_of(table).scan));
  query.bind_text(after).bind_text(prefix).bind(static_cast<std::int64_t>(std::min<std::size_t>(limit, INT32_MAX)));
  while (TRY(query.step())) {
    Entry entry{.key = std::string(query.bytes(0)), .bytes = std::string(query.bytes(2))};
    if (!entry.key.starts_with(prefix)) break;
    TRY(check_sum(table, entry.key, entry.bytes, query.integer(1), reader.path()));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::optional<std::string>> read_entry(Database& reader, Table table, std::string_view key) {
  Query query = TRY(reader.query(sql_of(table).get));
  query.bind_text(key);
  if (!TRY(query.step())) return std::optional<std::string>{};
  std::string bytes{query.bytes(1)};
  TRY(check_sum(table, key, bytes, query.integer(0), reader.path()));
  return std::optional{std::move(bytes)};
}

Result<std::vector<AuditRow>> read_audit(Database& reader, std::uint64_t after, std::size_t limit) {
  std::vector<AuditRow> rows;
  Query query =
      TRY(reader.query("SELECT sequence, bytes, hash FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?"));
  query.bind(static_cast<std::int64_t>(std::min<std::uint64_t>(after, INT64_MAX)))
      .bind(static_cast<std::int64_t>(std::min<std::size_t>(limit, INT32_MAX)));
  while (TRY(query.step()))
    rows.push_back({.sequence = static_cast<std::uint64_t>(query.integer(0)),
                    .bytes = std::string(query.bytes(1)),
                    .hash = hash_of(query.bytes(2))});
  return rows;
}

Result<std::optional<AuditHead>> read_audit_head(Database& reader) {
  Query query = TRY(reader.query("SELECT sequence, hash, at, signature FROM audit_head WHERE id = 1"));
  if (!TRY(query.step())) return std::optional<AuditHead>{};
  return std::optional{AuditHead{.sequence = static_cast<std::uint64_t>(query.integer(0)),
                                 .hash = hash_of(query.bytes(1)),
                                 .at = {query.integer(2)},
                                 .signature = std::string(query.bytes(3))}};
}

Result<std::vector<Entry>> SqliteLedger::scan(Table table, std::string_view prefix, std::string_view after,
                                              std::size_t limit) {
  auto reader = TRY(readers_.take());
  return read_entries(*reader, table, prefix, after, limit);
}

Result<std::optional<std::string>> SqliteLedger::get(Table table, std::string_view key) {
  auto reader = TRY(readers_.take());
  return read_entry(*reader, table, key);
}

Result<std::vector<AuditRow>> SqliteLedger::audit(std::uint64_t after, std::size_t limit) {
  auto reader = TRY(readers_.take());
  return read_audit(*reader, after, limit);
}

Result<std::optional<AuditHead>> SqliteLedger::audit_head() {
  auto reader = TRY(readers_.take());
  return read_audit_head(*reader);
}

Result<std::optional<AuditRow>> SqliteLedger::audit_tail() {
  auto reader = TRY(readers_.take());
  return read_audit_tail(*reader);
}

// One connection in one read transaction: it sees one commit until it is told to look again.
class SqliteLedgerAtRest final : public LedgerAtRest {
 public:
  explicit SqliteLedgerAtRest(std::unique_ptr<Database> reader) : reader_(std::move(reader)) {}
  ~SqliteLedgerAtRest() override { static_cast<void>(reader_->run("COMMIT")); }

  Status look_again() override {
    if (sqlite3_get_autocommit(reader_->handle()) == 0) TRY(reader_->run("COMMIT"));
    TRY(reader_->run("BEGIN"));
    static_cast<void>(TRY(read_checkpoint(*reader_, 0)));  // the first read is what fixes the commit
    return {};
  }
  Result<Checkpoint> checkpoint(ShardId shard) override {
    return TRY(read_checkpoint(*reader_, shard))
    .value_or(Checkpoint{});
  }
  Result<std::vector<Entry>> scan(Table table, std::string_view prefix, std::string_view after,
                                  std::size_t limit) override {
    return read_entries(*reader_, table, prefix, after, limit);
  }
  Result<std::optional<std::string>> get(Table table, std::string_view key) override {
    return read_entry(*reader_, table, key);
  }
  Result<std::vector<AuditRow>> audit(std::uint64_t after, std::size_t limit) override {
    return read_audit(*reader_, after, limit);
  }
  Result<std::optional<AuditHead>> audit_head() override { return read_audit_head(*reader_); }
  Result<std::optional<AuditRow>> audit_tail() override { return read_audit_tail(*reader_); }
  Result<Checkpoint> acquire(ShardId) override { return only_looks(); }
  Status commit(const Transaction&) override { return only_looks(); }

 private:
  Error only_looks() const {
    return make_error(Code::unsupported, "this ledger was opened for reading", reader_->path());
  }
  std::unique_ptr<Database> reader_;
};

}  // namespace

const DatabaseKind& ledger_kind() {
  static constexpr DatabaseKind kind{
      .name = "ledger",
      .version = 1,
      .schema =
          "CREATE TABLE shard (shard INTEGER PRIMARY KEY, position INTEGER NOT NULL, record_hash BLOB NOT NULL, epoch "
          "INTEGER NOT NULL);"
          "CREATE TABLE core (key TEXT PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
          "CREATE TABLE instance (key TEXT PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
          "CREATE TABLE resource (key TEXT PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
          "CREATE TABLE generation (key TEXT PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
          "CREATE TABLE revision (key TEXT PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
          "CREATE TABLE finding (key TEXT PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
          "CREATE TABLE decision (key TEXT PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
          "CREATE TABLE action (key TEXT PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
          "CREATE TABLE directive (key TEXT PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
          "CREATE TABLE access (key TEXT PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
          "CREATE TABLE audit (sequence INTEGER PRIMARY KEY, bytes BLOB NOT NULL, hash BLOB NOT NULL);"
          "CREATE TABLE audit_head (id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER NOT NULL, hash BLOB NOT "
          "NULL, "
          "at INTEGER NOT NULL, signature BLOB NOT NULL)",
      .full_sync = true};
  return kind;
}

Result<std::unique_ptr<store::Ledger>> open_ledger(const std::string& path) {
  auto writer = TRY(Database::open_or_create(path, ledger_kind()));
  return std::unique_ptr<store::Ledger>{std::make_unique<SqliteLedger>(std::move(writer))};
}

Result<std::unique_ptr<LedgerAtRest>> open_ledger_at_rest(const std::string& path) {
  auto ledger = std::make_unique<SqliteLedgerAtRest>(TRY(Database::open_for_reading(path, ledger_kind())));
  TRY(ledger->look_again());
  return std::unique_ptr<LedgerAtRest>{std::move(ledger)};
}

}  // namespace mien::edge
