#include "edge/sense/bpf_sensors.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include <sense_bpf.skel.h>
#include "base/text.h"
#include "edge/clock.h"
#include "edge/sense/address.h"
#include "edge/sense/bpf/event.h"
#include "edge/sense/call_names.h"

namespace mien::edge {
namespace {

using model::FactKind;

// libbpf's warnings of the last load: the reason that a person can read. It speaks from the loading thread only.
thread_local std::string* said = nullptr;

int keep_warning(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || said == nullptr) return 0;
  std::array<char, 512> line{};
  int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (length > 0 && said->empty()) *said = std::string(trim(line.data()));
  return length;
}

Error why_not(int error, std::string_view words) {
  bool refused = error == EPERM;  // EACCES is the verifier's word: this kernel does not understand the programs
  std::string message = cat("eBPF: ", ::strerror(error), words.empty() ? "" : ": ", words);
  return {.code = refused ? Code::refused : Code::unsupported, .message = std::move(message), .where = {}, .cause = {}};
}

constexpr std::uint32_t first_group = 0;
constexpr std::size_t most_groups_known = 4096;

class LoadedSensors final : public BpfSensors {
 public:
  LoadedSensors(BpfOptions options, Processes& processes, UserNames& users)
      : options_(std::move(options)), processes_(processes), users_(users) {}
  ~LoadedSensors() override {
    if (ring_ != nullptr) ring_buffer__free(ring_);
    if (skeleton_ != nullptr) sense_bpf__destroy(skeleton_);
    if (group_root_ >= 0) ::close(group_root_);
  }
  LoadedSensors(const LoadedSensors&) = delete;
  LoadedSensors& operator=(const LoadedSensors&) = delete;

  Status load();
  void look(WallTime now, std::size_t most, std::vector<Sighting>& out) override;
  std::uint64_t lost() const override { return lost_; }
  const std::map<std::string, GroupCounts>& counts() override;
  bool sees_modules() const override { return sees_modules_; }
  bool sees_traffic() const override { return sees_traffic_; }
  void watch_again(std::vector<std::string> reads_of) override;
  void tell_at_most(std::uint32_t per_second) override { skeleton_->data->told_per_second = per_second; }

 private:
  static int on_event(void* self, void* data, std::size_t size) {
    return static_cast<LoadedSensors*>(self)->take(data, size);
  }
  int take(const void* data, std::size_t size);
  Sighting sighting(const sense_event& event, std::string_view text);
  void describe_execution(const sense_event& event, std::string_view text, model::SecurityFact& fact);
  std::string parents_of(const sense_event& event);
  const std::string& group_path(std::uint64_t id);
  static void add(GroupCounts& to, const GroupCounts& more);
  void forget_ended(const std::map<std::uint64_t, GroupCounts>& groups);
  void count_lost();

  BpfOptions options_;
  Processes& processes_;
  UserNames& users_;
  sense_bpf* skeleton_ = nullptr;
  ring_buffer* ring_ = nullptr;
  int group_root_ = -1;
  bool sees_modules_ = false;
  bool sees_traffic_ = false;
  std::uint64_t lost_ = 0;
  std::uint64_t unread_ = 0;
  std::map<std::uint64_t, std::string> group_paths_;
  std::set<std::uint64_t> ended_;
  std::map<std::string, GroupCounts> counts_, forgotten_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> watched_;
  // Of the look that goes on.
  std::vector<Sighting>* out_ = nullptr;
  std::size_t room_ = 0;
  std::int64_t wall_minus_mono_ = 0;
};

Status LoadedSensors::load() {
  std::string words;
  said = &words;
  libbpf_set_print(keep_warning);
  auto failed = [&](int error) {
    said = nullptr;
    return why_not(error == 0 ? errno : std::abs(error), words);
  };
  skeleton_ = sense_bpf__open();
  if (skeleton_ == nullptr) return failed(0);
  skeleton_->rodata->legacy_groups = options_.legacy_groups;
  skeleton_->rodata->self = static_cast<std::uint32_t>(::getpid());
  skeleton_->data->told_per_second = options_.told_per_second;
  sees_modules_ = libbpf_find_vmlinux_btf_id("module_load", BPF_TRACE_RAW_TP) > 0;
  bpf_program__set_autoload(skeleton_->progs.on_module, sees_modules_);
  sees_traffic_ = libbpf_find_vmlinux_btf_id("sock_send_length", BPF_TRACE_RAW_TP) > 0 &&
                  libbpf_find_vmlinux_btf_id("sock_recv_length", BPF_TRACE_RAW_TP) > 0;
  bpf_program__set_autoload(skeleton_->progs.on_sent, sees_traffic_);
  bpf_program__set_autoload(skeleton_->progs.on_received, sees_traffic_);
  words.clear();
  if (int error = sense_bpf__load(skeleton_); error != 0) return failed(error);
  if (!options_.group_root.empty())
    group_root_ = ::open(options_.group_root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  watch_again(options_.reads_of);
  if (int error = sense_bpf__attach(skeleton_); error != 0) return failed(error);
  ring_ = ring_buffer__new(bpf_map__fd(skeleton_->maps.events), on_event, this, nullptr);
  if (ring_ == nullptr) return failed(0);
  said = nullptr;
  return {};
}

void LoadedSensors::watch_again(std::vector<std::string> reads_of) {
  options_.reads_of = std::move(reads_of);
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> wanted;
  auto add = [&](const std::string& path, std::uint32_t what) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 || wanted.size() >= SENSE_WATCHED) return;
    std::uint64_t device = std::uint64_t{::major(info.st_dev)} << 20U | ::minor(info.st_dev);
    wanted[{info.st_ino, device}] |= what;
  };
  for (const std::string& path : options_.writes_below) add(path, sense_writes_below);
  for (const std::string& path : options_.reads_of) add(path, sense_reads);
  int map = bpf_map__fd(skeleton_->maps.watched);
  for (const auto& [inode, what] : wanted) {
    sense_inode key{.number = inode.first, .device = inode.second};
    bpf_map_update_elem(map, &key, &what, BPF_ANY);
  }
  for (const auto& inode : watched_) {
    if (wanted.contains(inode)) continue;
    sense_inode key{.number = inode.first, .device = inode.second};
    bpf_map_delete_elem(map, &key);
  }
  watched_.clear();
  for (const auto& [inode, what] : wanted) watched_.insert(inode);
}

