// OTLP/HTTP metrics (OpenTelemetry protocol 1.x, ExportMetricsServiceRequest), protobuf and JSON: an outside body
// becomes a model::Delivery here, and our own agent's Delivery becomes such a body. docs/formats/otlp.md has the
// details.
//
// Gauges and non-monotonic cumulative sums are gauges; monotonic cumulative sums are counters; delta sums are deltas.
// Of histograms (plain, exponential) and summaries the count and the sum are taken, as NAME.count and NAME.sum.
// Data points of one resource that have different times become the rows of one batch.
//
// A body that can not be read is an error and nothing of it is taken. Of a body that can be read, each data point is
// either taken or refused, counted and explained; the sender hears of it as OTLP's partial success.
// Errors: invalid (malformed: names the byte or the JSON pointer), exhausted (a limit on the whole body), unsupported
// (content encoding). Pure; any thread; cost about half a microsecond a data point, memory bounded by the limits.
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

namespace mien::wire {

// What one request may bring. Over a limit: refused and counted, the rest is taken.
struct OtlpLimits {
  std::size_t samples = 100'000;       // per request
  std::size_t instances = 256;         // per request
  std::size_t series = 1'024;          // per instance
  std::size_t attributes = 32;         // per series
  std::size_t name_length = 255;       // bytes; metric and instance names
  std::size_t attribute_length = 256;  // bytes; keys and values
  std::size_t unit_length = 63;        // bytes
  std::size_t identities = 32;         // per instance
  std::size_t cells = 2'000'000;       // series x times over all instances: thinly filled batches are bounded too
};

enum class OtlpEncoding : std::uint8_t { protobuf, json };
// By the header content-type, parameters ignored; nothing for other types.
[[nodiscard]] std::optional<OtlpEncoding> otlp_encoding(std::string_view content_type);
[[nodiscard]] std::string_view content_type(OtlpEncoding encoding);

struct OtlpRequest {
  OtlpEncoding encoding = OtlpEncoding::protobuf;
  std::string_view content_encoding;  // header: "", "identity" or "gzip"
  std::string_view body;
  WallTime arrived;  // the time of samples that carry none
  // The sender is an authenticated agent: its marks (mien.instance, mien.type, mien.parent, ...) are believed, and
  // `agent` is the instance of resources without a mark.
  bool trusted = false;
  std::string agent;
  OtlpLimits limits;
  GzipLimits gzip;
};

struct OtlpDecoded {
  // `authenticated` is OtlpRequest::trusted. `source` is what a trusted sender calls itself: the caller replaces it by
  // the name that the token belongs to.
  model::Delivery delivery;
  std::uint64_t accepted = 0;  // data points
  std::uint64_t rejected = 0;  // data points
  std::string why_rejected;    // for people: each reason, how often, and its first place; empty when nothing was
};

[[nodiscard]] Result<OtlpDecoded> decode_otlp(const OtlpRequest& request);

// The agent's request, protobuf, not compressed. decode_otlp of it, trusted, gives the same Delivery if that keeps
// model::Delivery's rules and the limits above, its times are after 1970, and its identities do not begin with "mien.".
[[nodiscard]] std::string encode_otlp(const model::Delivery& delivery);

// ExportMetricsServiceResponse: empty, or a partial success.
[[nodiscard]] std::string encode_otlp_response(OtlpEncoding encoding, std::uint64_t rejected, std::string_view message);

}  // namespace mien::wire
