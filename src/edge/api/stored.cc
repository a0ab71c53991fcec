#include "edge/api/stored.h"

#include <algorithm>
#include <deque>

namespace mien::edge::api {

std::string newest_first(WallTime at, const std::string& id) {
  std::string digits = std::to_string(9'000'000'000'000'000'000 - at.ns);
  return std::string(19 - std::min<std::size_t>(19, digits.size()), '0') + digits + "/" + id;
}

Result<std::vector<store::Entry>> scan_backwards(store::Ledger& ledger, const Backwards& what) {
  constexpr std::size_t step = 1000;
  std::deque<store::Entry> newest;
  std::string after;
  for (;;) {
    auto entries = TRY(ledger.scan(what.table, what.prefix, after, step));
    for (auto& entry : entries) {
      if (!what.before.empty() && entry.key >= what.before)
        return std::vector<store::Entry>(newest.rbegin(), newest.rend());
      if (newest.size() == what.limit) newest.pop_front();
      newest.push_back(std::move(entry));
    }
    if (entries.size() < step) return std::vector<store::Entry>(newest.rbegin(), newest.rend());
    after = newest.back().key;
  }
}

}  // namespace mien::edge::api