void LoadedSensors::look(WallTime now, std::size_t most, std::vector<Sighting>& out) {
  out_ = &out;
  room_ = most;
  wall_minus_mono_ = now.ns - read_clock_ns(CLOCK_MONOTONIC);
  ring_buffer__consume(ring_);
  out_ = nullptr;
  count_lost();
}

int LoadedSensors::take(const void* data, std::size_t size) {
  constexpr std::size_t head = offsetof(sense_event, text);
  if (size < head || size > sizeof(sense_event)) return 0;
  if (room_ == 0) {
    ++unread_;
    return 0;
  }
  sense_event event{};
  std::memcpy(&event, data, head);
  std::string_view text(static_cast<const char*>(data) + head, size - head);
  std::size_t parts = std::size_t{event.object_length} + event.program_length + event.interpreter_length;
  if (event.kind >= model::fact_kinds || parts + event.directory_length > text.size()) return 0;
  out_->push_back(sighting(event, text));
  --room_;
  return 0;
}

Sighting LoadedSensors::sighting(const sense_event& event, std::string_view text) {
  auto kind = static_cast<FactKind>(event.kind);
  std::string_view object = text.substr(0, event.object_length);
  std::string program = path_of_names(text.substr(event.object_length, event.program_length));
  Sighting out{.group = group_path(event.group), .fact = {}};
  model::SecurityFact& fact = out.fact;
  fact.kind = kind;
  fact.at = WallTime{static_cast<std::int64_t>(event.at) + wall_minus_mono_};
  fact.pid = event.pid;
  fact.user = users_.name(event.uid);
  fact.count = event.count;
  fact.process = program;
  switch (kind) {
    case FactKind::listener:
      fact.object = cat(event.protocol == 17 ? "udp/" : "tcp/", event.port);
      fact.detail = address_text(event.address, event.family);
      break;
    case FactKind::connection:
      fact.object = endpoint_text(event.address, event.family, event.port);
      fact.detail = event.protocol == 17 ? "udp" : "tcp";
      break;
    case FactKind::privilege: fact.object = users_.name(event.target); break;
    case FactKind::system_call: fact.object = call_name(event.target); break;
    default:
      fact.object =
          (event.flags & sense_script) != 0 ? std::string(object.substr(0, object.find('\0'))) : path_of_names(object);
  }
  if (kind == FactKind::execution) describe_execution(event, text, fact);
  else processes_.remember(event.pid, program);
  fact.parents = parents_of(event);
  return out;
}

// Who did it is the program that started it; a script is told by the path it was called by, made absolute.
void LoadedSensors::describe_execution(const sense_event& event, std::string_view text, model::SecurityFact& fact) {
  processes_.remember(event.parents[0], fact.process);
  if ((event.flags & sense_script) == 0) return processes_.remember(event.pid, fact.object);
  std::size_t at = std::size_t{event.object_length} + event.program_length;
  fact.detail = path_of_names(text.substr(at, event.interpreter_length));
  processes_.remember(event.pid, fact.detail);
  if (fact.object.starts_with('/')) return;
  std::string directory = path_of_names(text.substr(at + event.interpreter_length, event.directory_length));
  fact.object = std::filesystem::path(cat(directory, "/", fact.object)).lexically_normal().string();
}

std::string LoadedSensors::parents_of(const sense_event& event) {
  std::string out;
  for (std::uint32_t pid : event.parents) {
    if (pid == 0) break;
    const std::string& path = processes_.program(pid);
    if (!path.empty()) out += cat(out.empty() ? "" : " < ", path);
  }
  return out;
}

