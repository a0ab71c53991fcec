// What the OTLP door made of the series of numbers, by the bytes between their values: the metric's name, unit and kind
// and the point's attributes, under the list of their instance. As docs/adr/0035 has it for remote-write.
//
// Ownership: the door's, kept between requests; its owner locks it for the whole of a request. Bounded: full, it
// forgets everything and counts that.
#pragma once

#include <cstdint>
#include <string>

#include "wire/detail/bytes_table.h"
#include "wire/ingest.h"
#include "wire/roster.h"

namespace mien::wire {

struct KnownPoint {
  std::uint32_t place = Roster::none;
  double factor = 1;
  std::uint64_t start_ns = 0;  // of what is cumulative, as last seen: with another it may begin anew
};

struct KnownPoints {
  static constexpr std::size_t max_series = 2'000'000;
  static constexpr std::size_t max_bytes = 256U << 20U;

  // `door` tells doors of one process apart.
  explicit KnownPoints(std::uint16_t door) : roster(door) {}

  void begin_request(const IngestLimits& given) {
    bool full = known.size() > max_series || known.bytes() > max_bytes || roster.series() > max_series;
    emptied += full ? 1 : 0;
    if (full || limits != given) {
      known.clear();
      roster.clear();
    }
    limits = given;
    known.begin_request();
    roster.begin_request();
  }

  Roster roster;
  Derivation derivation;  // of senders that are not agents
  BytesTable<KnownPoint> known;
  IngestLimits limits;
  std::uint64_t emptied = 0;
  std::string key;  // of the point that is read; kept for its memory
};

}  // namespace mien::wire
