// Programs of processes by their number, also of those that have ended since: what was executed is remembered.
//
// Not thread-safe. A number that was given to a new process is asked anew each tick while it lives; of one that has
// ended and was given again between two ticks the older program may be told. Bounded; cost: a readlink per process and
// tick, at most.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mien::edge {

class Processes {
 public:
  explicit Processes(std::string proc_root) : proc_root_(std::move(proc_root)) {}

  // Answers of /proc are asked anew from here.
  void begin_tick() { asked_.clear(); }
  void remember(std::uint32_t pid, std::string_view program);
  // The program's path; empty for kernel threads and for what is not known any more.
  [[nodiscard]] const std::string& program(std::uint32_t pid);
  // The path of its control group in the hierarchy that services stand in; empty for the root and what is not known.
  [[nodiscard]] std::string group(std::uint32_t pid, bool legacy) const;
  struct Kin {
    std::uint32_t parent = 0;
    std::uint32_t uid = 0;
  };
  // Of a process that lives; zeros else.
  [[nodiscard]] Kin kin(std::uint32_t pid) const;
  // Its parents' programs, nearest first, joined by " < "; at most eight.
  [[nodiscard]] std::string parents(std::uint32_t pid);

 private:
  static constexpr std::size_t most = 8192;
  std::string proc_root_;
  std::unordered_map<std::uint32_t, std::string> known_;
  std::unordered_map<std::uint32_t, std::string> asked_;  // within this tick
};

// The path below the hierarchy's root of /proc/PID/cgroup's text: of version 1's cpuacct when `legacy`, else of
// version 2.
[[nodiscard]] std::string parse_group(std::string_view text, bool legacy);

}  // namespace mien::edge
