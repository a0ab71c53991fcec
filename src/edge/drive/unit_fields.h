// Limits, weights and freezing of a unit where systemd is process 1: runtime properties, written by systemd itself.
//
// A field's text is its value, and " (runtime)" behind it where a drop-in under /run carries it. Writing "V (runtime)"
// sets the runtime property; writing "V" sets it, removes that drop-in and reloads, so that V comes from where it came
// from before, and nothing of ours is left.
#pragma once

#include <string>
#include <string_view>

#include "edge/drive/place.h"
#include "edge/drive/request.h"
#include "edge/drive/unit_bus.h"
#include "node/hand.h"

namespace mien::edge {

struct Units {
  UnitBus& bus;
  std::string sys_root;
  std::string run_root;
};

// systemd's name of the unit behind a place. Errors: unsupported (a control group that is no unit: its maker changes
// it).
[[nodiscard]] Result<std::string> unit_of(const Place& place);
// Whether a target's name is itself a unit's name.
[[nodiscard]] bool is_unit_name(std::string_view name);

[[nodiscard]] Result<node::Plan> plan_unit(const Units& units, const Place& place, const Request& request);
// `key` begins with "unit:".
[[nodiscard]] Result<std::string> read_unit(const Units& units, const std::string& unit, std::string_view key);
[[nodiscard]] Status write_unit(const Units& units, const std::string& unit, std::string_view key,
                                std::string_view value);

}  // namespace mien::edge
