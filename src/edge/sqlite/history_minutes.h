// Minutes of many blocks into one row an hour, once their seconds are gone: thirty times fewer rows to read, and
// a list of series, a head and a zstd frame less for each. Apart from history.cc because it is work of its own.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "edge/sqlite/database.h"

namespace mien::edge {

// The number of a stored list of series, which is added where it is new.
Result<std::int64_t> series_list_id(Database& writer, std::string_view bytes);

// Joins the minutes of each instance and whole hour before `before`; one hour in one transaction. At most some hundred
// of them in a call, so that the writer is not held for long; the next call goes on.
Status join_old_minutes(Database& writer, WallTime before);

}  // namespace mien::edge
