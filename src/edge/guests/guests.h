// Guests seen from the hypervisor's side, without an agent in them: asked of libvirt by a module beside the program
// (docs/adr/0043), which is loaded when libvirt's socket is there, or another connection is wanted.
//
//   auto guests = Guests::start({.host = "vmhost-01"});
//   for each tick: guests->look(mono_now())
//
// Threads: one asks, because libvirt answers when its hypervisor does; look() never waits. What a tick asks for the
// next one has. A question comes not sooner than a second after the last, nor than twenty times what the last one took,
// so that we never keep libvirt busier than a twentieth of its time. Ownership: what look() gives stands until the next
// one. No errors after start: state() says what does not work.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "edge/sense/sensor.h"
#include "model/telemetry.h"

namespace mien::edge {

struct GuestOptions {
  std::string host;
  std::string libvirt = "auto";  // "off", a URI, or the system's guests where libvirt's socket is
  std::string module_folder{};   // empty: where it is installed
  std::string run_root = "/run";
};

constexpr std::size_t most_guests = 64;

class Guests {
 public:
  static std::unique_ptr<Guests> start(GuestOptions options);
  virtual ~Guests() = default;
  // All guests that run. Readings are missing until new ones were told; places are kept while a guest keeps its fields.
  virtual const std::vector<model::InstanceReadings>& look(MonoTime now) = 0;
  [[nodiscard]] virtual SensorState state() const = 0;
};

// Whether guests would be seen here: looks for the socket and loads the module, and asks nobody. For `mien doctor`.
[[nodiscard]] SensorState probe_guests(const GuestOptions& options);

}  // namespace mien::edge
