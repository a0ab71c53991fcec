// What sees without eBPF, each less well: executions by the kernel's process connector (a program that ended within the
// second has no path any more), listeners and connections by asking for the sockets that there are (what opened and
// closed between two looks is not seen), writes and sensitive reads by fanotify, modules by their list.
//
// Notification only: no mark here can hold a process up. Not thread-safe. Errors of make(): what the kernel said.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/sense/processes.h"
#include "edge/sense/sensor.h"
#include "edge/sense/users.h"

namespace mien::edge {

// What a fallback needs to say whose a process is.
struct SenseTools {
  Processes* processes = nullptr;
  UserNames* users = nullptr;
  bool legacy_groups = false;
};

// Needs CAP_NET_ADMIN.
[[nodiscard]] Result<std::unique_ptr<Sensor>> make_exec_connector(SenseTools tools);

enum class SocketsWanted : std::uint8_t {
  listeners_once,  // those that there are at the first look, and no more: eBPF tells of the others
  all,             // listeners as they come, and connections that are open
};
[[nodiscard]] Result<std::unique_ptr<Sensor>> make_socket_poll(SenseTools tools, SocketsWanted wanted);

// Needs CAP_SYS_ADMIN.
struct FileMarkOptions {
  std::vector<std::string> writes_below;
  std::vector<std::string> reads_of;
};
[[nodiscard]] Result<std::unique_ptr<Sensor>> make_file_marks(SenseTools tools, FileMarkOptions options);

// /proc/modules, every ten seconds. Error: unsupported where the kernel has no modules.
[[nodiscard]] Result<std::unique_ptr<Sensor>> make_module_poll(std::string proc_root);

// Fills in what is known of the process that did it.
void describe_process(const SenseTools& tools, std::uint32_t pid, Sighting& sighting);

}  // namespace mien::edge
