// The embedded store, nothing to start: log, ledger and history as SQLite files in one data directory.
//
//   DIR/lock                        held while a manager runs
//   DIR/ledger.sqlite               resources, snapshots, findings, audit (docs/formats/ledger.md)
//   DIR/log/SHARD/POSITION.sqlite   a file per hour, named by its first position (docs/formats/log.md)
//   DIR/history.sqlite              telemetry history (docs/formats/history.md)
//   DIR/keys/                       0700, each key 0600
//
// Errors everywhere: exhausted (disk full: nothing half-written, works again once there is room), corrupt (names the
// file and what to do), unsupported (written by a newer program), unavailable (another process holds it), io.
// Threads: as the seams in store/ say; readers have connections of their own and never wait for the writer.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "store/history.h"
#include "store/ledger.h"
#include "store/log.h"

namespace mien::edge {

// Every file below the data directory by its name.
struct DataPaths {
  explicit DataPaths(std::string directory);
  std::string directory;
  std::string lock;
  std::string ledger;
  std::string log;
  std::string history;
  std::string keys;
};

// The right to be the only manager on a data directory; ends with the object or the process, however that ends. Taken
// in the process that uses it: one that forks afterwards shares it with its children.
class DataLock {
 public:
  // Makes the directory where it is missing. Errors: conflict (another process has it; says which), io.
  static Result<DataLock> take(const std::string& directory);
  DataLock(DataLock&& other) noexcept;
  DataLock& operator=(DataLock&& other) noexcept;
  ~DataLock();

 private:
  explicit DataLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// Each makes what is missing.
Result<std::unique_ptr<store::Log>> open_log(const std::string& directory);
Result<std::unique_ptr<store::Ledger>> open_ledger(const std::string& path);
Result<std::unique_ptr<store::History>> open_history(const std::string& path);

// ---- for looking only: what is there stays as it is, also beside a manager that writes; nothing is made ----

// Sees new records whenever bounds() is asked; append, sync and trim are refused (unsupported).
Result<std::unique_ptr<store::Log>> open_log_for_reading(const std::string& directory);

// A ledger that stands still: every read sees the same commit until look_again(). One thread; acquire and commit are
// refused. Holding it long keeps the writer's WAL from being emptied, so look again between long pieces of work.
class LedgerAtRest : public store::Ledger {
 public:
  virtual Status look_again() = 0;
  // How far that commit had folded the log.
  virtual Result<store::Checkpoint> checkpoint(store::ShardId shard) = 0;
};
Result<std::unique_ptr<LedgerAtRest>> open_ledger_at_rest(const std::string& path);

// One file with the ledger and the keys, made while the manager runs; 0600, as secret as the keys themselves
// (docs/formats/backup.md). Replaces `file` whole or not at all.
Status backup(const std::string& ledger_path, const std::string& keys_directory, const std::string& file);

enum class IfPresent { refuse, replace };  // replace: what is there is moved aside to DIR/replaced-N/
// Into an empty data directory, or one whose manager does not run. Everything is checked (checksum, format, pages, the
// audit's links) before anything in the directory is touched. Errors: conflict (a ledger is there, or a manager runs).
Status restore(const std::string& file, const std::string& data_directory, IfPresent if_present);

}  // namespace mien::edge
