// TCP connections of the host by state, and UDP sockets.
//
// Each tick: what is established and what waits to end, from two small files, whatever the number of connections. Every
// ten seconds the states that are few where all is well, by asking the kernel for the sockets in them alone (sock_diag,
// which filters in the kernel): a walk over its table, 0.15 ms, and some 0.5 us for each socket that is told, at most
// `most_sockets_told`; beyond them the count stands at the limit and `cut` says so.
//
// Ownership: writes into its owner's readings. Not thread-safe.
#pragma once

#include <array>
#include <functional>
#include <optional>

#include "base/time.h"
#include "edge/collect/block.h"
#include "edge/collect/kernel_file.h"

namespace mien::edge {

// In the order of the table in connections.cc: what is neither established nor waits to end.
enum class RareState : std::uint8_t {
  syn_sent,
  syn_recv,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  last_ack,
  closing,
  listen
};
constexpr std::size_t rare_states = 8;
constexpr std::size_t most_sockets_told = 20'000;
constexpr Duration rare_states_interval = 10s;

struct SocketCounts {
  std::array<double, rare_states> of{};
  bool cut = false;  // there are more
};
// Nothing: the kernel can not be asked here.
using SocketProbe = std::function<std::optional<SocketCounts>()>;
// sock_diag, of this network namespace, both versions of IP.
[[nodiscard]] std::optional<SocketCounts> probe_sockets();

class ConnectionMetrics {
 public:
  ConnectionMetrics(const std::string& proc_root, SocketProbe probe);

  void build(std::vector<model::Reading>& readings);
  void read(MonoTime now, ReadBuffer& buffer, std::vector<model::Reading>& readings);
  // How often a count stood at its limit.
  [[nodiscard]] std::uint64_t cut() const { return cut_; }

 private:
  void read_rare(MonoTime now, std::vector<model::Reading>& readings);

  SocketProbe probe_;
  KernelFile sockstat_, sockstat6_, snmp_;
  Block often_, rare_;
  std::optional<MonoTime> asked_;
  std::optional<SocketCounts> counts_;
  std::uint64_t cut_ = 0;
};

}  // namespace mien::edge
