#include "edge/sense/users.h"

#include <pwd.h>

#include <array>

namespace mien::edge {

const std::string& UserNames::name(std::uint32_t uid) {
  if (auto known = names_.find(uid); known != names_.end()) return known->second;
  if (names_.size() >= most) names_.clear();
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  bool named = ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return names_.emplace(uid, named ? std::string(entry.pw_name) : std::to_string(uid)).first->second;
}

}  // namespace mien::edge
