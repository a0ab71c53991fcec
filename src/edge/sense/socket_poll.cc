#include <dirent.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>

#include "base/text.h"
#include "edge/collect/socket_dump.h"
#include "edge/sense/address.h"
#include "edge/sense/fallbacks.h"

namespace mien::edge {
namespace {

using model::FactKind;

constexpr std::uint32_t listening = 1U << 10U;            // TCPF_LISTEN
constexpr std::uint32_t connected = 1U << 1U | 1U << 2U;  // TCPF_ESTABLISHED, TCPF_SYN_SENT
constexpr std::uint32_t unconnected_udp = 1U << 7U;       // a bound datagram socket is in TCP_CLOSE
constexpr std::size_t most_sockets = 20'000;              // of one answer
constexpr std::size_t most_remembered = 65'536;
constexpr std::size_t most_processes = 4096;  // whose descriptors are looked through for a socket

struct Socket {
  unsigned family = 4;
  std::uint16_t local_port = 0, remote_port = 0;
  unsigned char local[16] = {};
  unsigned char remote[16] = {};
  std::uint32_t uid = 0;
  std::uint32_t inode = 0;
};

Socket socket_of(const inet_diag_msg& message) {
  Socket out;
  out.family = message.idiag_family == AF_INET6 ? 6 : 4;
  out.local_port = ntohs(message.id.idiag_sport);
  out.remote_port = ntohs(message.id.idiag_dport);
  std::memcpy(out.local, message.id.idiag_src, sizeof out.local);
  std::memcpy(out.remote, message.id.idiag_dst, sizeof out.remote);
  out.uid = message.idiag_uid;
  out.inode = message.idiag_inode;
  return out;
}

class SocketPoll final : public Sensor {
 public:
  SocketPoll(SenseTools tools, SocketsWanted wanted, int netlink) : tools_(tools), wanted_(wanted), netlink_(netlink) {}
  ~SocketPoll() override { ::close(netlink_); }
  SocketPoll(const SocketPoll&) = delete;
  SocketPoll& operator=(const SocketPoll&) = delete;

  void look(WallTime now, std::size_t most, std::vector<Sighting>& out) override {
    if (wanted_ == SocketsWanted::listeners_once && looked_) return;
    looked_ = true;
    room_ = most;
    std::set<std::string> listeners;
    std::set<std::uint16_t> served;
    auto listener = [&](const char* protocol, const Socket& socket) {
      if (socket.local_port == 0) return;
      if (protocol[0] == 't') served.insert(socket.local_port);
      std::string key =
          cat(protocol, socket.local_port, " ", address_text(socket.local, socket.family), " ", socket.uid);
      if (!listeners.insert(key).second || listeners_.contains(key)) return;
      Sighting seen = begin(FactKind::listener, now, socket);
      seen.fact.object = cat(protocol, socket.local_port);
      seen.fact.detail = address_text(socket.local, socket.family);
      describe_process(tools_, owner_of(socket.inode), seen);
      tell(std::move(seen), out);
    };
    for (int family : {AF_INET, AF_INET6}) {
      ask(family, IPPROTO_TCP, listening, [&](const Socket& socket) { listener("tcp/", socket); });
      // A port above those that the kernel gives away by itself would be a client's; below, somebody chose it.
      ask(family, IPPROTO_UDP, unconnected_udp, [&](const Socket& socket) {
        if (socket.local_port < 32768) listener("udp/", socket);
      });
    }
    listeners_.swap(listeners);
    if (wanted_ == SocketsWanted::all) look_connections(now, served, out);
  }
  std::uint64_t lost() const override { return lost_; }

