// The seam to the ordered log: what went into a shard, in order, so that its state can be made again by folding it.
// Embedded: SQLite, a file per hour (edge/sqlite). Simulated, with faults: sim/. Both pass store's conformance suite.
//
// Positions are per shard, start at 1 and have no holes. An append that returned a position is in the log's file: it
// survives kill -9 of the process at any instant. It survives a power cut once a later sync() returned.
// Threads: append, read and bounds may be called from any thread; sync and trim from the shard's owner.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace mien::store {

using ShardId = std::uint32_t;
using LogPosition = std::uint64_t;  // 0 = before the first record

struct LogRecord {
  LogPosition position = 0;
  WallTime at;        // when it was appended, by the appender's clock; never falls within a shard
  std::string bytes;  // encoded node::Record (docs/formats/log.md)
  friend bool operator==(const LogRecord&, const LogRecord&) = default;
};

struct LogBounds {
  LogPosition first = 0;  // oldest kept record; 0 when the log is empty
  LogPosition last = 0;   // newest record; 0 when nothing was ever appended
};

class Log {
 public:
  virtual ~Log() = default;
  // All of `records` or none of them, at consecutive positions; returns the last. `at` smaller than the last record's
  // is raised to it. Errors: exhausted (disk full, nothing appended), io.
  virtual Result<LogPosition> append(ShardId shard, WallTime at, std::span<const std::string_view> records) = 0;
  // Records with position > after, in order, at most `limit` of them. A record whose checksum is wrong is an error
  // `corrupt` naming its position; a position already trimmed is an error `not_found` naming the first kept one.
  virtual Result<std::vector<LogRecord>> read(ShardId shard, LogPosition after, std::size_t limit) = 0;
  virtual Result<LogBounds> bounds(ShardId shard) = 0;
  virtual Status sync(ShardId shard) = 0;
  // Forgets whole files whose records are all <= upto; may keep more.
  virtual Status trim(ShardId shard, LogPosition upto) = 0;
};

}  // namespace mien::store
