// Lines of logs as facts: who came in or acted as another (auth.log, the journal), which package changed (dpkg.log).
// Pure functions over outside text: what is not understood gives nothing. Commands and their arguments are not taken
// over.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/security_fact.h"

namespace mien::edge {

// A record of the authentication log: the program that wrote it, its process and its text.
struct AuthRecord {
  std::string_view program;  // "sshd"
  std::uint32_t pid = 0;
  std::string_view message;
};
// "Nov 22 10:00:00 host sshd[42]: text", or with an RFC 3339 time.
[[nodiscard]] std::optional<AuthRecord> parse_auth_line(std::string_view line);
// A login or sudo; nothing for all the rest.
[[nodiscard]] std::optional<model::SecurityFact> fact_of(const AuthRecord& record, WallTime at);

// "2026-11-22 10:00:00 upgrade nginx:amd64 1.22-1 1.22-2". Installed, upgraded and removed.
[[nodiscard]] std::optional<model::SecurityFact> parse_dpkg_line(std::string_view line, WallTime at);

// Negative, zero or positive as version `a` is before, the same as or after `b`, in Debian's order (deb-version(7)).
[[nodiscard]] int compare_versions(std::string_view a, std::string_view b);

// Adds installed packages of a dpkg status file's text to `installed` ("nginx" or, where it matters, "nginx:i386").
void read_status(std::string_view text, std::map<std::string, std::string>& installed);
// How many packages of an index (Packages of an archive) are newer than what is installed; names go to `pending`.
void read_index(std::string_view text, const std::map<std::string, std::string>& installed,
                std::map<std::string, std::string>& pending);

}  // namespace mien::edge