 private:
  // A connection whose own port is served here came in.
  void look_connections(WallTime now, const std::set<std::uint16_t>& served, std::vector<Sighting>& out) {
    std::set<std::string> open;
    auto connection = [&](const Socket& socket) {
      if (served.contains(socket.local_port) || socket.remote_port == 0) return;
      std::string where = endpoint_text(socket.remote, socket.family, socket.remote_port);
      std::string key = cat(where, " ", socket.local_port);
      if (open.size() >= most_remembered || !open.insert(key).second || connections_.contains(key)) return;
      Sighting seen = begin(FactKind::connection, now, socket);
      seen.fact.object = std::move(where);
      seen.fact.detail = "tcp";
      describe_process(tools_, owner_of(socket.inode), seen);
      tell(std::move(seen), out);
    };
    for (int family : {AF_INET, AF_INET6}) ask(family, IPPROTO_TCP, connected, connection);
    connections_.swap(open);
    descriptors_.clear();
  }

  Sighting begin(FactKind kind, WallTime now, const Socket& socket) {
    Sighting seen;
    seen.fact.kind = kind;
    seen.fact.at = now;
    seen.fact.user = tools_.users->name(socket.uid);
    return seen;
  }

  void tell(Sighting seen, std::vector<Sighting>& out) {
    if (room_ == 0) {
      ++lost_;
      return;
    }
    --room_;
    out.push_back(std::move(seen));
  }

  // Whose descriptor a socket is: a walk over all processes, once a look at most, and only when something is new.
  std::uint32_t owner_of(std::uint32_t inode) {
    if (inode == 0) return 0;
    if (descriptors_.empty()) walk_processes();
    auto at = descriptors_.find(inode);
    return at == descriptors_.end() ? 0 : at->second;
  }

  void walk_processes() {
    std::unique_ptr<DIR, int (*)(DIR*)> all(::opendir("/proc"), &::closedir);
    std::size_t seen = 0;
    while (dirent* entry = all ? ::readdir(all.get()) : nullptr) {
      auto pid = parse_integer(entry->d_name);
      if (!pid || ++seen > most_processes) continue;
      std::string directory = cat("/proc/", *pid, "/fd");
      std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), &::closedir);
      while (dirent* descriptor = open ? ::readdir(open.get()) : nullptr) {
        std::array<char, 64> target{};
        ssize_t length = ::readlinkat(::dirfd(open.get()), descriptor->d_name, target.data(), target.size() - 1);
        std::string_view name(target.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
        if (!name.starts_with("socket:[") || !name.ends_with("]")) continue;
        if (auto inode = parse_integer(name.substr(8, name.size() - 9)))
          descriptors_.emplace(static_cast<std::uint32_t>(*inode), static_cast<std::uint32_t>(*pid));
      }
    }
  }

  void ask(int family, int protocol, std::uint32_t states, const std::function<void(const Socket&)>& use) {
    struct {
      nlmsghdr head;
      inet_diag_req_v2 request;
    } message{};
    message.head.nlmsg_len = sizeof message;
    message.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message.request.sdiag_family = static_cast<std::uint8_t>(family);
    message.request.sdiag_protocol = static_cast<std::uint8_t>(protocol);
    message.request.idiag_states = states;
    if (::send(netlink_, &message, sizeof message, 0) < 0) return;
    std::size_t count = 0;
    // What came before a dump fails is as true as what comes of a whole one.
    static_cast<void>(read_socket_dump(netlink_, [&](const inet_diag_msg& socket) {
      if (++count <= most_sockets) use(socket_of(socket));
      else ++lost_;
      return true;
    }));
  }

  SenseTools tools_;
  SocketsWanted wanted_;
  int netlink_;
  bool looked_ = false;
  std::size_t room_ = 0;
  std::uint64_t lost_ = 0;
  std::set<std::string> listeners_;
  std::set<std::string> connections_;
  std::map<std::uint32_t, std::uint32_t> descriptors_;
};

}  // namespace

Result<std::unique_ptr<Sensor>> make_socket_poll(SenseTools tools, SocketsWanted wanted) {
  int netlink = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (netlink < 0)
    return Error{.code = Code::unsupported, .message = cat("sock_diag: ", ::strerror(errno)), .where = {}, .cause = {}};
  timeval hung{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &hung, sizeof hung);
  return std::unique_ptr<Sensor>(std::make_unique<SocketPoll>(tools, wanted, netlink));
}

}  // namespace mien::edge
