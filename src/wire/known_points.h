// What the OTLP door made of the series of numbers, by the bytes between their values: of protobuf the metric's name,
// unit and kind and the point's attributes, under the list of their instance; of JSON the text of whole metrics
// (detail/known_json.h). As docs/adr/0035 has it for remote-write.
//
// Ownership: the door's, kept between requests; its owner locks it for the whole of a request. Bounded: full, it
// forgets everything and counts that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/detail/bytes_table.h"
#include "wire/detail/known_json.h"
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
  static constexpr std::size_t max_json_bytes = 128U << 20U;  // more: the text of JSON is forgotten, the rest stays

  // `door` tells doors of one process apart.
  explicit KnownPoints(std::uint16_t door) : roster(door) {}

  void begin_request(const IngestLimits& given) {
    bool full = known.size() > max_series || known.bytes() > max_bytes || roster.series() > max_series;
    bool json_full = json.bytes() > max_json_bytes;
    emptied += full || json_full ? 1 : 0;
    if (full || json_full || limits != given) json.clear();
    if (full || limits != given) {
      known.clear();
      roster.clear();
    }
    limits = given;
    started.clear();
    known.begin_request();
    roster.begin_request();
  }

  // The same request from its beginning.
  void begin_again() { roster.begin_request(); }

  // The request is refused: what it said of starts does not count, so they are to be asked for again.
  void forget_starts() {
    for (KnownPoint* point : started) point->start_ns = 0;
  }

  Roster roster;
  Derivation derivation;  // of senders that are not agents
  BytesTable<KnownPoint> known;
  std::vector<KnownPoint*> started;  // whose start the request that is read has told
  KnownJson json;
  IngestLimits limits;
  std::uint64_t emptied = 0;
  // Of what is read; kept for their memory.
  std::string key;
  std::vector<ReadPoint> read_points;
};

}  // namespace mien::wire
