// Prometheus remote-write 1.0 (prometheus.WriteRequest) and 2.0 (io.prometheus.write.v2.Request): a body becomes a
// model::Delivery. docs/formats/remote-write.md has the details; wire/prometheus.h says what becomes of a sample.
//
// Errors: unsupported (content type, content encoding), exhausted (unfolds beyond the limit), invalid (not snappy, not
// protobuf: names the byte; nothing of the body is taken). Series that can not be are refused one by one, counted and
// explained. Pure; the caller locks the memory; cost about a microsecond a sample, fifty nanoseconds
// of a series that the memory knows; memory bounded by the limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/prometheus.h"
#include "wire/snappy.h"

namespace mien::wire {

enum class RemoteWriteVersion : std::uint8_t { v1, v2 };
// By the header content-type and its parameter `proto`; nothing for other types.
[[nodiscard]] std::optional<RemoteWriteVersion> remote_write_version(std::string_view content_type);

// The header content-encoding, "" taken for snappy, and the body as sent; gives it unfolded.
[[nodiscard]] Result<std::string> unfold_remote_write(std::string_view content_encoding, std::string_view body);

// `body` is unfolded.
[[nodiscard]] Result<PrometheusIngested> decode_remote_write(RemoteWriteVersion version, std::string_view body,
                                                             const PrometheusRules& rules, WallTime arrived,
                                                             PrometheusMemory& memory, const IngestLimits& limits = {});

}  // namespace mien::wire
