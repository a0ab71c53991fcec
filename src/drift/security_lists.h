// Security facts against what a persona declares. Private to drift.
//
// The patterns: in paths `*` and `?` stay within a component and `**` does not; sockets are `tcp/80`, `tcp/8000-8100`,
// `udp/*`, `unix//run/app.sock`; destinations `10.0.0.0/8:5432`, `[fd00::]/8:*`, `*:443`. Facts name destinations by
// address, so of a host name in an allow list only the port can be held against them, and one in a deny list says
// nothing. Users are those who come in, by login or sudo; deny lists hold also for whom a program runs as.
#pragma once

#include <string>
#include <string_view>

#include "model/expectation.h"
#include "model/security_fact.h"

namespace mien::drift {

struct ListVerdict {
  enum class What : std::uint8_t { unsaid, allowed, not_allowed, denied };
  What what = What::unsaid;
  std::string pattern;  // that allows or denies it
};
[[nodiscard]] ListVerdict judge_lists(const model::DeclaredSecurity& declared, const model::SecurityFact& fact);

[[nodiscard]] bool matches_path(std::string_view pattern, std::string_view path);
[[nodiscard]] bool matches_socket(std::string_view pattern, std::string_view socket);
[[nodiscard]] bool matches_destination(std::string_view pattern, std::string_view destination);

}  // namespace mien::drift
