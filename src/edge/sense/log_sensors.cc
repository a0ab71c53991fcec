#include "edge/sense/log_sensors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>

#include "base/text.h"
#include "edge/sense/log_lines.h"

namespace mien::edge {
namespace {

constexpr Duration updates_interval = 1h;
constexpr Duration updates_after_change = 60s;  // an upgrade is many changes
constexpr std::size_t longest_file = 256U << 20U;

// A file as text, without a copy of it: indexes are tens of megabytes.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info {};
    if (descriptor >= 0 && ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
        static_cast<std::uint64_t>(info.st_size) <= longest_file) {
      size_ = static_cast<std::size_t>(info.st_size);
      data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    }
    if (descriptor >= 0) ::close(descriptor);
  }
  ~MappedFile() {
    if (data_ != MAP_FAILED) ::munmap(data_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  [[nodiscard]] std::string_view text() const {
    return data_ == MAP_FAILED ? std::string_view{} : std::string_view(static_cast<const char*>(data_), size_);
  }

 private:
  void* data_ = MAP_FAILED;
  std::size_t size_ = 0;
};

std::vector<std::string> security_indexes(const std::string& directory) {
  std::vector<std::string> out;
  std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(directory.c_str()), &::closedir);
  while (dirent* entry = handle ? ::readdir(handle.get()) : nullptr) {
    std::string_view name = entry->d_name;
    if (name.find("security") != std::string_view::npos && name.ends_with("_Packages"))
      out.push_back(cat(directory, "/", name));
  }
  return out;
}

std::string_view field_of(sd_journal* journal, const char* name) {
  const void* data = nullptr;
  std::size_t length = 0;
  if (::sd_journal_get_data(journal, name, &data, &length) < 0) return {};
  std::string_view text(static_cast<const char*>(data), length);
  return text.substr(std::min(text.size(), text.find('=') + 1));
}

}  // namespace

// ---- logins ----

LoginSensor::LoginSensor(const std::string& log_root) {
  if (log_root.empty()) open_journal();
  else no_journal_ = "the journal is not below this root";
  if (journal_ != nullptr) return;
  for (const char* path : {"/var/log/auth.log", "/var/log/secure"})
    logs_.push_back(std::make_unique<LogTail>(log_root + path));
}

void LoginSensor::open_journal() {
  if (::access("/run/systemd/journal/socket", F_OK) != 0) {
    no_journal_ = "systemd-journald does not run";
    return;
  }
  if (int failed = ::sd_journal_open(&journal_, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM); failed < 0) {
    no_journal_ = cat("the journal can not be opened: ", std::generic_category().message(-failed));
    journal_ = nullptr;
    return;
  }
  // auth and authpriv; nothing else of the journal is read.
  ::sd_journal_add_match(journal_, "SYSLOG_FACILITY=4", 0);
  ::sd_journal_add_match(journal_, "SYSLOG_FACILITY=10", 0);
  std::uint64_t usage = 0;
  // Without its descriptor a journal does not see the files that are begun after a rotation.
  bool usable = ::sd_journal_get_usage(journal_, &usage) >= 0 && usage > 0 && ::sd_journal_get_fd(journal_) >= 0 &&
                ::sd_journal_seek_tail(journal_) >= 0;
  if (usable) {
    ::sd_journal_previous(journal_);
    return;
  }
  no_journal_ = "the journal keeps nothing, or this user may not read it";
  ::sd_journal_close(journal_);
  journal_ = nullptr;
}

LoginSensor::~LoginSensor() {
  if (journal_ != nullptr) ::sd_journal_close(journal_);
}

void LoginSensor::look(WallTime now, std::size_t most, std::vector<Sighting>& out) {
  if (journal_ != nullptr) return look_journal(now, most, out);
  for (const std::unique_ptr<LogTail>& log : logs_) {
    for (const std::string& line : log->lines()) {
      std::optional<AuthRecord> record = parse_auth_line(line);
      std::optional<model::SecurityFact> fact = record ? fact_of(*record, now) : std::nullopt;
      if (!fact || most == 0) continue;
      --most;
      out.push_back({.group = {}, .fact = std::move(*fact)});
    }
  }
}

