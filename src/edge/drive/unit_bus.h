// What systemd is asked over D-Bus, with values as text. Real: make_systemd_bus; tests have a fake.
//
// Not thread-safe: the hand calls it under its lock. Errors: not_found (no such unit or property), refused (not root),
// unavailable (no bus here, or no answer in time), io (systemd's own words).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mien::edge {

class UnitBus {
 public:
  virtual ~UnitBus() = default;
  // Whether it answers: the text of systemd's version.
  virtual Result<std::string> version() = 0;
  // Numbers as digits, UINT64_MAX as "infinity"; InvocationID as hex; IO...Max as "/dev/vda 1000, /dev/vdb 5".
  virtual Result<std::string> get(const std::string& unit, std::string_view property) = 0;
  // A runtime property in the same text; FreezerState "frozen" or "running" freezes and thaws.
  virtual Status set(const std::string& unit, std::string_view property, std::string_view value) = 0;
  // daemon-reload.
  virtual Status reload() = 0;
};

// libsystemd's sd-bus, connected at the first call and again after a failure. As root over systemd's own socket, which
// needs no bus daemon; else over the system bus.
[[nodiscard]] std::unique_ptr<UnitBus> make_systemd_bus();

}  // namespace mien::edge
