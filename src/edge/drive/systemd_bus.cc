#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "base/text.h"
#include "edge/collect/procfs.h"
#include "edge/drive/request.h"
#include "edge/drive/unit_bus.h"

namespace mien::edge {
namespace {

constexpr const char* service = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";
constexpr std::uint64_t call_timeout_us = 10'000'000;
constexpr std::uint64_t reload_timeout_us = 30'000'000;

struct BusDeleter {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};
struct MessageDeleter {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Bus = std::unique_ptr<sd_bus, BusDeleter>;
using Message = std::unique_ptr<sd_bus_message, MessageDeleter>;

struct BusError {
  sd_bus_error error{};
  BusError() = default;
  ~BusError() { sd_bus_error_free(&error); }
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
};

bool is_broken(int result) {
  return result == -ENOTCONN || result == -ECONNRESET || result == -EPIPE || result == -ESHUTDOWN;
}

Error failed(int result, const BusError& error, std::string_view what) {
  std::string_view name = error.error.name != nullptr ? error.error.name : "";
  Code code = Code::io;
  if (name.find("NoSuchUnit") != std::string_view::npos || name.find("Unknown") != std::string_view::npos)
    code = Code::not_found;
  else if (name.find("AccessDenied") != std::string_view::npos ||
           name.find("Authorization") != std::string_view::npos || result == -EACCES || result == -EPERM)
    code = Code::refused;
  else if (result == -ETIMEDOUT || name.find("NoReply") != std::string_view::npos) code = Code::unknown;
  else if (is_broken(result)) code = Code::unavailable;
  std::string_view words = error.error.message != nullptr ? error.error.message : std::strerror(-result);
  return drive_error(code, cat("systemd: ", words), std::string(what));
}

// Where a property lives, and its type on the bus.
struct PropertyPlace {
  const char* interface;
  const char* type;
};
PropertyPlace place_of(const std::string& unit, std::string_view property) {
  const char* unit_interface = "org.freedesktop.systemd1.Unit";
  const char* own = unit.size() > 6 && unit.substr(unit.size() - 6) == ".scope" ? "org.freedesktop.systemd1.Scope"
                                                                                : "org.freedesktop.systemd1.Service";
  if (property == "InvocationID") return {unit_interface, "ay"};
  if (property == "FreezerState") return {unit_interface, "s"};
  if (property == "ControlGroup") return {own, "s"};
  if (property == "IOReadBandwidthMax" || property == "IOWriteBandwidthMax") return {own, "a(st)"};
  return {own, "t"};
}

int read_devices(sd_bus_message* reply, std::string& text) {
  std::map<std::string, std::uint64_t> devices;  // systemd lists the newest first: sorted, a value reads as written
  int result = sd_bus_message_enter_container(reply, 'a', "(st)");
  const char* path = nullptr;
  std::uint64_t limit = 0;
  while (result >= 0 && (result = sd_bus_message_read(reply, "(st)", &path, &limit)) > 0) devices[path] = limit;
  for (const auto& [device, value] : devices) text += cat(text.empty() ? "" : ", ", device, ' ', value);
  if (text.empty()) text = "none";
  return result;
}

int read_value(sd_bus_message* reply, std::string_view type, std::string& text) {
  if (type == "a(st)") return read_devices(reply, text);
  if (type == "ay") {
    const void* bytes = nullptr;
    std::size_t size = 0;
    int result = sd_bus_message_read_array(reply, 'y', &bytes, &size);
    if (result >= 0) text = to_hex({static_cast<const char*>(bytes), size});
    return result;
  }
  if (type == "s") {
    const char* word = nullptr;
    int result = sd_bus_message_read(reply, "s", &word);
    if (result >= 0) text = word;
    return result;
  }
  std::uint64_t number = 0;
  int result = sd_bus_message_read(reply, "t", &number);
  if (result >= 0) text = number == UINT64_MAX ? "infinity" : cat(number);
  return result;
}

int append_devices(sd_bus_message* call, const char* property, std::string_view value) {
  int result = sd_bus_message_append(call, "(sv)", property, "a(st)", 0);  // none first: a list only ever adds
  if (result < 0 || value == "none") return result;
  result = sd_bus_message_open_container(call, 'r', "sv");
  if (result >= 0) result = sd_bus_message_append(call, "s", property);
  if (result >= 0) result = sd_bus_message_open_container(call, 'v', "a(st)");
  if (result >= 0) result = sd_bus_message_open_container(call, 'a', "(st)");
  for (std::string_view each : split(value, ',')) {
    auto words = split(trim(each), ' ');
    if (result < 0 || words.size() != 2) continue;
    result = sd_bus_message_append(call, "(st)", std::string(words[0]).c_str(), parse_count(words[1]).value_or(0));
  }
  for (int open = 0; open < 3 && result >= 0; ++open) result = sd_bus_message_close_container(call);
  return result;
}

class SystemdBus final : public UnitBus {
 public:
  Result<std::string> version() override {
    std::string text;
    TRY(with_bus("asking for systemd's version", [&](sd_bus* bus, sd_bus_error* error) {
      char* word = nullptr;
      int result = sd_bus_get_property_string(bus, service, manager_path, manager_interface, "Version", error, &word);
      if (result >= 0) text = word;
      ::free(word);
      return result;
    }));
    return text;
  }

