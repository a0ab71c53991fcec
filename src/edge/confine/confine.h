// Takes away from the manager, which parses everything from outside, all that it does not need: root's capabilities for
// ever, files outside its data directory (Landlock), and the system calls with which a taken-over process would go on
// (seccomp). What this kernel lacks is reported, never passed over in silence (docs/adr/0023).
//
// To be called once, before any thread is started: Landlock and capabilities belong to threads. Not undone by anything.
// Open descriptors stay as they are.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace mien::edge {

struct ConfineOptions {
  std::string data_directory{};            // read and write; made when it is not there
  std::vector<std::string> read_paths{};   // besides default_read_paths(); those that do not exist are skipped
  std::vector<std::string> write_paths{};  // further directories: the socket's, the local token's
  std::string user{};  // as root: become this user, who then owns the data directory; empty or no such user: stay
};

struct Confinement {
  bool no_new_privileges = false;
  bool capabilities_dropped = false;
  int landlock_version = 0;  // 0: not in force
  bool seccomp = false;
  std::string user{};                  // who we are now
  std::vector<std::string> lacking{};  // for people: what is not in force, why, and what would bring it
};

// What a manager reads outside its data directory: certificates, name look-up, time zones, libraries, itself in /proc.
[[nodiscard]] const std::vector<std::string>& default_read_paths();

// Errors: invalid (threads are running already), io (the data directory; a step that this kernel has failed). A kernel
// without Landlock or seccomp is no error.
Result<Confinement> confine_manager(const ConfineOptions& options);

// What this kernel could put in force, for `mien doctor`; changes nothing.
[[nodiscard]] int landlock_version();  // 0: none
[[nodiscard]] bool has_seccomp();

}  // namespace mien::edge
