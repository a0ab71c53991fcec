// The ledger's entries as values: the stored forms of docs/formats/ledger.md that the API reads.
#pragma once

#include <string>
#include <string_view>

#include "base/codec.h"
#include "base/result.h"
#include "model/behavior.h"
#include "model/finding.h"
#include "store/ledger.h"

namespace mien::edge::api {

[[nodiscard]] inline Result<model::Finding> stored_finding(std::string_view bytes) {
  return decode<model::Finding>(bytes, "finding");
}
[[nodiscard]] inline Result<model::PersonaRevision> stored_revision(std::string_view bytes) {
  return decode<model::PersonaRevision>(bytes, "revision");
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
