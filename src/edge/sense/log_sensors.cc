#include "edge/sense/log_sensors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <map>

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

LoginSensor::LoginSensor(const std::string& log_root) : log_(log_root + "/var/log/auth.log") {
  if (log_.readable() || !log_root.empty()) return;
  if (::sd_journal_open(&journal_, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0) {
    journal_ = nullptr;
    return;
  }
  // auth and authpriv; nothing else of the journal is read.
  ::sd_journal_add_match(journal_, "SYSLOG_FACILITY=4", 0);
  ::sd_journal_add_match(journal_, "SYSLOG_FACILITY=10", 0);
  bool usable = ::sd_journal_seek_tail(journal_) >= 0;
  std::uint64_t usage = 0;
  usable = usable && ::sd_journal_get_usage(journal_, &usage) >= 0 && usage > 0;
  if (usable) {
    ::sd_journal_previous(journal_);
    return;
  }
  ::sd_journal_close(journal_);
  journal_ = nullptr;
}

LoginSensor::~LoginSensor() {
  if (journal_ != nullptr) ::sd_journal_close(journal_);
}

void LoginSensor::look(WallTime now, std::size_t most, std::vector<Sighting>& out) {
  if (journal_ != nullptr) return look_journal(now, most, out);
  for (const std::string& line : log_.lines()) {
    std::optional<AuthRecord> record = parse_auth_line(line);
    std::optional<model::SecurityFact> fact = record ? fact_of(*record, now) : std::nullopt;
    if (!fact || most == 0) continue;
    --most;
    out.push_back({.group = {}, .fact = std::move(*fact)});
  }
}

void LoginSensor::look_journal(WallTime now, std::size_t most, std::vector<Sighting>& out) {
  constexpr std::size_t most_entries = 4096;  // of a look; the rest waits for the next
  for (std::size_t i = 0; i < most_entries && most > 0 && ::sd_journal_next(journal_) > 0; ++i) {
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
  if (log_.readable())
    return {.name = "logins", .status = works, .mechanism = "/var/log/auth.log", .why = {}, .remedy = {}};
  return {.name = "logins",
          .status = missing,
          .mechanism = {},
          .why = "there is neither /var/log/auth.log nor a journal",
          .remedy = "install rsyslog, or let systemd-journald run; the log is read as soon as it is there"};
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
