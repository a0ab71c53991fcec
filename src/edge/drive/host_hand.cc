#include "edge/drive/host_hand.h"

#include <sys/stat.h>

#include <array>
#include <optional>

#include "base/text.h"
#include "edge/collect/kernel_file.h"
#include "edge/drive/cgroup_fields.h"
#include "edge/drive/field_file.h"
#include "edge/drive/place.h"
#include "edge/drive/request.h"
#include "edge/drive/sysctl_fields.h"
#include "edge/drive/unit_fields.h"
#include "edge/mutex.h"

namespace mien::edge {
namespace {

using model::Verb;

constexpr std::string_view sysctl_prefix = "sysctl:";
constexpr std::string_view unit_prefix = "unit:";
constexpr std::size_t longest_target = 255;

bool starts_with(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

class HostHand final : public node::Hand {
 public:
  explicit HostHand(HostHandOptions options)
      : options_(std::move(options)),
        systemd_(options_.systemd == SystemdUse::always ||
                 (options_.systemd == SystemdUse::automatic && systemd_runs(options_.proc_root, options_.run_root))),
        bus_(std::move(options_.bus)) {
    if (systemd_ && !bus_) bus_ = make_systemd_bus();
  }

  std::vector<Ability> abilities() override {
    std::vector<Ability> all;
    for (Verb verb : {Verb::limit, Verb::prioritize, Verb::lockdown, Verb::configure}) {
      std::optional<std::string> why_not = why_not_here(verb);
      all.push_back({.verb = verb, .works = !why_not, .why_not = why_not.value_or("")});
    }
    return all;
  }

  Result<node::Plan> plan(const InstanceName& target, Verb verb, const model::Arguments& with) override {
    std::string unit = TRY(unit_in(target));
    if (unit.empty()) return plan_host(verb, with);
    if (verb == Verb::configure)
      return drive_error(Code::unsupported, cat("kernel settings belong to the whole host: name ", options_.host,
                                                " instead of ", target.value));
    Request request = TRY(parse_request(verb, with));
    Place place = TRY(find_place(options_.sys_root, unit, Presence::running));
    if (holds_ourselves(place, options_.proc_root))
      return drive_error(Code::refused, cat("Mien itself runs in ", unit, ": it does not hold itself back"));
    Lock lock(mutex_);
    node::Plan plan = systemd_ ? TRY(plan_unit(units(), place, request))
                               : TRY(plan_cgroup(place, request, options_.sys_root));
                               plan.identity = TRY(identity_here(place));
                               return plan;
  }

  Result<std::string> identity(const InstanceName& target) override {
    std::string unit = TRY(unit_in(target));
    if (unit.empty()) return boot_id();
    Place place = TRY(find_place(options_.sys_root, unit, Presence::directory));
    Lock lock(mutex_);
    return identity_here(place);
  }

  Result<std::string> read(const InstanceName& target, std::string_view key) override {
    std::string unit = TRY(unit_in(target));
    TRY(check_key(unit, key));
    if (unit.empty()) return read_sysctl(options_.proc_root, key);
    Lock lock(mutex_);
    if (starts_with(key, unit_prefix)) return read_unit(units(), TRY(unit_name(unit)), key);
    return read_cgroup(TRY(find_place(options_.sys_root, unit, Presence::directory)), key);
  }

  Status write(const InstanceName& target, std::string_view key, std::string_view value) override {
    std::string unit = TRY(unit_in(target));
    TRY(check_key(unit, key));
    if (unit.empty()) return write_sysctl(options_.proc_root, key, value);
    Lock lock(mutex_);
    if (starts_with(key, unit_prefix)) return write_unit(units(), TRY(unit_name(unit)), key, value);
    return write_cgroup(TRY(find_place(options_.sys_root, unit, Presence::directory)), key, value);
  }

 private:
  // The unit of `UNIT@HOST`, empty for the host itself.
  Result<std::string> unit_in(const InstanceName& target) const {
    const std::string& name = target.value;
    if (name == options_.host) return std::string{};
    std::size_t at = name.rfind('@');  // a template's unit has one of its own: getty@tty1.service@web-01
    if (at == std::string::npos || name.substr(at + 1) != options_.host)
      return drive_error(Code::not_found, cat(name, " is not of this host, ", options_.host));
    std::string unit = name.substr(0, at);
    bool leads_elsewhere = unit.empty() || unit.size() > longest_target || unit.find('/') != std::string::npos ||
                           unit.find("..") != std::string::npos || unit.find('\0') != std::string::npos;
    if (leads_elsewhere)
      return drive_error(Code::refused, cat("`", unit, "` is no name of a service: it could lead elsewhere"));
    return unit;
  }

  // Raw files are not written where systemd keeps its own account of them, nor properties where it does not run.
  Status check_key(const std::string& unit, std::string_view key) const {
    if (starts_with(key, sysctl_prefix) != unit.empty())
      return drive_error(Code::unsupported,
                         cat(unit.empty() ? "the host has no field `" : "a service has no field `", key, "`"));
    if (unit.empty() || starts_with(key, unit_prefix) == systemd_) return {};
    return drive_error(Code::unsupported, systemd_ ? cat(key, " is systemd's to write here: its property is unit:NAME")
                                                   : cat(key, " is systemd's, which does not run here"));
  }

  Result<node::Plan> plan_host(Verb verb, const model::Arguments& with) const {
    if (verb == Verb::limit || verb == Verb::prioritize || verb == Verb::lockdown)
      return drive_error(Code::refused, cat(model::to_text(verb),
                                            " of the whole host would hold back everything, Mien and your own "
                                            "login as well: name a service of it, like nginx.service@",
                                            options_.host, ", or write target: offender"));
    if (verb != Verb::configure) return parse_request(verb, with).error();
    auto settings = TRY(parse_settings(with));
    node::Plan plan = TRY(plan_sysctl(options_.proc_root, settings));
    plan.identity = TRY(boot_id());
    return plan;
  }

  Result<std::string> boot_id() const { return read_field_file(options_.proc_root, "sys/kernel/random/boot_id"); }

  Result<std::string> identity_here(const Place& place) REQUIRES_LOCK(mutex_) {
    std::string identity = cat(TRY(boot_id()), ' ', TRY(identity_of(place)));
    if (!systemd_) return identity;
    std::string unit = TRY(unit_of(place));
    return cat(identity, ' ', TRY(bus_->get(unit, "InvocationID")));
  }

  // A unit that stopped still has the drop-ins that were made for it: it is looked for by its name then.
  Result<std::string> unit_name(const std::string& unit) const {
    Result<Place> place = find_place(options_.sys_root, unit, Presence::directory);
    if (place) return unit_of(*place);
    if (is_unit_name(unit)) return unit;
    return std::move(place).error();
  }

  Units units() REQUIRES_LOCK(mutex_) {
    return {.bus = *bus_, .sys_root = options_.sys_root, .run_root = options_.run_root};
  }

  std::optional<std::string> why_not_here(Verb verb) {
    if (verb == Verb::configure)
      return is_there(options_.proc_root, "sys/kernel") ? std::nullopt
                                                        : std::optional<std::string>("/proc/sys is not there");
    std::optional<std::string> why_not = why_not_by_cgroup(find_hierarchies(options_.sys_root), verb);
    if (why_not || !systemd_) return why_not;
    Lock lock(mutex_);
    Result<std::string> version = bus_->version();
    if (version) return std::nullopt;
    return cat("services are systemd's to change here, and it does not answer: ", version.error().to_string());
  }

  HostHandOptions options_;
  const bool systemd_;
  Mutex mutex_;
  std::unique_ptr<UnitBus> bus_ GUARDED_BY(mutex_);
};

}  // namespace

bool systemd_runs(const std::string& proc_root, const std::string& run_root) {
  if (auto first = read_text(proc_root + "/1/comm"); first && trim(*first) == "systemd") return true;
  struct stat info {};
  return ::lstat((run_root + "/systemd/system").c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::unique_ptr<node::Hand> make_host_hand(HostHandOptions options) {
  return std::make_unique<HostHand>(std::move(options));
}

}  // namespace mien::edge
