#include "edge/sqlite/database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/text.h"

namespace mien::edge {

namespace {

constexpr std::int64_t application_id = 0x4d69656e;  // "Mien"
constexpr int busy_wait_ms = 5000;  // another process (a backup, a second reader) may hold the file shortly

Error make_error(Code code, std::string message, std::string where) {
  return {.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

bool disk_is_full(int number) { return number == ENOSPC || number == EDQUOT || number == EFBIG; }

// errno behind a refusal. SQLite's own record of it is overwritten by the rollback that follows a failed write, so the
// two files are asked: the database and its WAL.
int system_errno_of(sqlite3* database, int code) {
  if (code != SQLITE_IOERR_WRITE) return sqlite3_system_errno(database);
  int number = 0;
  sqlite3_file* wal = nullptr;
  if (sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) == SQLITE_OK && wal != nullptr &&
      wal->pMethods != nullptr)
    wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &number);
  if (number == 0) sqlite3_file_control(database, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
  return number;
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

}  // namespace

// ---- Query ----

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::bind(std::int64_t value) {
  CHECK(sqlite3_bind_int64(statement_, ++bound_, value) == SQLITE_OK);
  return *this;
}

Query& Query::bind_text(std::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();
  CHECK(sqlite3_bind_text64(statement_, ++bound_, data, value.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
  return *this;
}

Query& Query::bind_blob(std::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();
  CHECK(sqlite3_bind_blob64(statement_, ++bound_, data, value.size(), SQLITE_STATIC) == SQLITE_OK);
  return *this;
}

Result<bool> Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->error(code, "use");
}

Status Query::run() {
  while (TRY(step())) {
  }
  return {};
}

void Query::again() {
  sqlite3_reset(statement_);
  bound_ = 0;
}

std::string_view Query::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

// ---- Database ----

Result<std::unique_ptr<Database>> Database::connect(const std::string& path, const DatabaseKind& kind, int flags) {
  std::unique_ptr<Database> database{new Database(path, kind.name)};
  const int code =
      sqlite3_open_v2(path.c_str(), &database->handle_, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code != SQLITE_OK) return database->error(code, "open");
  sqlite3_busy_timeout(database->handle_, busy_wait_ms);
  // What is in the file may have been written by somebody else: its schema gets no say in what SQL does.
  sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (Status status = database->run("PRAGMA cell_size_check=ON"); !status) return std::move(status).error();
  return database;
}

Status Database::recognise(const DatabaseKind& kind) {
  auto pragma = [this](std::string_view sql) -> Result<std::int64_t> {
    Query q = TRY(query(sql));
    if (!TRY(q.step())) return error(SQLITE_CORRUPT, "read");
    return q.integer(0);
  };
  if (TRY(pragma("PRAGMA application_id")) != application_id)
    return make_error(Code::corrupt,
                      cat("this is not a ", kind.name,
                          " of Mien: move it away and start again, or restore a backup with `mien restore FILE`"),
                      path_);
  const std::int64_t version = TRY(pragma("PRAGMA user_version"));
  if (version > kind.version)
    return make_error(Code::unsupported,
                      cat("this ", kind.name, " has format version ", version,
                          " and was written by a newer Mien; this program reads up to version ", kind.version,
                          ": run the newer program, or restore a backup made before the upgrade"),
                      path_);
  if (version < kind.version)
    return make_error(Code::unsupported,
                      cat("this ", kind.name, " has format version ", version, ", which this program (version ",
                          kind.version, ") no longer reads"),
                      path_);
  return run(kind.full_sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, const DatabaseKind& kind) {
  if (!exists(path)) return make_error(Code::not_found, cat("there is no ", kind.name, " here"), path);
  auto database = TRY(connect(path, kind, SQLITE_OPEN_READWRITE));
  if (Status status = database->recognise(kind); !status) return std::move(status).error();
  return database;
}

// Opened for writing all the same: a reader has to be able to recover the WAL of a killed writer. It may not change a
// row.
Result<std::unique_ptr<Database>> Database::open_for_reading(const std::string& path, const DatabaseKind& kind) {
  auto database = TRY(open(path, kind));
  if (Status status = database->run("PRAGMA query_only=ON"); !status) return std::move(status).error();
  return database;
}

Result<std::unique_ptr<Database>> Database::open_or_create(const std::string& path, const DatabaseKind& kind) {
  if (!exists(path)) {
    if (Status status = create(path, kind); !status) return std::move(status).error();
  }
  return open(path, kind);
}

// Under another name, closed (which empties the WAL into it), synced, renamed, and the name synced: whatever instant
// the power goes, there is either no file or a whole one.
Status Database::create(const std::string& path, const DatabaseKind& kind) {
  const std::string directory = directory_of(path);
  if (Status status = make_directories(directory); !status) return status;
  const std::string unfinished = path + ".new";
  if (Status status = remove_database(unfinished); !status) return status;
  auto make = [&]() -> Status {
    auto database = TRY(connect(unfinished, kind, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
    ::chmod(unfinished.c_str(), 0600);
    const std::string marks =
        cat("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA application_id=",
            application_id, "; BEGIN; ", kind.schema, "; PRAGMA user_version=", kind.version, "; COMMIT");
    if (Status status = database->run(marks.c_str()); !status) return status;
    return database->run("PRAGMA wal_checkpoint(TRUNCATE)");
  };
  if (Status status = make(); !status) {
    static_cast<void>(remove_database(unfinished));
    return status.error().within(cat("cannot make the ", kind.name, " ", path));
  }
  if (::rename(unfinished.c_str(), path.c_str()) != 0) return system_error(errno, "rename to", path);
  return sync_directory(directory);
}

Database::~Database() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Result<Query> Database::query(std::string_view sql) {
  auto known = statements_.find(sql);
  if (known == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &statement, nullptr);
    if (code != SQLITE_OK) return error(code, "read");
    known = statements_.emplace(std::string(sql), statement).first;
  }
  return Query{*this, known->second};
}

Status Database::run(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code, "use");
  return {};
}

Status Database::transaction(const std::function<Status()>& body) {
  if (Status status = run("BEGIN IMMEDIATE"); !status) return status;
  Status status = body();
  if (status) status = run("COMMIT");
  // After some failures (disk full) SQLite has already rolled back.
  if (!status && sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  return status;
}

Error Database::error(int code, std::string_view doing) const {
  const std::string words = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  const int number = handle_ != nullptr ? system_errno_of(handle_, code) : 0;
  const std::string what = cat("cannot ", doing, " the ", kind_, ": ");
  const int primary = code & 0xff;
  if (primary == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE || (primary == SQLITE_IOERR && disk_is_full(number)))
    return make_error(
        Code::exhausted,
        what + "the disk is full; nothing was written. Free space or lower `store_limit`; it goes on by itself", path_);
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
    return make_error(Code::corrupt,
                      cat(what, "the file is damaged (", words,
                          "). Stop Mien, keep a copy, and restore a backup with `mien restore FILE`"),
                      path_);
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
    return make_error(Code::unavailable,
                      what + "another process holds it; is a second Mien running on this data directory?", path_);
  if (primary == SQLITE_PERM || primary == SQLITE_READONLY || primary == SQLITE_CANTOPEN || primary == SQLITE_AUTH)
    return make_error(Code::io,
                      cat(what, words, number != 0 ? cat(" (", std::strerror(number), ")") : "",
                          ". Check that this user owns the file and its directory"),
                      path_);
  return make_error(Code::io, cat(what, words, number != 0 ? cat(" (", std::strerror(number), ")") : ""), path_);
}

// ---- ReadPool ----

Result<ReadPool::Lease> ReadPool::take() {
  {
    const Lock lock{mutex_};
    if (!idle_.empty()) {
      Lease lease{*this, std::move(idle_.back())};
      idle_.pop_back();
      return lease;
    }
  }
  return Lease { *this, TRY(Database::open_for_reading(path_, kind_)) };
}

void ReadPool::give_back(std::unique_ptr<Database> database) {
  const Lock lock{mutex_};
  if (idle_.size() < idle_limit) idle_.push_back(std::move(database));
}

// ---- files ----

Status sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error(errno, "open", directory);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed != 0) return system_error(failed, "sync", directory);
  return {};
}

Status make_directories(const std::string& directory) {
  if (exists(directory)) return {};
  const std::string parent = directory_of(directory);
  if (parent != directory) {
    if (Status status = make_directories(parent); !status) return status;
  }
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return system_error(errno, "make", directory);
  return sync_directory(parent);
}

std::string directory_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

Status remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    const std::string file = path + suffix;
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) return system_error(errno, "remove", file);
  }
  return {};
}

Error system_error(int number, std::string_view doing, const std::string& path) {
  std::string message = cat("cannot ", doing, " ", path, ": ", std::strerror(number));
  if (disk_is_full(number)) return make_error(Code::exhausted, message + ". Free space on this disk", {});
  if (number == EACCES || number == EPERM) message += ". Check who owns it and who runs Mien";
  return make_error(Code::io, std::move(message), {});
}

}  // namespace mien::edge
