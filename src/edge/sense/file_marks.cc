#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/text.h"
#include "edge/collect/kernel_file.h"
#include "edge/collect/procfs.h"
#include "edge/sense/fallbacks.h"

namespace mien::edge {
namespace {

using model::FactKind;

constexpr std::size_t most_events = 2000;  // of a look: each costs the opening of a descriptor

bool is_below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

class FileMarks final : public Sensor {
 public:
  FileMarks(SenseTools tools, FileMarkOptions options, int notes)
      : tools_(tools), options_(std::move(options)), notes_(notes) {}
  ~FileMarks() override { ::close(notes_); }
  FileMarks(const FileMarks&) = delete;
  FileMarks& operator=(const FileMarks&) = delete;

  Status mark() {
    int error = 0;
    bool any = false;
    auto add = [&](unsigned flags, std::uint64_t what, const std::string& path) {
      if (::fanotify_mark(notes_, FAN_MARK_ADD | flags, what, AT_FDCWD, path.c_str()) == 0) any = true;
      else if (errno != ENOENT) error = errno;
    };
    // The mount that a directory stands in, and what is mounted below it.
    std::vector<Mount> mounts = parse_mountinfo(read_text("/proc/self/mountinfo").value_or(std::string{}));
    for (const std::string& directory : options_.writes_below) {
      add(FAN_MARK_MOUNT, FAN_CLOSE_WRITE, directory);
      for (const Mount& mount : mounts)
        if (is_below(mount.mountpoint, directory)) add(FAN_MARK_MOUNT, FAN_CLOSE_WRITE, mount.mountpoint);
    }
    for (const std::string& file : options_.reads_of) add(0, FAN_OPEN, file);
    if (any) return {};
    return Error{.code = Code::unsupported, .message = cat("fanotify: ", ::strerror(error)), .where = {}, .cause = {}};
  }

  void look(WallTime now, std::size_t most, std::vector<Sighting>& out) override {
    seen_.clear();
    alignas(fanotify_event_metadata) std::array<char, 16384> buffer{};
    for (std::size_t count = 0; count < most_events;) {
      ssize_t length = ::read(notes_, buffer.data(), buffer.size());
      if (length <= 0) break;
      auto left = static_cast<std::size_t>(length);
      for (const char* at = buffer.data(); left >= sizeof(fanotify_event_metadata); ++count) {
        fanotify_event_metadata event{};
        std::memcpy(&event, at, sizeof event);
        if (event.event_len < sizeof event || event.event_len > left) return;
        take(event, now, most, out);
        at += event.event_len;
        left -= event.event_len;
      }
    }
  }
  std::uint64_t lost() const override { return lost_; }

 private:
  void take(const fanotify_event_metadata& event, WallTime now, std::size_t& most, std::vector<Sighting>& out) {
    if ((event.mask & FAN_Q_OVERFLOW) != 0) ++lost_;
    if (event.fd < 0) return;
    std::array<char, 4096> target{};
    ssize_t length = ::readlink(cat("/proc/self/fd/", event.fd).c_str(), target.data(), target.size());
    ::close(event.fd);
    if (length <= 0) return;
    std::string path(target.data(), static_cast<std::size_t>(length));
    bool write = (event.mask & FAN_CLOSE_WRITE) != 0;
    bool wanted = write
                      ? std::any_of(options_.writes_below.begin(), options_.writes_below.end(),
                                    [&](const std::string& each) { return is_below(path, each); })
                      : std::find(options_.reads_of.begin(), options_.reads_of.end(), path) != options_.reads_of.end();
    if (!wanted) return;
    auto pid = static_cast<std::uint32_t>(event.pid);
    auto [at, fresh] = seen_.emplace(std::tuple(path, pid, write), out.size());
    if (!fresh) {
      ++out[at->second].fact.count;
      return;
    }
    if (most == 0) {
      ++lost_;
      seen_.erase(at);
      return;
    }
    --most;
    Sighting seen;
    seen.fact.kind = write ? FactKind::write : FactKind::sensitive_read;
    seen.fact.at = now;
    seen.fact.object = std::move(path);
    describe_process(tools_, pid, seen);
    out.push_back(std::move(seen));
  }

  SenseTools tools_;
  FileMarkOptions options_;
  int notes_;
  std::uint64_t lost_ = 0;
  std::map<std::tuple<std::string, std::uint32_t, bool>, std::size_t> seen_;  // of one look: where in its list
};

constexpr Duration module_interval = 10s;

class ModulePoll final : public Sensor {
 public:
  explicit ModulePoll(std::string path) : path_(std::move(path)) {}
  void look(WallTime now, std::size_t most, std::vector<Sighting>& out) override {
    if (last_ && now - *last_ < module_interval && now > *last_) return;
    bool first = !last_;
    last_ = now;
    std::optional<std::string> text = read_text(path_);
    if (!text) return;
    std::set<std::string> loaded;
    std::string_view rest = *text;
    std::string_view line;
    while (next_line(rest, line)) {
      std::string name(next_word(line));
      if (name.empty()) continue;
      bool known = first || loaded_.contains(name);
      if (!known && most > 0) {
        --most;
        Sighting seen;
        seen.fact.kind = FactKind::kernel_module;
        seen.fact.at = now;
        seen.fact.object = name;
        out.push_back(std::move(seen));
      }
      loaded.insert(std::move(name));
    }
    loaded_.swap(loaded);
  }

 private:
  std::string path_;
  std::optional<WallTime> last_;
  std::set<std::string> loaded_;
};

}  // namespace

Result<std::unique_ptr<Sensor>> make_file_marks(SenseTools tools, FileMarkOptions options) {
  int notes = ::fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_LARGEFILE | O_CLOEXEC);
  if (notes < 0)
    return Error{.code = errno == EPERM ? Code::refused : Code::unsupported,
                 .message = cat("fanotify: ", ::strerror(errno)),
                 .where = {},
                 .cause = {}};
  auto marks = std::make_unique<FileMarks>(tools, std::move(options), notes);
  TRY(marks->mark());
  return std::unique_ptr<Sensor>(std::move(marks));
}

Result<std::unique_ptr<Sensor>> make_module_poll(std::string proc_root) {
  std::string path = proc_root + "/modules";
  if (::access(path.c_str(), R_OK) != 0)
    return Error{.code = Code::unsupported, .message = "this kernel loads no modules", .where = {}, .cause = {}};
  return std::unique_ptr<Sensor>(std::make_unique<ModulePoll>(std::move(path)));
}

}  // namespace mien::edge
