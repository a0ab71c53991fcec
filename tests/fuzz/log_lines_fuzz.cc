// rooms: edge
// Lines of logs that anybody who can log in may have a say in: facts within their bounds or nothing, and versions in an
// order that is one.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/text.h"
#include "edge/sense/bpf_sensors.h"
#include "edge/sense/log_lines.h"
#include "edge/sense/processes.h"

using namespace mien;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr WallTime at{1};
  auto check = [](const std::optional<model::SecurityFact>& fact) {
    if (!fact) return;
    CHECK(!fact->object.empty() && fact->object.size() <= 256 && is_utf8(fact->object));
    CHECK(fact->user.size() <= 256 && is_utf8(fact->user));
    CHECK(fact->detail.find("COMMAND") == std::string::npos || fact->kind != model::FactKind::sudo ||
          fact->detail.starts_with("refused: "));
  };
  if (auto record = edge::parse_auth_line(text)) check(edge::fact_of(*record, at));
  for (std::string_view program : {"sshd", "login", "sudo", "su"})
    check(edge::fact_of({.program = program, .pid = 1, .message = text}, at));
  check(edge::parse_dpkg_line(text, at));
  std::string_view a = text.substr(0, size / 2);
  std::string_view b = text.substr(size / 2);
  CHECK(edge::compare_versions(a, a) == 0);
  int one = edge::compare_versions(a, b);
  int other = edge::compare_versions(b, a);
  CHECK((one < 0) == (other > 0) && (one == 0) == (other == 0));
  std::map<std::string, std::string> installed, pending;
  edge::read_status(text, installed);
  edge::read_index(text, installed, pending);
  for (const auto& [name, version] : pending) CHECK(installed.contains(name) && !version.empty());
  CHECK(edge::parse_group(text, true).size() <= size);
  CHECK(text.empty() || edge::path_of_names(text).starts_with('/'));
  return 0;
}
