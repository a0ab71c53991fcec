#include "edge/collect/connections.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "edge/collect/procfs.h"
#include "edge/collect/socket_dump.h"

namespace mien::edge {
namespace {

using Kind = MetricSpec::Kind;

constexpr std::string_view metric = "system.network.connection.count";
constexpr std::string_view state = "network.connection.state";
constexpr std::array<MetricSpec, 2> often_specs{{
    {metric, state, "established", "{connection}", Kind::gauge},
    {metric, state, "time_wait", "{connection}", Kind::gauge},
}};
constexpr std::array<MetricSpec, rare_states> rare_specs{{
    {metric, state, "syn_sent", "{connection}", Kind::gauge},
    {metric, state, "syn_received", "{connection}", Kind::gauge},
    {metric, state, "fin_wait_1", "{connection}", Kind::gauge},
    {metric, state, "fin_wait_2", "{connection}", Kind::gauge},
    {metric, state, "close_wait", "{connection}", Kind::gauge},
    {metric, state, "last_ack", "{connection}", Kind::gauge},
    {metric, state, "closing", "{connection}", Kind::gauge},
    {metric, state, "listen", "{connection}", Kind::gauge},
}};
constexpr std::array<MetricSpec, 1> udp_specs{{{metric, "network.transport", "udp", "{connection}", Kind::gauge}}};

// The kernel's numbers of the states (include/net/tcp_states.h), in our order.
constexpr std::array<std::uint8_t, rare_states> kernel_numbers{2, 3, 4, 5, 8, 9, 11, 10};
constexpr std::uint8_t end_of_wait =
    3;  // idiag_timer of a socket that is only waited for: /proc/net/sockstat has those

double number(std::optional<std::uint64_t> value) { return value ? static_cast<double>(*value) : model::missing; }

struct Netlink {
  int descriptor = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  Netlink() = default;
  ~Netlink() {
    if (descriptor >= 0) ::close(descriptor);  // ends a dump that was cut
  }
  Netlink(const Netlink&) = delete;
  Netlink& operator=(const Netlink&) = delete;
};

// The old form of the question: it alone is answered for both versions of IP at one walk.
bool ask(int netlink, std::uint32_t states) {
  struct {
    nlmsghdr head;
    inet_diag_req request;
  } message{};
  message.head.nlmsg_len = sizeof message;
  message.head.nlmsg_type = TCPDIAG_GETSOCK;
  message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message.request.idiag_states = states;
  return ::send(netlink, &message, sizeof message, 0) >= 0;
}

void count(const inet_diag_msg& socket, SocketCounts& out) {
  if (socket.idiag_timer == end_of_wait) return;
  auto at = std::find(kernel_numbers.begin(), kernel_numbers.end(), socket.idiag_state);
  if (at != kernel_numbers.end()) ++out.of[static_cast<std::size_t>(at - kernel_numbers.begin())];
}

}  // namespace

std::optional<SocketCounts> probe_sockets() {
  Netlink netlink;
  if (netlink.descriptor < 0) return std::nullopt;
  timeval hung{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(netlink.descriptor, SOL_SOCKET, SO_RCVTIMEO, &hung, sizeof hung);
  std::uint32_t states = 0;
  for (std::uint8_t each : kernel_numbers) states |= 1U << each;
  if (!ask(netlink.descriptor, states)) return std::nullopt;
  SocketCounts out;
  std::size_t told = 0;
  SocketDump end = read_socket_dump(netlink.descriptor, [&](const inet_diag_msg& socket) {
    count(socket, out);
    return ++told < most_sockets_told;
  });
  if (end == SocketDump::failed) return std::nullopt;
  out.cut = end == SocketDump::stopped;
  return out;
}

ConnectionMetrics::ConnectionMetrics(const std::string& proc_root, SocketProbe probe)
    : probe_(std::move(probe)),
      sockstat_(proc_root + "/net/sockstat"),
      sockstat6_(proc_root + "/net/sockstat6"),
      snmp_(proc_root + "/net/snmp") {}

void ConnectionMetrics::build(std::vector<model::Reading>& readings) {
  const model::Attributes tcp{{"network.transport", "tcp"}};
  often_ = add_block(readings, often_specs, tcp);
  rare_ = add_block(readings, rare_specs, tcp);
  add_block(readings, udp_specs);
  asked_.reset();
}

void ConnectionMetrics::read(MonoTime now, ReadBuffer& buffer, std::vector<model::Reading>& readings) {
  read_rare(now, readings);
  std::optional<std::uint64_t> open, waiting, udp, udp6;
  if (auto text = snmp_.read(buffer)) open = parse_established(*text);
  if (auto text = sockstat_.read(buffer)) {
    waiting = find_socket_count(*text, "TCP:", "tw");
    udp = find_socket_count(*text, "UDP:", "inuse");
  }
  if (auto text = sockstat6_.read(buffer)) udp6 = find_socket_count(*text, "UDP6:", "inuse");
  double established = number(open);
  // The kernel counts what the other side has closed already with the established ones.
  if (counts_) established = std::max(0.0, established - counts_->of[static_cast<std::size_t>(RareState::close_wait)]);
  set_block(readings, often_, {open ? established : model::missing, number(waiting)});
  readings[rare_.first + rare_.size].value = number(udp) + static_cast<double>(udp6.value_or(0));
}

void ConnectionMetrics::read_rare(MonoTime now, std::vector<model::Reading>& readings) {
  if (asked_ && now - *asked_ < rare_states_interval) return;
  asked_ = now;
  counts_ = probe_();
  if (!counts_) return set_missing(readings, rare_);
  if (counts_->cut) ++cut_;
  for (std::size_t i = 0; i < rare_states; ++i) readings[rare_.first + i].value = counts_->of[i];
}

}  // namespace mien::edge
