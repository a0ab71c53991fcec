// The kernel's answer to a question for its sockets (sock_diag, inet_diag), message by message.
#pragma once

#include <linux/inet_diag.h>

#include <cstdint>
#include <functional>

namespace mien::edge {

enum class SocketDump : std::uint8_t { whole, stopped, failed };

// Reads what `netlink` was asked for to its end, and calls use(socket) for each; false from it: no more. Failed: the
// kernel refused, was silent for as long as the socket waits, or said what can not be.
[[nodiscard]] SocketDump read_socket_dump(int netlink, const std::function<bool(const inet_diag_msg&)>& use);

}  // namespace mien::edge
