// Names of users by number, asked of the system once each. Not thread-safe; at most `most` names are kept, then it
// begins anew (a name that changed is seen then, too).
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace mien::edge {

class UserNames {
 public:
  // The name, else the number as text.
  [[nodiscard]] const std::string& name(std::uint32_t uid);

 private:
  static constexpr std::size_t most = 1024;
  std::map<std::uint32_t, std::string> names_;
};

}  // namespace mien::edge
