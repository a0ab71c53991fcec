// The ledger's entries as values: the stored forms of docs/formats/ledger.md that the API reads.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/result.h"
#include "edge/api/service.h"
#include "model/action.h"
#include "model/behavior.h"
#include "model/decision.h"
#include "model/finding.h"
#include "store/ledger.h"

namespace mien::edge::api {

[[nodiscard]] inline Result<model::Finding> stored_finding(std::string_view bytes) {
  return decode<model::Finding>(bytes, "finding");
}
[[nodiscard]] inline Result<model::PersonaRevision> stored_revision(std::string_view bytes) {
  return decode<model::PersonaRevision>(bytes, "revision");
}
[[nodiscard]] inline Result<model::Action> stored_action(std::string_view bytes) {
  return decode<model::Action>(bytes, "action");
}
[[nodiscard]] inline Result<model::Decision> stored_decision(std::string_view bytes) {
  return decode<model::Decision>(bytes, "decision");
}

// The key of a list whose newest items come first: by time, then by id.
[[nodiscard]] std::string newest_first(WallTime at, const std::string& id);

// One pass over a table that keeps a page of it, newest first: memory is bounded by the page, not by the past. What is
// in `found` already is newer than what is stored, and stays. `offer` decodes, says whether it is wanted, and gives the
// list's key; an error ends the pass.
template <class Value>
struct Wanted {
  std::string key;
  Value value;
};
template <class Value, class Offer>
[[nodiscard]] Status take_newest(store::Ledger& ledger, store::Table table, const Page& page,
                                 std::map<std::string, Value>& found, Offer&& offer) {
  constexpr std::size_t step = 1000;
  std::string after;
  for (;;) {
    auto entries = TRY(ledger.scan(table, "", after, step));
    for (const auto& entry : entries) {
      std::optional<Wanted<Value>> wanted = TRY(offer(entry));
      if (!wanted || (!page.after.empty() && wanted->key <= page.after)) continue;
      found.emplace(std::move(wanted->key), std::move(wanted->value));
      if (found.size() > page.limit + 1) found.erase(std::prev(found.end()));
    }
    if (entries.size() < step) return {};
    after = entries.back().key;
  }
}

// The entries of a table under a prefix, newest (highest key) first. Ledgers scan upwards, so this is one pass that
// keeps a page's worth: `offer` sees each kept entry, newest first, until it says false.
struct Backwards {
  store::Table table = store::Table::finding;
  std::string prefix;
  std::string before;  // only keys below this; empty: all
  std::size_t limit = 500;
};
[[nodiscard]] Result<std::vector<store::Entry>> scan_backwards(store::Ledger& ledger, const Backwards& what);

}  // namespace mien::edge::api
