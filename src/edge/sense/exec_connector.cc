#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <thread>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/mutex.h"
#include "edge/sense/fallbacks.h"

namespace mien::edge {
namespace {

constexpr std::size_t most_waiting = 1024;  // executions between two looks
constexpr unsigned most_a_second = 200;     // each costs some twenty small reads; more are lost, and counted
constexpr timeval answer_stop_within{.tv_sec = 0, .tv_usec = 200'000};

// A thread of its own, because a program that ends at once has a path only now.
class ExecConnector final : public Sensor {
 public:
  ExecConnector(SenseTools tools, int socket) : tools_(tools), socket_(socket), processes_("/proc") {
    thread_ = std::thread([this] { listen(); });
  }
  ~ExecConnector() override {
    {
      Lock lock(mutex_);
      stopping_ = true;
    }
    thread_.join();
    ::close(socket_);
  }
  ExecConnector(const ExecConnector&) = delete;
  ExecConnector& operator=(const ExecConnector&) = delete;

  void look(WallTime, std::size_t most, std::vector<Sighting>& out) override {
    std::deque<Seen> seen;
    {
      Lock lock(mutex_);
      seen.swap(seen_);
      lost_ = lost_waiting_;
    }
    for (Seen& each : seen) {
      if (most == 0) {
        ++unread_;
        continue;
      }
      --most;
      each.sighting.fact.user = tools_.users->name(each.uid);
      tools_.processes->remember(each.sighting.fact.pid, each.sighting.fact.object);
      out.push_back(std::move(each.sighting));
    }
  }
  std::uint64_t lost() const override { return lost_ + unread_; }

 private:
  struct Seen {
    std::uint32_t uid = 0;
    Sighting sighting;
  };

  void listen() {
    alignas(nlmsghdr) std::array<char, 8192> buffer{};
    for (;;) {
      {
        Lock lock(mutex_);
        if (stopping_) return;
      }
      ssize_t length = ::recv(socket_, buffer.data(), buffer.size(), 0);
      if (length < 0 && errno == ENOBUFS) {
        Lock lock(mutex_);
        ++lost_waiting_;
      }
      if (length > 0) take(std::string_view(buffer.data(), static_cast<std::size_t>(length)));
    }
  }

  void take(std::string_view message) {
    constexpr std::size_t head = NLMSG_HDRLEN + sizeof(cn_msg);
    if (message.size() < head + sizeof(proc_event)) return;
    proc_event event{};
    std::memcpy(&event, message.data() + head, sizeof event);
    if (event.what != proc_event::PROC_EVENT_EXEC) return;
    auto pid = static_cast<std::uint32_t>(event.event_data.exec.process_tgid);
    {
      Lock lock(mutex_);
      if (std::int64_t second = mono_now().ns / 1'000'000'000; second != second_) {
        second_ = second;
        in_second_ = 0;
      }
      if (seen_.size() >= most_waiting || ++in_second_ > most_a_second) {
        ++lost_waiting_;
        return;
      }
    }
    processes_.begin_tick();
    Processes::Kin kin = processes_.kin(pid);
    Seen seen{.uid = kin.uid, .sighting = {.group = processes_.group(pid, tools_.legacy_groups), .fact = {}}};
    model::SecurityFact& fact = seen.sighting.fact;
    fact.kind = model::FactKind::execution;
    fact.at = wall_now();
    fact.object = processes_.program(pid);
    fact.pid = pid;
    fact.process = kin.parent == 0 ? std::string{} : processes_.program(kin.parent);
    fact.parents = processes_.parents(pid);
    Lock lock(mutex_);
    if (fact.object.empty()) ++lost_waiting_;
    else seen_.push_back(std::move(seen));
  }

  SenseTools tools_;
  int socket_;
  Processes processes_;  // the thread's own, as the next two
  std::int64_t second_ = 0;
  unsigned in_second_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t unread_ = 0;
  Mutex mutex_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::deque<Seen> seen_ GUARDED_BY(mutex_);
  std::uint64_t lost_waiting_ GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

Status subscribe(int socket) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = CN_IDX_PROC;
  auto failed = [] {
    return Error{.code = errno == EPERM ? Code::refused : Code::unsupported,
                 .message = cat("process connector: ", ::strerror(errno)),
                 .where = {},
                 .cause = {}};
  };
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed();
  proc_cn_mcast_op listen = PROC_CN_MCAST_LISTEN;
  cn_msg head{};
  head.id = {.idx = CN_IDX_PROC, .val = CN_VAL_PROC};
  head.len = sizeof listen;
  nlmsghdr netlink{};
  netlink.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(sizeof head + sizeof listen));
  netlink.nlmsg_type = NLMSG_DONE;
  netlink.nlmsg_pid = static_cast<std::uint32_t>(::getpid());
  std::string message(netlink.nlmsg_len, '\0');
  std::memcpy(message.data(), &netlink, sizeof netlink);
  std::memcpy(message.data() + NLMSG_HDRLEN, &head, sizeof head);
  std::memcpy(message.data() + NLMSG_HDRLEN + sizeof head, &listen, sizeof listen);
  if (::send(socket, message.data(), message.size(), 0) < 0) return failed();
  return {};
}

}  // namespace

Result<std::unique_ptr<Sensor>> make_exec_connector(SenseTools tools) {
  int socket = ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
  if (socket < 0)
    return Error{
        .code = Code::unsupported, .message = cat("process connector: ", ::strerror(errno)), .where = {}, .cause = {}};
  int room = 1 << 20;
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &answer_stop_within, sizeof answer_stop_within);
  if (Status status = subscribe(socket); !status) {
    ::close(socket);
    return status.error();
  }
  return std::unique_ptr<Sensor>(std::make_unique<ExecConnector>(tools, socket));
}

void describe_process(const SenseTools& tools, std::uint32_t pid, Sighting& sighting) {
  if (pid == 0) return;
  sighting.fact.pid = pid;
  sighting.fact.process = tools.processes->program(pid);
  sighting.fact.parents = tools.processes->parents(pid);
  sighting.fact.user = tools.users->name(tools.processes->kin(pid).uid);
  sighting.group = tools.processes->group(pid, tools.legacy_groups);
}

}  // namespace mien::edge