// The kernel opens a control group by its number: the name of what that opened is its path. One that has ended has
// none.
const std::string& LoadedSensors::group_path(std::uint64_t id) {
  if (auto known = group_paths_.find(id); known != group_paths_.end()) return known->second;
  if (group_paths_.size() >= most_groups_known) group_paths_.clear();
  std::string path;
  constexpr int kernfs_handle = 0xfe;
  alignas(file_handle) std::array<unsigned char, sizeof(file_handle) + sizeof id> bytes{};
  auto* handle = reinterpret_cast<file_handle*>(bytes.data());
  handle->handle_bytes = sizeof id;
  handle->handle_type = kernfs_handle;
  std::memcpy(bytes.data() + sizeof(file_handle), &id, sizeof id);
  int descriptor = group_root_ < 0 ? -1 : ::open_by_handle_at(group_root_, handle, O_PATH | O_CLOEXEC);
  if (descriptor < 0 && group_root_ >= 0) ended_.insert(id);
  if (descriptor >= 0) {
    std::array<char, 4096> target{};
    ssize_t length = ::readlink(cat("/proc/self/fd/", descriptor).c_str(), target.data(), target.size());
    ::close(descriptor);
    std::string_view full(target.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    if (full.starts_with(options_.group_root + "/")) path = full.substr(options_.group_root.size() + 1);
  }
  return group_paths_.emplace(id, std::move(path)).first->second;
}

const std::map<std::string, GroupCounts>& LoadedSensors::counts() {
  int map = bpf_map__fd(skeleton_->maps.groups);
  std::map<std::uint64_t, GroupCounts> now;
  std::uint64_t key = first_group;
  std::uint64_t* before = nullptr;
  std::uint64_t next = 0;
  while (now.size() < SENSE_GROUPS && bpf_map_get_next_key(map, before, &next) == 0) {
    sense_group value{};
    if (bpf_map_lookup_elem(map, &next, &value) == 0) {
      GroupCounts& group = now[next];
      group.calls = value.calls;
      group.sent = value.sent;
      group.received = value.received;
      std::copy(std::begin(value.done), std::end(value.done), group.done.begin());
    }
    key = next;
    before = &key;
  }
  std::vector<sense_cpu> cpus(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  std::uint32_t zero = 0;
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.cpus), &zero, cpus.data()) == 0)
    for (const sense_cpu& cpu : cpus) {
      auto at = now.find(cpu.group);
      if (at == now.end()) continue;
      at->second.calls += cpu.calls;
      at->second.sent += cpu.sent;
      at->second.received += cpu.received;
    }
  counts_ = forgotten_;
  for (const auto& [id, group] : now) add(counts_[group_path(id)], group);
  if (now.size() > SENSE_GROUPS / 2) forget_ended(now);
  return counts_;
}

void LoadedSensors::add(GroupCounts& to, const GroupCounts& more) {
  to.calls += more.calls;
  to.sent += more.sent;
  to.received += more.received;
  for (std::size_t kind = 0; kind < model::fact_kinds; ++kind) to.done[kind] += more.done[kind];
}

// Makes room for groups to come. What those did that have ended stays with the service that began anew under the same
// path, else with the host: a counter that fell would look like a new start.
void LoadedSensors::forget_ended(const std::map<std::uint64_t, GroupCounts>& groups) {
  std::map<std::uint64_t, std::string> before;
  before.swap(group_paths_);
  ended_.clear();
  std::set<std::string> living;
  for (const auto& [id, group] : groups) living.insert(group_path(id));
  for (std::uint64_t id : ended_) {
    auto ended = groups.find(id);
    if (ended == groups.end()) continue;
    auto path = before.find(id);
    bool again = path != before.end() && living.contains(path->second);
    add(forgotten_[again ? path->second : std::string{}], ended->second);
    bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.groups), &id);
  }
  for (auto at = forgotten_.begin(); at != forgotten_.end();) {
    if (at->first.empty() || living.contains(at->first)) {
      ++at;
      continue;
    }
    add(forgotten_[std::string{}], at->second);
    at = forgotten_.erase(at);
  }
}

void LoadedSensors::count_lost() {
  std::vector<sense_cpu> cpus(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  std::uint32_t zero = 0;
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.cpus), &zero, cpus.data()) != 0) return;
  lost_ = unread_;
  for (const sense_cpu& cpu : cpus)
    for (std::uint64_t lost : cpu.lost) lost_ += lost;
}

}  // namespace

Result<std::unique_ptr<BpfSensors>> BpfSensors::make(BpfOptions options, Processes& processes, UserNames& users) {
  if (::access((options.sys_root + "/kernel/btf/vmlinux").c_str(), R_OK) != 0)
    return Error{.code = Code::unsupported,
                 .message = "eBPF: this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)",
                 .where = {},
                 .cause = {}};
  auto sensors = std::make_unique<LoadedSensors>(std::move(options), processes, users);
  TRY(sensors->load());
  return std::unique_ptr<BpfSensors>(std::move(sensors));
}

std::string path_of_names(std::string_view names) {
  std::string path;
  while (!names.empty()) {
    std::size_t end = names.find('\0');
    std::string_view name = names.substr(0, end);
    path.insert(0, cat("/", name));
    names.remove_prefix(end == std::string_view::npos ? names.size() : end + 1);
  }
  return path;
}

}  // namespace mien::edge
