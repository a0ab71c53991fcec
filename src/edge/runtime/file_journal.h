// What was there before each change of this machine, in DIR/journal (docs/formats/journal.md): append only, a checksum
// with each entry, on disk before put() returns ok.
//
// Survives kill -9 and a power cut: a torn last entry is left out, a damaged one in the middle as well, and those after
// it are found again. One writer at a time, by a lock that ends with its process. Not thread-safe: its owner's thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/quantity.h"
#include "base/time.h"
#include "node/lease_driver.h"

namespace mien::edge {

struct FileJournalOptions {
  std::string directory;
  Bytes large{1U << 20U};   // written anew when it is larger than this and twice what it was
  Duration lock_timeout{};  // how long another writer (a guard that is at work) is waited for
};

class FileJournal final : public node::Journal {
 public:
  // Makes the directory (0700), reads what is there and writes it anew. Errors: unavailable (another process writes
  // it), unsupported (of a release that this one does not know), exhausted, io.
  static Result<std::unique_ptr<FileJournal>> open(FileJournalOptions options);
  ~FileJournal() override;
  FileJournal(const FileJournal&) = delete;
  FileJournal& operator=(const FileJournal&) = delete;

  [[nodiscard]] std::vector<node::JournalEntry> entries() override;
  Status put(const node::JournalEntry& entry) override;
  // Places in the file, when it was opened, that could not be read.
  [[nodiscard]] std::size_t damaged() const { return damaged_; }

 private:
  explicit FileJournal(FileJournalOptions options) : options_(std::move(options)) {}
  [[nodiscard]] std::string path() const { return options_.directory + "/journal"; }
  Status lock();
  Status rewrite();
  Status append(std::string_view bytes);

  FileJournalOptions options_;
  std::map<ActionId, node::JournalEntry> newest_;
  std::size_t damaged_ = 0;
  int lock_ = -1;
  int file_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t size_when_rewritten_ = 0;
  bool broken_ = false;  // an append failed: what the file's end is, is not known
};

// What a journal's bytes say: the newest entry of each action, by id.
struct ParsedJournal {
  std::map<ActionId, node::JournalEntry> newest;
  std::size_t damaged = 0;
};
// Errors: unsupported (not a journal, or of another version).
[[nodiscard]] Result<ParsedJournal> parse_journal(std::string_view bytes);

// The newest entry of each action of the agent that keeps its state in `directory`, whether it runs or not; changes
// nothing. Stages begun, applied and reverting are in force. No journal there: nothing. Errors: unsupported, io.
[[nodiscard]] Result<std::vector<node::JournalEntry>> read_journal(const std::string& directory);

}  // namespace mien::edge
