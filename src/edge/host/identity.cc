#include "edge/host/identity.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"
#include "edge/collect/kernel_file.h"
#include "edge/http/url.h"

namespace mien::edge {
namespace {

std::string first_line(const std::string& path) {
  std::string text = read_text(path).value_or(std::string{});
  return std::string(trim(std::string_view(text).substr(0, text.find('\n'))));
}

// A machine id before its first boot is "uninitialized" or empty: that is nobody's.
std::string valid_machine_id(const std::string& text) {
  std::string id = to_lower(text);
  bool fits = id.size() == 32 && parse_hex(id).has_value() && id.find_first_not_of('0') != std::string::npos;
  return fits ? id : std::string{};
}

// Boards whose maker filled in nothing share these.
bool is_nobodys_uuid(std::string_view uuid) {
  constexpr std::array<std::string_view, 4> shared{
      "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
      "03000200-0400-0500-0006-000700080009", "12345678-1234-5678-90ab-cddeefaabbcc"};
  return std::find(shared.begin(), shared.end(), uuid) != shared.end();
}

std::string valid_uuid(const std::string& text) {
  std::string uuid = to_lower(text);
  if (uuid.size() != 36 || is_nobodys_uuid(uuid)) return {};
  std::string digits = uuid;
  std::erase(digits, '-');
  return digits.size() == 32 && parse_hex(digits) ? uuid : std::string{};
}

}  // namespace

std::map<std::string, std::string> HostIdentity::identities() const {
  std::map<std::string, std::string> out{{"host.name", name}};
  if (!machine_id.empty()) out.emplace("host.id", machine_id);
  if (!product_uuid.empty()) out.emplace("host.uuid", product_uuid);
  return out;
}

HostIdentity read_host_identity(const HostRoots& roots) {
  HostIdentity out;
  out.name = first_line(roots.proc_root + "/sys/kernel/hostname");
  if (out.name.empty() || out.name == "(none)" || !is_utf8(out.name)) out.name = "localhost";
  out.machine_id = valid_machine_id(first_line(roots.root + "/etc/machine-id"));
  if (out.machine_id.empty()) out.machine_id = valid_machine_id(first_line(roots.root + "/var/lib/dbus/machine-id"));
  out.boot_id = valid_uuid(first_line(roots.proc_root + "/sys/kernel/random/boot_id"));
  out.product_uuid = valid_uuid(first_line(roots.sys_root + "/class/dmi/id/product_uuid"));
  return out;
}

}  // namespace mien::edge
