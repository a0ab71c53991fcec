// The kinds of database files that more than one file here must recognise (docs/formats/).
#pragma once

#include "edge/sqlite/database.h"

namespace mien::edge {

[[nodiscard]] const DatabaseKind& ledger_kind();

}  // namespace mien::edge
