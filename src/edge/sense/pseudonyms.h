// Names of people, told as pseudonyms where agent.yaml wants it: the same name is the same pseudonym on this host, and
// who has the facts but not this host's key learns no name from them.
//
// Accounts of the system (below 1000, and nobody) keep their names: they are no persons. A pseudonym is "user-" and
// twelve digits of an HMAC-SHA-256. Not thread-safe. Cost: a hash a name, once.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/security_fact.h"

namespace mien::edge {

class Pseudonyms {
 public:
  explicit Pseudonyms(std::string key) : key_(std::move(key)) {}
  // With the key in this file, which is made where there is none. Errors: io.
  static Result<Pseudonyms> open(const std::string& key_file);

  [[nodiscard]] const std::string& of(std::string_view name);
  // In all that a fact says: users, who came in or became whom, and home directories in paths.
  void hide(model::SecurityFact& fact);

 private:
  void hide_homes(std::string& text);

  static constexpr std::size_t most = 4096;
  std::string key_;
  std::map<std::string, std::string, std::less<>> known_;
};

}  // namespace mien::edge
