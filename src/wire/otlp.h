// OTLP/HTTP metrics (OpenTelemetry protocol 1.x, ExportMetricsServiceRequest), protobuf and JSON: an outside body
// becomes a model::Delivery here, and our own agent's Delivery becomes such a body. docs/formats/otlp.md has the
// details.
//
// Gauges and non-monotonic cumulative sums are gauges; monotonic cumulative sums are counters; delta sums are deltas.
// Of histograms (plain, exponential) and summaries the count and the sum are taken, as NAME.count and NAME.sum.
// Data points of one instance that have different times become the rows of one batch, those of one round of a collector
// one row (detail/rounds.h).
//
// A body that can not be read is an error and nothing of it is taken. Of a body that can be read, each data point is
// either taken or refused, counted and explained; the sender hears of it as OTLP's partial success.
// Errors: invalid (malformed: names the byte or the JSON pointer), exhausted (a limit on the whole body), unsupported
// (content encoding). Pure; any thread; cost about half a microsecond a data point, a tenth of that of a
// number whose series is known; memory bounded by the limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/telemetry.h"
#include "wire/gzip.h"
#include "wire/ingest.h"
#include "wire/known_points.h"

namespace mien::wire {

enum class OtlpEncoding : std::uint8_t { protobuf, json };
// By the header content-type, parameters ignored; nothing for other types.
[[nodiscard]] std::optional<OtlpEncoding> otlp_encoding(std::string_view content_type);
[[nodiscard]] std::string_view content_type(OtlpEncoding encoding);

struct OtlpRequest {
  OtlpEncoding encoding = OtlpEncoding::protobuf;
  std::string_view content_encoding;  // header: "", "identity", "gzip" or "zstd"
  std::string_view body;
  WallTime arrived;  // the time of samples that carry none
  // The sender is an authenticated agent: its marks (mien.instance, mien.type, mien.parent, ...) are believed, and
  // `agent` is the instance of resources without a mark.
  bool trusted = false;
  std::string agent;
  IngestLimits limits;
  GzipLimits gzip;
  StartTimes* starts = nullptr;  // of senders that are not agents; may be null
  KnownPoints* known = nullptr;  // of a door that remembers series (docs/adr/0035); may be null
};

[[nodiscard]] Result<Ingested> decode_otlp(const OtlpRequest& request);

// The agent's request, protobuf, not compressed. decode_otlp of it, trusted, gives the same Delivery if that keeps
// model::Delivery's rules and the limits above, its times are after 1970, and its identities do not begin with "mien.".
[[nodiscard]] std::string encode_otlp(const model::Delivery& delivery);

// ExportMetricsServiceResponse: empty, or a partial success.
[[nodiscard]] std::string encode_otlp_response(OtlpEncoding encoding, std::uint64_t rejected, std::string_view message);

// google.rpc.Status with this message, protobuf: the body that OTLP/HTTP prescribes for an answer of 4xx or 5xx.
[[nodiscard]] std::string encode_otlp_status(std::string_view message);

}  // namespace mien::wire
