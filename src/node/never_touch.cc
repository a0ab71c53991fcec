// Names that no order reaches on any machine, and how a unit's name is matched with a pattern.
#include "node/lease_keeper.h"

namespace mien::node {
namespace {

// Greedy match with one point to go back to: linear in practice, quadratic at worst, no recursion.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

bool is_never_touched(const std::vector<std::string>& patterns, std::string_view unit) {
  for (const std::string& pattern : patterns)
    if (matches(pattern, unit)) return true;
  return false;
}

std::vector<std::string> default_never_touch() {
  return {// Mien itself
          "mien", "mien.*", "mien-*",
          // the way in and the operator's sessions
          "ssh.service", "ssh.socket", "ssh@*", "sshd*", "dropbear*", "session-*.scope", "user@*", "user-*.slice",
          "user.slice", "getty@*", "serial-getty@*", "console-getty*", "qemu-guest-agent*", "emergency.service",
          "rescue.service",
          // the management path
          "NetworkManager*", "networking.service", "network.service", "wpa_supplicant*", "dhclient*", "dhcpcd*",
          "firewalld.service", "nftables.service", "iptables.service",
          // what the system can not do without
          "-.slice", "system.slice", "init.scope", "systemd-*", "dbus*", "polkit*", "udev*", "multipathd*", "iscsid*"};
}

}  // namespace mien::node
