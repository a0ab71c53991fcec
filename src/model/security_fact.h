// What an agent's sensors saw that matters to security: somebody ran, opened, listened, connected, became. Facts travel
// as OTLP log records (docs/formats/security-facts.md), are judged by how new they are for the instance, and kept 30
// days. Arguments, environments and contents of files are in none of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fields.h"
#include "base/time.h"

namespace mien::model {

enum class FactKind : std::uint8_t {
  execution = 0,       // object: the program's path
  listener = 1,        // object: "tcp/443"
  connection = 2,      // object: "10.0.0.1:5432", "[2001:db8::1]:443"; outgoing
  write = 3,           // object: the path opened for writing, under a prefix that is watched
  sensitive_read = 4,  // object: the path
  privilege = 5,       // object: the user it became
  kernel_module = 6,   // object: the module's name
  bpf_program = 7,     // object: the program's name
  system_call = 8,     // object: the call's name; once for each service and call
  login = 9,           // object: the user who came in
  sudo = 10,           // object: the user it was done as
  package = 11,        // object: "nginx"; one for each package that was installed, upgraded or removed
};
inline constexpr std::size_t fact_kinds = 12;
// "execution", ...: as in `mien.security.execution`, the record's event name.
[[nodiscard]] std::string_view to_text(FactKind kind);

struct SecurityFact {
  FactKind kind = FactKind::execution;
  WallTime at;              // of the first of `count`
  std::string object;       // at most 1,024 bytes
  std::string process;      // path of the program that did it; empty: not known
  std::uint32_t pid = 0;    // 0: not known
  std::string parents;      // paths of its parents, nearest first, joined by " < "; at most eight
  std::string user;         // by name, else by number
  std::string detail;       // kind's own: a login's source address, a package's "1.2-1 -> 1.3-1"
  std::uint64_t count = 1;  // the same within a tick are one fact

  friend bool operator==(const SecurityFact&, const SecurityFact&) = default;
  static constexpr auto fields =
      std::tuple{field("kind", &SecurityFact::kind),     field("at", &SecurityFact::at),
                 field("object", &SecurityFact::object), field("process", &SecurityFact::process),
                 field("pid", &SecurityFact::pid),       field("parents", &SecurityFact::parents),
                 field("user", &SecurityFact::user),     field("detail", &SecurityFact::detail),
                 field("count", &SecurityFact::count)};
};

}  // namespace mien::model
