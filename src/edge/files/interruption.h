// While one lives, SIGINT, SIGTERM and SIGHUP ask the process to stop instead of ending it, so that it can clear up
// first. A system call that waits is cut short (EINTR). One at a time, in the main thread, for verbs that work alone.
#pragma once

#include <signal.h>

#include <array>

namespace mien::edge {

class Interruption {
 public:
  Interruption();
  ~Interruption();  // the signals do again what they did before
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  [[nodiscard]] bool asked() const;
  // Ends the process by the signal that came, as if nothing had caught it: a shell's loop ends too. Nothing if none
  // did.
  void obey();

 private:
  static constexpr std::array<int, 3> signals{SIGINT, SIGTERM, SIGHUP};
  void restore();
  std::array<struct sigaction, signals.size()> before_{};
  bool caught_ = true;
};

}  // namespace mien::edge
