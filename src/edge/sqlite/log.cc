// The ordered log in SQLite: a file per hour and shard (docs/formats/log.md).
//
// Durability. synchronous=NORMAL with a WAL: a commit is a write() without fsync, in the file and so safe from kill -9.
// sync() is one fdatasync of the WAL file through a descriptor of our own, without the append lock, so that appending
// goes on meanwhile. That is enough: frames still in the WAL are on the disk afterwards, and frames that a checkpoint
// has moved into the database were synced by SQLite before their place in the WAL was used again. (Checkpointing
// instead would write every byte twice more.) At the turn of the hour the old file is checkpointed and closed whole.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>

#include "base/text.h"
#include "edge/mutex.h"
#include "edge/sqlite/database.h"
#include "edge/sqlite/sqlite.h"
#include "store/checksum.h"

namespace mien::edge {

namespace {

using store::LogBounds;
using store::LogPosition;
using store::LogRecord;
using store::ShardId;

constexpr DatabaseKind log_kind{.name = "log file",
                                .version = 1,
                                .schema =
                                    "CREATE TABLE record (position INTEGER PRIMARY KEY, at INTEGER NOT NULL, sum "
                                    "INTEGER NOT NULL, bytes BLOB NOT NULL)",
                                .full_sync = false};
constexpr std::int64_t hour_ns = 3'600'000'000'000;
constexpr std::size_t name_digits = 20;
constexpr std::string_view suffix = ".sqlite";

Error make_error(Code code, std::string message, std::string where) {
  return {.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

std::int64_t hour_of(WallTime t) { return t.ns >= 0 ? t.ns / hour_ns : (t.ns - hour_ns + 1) / hour_ns; }

std::uint32_t checksum(LogPosition position, WallTime at, std::string_view bytes) {
  char head[16];
  std::memcpy(head, &position, 8);
  std::memcpy(head + 8, &at.ns, 8);
  return store::crc32c(bytes, store::crc32c({head, sizeof head}));
}

// A descriptor that closes itself.
struct File {
  int fd = -1;
  explicit File(int open_fd) : fd(open_fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

// To write, as a manager does; or only to look, beside one that may be writing or on a directory that nobody uses.
enum class Use : std::uint8_t { write, look };

class Shard {
 public:
  Shard(std::string directory, Use use) : directory_(std::move(directory)), use_(use) {}

  Status open();
  // Looks again what is there (of Use::look: a writer notes it by itself).
  Status look();
  Result<LogPosition> append(WallTime at, std::span<const std::string_view> records);
  Result<std::vector<LogRecord>> read(LogPosition after, std::size_t limit);
  LogBounds bounds();
  Status sync();
  Status trim(LogPosition upto);

 private:
  [[nodiscard]] std::string path_of(LogPosition start) const {
    const std::string digits = std::to_string(start);
    return cat(directory_, "/", std::string(name_digits - digits.size(), '0'), digits, suffix);
  }
  Status find_files() REQUIRES_LOCK(mutex_);
  Status start_file(WallTime at) REQUIRES_LOCK(mutex_);
  Status insert(WallTime at, std::span<const std::string_view> records) REQUIRES_LOCK(mutex_);
  Result<std::shared_ptr<File>> wal_of_writer() REQUIRES_LOCK(mutex_);
  Error break_off(int number) REQUIRES_LOCK(mutex_);
  Result<std::optional<std::pair<LogPosition, WallTime>>> last_in(Database& file);
  // The file that holds (or will hold) `position`, as its first position; nothing when it is trimmed or there is none.
  std::optional<LogPosition> file_with(LogPosition position);
  Status read_file(LogPosition start, LogPosition last, std::size_t limit, std::vector<LogRecord>& out)
      REQUIRES_LOCK(read_mutex_);
  Result<Database*> reader_of(LogPosition start) REQUIRES_LOCK(read_mutex_);

  const std::string directory_;
  const Use use_;

  Mutex mutex_;
  std::vector<LogPosition> starts_ GUARDED_BY(mutex_);   // first positions of the files, ascending
  std::unique_ptr<Database> writer_ GUARDED_BY(mutex_);  // on the newest file
  std::shared_ptr<File> wal_ GUARDED_BY(mutex_);         // its WAL, for sync(); opened when first needed
  LogPosition last_ GUARDED_BY(mutex_) = 0;
  WallTime last_at_ GUARDED_BY(mutex_);
  LogPosition synced_ GUARDED_BY(mutex_) = 0;
  std::int64_t hour_ GUARDED_BY(mutex_) = 0;        // of the newest file's first record
  bool empty_file_ GUARDED_BY(mutex_) = true;       // the newest file has no record yet
  std::optional<Error> broken_ GUARDED_BY(mutex_);  // a sync failed: what the kernel still holds is not known

  // Always taken after mutex_ is released, never the other way round.
  Mutex read_mutex_;
  std::map<LogPosition, std::unique_ptr<Database>> readers_ GUARDED_BY(read_mutex_);  // the last few files read
};

Status Shard::find_files() {
  starts_.clear();
  std::error_code failed;
  for (std::filesystem::directory_iterator i{directory_, failed}, end; !failed && i != end; i.increment(failed)) {
    const std::string name = i->path().filename().string();
    if (name.ends_with(".new") || name.find(".new-") != std::string::npos) {  // a file whose making was cut short
      if (use_ == Use::write) ::unlink(i->path().c_str());
      continue;
    }
    if (!name.ends_with(suffix)) continue;
    const auto start = parse_integer(std::string_view(name).substr(0, name.size() - suffix.size()));
    if (!start || *start < 1 || name.size() != name_digits + suffix.size())
      return make_error(Code::corrupt, cat(name, " is not a file of this log: move it away"), directory_);
    starts_.push_back(static_cast<LogPosition>(*start));
  }
  if (use_ == Use::look && failed == std::errc::no_such_file_or_directory)
    return make_error(Code::not_found, "there is no log of Mien here", directory_);
  if (failed) return system_error(failed.value(), "read", directory_);
  std::sort(starts_.begin(), starts_.end());
  return {};
}

Result<std::optional<std::pair<LogPosition, WallTime>>> Shard::last_in(Database& file) {
  Query query = TRY(file.query("SELECT position, at FROM record ORDER BY position DESC LIMIT 1"));
  if (!TRY(query.step())) return std::optional<std::pair<LogPosition, WallTime>>{};
  return std::optional{std::pair{static_cast<LogPosition>(query.integer(0)), WallTime{query.integer(1)}}};
}

Status Shard::open() {
  const Lock lock{mutex_};
  TRY(make_directories(directory_));
  TRY(find_files());
  if (starts_.empty()) return {};
  last_ = starts_.back() - 1;
  writer_ = TRY(Database::open(path_of(starts_.back()), log_kind));
  TRY(writer_->run("PRAGMA wal_autocheckpoint=4000"));
  const auto newest = TRY(last_in(*writer_));
  empty_file_ = !newest;
  if (newest) {
    std::tie(last_, last_at_) = *newest;
    Query first = TRY(writer_->query("SELECT at FROM record ORDER BY position LIMIT 1"));
    if (TRY(first.step())) hour_ = hour_of(WallTime{first.integer(0)});
  } else if (starts_.size() > 1) {
    auto before = TRY(Database::open_for_reading(path_of(starts_[starts_.size() - 2]), log_kind));
    if (const auto last = TRY(last_in(*before))) last_at_ = last->second;
  }
  return {};
}

Status Shard::look() {
  const Lock lock{mutex_};
  TRY(find_files());
  last_ = 0;
  // The newest file may have just been made, without a record yet.
  for (auto start = starts_.rbegin(); start != starts_.rend() && last_ == 0; ++start) {
    auto file = TRY(Database::open_for_reading(path_of(*start), log_kind));
    if (const auto newest = TRY(last_in(*file))) std::tie(last_, last_at_) = *newest;
  }
  return {};
}

// The old file goes to the disk whole before the new one gets its first record: a power cut leaves no hole.
Status Shard::start_file(WallTime at) {
  if (writer_) {
    if (synced_ < last_) {
      const auto wal = TRY(wal_of_writer());
      if (::fdatasync(wal->fd) != 0) return break_off(errno);
      synced_ = last_;
    }
    TRY(writer_->run("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  const LogPosition start = last_ + 1;
  auto fresh = TRY(Database::open_or_create(path_of(start), log_kind));
  TRY(fresh->run("PRAGMA wal_autocheckpoint=4000"));
  writer_ = std::move(fresh);
  wal_.reset();
  if (starts_.empty() || starts_.back() != start) starts_.push_back(start);
  hour_ = hour_of(at);
  empty_file_ = true;
  return {};
}

Status Shard::insert(WallTime at, std::span<const std::string_view> records) {
  Query query = TRY(writer_->query("INSERT INTO record (position, at, sum, bytes) VALUES (?, ?, ?, ?)"));
  LogPosition position = last_;
  for (std::string_view record : records) {
    ++position;
    query.again();
    query.bind(static_cast<std::int64_t>(position)).bind(at.ns).bind(checksum(position, at, record)).bind_blob(record);
    TRY(query.run());
  }
  return {};
}

Result<LogPosition> Shard::append(WallTime at, std::span<const std::string_view> records) {
  const Lock lock{mutex_};
  if (broken_) return *broken_;
  if (records.empty()) return last_;
  at = std::max(at, last_at_);
  if (!writer_ || (!empty_file_ && hour_of(at) != hour_)) TRY(start_file(at));
  TRY(writer_->run("BEGIN IMMEDIATE"));
  Status status = insert(at, records);
  if (status) status = writer_->run("COMMIT");
  if (!status) {
    if (sqlite3_get_autocommit(writer_->handle()) == 0) static_cast<void>(writer_->run("ROLLBACK"));
    return std::move(status).error();
  }
  if (empty_file_) hour_ = hour_of(at);
  empty_file_ = false;
  last_ += records.size();
  last_at_ = at;
  return last_;
}

std::optional<LogPosition> Shard::file_with(LogPosition position) {
  const Lock lock{mutex_};
  auto after = std::upper_bound(starts_.begin(), starts_.end(), position);
  if (after == starts_.begin()) return std::nullopt;
  return *std::prev(after);
}

Result<std::vector<LogRecord>> Shard::read(LogPosition after, std::size_t limit) {
  std::vector<LogRecord> records;
  const LogBounds kept = bounds();
  if (kept.last <= after) return records;
  if (after + 1 < kept.first)
    return make_error(Code::not_found,
                      cat("log position ", after + 1, " is no longer kept: the first one kept is ", kept.first),
                      directory_);
  const Lock lock{read_mutex_};
  while (records.size() < limit && after < kept.last) {
    const auto start = file_with(after + 1);
    if (!start) return make_error(Code::not_found, cat("log position ", after + 1, " is no longer kept"), directory_);
    const std::size_t before = records.size();
    TRY(read_file(*start, after, limit, records));
    if (records.size() == before)
      return make_error(
          Code::corrupt,
          cat("log position ", after + 1,
              " is missing: a file of the log was removed or cut. Start a new epoch or restore the directory"),
          path_of(*start));
    after = records.back().position;
  }
  return records;
}

Status Shard::read_file(LogPosition start, LogPosition last, std::size_t limit, std::vector<LogRecord>& out) {
  Database* file = TRY(reader_of(start));
  Query query =
      TRY(file->query("SELECT position, at, sum, bytes FROM record WHERE position > ? ORDER BY position LIMIT ?"));
  query.bind(static_cast<std::int64_t>(last))
      .bind(static_cast<std::int64_t>(std::min<std::size_t>(limit - out.size(), INT32_MAX)));
  while (TRY(query.step())) {
    LogRecord record{.position = static_cast<LogPosition>(query.integer(0)),
                     .at = {query.integer(1)},
                     .bytes = std::string(query.bytes(3))};
    if (record.position != last + 1)
      return make_error(Code::corrupt,
                        cat("log position ", last + 1, " is missing: the next one found is ", record.position),
                        file->path());
    if (checksum(record.position, record.at, record.bytes) != query.integer(2))
      return make_error(Code::corrupt,
                        cat("log position ", record.position, " is damaged: its checksum does not fit its bytes"),
                        file->path());
    last = record.position;
    out.push_back(std::move(record));
  }
  return {};
}

Result<Database*> Shard::reader_of(LogPosition start) {
  constexpr std::size_t most = 3;
  auto known = readers_.find(start);
  if (known == readers_.end()) {
    auto opened = TRY(Database::open_for_reading(path_of(start), log_kind));
    if (readers_.size() >= most) readers_.erase(readers_.begin());
    known = readers_.emplace(start, std::move(opened)).first;
  }
  return known->second.get();
}

LogBounds Shard::bounds() {
  const Lock lock{mutex_};
  const bool nothing_kept = starts_.empty() || starts_.front() > last_;
  return {.first = nothing_kept ? 0 : starts_.front(), .last = last_};
}

Result<std::shared_ptr<File>> Shard::wal_of_writer() {
  if (!wal_) {
    const std::string path = writer_->path() + "-wal";
    auto opened = std::make_shared<File>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (opened->fd < 0) return system_error(errno, "open", path);
    wal_ = std::move(opened);
  }
  return wal_;
}

// The kernel may have dropped what it could not write and report success next time: nothing more is taken in.
Error Shard::break_off(int number) {
  broken_ = system_error(number, "sync", directory_)
                .within("the log can not be trusted until Mien is started again; look at the disk");
  return *broken_;
}

Status Shard::sync() {
  std::shared_ptr<File> wal;
  LogPosition upto = 0;
  {
    const Lock lock{mutex_};
    if (broken_) return *broken_;
    if (!writer_ || synced_ >= last_) return {};
    wal = TRY(wal_of_writer());
    upto = last_;
  }
  const int failed = ::fdatasync(wal->fd) == 0 ? 0 : errno;
  const Lock lock{mutex_};
  if (failed != 0) return break_off(failed);
  synced_ = std::max(synced_, upto);
  return {};
}

Status Shard::trim(LogPosition upto) {
  std::vector<LogPosition> gone;
  {
    const Lock lock{mutex_};
    while (starts_.size() > 1 && starts_[1] - 1 <= upto) {
      gone.push_back(starts_.front());
      starts_.erase(starts_.begin());
    }
  }
  if (gone.empty()) return {};
  {
    const Lock lock{read_mutex_};
    for (LogPosition start : gone) readers_.erase(start);
  }
  for (LogPosition start : gone) TRY(remove_database(path_of(start)));
  return {};
}

class SqliteLog final : public store::Log {
 public:
  SqliteLog(std::string directory, Use use) : directory_(std::move(directory)), use_(use) {}

  Result<LogPosition> append(ShardId shard, WallTime at, std::span<const std::string_view> records) override {
    if (use_ == Use::look) return only_looks();
    return TRY(shard_of(shard))
    ->append(at, records);
  }
  Result<std::vector<LogRecord>> read(ShardId shard, LogPosition after, std::size_t limit) override {
    return TRY(shard_of(shard))
    ->read(after, limit);
  }
  Result<LogBounds> bounds(ShardId shard) override {
    Shard* known = TRY(shard_of(shard));
    if (use_ == Use::look) TRY(known->look());
    return known->bounds();
  }
  Status sync(ShardId shard) override {
    if (use_ == Use::look) return only_looks();
    return TRY(shard_of(shard))
    ->sync();
  }
  Status trim(ShardId shard, LogPosition upto) override {
    if (use_ == Use::look) return only_looks();
    return TRY(shard_of(shard))
    ->trim(upto);
  }

 private:
  Result<Shard*> shard_of(ShardId shard) {
    const Lock lock{mutex_};
    auto known = shards_.find(shard);
    if (known == shards_.end()) {
      auto opened = std::make_unique<Shard>(cat(directory_, "/", shard), use_);
      TRY(use_ == Use::look ? opened->look() : opened->open());
      known = shards_.emplace(shard, std::move(opened)).first;
    }
    return known->second.get();
  }

  Error only_looks() const { return make_error(Code::unsupported, "this log was opened for reading", directory_); }

  const std::string directory_;
  const Use use_;
  Mutex mutex_;
  std::map<ShardId, std::unique_ptr<Shard>> shards_ GUARDED_BY(mutex_);
};

}  // namespace

Result<std::unique_ptr<store::Log>> open_log(const std::string& directory) {
  TRY(make_directories(directory));
  auto log = std::make_unique<SqliteLog>(directory, Use::write);
  TRY(log->bounds(0));  // the embedded shard: a file that can not be read is said at the start, not at the first batch
  return std::unique_ptr<store::Log>{std::move(log)};
}

Result<std::unique_ptr<store::Log>> open_log_for_reading(const std::string& directory) {
  auto log = std::make_unique<SqliteLog>(directory, Use::look);
  TRY(log->bounds(0));
  return std::unique_ptr<store::Log>{std::move(log)};
}

}  // namespace mien::edge
