// Backup and restore of the ledger and the keys (docs/formats/backup.md): a small head with a SHA-256, then a SQLite
// file: the ledger as one read transaction saw it, and the keys in a table beside it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/crypto/crypto.h"
#include "edge/replace_file.h"
#include "edge/sqlite/database.h"
#include "edge/sqlite/formats.h"
#include "edge/sqlite/sqlite.h"
#include "store/audit.h"

namespace mien::edge {

namespace {

constexpr std::string_view magic = "MIENBKUP";
constexpr std::uint32_t version = 1;
constexpr std::size_t head_size = 64;
constexpr std::size_t piece = std::size_t{1} << 20;
constexpr std::uintmax_t largest_key_file = 1 << 20;

Error make_error(Code code, std::string message, std::string where) {
  return {.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// Removes what a step left behind when a later one fails.
struct Unfinished {
  std::string path;
  bool directory = false;
  ~Unfinished() {
    if (path.empty()) return;
    std::error_code ignored;
    if (directory) std::filesystem::remove_all(path, ignored);
    else static_cast<void>(remove_database(path));
  }
};

struct Descriptor {
  int fd;
  explicit Descriptor(int open_fd) : fd(open_fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "write", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

// Calls take(piece) with all that is left to read.
template <class Take>
Status read_all(int fd, const std::string& path, Take take) {
  std::string buffer(piece, '\0');
  while (true) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "read", path);
    if (n == 0) return {};
    TRY(take(std::string_view(buffer).substr(0, static_cast<std::size_t>(n))));
  }
}

std::string make_head(std::uint64_t length, const store::Hash& hash) {
  std::string head{magic};
  head.resize(head_size, '\0');
  std::memcpy(head.data() + 8, &version, 4);
  std::memcpy(head.data() + 16, &length, 8);
  std::memcpy(head.data() + 24, hash.data(), hash.size());
  return head;
}

// ---- backup ----

// One read transaction: the manager goes on committing, and none of what it commits meanwhile is half in here.
Status copy_ledger(const std::string& ledger_path, const std::string& into) {
  auto source = TRY(Database::open_for_reading(ledger_path, ledger_kind()));
  sqlite3* target = nullptr;
  int code =
      sqlite3_open_v2(into.c_str(), &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  ::chmod(into.c_str(), 0600);
  if (code == SQLITE_OK) {
    sqlite3_backup* copying = sqlite3_backup_init(target, "main", source->handle(), "main");
    if (copying != nullptr) {
      sqlite3_backup_step(copying, -1);
      code = sqlite3_backup_finish(copying);
    } else {
      code = sqlite3_errcode(target);
    }
    if (code == SQLITE_OK) code = sqlite3_exec(target, "PRAGMA journal_mode=DELETE", nullptr, nullptr, nullptr);
  }
  sqlite3_close(target);
  if (code != SQLITE_OK)
    return make_error((code & 0xff) == SQLITE_FULL      ? Code::exhausted
                      : (code & 0xff) == SQLITE_CORRUPT ? Code::corrupt
                                                        : Code::io,
                      cat("cannot copy the ledger: ", sqlite3_errstr(code)), ledger_path);
  return {};
}

Status add_keys(const std::string& copy, const std::string& keys_directory) {
  auto database = TRY(Database::open(copy, ledger_kind()));
  TRY(
      database->run("CREATE TABLE backup_key (name TEXT PRIMARY KEY, bytes BLOB NOT NULL); CREATE TABLE backup_made "
                    "(at INTEGER NOT NULL)"));
  Query made = TRY(database->query("INSERT INTO backup_made (at) VALUES (?)"));
  TRY(made.bind(wall_now().ns).run());
  std::error_code failed;
  for (std::filesystem::directory_iterator i{keys_directory, failed}, end; !failed && i != end; i.increment(failed)) {
    const std::string path = i->path().string();
    const std::string name = i->path().filename().string();
    if (!i->is_regular_file(failed) || name.ends_with(".new")) continue;
    if (i->file_size(failed) > largest_key_file || failed)
      return make_error(Code::invalid, "this is not a key: move it out of the keys directory", path);
    std::string bytes;
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0) return system_error(errno, "open", path);
    TRY(read_all(file.fd, path, [&](std::string_view part) -> Status {
      bytes.append(part);
      return {};
    }));
    Query put = TRY(database->query("INSERT INTO backup_key (name, bytes) VALUES (?, ?)"));
    TRY(put.bind_text(name).bind_blob(bytes).run());
  }
  if (failed && failed != std::errc::no_such_file_or_directory)
    return system_error(failed.value(), "read", keys_directory);
  return {};
}

// The container: room for the head, the copy, then the head over it; synced before it gets its name.
Status seal(const std::string& copy, const std::string& file) {
  const Unfinished part{file + ".part"};
  ::unlink(part.path.c_str());
  const Descriptor in{::open(copy.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.fd < 0) return system_error(errno, "open", copy);
  const Descriptor out{::open(part.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (out.fd < 0) return system_error(errno, "write", file);
  TRY(write_all(out.fd, std::string(head_size, '\0'), file));
  Sha256Stream hash;
  std::uint64_t length = 0;
  TRY(read_all(in.fd, copy, [&](std::string_view bytes) {
    hash.add(bytes);
    length += bytes.size();
    return write_all(out.fd, bytes, file);
  }));
  const std::string head = make_head(length, hash.finish());
  if (::pwrite(out.fd, head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()) || ::fsync(out.fd) != 0)
    return system_error(errno, "write", file);
  if (::rename(part.path.c_str(), file.c_str()) != 0) return system_error(errno, "rename to", file);
  return sync_directory(directory_of(file));
}

// ---- restore ----

// The SQLite part of `file` at `into`, once its checksum holds.
Status unseal(const std::string& file, const std::string& into) {
  const Descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.fd < 0 && errno == ENOENT) return make_error(Code::not_found, "there is no such file", file);
  if (in.fd < 0) return system_error(errno, "open", file);
  std::string head(head_size, '\0');
  if (::read(in.fd, head.data(), head.size()) != static_cast<ssize_t>(head.size()) || !head.starts_with(magic))
    return make_error(Code::invalid, "this is not a backup made by `mien backup`", file);
  std::uint32_t found = 0;
  std::memcpy(&found, head.data() + 8, 4);
  if (found != version)
    return make_error(Code::unsupported,
                      cat("this backup has format version ", found, "; this program reads version ", version,
                          ": restore it with a newer Mien"),
                      file);
  const Descriptor out{::open(into.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (out.fd < 0) return system_error(errno, "write", into);
  Sha256Stream hash;
  std::uint64_t length = 0;
  TRY(read_all(in.fd, file, [&](std::string_view bytes) {
    hash.add(bytes);
    length += bytes.size();
    return write_all(out.fd, bytes, into);
  }));
  if (make_head(length, hash.finish()) != head)
    return make_error(Code::corrupt, "this backup is damaged or cut: its checksum does not fit. Use another one", file);
  if (::fsync(out.fd) != 0) return system_error(errno, "sync", into);
  return {};
}

// Pages, format and every link of the audit; then the keys become files, and leave the ledger without a trace.
Status unpack(const std::string& ledger_path, const std::string& keys_directory) {
  std::vector<std::pair<std::string, std::string>> keys;
  {
    auto database = TRY(Database::open(ledger_path, ledger_kind()));
    Query check = TRY(database->query("PRAGMA quick_check(1)"));
    if (!TRY(check.step()) || check.bytes(0) != "ok")
      return make_error(Code::corrupt, cat("the ledger in this backup is damaged: ", check.bytes(0)), ledger_path);
    Query all = TRY(database->query("SELECT name, bytes FROM backup_key ORDER BY name"));
    while (TRY(all.step())) keys.emplace_back(all.bytes(0), all.bytes(1));
  }
  TRY(make_directories(keys_directory));
  for (const auto& [name, bytes] : keys) {
    if (name.empty() || name.find('/') != std::string::npos || name.starts_with("."))
      return make_error(Code::corrupt, cat("\"", name, "\" can not be the name of a key"), ledger_path);
    TRY(replace_file(keys_directory + "/" + name, bytes));
  }
  {
    auto database = TRY(Database::open(ledger_path, ledger_kind()));
    TRY(
        database->run("PRAGMA secure_delete=ON; DROP TABLE backup_key; DROP TABLE backup_made; PRAGMA "
                      "journal_mode=WAL; PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  auto ledger = TRY(open_ledger(ledger_path));
  // Links only: whether the signed head is this ledger's is for `mien audit --verify`, which has the key.
  const auto any_signature = [](std::string_view, std::string_view) { return true; };
  const auto verdict = TRY(store::verify_audit(*ledger, &sha256, any_signature, {}));
  if (verdict.broken) return verdict.broken->within("the audit in this backup is not whole");
  return {};
}

// Ledger and keys as they were, out of the way but not lost.
Status move_aside(const DataPaths& paths) {
  std::string aside;
  for (int n = 1; aside.empty() || exists(aside); ++n) aside = cat(paths.directory, "/replaced-", n);
  TRY(make_directories(aside));
  for (const char* suffix : {"-wal", "-shm", ""}) {  // the ledger itself last: without it the rest is not looked for
    const std::string from = paths.ledger + suffix;
    if (::rename(from.c_str(), cat(aside, "/ledger.sqlite", suffix).c_str()) != 0 && errno != ENOENT)
      return system_error(errno, "move", from);
  }
  if (::rename(paths.keys.c_str(), (aside + "/keys").c_str()) != 0 && errno != ENOENT)
    return system_error(errno, "move", paths.keys);
  return {};
}

}  // namespace

Status backup(const std::string& ledger_path, const std::string& keys_directory, const std::string& file) {
  const Unfinished copy{file + ".copy"};
  TRY(remove_database(copy.path));
  TRY(copy_ledger(ledger_path, copy.path));
  TRY(add_keys(copy.path, keys_directory));
  return seal(copy.path, file);
}

Status restore(const std::string& file, const std::string& data_directory, IfPresent if_present) {
  const DataPaths paths{data_directory};
  const DataLock lock = TRY(DataLock::take(data_directory));
  const bool present = exists(paths.ledger);
  if (present && if_present == IfPresent::refuse)
    return make_error(Code::conflict,
                      "there is a ledger here already: restore into an empty directory, or say `--force` to move it "
                      "aside to replaced-1",
                      paths.ledger);
  const Unfinished fresh{.path = cat(data_directory, "/restoring"), .directory = true};
  std::error_code ignored;
  std::filesystem::remove_all(fresh.path, ignored);
  TRY(make_directories(fresh.path));
  const std::string ledger = fresh.path + "/ledger.sqlite";
  TRY(unseal(file, ledger));
  if (Status unpacked = unpack(ledger, fresh.path + "/keys"); !unpacked)
    return unpacked.error().within(cat("cannot restore ", file));
  // Everything has been checked; from here on only names change, the ledger's last.
  if (present || exists(paths.keys)) TRY(move_aside(paths));
  if (::rename((fresh.path + "/keys").c_str(), paths.keys.c_str()) != 0) return system_error(errno, "make", paths.keys);
  if (::rename(ledger.c_str(), paths.ledger.c_str()) != 0) return system_error(errno, "make", paths.ledger);
  return sync_directory(data_directory);
}

}  // namespace mien::edge
