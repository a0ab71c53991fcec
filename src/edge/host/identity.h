// Who this host is: the keys by which the same machine is known again when others tell of it.
//
// Reads a handful of files; nothing is kept. What cannot be read (the SMBIOS UUID without root) is left out.
#pragma once

#include <map>
#include <string>

namespace mien::edge {

struct HostRoots {
  std::string root;  // before /etc, /var and /run: empty on a real host
  std::string proc_root = "/proc";
  std::string sys_root = "/sys";
};

struct HostIdentity {
  std::string name;          // the host name; "localhost" where it has none
  std::string machine_id;    // /etc/machine-id: this installation; 32 hex digits, or empty
  std::string boot_id;       // this boot
  std::string product_uuid;  // SMBIOS: this (virtual) hardware, lower case, or empty

  // "host.name", "host.id" (machine id), "host.uuid" (SMBIOS): those that are known. The boot id is no identity of the
  // host.
  [[nodiscard]] std::map<std::string, std::string> identities() const;
};

[[nodiscard]] HostIdentity read_host_identity(const HostRoots& roots = {});

}  // namespace mien::edge
