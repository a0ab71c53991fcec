// Waiting for what another process or the kernel does: asked again every few milliseconds. The deadline only says
// "hung"; a test that passes hardly waits.
#pragma once

#include <chrono>
#include <thread>

namespace mien::testing {

template <class Condition>
[[nodiscard]] bool poll_until(Condition condition, std::chrono::milliseconds deadline = std::chrono::seconds{60}) {
  constexpr std::chrono::milliseconds pause{2};
  for (std::chrono::milliseconds waited{0}; waited < deadline; waited += pause) {
    if (condition()) return true;
    std::this_thread::sleep_for(pause);
  }
  return condition();
}

}  // namespace mien::testing
