// What this host can and cannot do for Mien, and what to do about it: `mien doctor`.
//
// Two steps, so that every sentence can be tested: ask_kernel() asks what only system calls can answer and changes
// nothing (what it opens it closes at once); examine() reads files below the given roots and turns all of it into
// checks. No errors: what cannot be found out is a check that says so. Cost: a few milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "edge/host/identity.h"
#include "edge/sense/sensor.h"
#include "node/hand.h"

namespace mien::edge {

enum class CheckStatus : std::uint8_t {
  works = 0,
  limited = 1,  // Mien runs, and does less or less well
  missing = 2,  // what rests on it does not work
};
[[nodiscard]] std::string_view to_text(CheckStatus status);

struct Check {
  std::string name;  // "cgroups"
  CheckStatus status = CheckStatus::works;
  std::string found;    // what is so on this host
  std::string meaning;  // what Mien does with it, or cannot do without it
  std::string remedy;   // what to install or do; empty when it works
  friend bool operator==(const Check&, const Check&) = default;
  static constexpr auto fields =
      std::tuple{field("name", &Check::name), field("status", &Check::status), field("found", &Check::found),
                 field("meaning", &Check::meaning), field("remedy", &Check::remedy)};
};

struct DoctorOptions {
  HostRoots roots;
  std::string data_dir = "/var/lib/mien";
  std::string run_dir = "/run/mien";
  std::uint16_t port = 7070;
};

// Answers of the running kernel to this process. An `_error` is an errno, 0 for "yes".
struct KernelAnswers {
  int bpf_error = 0;
  int landlock_abi = 0;  // 0: none
  bool seccomp_filter = false;
  int inotify_error = 0;
  int fanotify_error = 0;
  int kvm_error = 0;
  int port_error = 0;     // of binding 127.0.0.1 and the port
  int run_dir_error = 0;  // of writing there, or making it
  bool clock_synchronised = false;
  bool root = false;
  std::uint64_t capabilities = 0;  // effective, a bit each
  std::uint64_t descriptors_soft = 0, descriptors_hard = 0;
  std::optional<std::uint64_t> disk_total, disk_free;  // bytes, where the data directory is or would be
  bool data_dir_writable = false;
  std::vector<node::Hand::Ability> hand;  // what the agent could change here
  std::vector<SensorState> sensors;       // by what each would see here
};
[[nodiscard]] KernelAnswers ask_kernel(const DoctorOptions& options);

[[nodiscard]] std::vector<Check> examine(const DoctorOptions& options, const KernelAnswers& answers);
[[nodiscard]] inline std::vector<Check> examine(const DoctorOptions& options) {
  return examine(options, ask_kernel(options));
}

// The worst of them: `mien doctor` exits with success as long as nothing is missing that `mien up` needs.
[[nodiscard]] bool can_run(const std::vector<Check>& checks);

enum class Colour : std::uint8_t { none, ansi };
// For people: a line for each check, then for what does not work what it means and what to do.
[[nodiscard]] std::string render(const std::vector<Check>& checks, Colour colour);
// {"checks": [...], "can_run": true}: for `-o json`.
[[nodiscard]] std::string to_json(const std::vector<Check>& checks);

}  // namespace mien::edge
