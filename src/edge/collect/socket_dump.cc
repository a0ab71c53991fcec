#include "edge/collect/socket_dump.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace mien::edge {

SocketDump read_socket_dump(int netlink, const std::function<bool(const inet_diag_msg&)>& use) {
  alignas(nlmsghdr) std::array<char, 32768> buffer{};
  for (;;) {
    ssize_t length = ::recv(netlink, buffer.data(), buffer.size(), 0);
    if (length <= 0) return SocketDump::failed;
    auto left = static_cast<std::size_t>(length);
    for (const char* at = buffer.data(); left >= sizeof(nlmsghdr);) {
      nlmsghdr head{};
      std::memcpy(&head, at, sizeof head);
      if (head.nlmsg_len < sizeof head || head.nlmsg_len > left || head.nlmsg_type == NLMSG_ERROR)
        return SocketDump::failed;
      if (head.nlmsg_type == NLMSG_DONE) return SocketDump::whole;
      if (head.nlmsg_len >= NLMSG_HDRLEN + sizeof(inet_diag_msg)) {
        inet_diag_msg one{};
        std::memcpy(&one, at + NLMSG_HDRLEN, sizeof one);
        if (!use(one)) return SocketDump::stopped;
      }
      std::size_t step = std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), left);
      at += step;
      left -= step;
    }
  }
}

}  // namespace mien::edge
