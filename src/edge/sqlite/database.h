// One SQLite connection with its prepared statements, as values and Results: the only place that calls sqlite3_*.
// (docs/formats/ says what the files hold; sqlite.h is the door of this folder.)
//
// A file of ours carries an application id ("Mien") and in user_version its format's version: a file of something else
// is `corrupt`, one from a newer program `unsupported`, both before anything is read from it. New files are made whole
// under another name and renamed into place, so that a half-made one is never met.
// Threads: a Database belongs to one thread at a time; its owner locks. ReadPool hands connections to any thread.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "edge/mutex.h"

namespace mien::edge {

// What a file is, so that it can be made, recognised and refused.
struct DatabaseKind {
  std::string_view name;    // "ledger": for messages
  int version = 1;          // PRAGMA user_version
  const char* schema = "";  // SQL that makes an empty one
  bool full_sync = false;   // synchronous=FULL: a commit is on the disk when it returns; else NORMAL
};

class Database;

// One use of a prepared statement: bind, step, read. Resets the statement when it goes out of scope.
class Query {
 public:
  Query(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
  Query(Query&& other) noexcept
      : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), bound_(other.bound_) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  Query& operator=(Query&&) = delete;
  ~Query();

  // Binds the next parameter. Text and blobs are not copied: they must live until the last step.
  Query& bind(std::int64_t value);
  Query& bind_text(std::string_view value);
  Query& bind_blob(std::string_view value);

  // true: a row is there to be read; false: done.
  Result<bool> step();
  // Steps to the end; for statements that answer nothing.
  Status run();
  // For the same statement again, with new parameters.
  void again();

  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] std::string_view bytes(int column) const;
  [[nodiscard]] bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  Database* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

class Database {
 public:
  // Opens an existing file for writing. Errors: not_found, corrupt, unsupported, io.
  static Result<std::unique_ptr<Database>> open(const std::string& path, const DatabaseKind& kind);
  static Result<std::unique_ptr<Database>> open_for_reading(const std::string& path, const DatabaseKind& kind);
  // Makes the file first when it is not there. It and its directory are on the disk when this returns.
  static Result<std::unique_ptr<Database>> open_or_create(const std::string& path, const DatabaseKind& kind);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<Query> query(std::string_view sql);  // prepared once per text
  Status run(const char* sql);                // one or more statements without parameters
  // Runs `body` in a write transaction: all of it or, on any error, none.
  Status transaction(const std::function<Status()>& body);
  // The last refusal of SQLite as an Error that names the file and what to do.
  [[nodiscard]] Error error(int code, std::string_view doing) const;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] sqlite3* handle() { return handle_; }
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes64(handle_); }

 private:
  Database(std::string path, std::string_view kind) : path_(std::move(path)), kind_(kind) {}
  static Result<std::unique_ptr<Database>> connect(const std::string& path, const DatabaseKind& kind, int flags);
  static Status create(const std::string& path, const DatabaseKind& kind);
  Status recognise(const DatabaseKind& kind);

  std::string path_;
  std::string kind_;
  sqlite3* handle_ = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

// Read connections to one file, handed out to one user at a time; an idle one is kept for the next.
class ReadPool {
 public:
  ReadPool(std::string path, const DatabaseKind& kind) : path_(std::move(path)), kind_(kind) {}

  class Lease {
   public:
    Lease(ReadPool& pool, std::unique_ptr<Database> database) : pool_(&pool), database_(std::move(database)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (database_) pool_->give_back(std::move(database_));
    }
    Database* operator->() { return database_.get(); }
    Database& operator*() { return *database_; }

   private:
    ReadPool* pool_;
    std::unique_ptr<Database> database_;
  };

  Result<Lease> take();

 private:
  static constexpr std::size_t idle_limit = 8;
  void give_back(std::unique_ptr<Database> database);

  const std::string path_;
  const DatabaseKind& kind_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Database>> idle_ GUARDED_BY(mutex_);
};

// ---- files around a database ----

// fsync of a directory, so that names made or removed in it survive a power cut.
Status sync_directory(const std::string& directory);
// Makes the directory and the missing ones above it (0700), and puts their names on the disk.
Status make_directories(const std::string& directory);
[[nodiscard]] std::string directory_of(const std::string& path);
// Removes a database file with its -wal and -shm.
Status remove_database(const std::string& path);
// "cannot <doing> <path>: <errno's words>"; a full disk is `exhausted`.
[[nodiscard]] Error system_error(int number, std::string_view doing, const std::string& path);

}  // namespace mien::edge