  Result<std::string> get(const std::string& unit, std::string_view property) override {
    PropertyPlace place = place_of(unit, property);
    std::string path = TRY(path_of(unit));
    std::string name(property);
    std::string text;
    TRY(with_bus(cat(property, " of ", unit), [&](sd_bus* bus, sd_bus_error* error) {
      sd_bus_message* raw = nullptr;
      int result =
          sd_bus_get_property(bus, service, path.c_str(), place.interface, name.c_str(), error, &raw, place.type);
      Message reply(raw);
      text.clear();
      return result < 0 ? result : read_value(raw, place.type, text);
    }));
    return text;
  }

  Status set(const std::string& unit, std::string_view property, std::string_view value) override {
    if (property == "FreezerState") return freeze(unit, value == "frozen" ? "FreezeUnit" : "ThawUnit");
    bool devices = std::string_view(place_of(unit, property).type) == "a(st)";
    std::string name(property);
    return with_bus(cat("setting ", property, " of ", unit), [&](sd_bus* bus, sd_bus_error* error) {
      sd_bus_message* raw = nullptr;
      int result =
          sd_bus_message_new_method_call(bus, &raw, service, manager_path, manager_interface, "SetUnitProperties");
      Message call(raw);
      if (result >= 0) result = sd_bus_message_append(raw, "sb", unit.c_str(), 1);
      if (result >= 0) result = sd_bus_message_open_container(raw, 'a', "(sv)");
      if (result >= 0)
        result = devices ? append_devices(raw, name.c_str(), value)
                         : sd_bus_message_append(raw, "(sv)", name.c_str(), "t",
                                                 value == "infinity" ? UINT64_MAX : parse_count(value).value_or(0));
      if (result >= 0) result = sd_bus_message_close_container(raw);
      return result < 0 ? result : sd_bus_call(bus, raw, call_timeout_us, error, nullptr);
    });
  }

  Status reload() override {
    return with_bus("daemon-reload", [](sd_bus* bus, sd_bus_error* error) {
      sd_bus_message* raw = nullptr;
      int result = sd_bus_message_new_method_call(bus, &raw, service, manager_path, manager_interface, "Reload");
      Message call(raw);
      return result < 0 ? result : sd_bus_call(bus, raw, reload_timeout_us, error, nullptr);
    });
  }

 private:
  Status freeze(const std::string& unit, const char* method) {
    return with_bus(cat(method, ' ', unit), [&](sd_bus* bus, sd_bus_error* error) {
      return sd_bus_call_method(bus, service, manager_path, manager_interface, method, error, nullptr, "s",
                                unit.c_str());
    });
  }

  static Result<std::string> path_of(const std::string& unit) {
    char* path = nullptr;
    int result = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path);
    if (result < 0) return failed(result, {}, unit);
    std::string text = path;
    ::free(path);
    return text;
  }

  int connect() {
    sd_bus* raw = nullptr;
    int result = 0;
    if (::geteuid() == 0) {
      result = sd_bus_new(&raw);
      if (result >= 0) result = sd_bus_set_address(raw, "unix:path=/run/systemd/private");
      if (result >= 0) result = sd_bus_start(raw);
      if (result < 0) raw = sd_bus_close_unref(raw);
    }
    if (raw == nullptr) result = sd_bus_open_system(&raw);
    if (result < 0) return result;
    bus_.reset(raw);
    return sd_bus_set_method_call_timeout(raw, call_timeout_us);
  }

  // systemd closes its connections when it is executed anew (an update): once more over a new one. Everything asked
  // here says how things shall be, so that asking twice is asking once.
  template <class Call>
  Status with_bus(std::string what, Call call) {
    for (int attempt = 0;; ++attempt) {
      BusError error;
      int result = bus_ ? 0 : connect();
      if (result < 0) {
        bus_.reset();
        return drive_error(Code::unavailable, cat("systemd's bus: ", std::strerror(-result)), std::move(what));
      }
      result = call(bus_.get(), &error.error);
      if (result >= 0) return {};
      if (is_broken(result) || result == -ETIMEDOUT) bus_.reset();
      if (!is_broken(result) || attempt == 1) return failed(result, error, what);
    }
  }

  Bus bus_;
};

}  // namespace

std::unique_ptr<UnitBus> make_systemd_bus() { return std::make_unique<SystemdBus>(); }

}  // namespace mien::edge
