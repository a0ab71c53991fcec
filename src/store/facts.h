// Stored security facts: the bytes of a FactBlock (docs/formats/history.md), the keys by which pages of them go on, and
// what every implementation of History needs to answer with them. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/history.h"

namespace mien::store {

[[nodiscard]] std::string encode_facts(const std::vector<model::SecurityFact>& facts);
// Errors: corrupt, unsupported (written by a newer program).
[[nodiscard]] Result<std::vector<model::SecurityFact>> decode_facts(std::string_view bytes);

// One page, newest first: blocks are offered in any order, the page keeps what belongs to it.
class FactPage {
 public:
  explicit FactPage(const FactQuery& query) : query_(query) {}
  void offer(const FactBlock& block);
  // Full, and all of it newer than `at`: blocks that end before it change nothing.
  [[nodiscard]] bool is_settled(WallTime at) const;
  [[nodiscard]] std::vector<StoredFact> take();

 private:
  const FactQuery& query_;
  std::map<std::string, model::SecurityFact> facts_;
};

}  // namespace mien::store