void LoginSensor::look_journal(WallTime now, std::size_t most, std::vector<Sighting>& out) {
  constexpr std::size_t most_entries = 4096;  // of a look; the rest waits for the next
  // Nothing was written: the files are not searched.
  if (::sd_journal_process(journal_) == SD_JOURNAL_NOP && !unread_) return;
  unread_ = true;
  for (std::size_t i = 0; i < most_entries && most > 0; ++i) {
    if (::sd_journal_next(journal_) <= 0) {
      unread_ = false;
      return;
    }
    std::string program(field_of(journal_, "SYSLOG_IDENTIFIER"));
    std::string pid(field_of(journal_, "SYSLOG_PID"));
    std::string message(field_of(journal_, "MESSAGE"));
    auto number = parse_integer(pid);
    std::uint64_t at_us = 0;
    bool timed = ::sd_journal_get_realtime_usec(journal_, &at_us) >= 0;
    WallTime at = timed ? WallTime{static_cast<std::int64_t>(at_us) * 1000} : now;
    AuthRecord record{.program = program, .pid = static_cast<std::uint32_t>(number.value_or(0)), .message = message};
    if (std::optional<model::SecurityFact> fact = fact_of(record, at)) {
      out.push_back({.group = {}, .fact = std::move(*fact)});
      --most;
    }
  }
}

SensorState LoginSensor::state() const {
  using enum SensorState::Status;
  if (journal_ != nullptr)
    return {.name = "logins", .status = works, .mechanism = "the journal", .why = {}, .remedy = {}};
  std::string read, refused;
  for (const std::unique_ptr<LogTail>& log : logs_) {
    if (log->readable()) read += cat(read.empty() ? "" : " and ", log->path());
    else if (log->error() != ENOENT)
      refused += cat(log->path(), ": ", std::generic_category().message(log->error()), "; ");
  }
  if (!read.empty())
    return {.name = "logins", .status = works, .mechanism = cat(read, " (", no_journal_, ")"), .why = {}, .remedy = {}};
  if (!refused.empty())
    return {.name = "logins",
            .status = missing,
            .mechanism = {},
            .why = refused + no_journal_,
            .remedy = "run the agent as root, or add its user to the group systemd-journal or adm"};
  return {.name = "logins",
          .status = missing,
          .mechanism = {},
          .why = cat("there is neither /var/log/auth.log nor /var/log/secure; ", no_journal_),
          .remedy = "install rsyslog, or let systemd-journald run; the logs are read as soon as they are there"};
}

// ---- packages ----

PackageSensor::PackageSensor(std::string log_root)
    : log_root_(std::move(log_root)), log_(log_root_ + "/var/log/dpkg.log") {}

void PackageSensor::look(WallTime now, std::size_t most, std::vector<Sighting>& out) {
  for (const std::string& line : log_.lines()) {
    std::optional<model::SecurityFact> fact = parse_dpkg_line(line, now);
    if (!fact) continue;
    changed_ = true;
    if (most == 0) continue;
    --most;
    out.push_back({.group = {}, .fact = std::move(*fact)});
  }
}

SensorState PackageSensor::state() const {
  using enum SensorState::Status;
  if (log_.readable())
    return {.name = "packages", .status = works, .mechanism = "/var/log/dpkg.log", .why = {}, .remedy = {}};
  return {.name = "packages",
          .status = missing,
          .mechanism = {},
          .why = "there is no /var/log/dpkg.log",
          .remedy = "nothing to do where packages are not dpkg's; the log is read as soon as it is there"};
}

std::optional<double> PackageSensor::pending_security_updates(MonoTime now) {
  Duration wait = changed_ ? updates_after_change : updates_interval;
  if (counted_ && now - *counted_ < wait) return pending_;
  counted_ = now;
  changed_ = false;
  pending_ = count_pending();
  return pending_;
}

std::optional<double> PackageSensor::count_pending() const {
  std::vector<std::string> indexes = security_indexes(log_root_ + "/var/lib/apt/lists");
  if (indexes.empty()) return std::nullopt;
  std::map<std::string, std::string> installed;
  std::map<std::string, std::string> pending;
  read_status(MappedFile(log_root_ + "/var/lib/dpkg/status").text(), installed);
  for (const std::string& index : indexes) read_index(MappedFile(index).text(), installed, pending);
  return static_cast<double>(pending.size());
}

}  // namespace mien::edge
