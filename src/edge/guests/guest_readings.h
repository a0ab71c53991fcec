// What libvirt says of a guest, as the readings of an instance: seen from outside, in the units in which the guest's
// own agent would tell the same.
//
// Pure. A guest's readings keep their places while it has the same fields; docs/guide/metrics.md lists them.
#pragma once

#include <map>
#include <string>

#include "model/telemetry.h"

namespace mien::edge {

// One guest as libvirt tells of it, fields by libvirt's names.
struct GuestStats {
  std::string name;
  std::string uuid;
  std::map<std::string, double, std::less<>> numbers;
  std::map<std::string, std::string, std::less<>> texts;
};

constexpr std::size_t most_guest_devices = 16;  // disks, and interfaces; of each

// `driver` as libvirt says it ("QEMU"). The name is the one that the guest's control group gives it: `qemu-db@HOST`.
[[nodiscard]] model::InstanceReadings readings_of_guest(const GuestStats& stats, std::string_view driver,
                                                        const std::string& host);

}  // namespace mien::edge
