#include "edge/runtime/file_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/codec.h"
#include "base/text.h"
#include "edge/clock.h"
#include "edge/replace_file.h"
#include "store/checksum.h"

namespace mien::edge {
namespace {

constexpr std::string_view magic = "MIENJRN1";
constexpr std::string_view mark = "JRNE";
constexpr std::size_t head_size = 12;  // mark, length and checksum
constexpr std::uint32_t longest_entry = 1U << 20U;
constexpr Duration lock_pause = 20ms;

Error io_error(std::string_view what, const std::string& path) {
  Code code = errno == ENOSPC || errno == EDQUOT ? Code::exhausted : Code::io;
  return {.code = code, .message = cat(what, ": ", std::strerror(errno)), .where = path, .cause = {}};
}

std::string framed(const node::JournalEntry& entry) {
  std::string bytes = encode(entry);
  auto length = static_cast<std::uint32_t>(bytes.size());
  std::uint32_t checksum = store::crc32c(bytes);
  std::string out(head_size, '\0');
  std::memcpy(out.data(), mark.data(), 4);
  std::memcpy(out.data() + 4, &length, 4);
  std::memcpy(out.data() + 8, &checksum, 4);
  return out.append(bytes);
}

// The entry that begins here, and how long it is with its head; nothing where none that is whole begins.
std::optional<std::pair<node::JournalEntry, std::size_t>> entry_at(std::string_view bytes) {
  if (bytes.size() < head_size || !bytes.starts_with(mark)) return std::nullopt;
  std::uint32_t length = 0;
  std::uint32_t checksum = 0;
  std::memcpy(&length, bytes.data() + 4, 4);
  std::memcpy(&checksum, bytes.data() + 8, 4);
  if (length > longest_entry || length > bytes.size() - head_size) return std::nullopt;
  std::string_view record = bytes.substr(head_size, length);
  if (store::crc32c(record) != checksum) return std::nullopt;
  Result<node::JournalEntry> entry = decode<node::JournalEntry>(record, "journal entry");
  if (!entry || entry->stage > node::JournalEntry::Stage::forgotten) return std::nullopt;
  return std::pair{std::move(*entry), head_size + length};
}

// Nothing there: no bytes.
Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in && errno == ENOENT) return std::string{};
  if (!in) return io_error("can not read the journal", path);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return io_error("can not read the journal", path);
  return bytes;
}

bool is_over(const node::JournalEntry& entry, WallTime now) {
  return entry.stage == node::JournalEntry::Stage::forgotten && entry.order.valid_until < now;
}

}  // namespace

Result<ParsedJournal> parse_journal(std::string_view bytes) {
  ParsedJournal parsed;
  if (bytes.size() < magic.size() && magic.starts_with(bytes))
    return parsed;  // none yet, or torn at its very beginning
  if (!bytes.starts_with(magic))
    return Error{.code = Code::unsupported,
                 .message =
                     "this is no journal that this release can read: move it away only after you have put back "
                     "what it lists, with the release that wrote it",
                 .where = {},
                 .cause = {}};
  bytes.remove_prefix(magic.size());
  while (!bytes.empty()) {
    if (auto entry = entry_at(bytes)) {
      ActionId id = entry->first.order.action;
      parsed.newest.insert_or_assign(std::move(id), std::move(entry->first));
      bytes.remove_prefix(entry->second);
      continue;
    }
    ++parsed.damaged;
    std::size_t next = 1;
    while ((next = bytes.find(mark, next)) != std::string_view::npos && !entry_at(bytes.substr(next))) ++next;
    bytes.remove_prefix(std::min(next, bytes.size()));
  }
  return parsed;
}

Result<std::vector<node::JournalEntry>> read_journal(const std::string& directory) {
  std::string path = directory + "/journal";
  Result<ParsedJournal> parsed = parse_journal(TRY(read_file(path)));
  if (!parsed) return parsed.error().within(path);
  std::vector<node::JournalEntry> all;
  for (auto& [id, entry] : parsed->newest) all.push_back(std::move(entry));
  return all;
}

Result<std::unique_ptr<FileJournal>> FileJournal::open(FileJournalOptions options) {
  std::error_code failed;
  std::filesystem::create_directories(options.directory, failed);
  if (failed)
    return Error{.code = Code::io,
                 .message = cat("can not make the journal's directory: ", failed.message()),
                 .where = options.directory,
                 .cause = {}};
  ::chmod(options.directory.c_str(), 0700);
  std::unique_ptr<FileJournal> journal{new FileJournal(std::move(options))};
  TRY(journal->lock());
  Result<ParsedJournal> parsed = parse_journal(TRY(read_file(journal->path())));
  if (!parsed) return parsed.error().within(journal->path());
  journal->newest_ = std::move(parsed->newest);
  journal->damaged_ = parsed->damaged;
  TRY(journal->rewrite());
  return journal;
}

FileJournal::~FileJournal() {
  if (file_ >= 0) ::close(file_);
  if (lock_ >= 0) ::close(lock_);
}

Status FileJournal::lock() {
  std::string path = options_.directory + "/journal.lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_ < 0) return io_error("can not open the journal's lock", path);
  MonoTime until = mono_now() + options_.lock_timeout;
  while (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return io_error("can not lock the journal", path);
    if (mono_now() >= until)
      return Error{.code = Code::unavailable,
                   .message =
                       "another agent on this machine keeps its journal here: end that one first, or give this "
                       "one a directory of its own with --data",
                   .where = options_.directory,
                   .cause = {}};
    std::this_thread::sleep_for(lock_pause);
  }
  return {};
}

std::vector<node::JournalEntry> FileJournal::entries() {
  std::vector<node::JournalEntry> all;
  for (const auto& [id, entry] : newest_) all.push_back(entry);
  return all;
}

Status FileJournal::rewrite() {
  WallTime now = wall_now();
  std::string bytes{magic};
  for (auto at = newest_.begin(); at != newest_.end();) {
    if (is_over(at->second, now)) {
      at = newest_.erase(at);
    } else {
      bytes += framed(at->second);
      ++at;
    }
  }
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  TRY(replace_file(path(), bytes));
  file_ = ::open(path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
  if (file_ < 0) return io_error("can not open the journal", path());
  size_ = bytes.size();
  size_when_rewritten_ = size_;
  broken_ = false;
  return {};
}

Status FileJournal::append(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("can not write the journal", path());
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fdatasync(file_) != 0) return io_error("can not sync the journal", path());
  return {};
}

Status FileJournal::put(const node::JournalEntry& entry) {
  std::string bytes = framed(entry);
  if (bytes.size() - head_size > longest_entry)
    return Error{
        .code = Code::exhausted, .message = "this entry is too large for the journal", .where = path(), .cause = {}};
  bool large = size_ > options_.large.value && size_ > 2 * size_when_rewritten_;
  if (broken_ || file_ < 0 || large) {
    if (Status status = rewrite(); !status) {
      broken_ = true;
      return status;
    }
  }
  if (Status status = append(bytes); !status) {
    broken_ = true;
    return status;
  }
  size_ += bytes.size();
  newest_.insert_or_assign(entry.order.action, entry);
  return {};
}

}  // namespace mien::edge
