// OTLP/HTTP logs (ExportLogsServiceRequest), protobuf and JSON. Mien is no store for logs: of each instance's records
// it counts how many came of which severity, which becomes a series like any other, and keeps the newest few as they
// are.
//
// Records of an authenticated agent that are named `mien.security.*` are facts (docs/formats/security-facts.md): they
// are neither counted by severity nor kept here. Of kinds that are not known the record is skipped and counted; one
// that says too little or too much is refused.
//
// Errors as wire/otlp.h has them. A record of a resource that names no instance is refused and counted. Pure; memory
// bounded by the limits.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "wire/otlp.h"

namespace mien::wire {

struct LogRecord {
  WallTime at;
  std::string severity;  // trace, debug, info, warn, error, fatal; unspecified
  std::string event;     // its event name, if it has one
  std::string body;      // of text; at most log_limits::body
  model::Attributes attributes;
  std::uint32_t left_out = 0;  // attributes that were too many, too long or no text
  friend bool operator==(const LogRecord&, const LogRecord&) = default;
};

namespace log_limits {
inline constexpr std::size_t newest = 64;        // records kept of an instance
inline constexpr std::size_t body = 1024;        // bytes
inline constexpr std::size_t attributes = 32;    // of a record
inline constexpr std::size_t instances = 1'000;  // whose newest records are kept
inline constexpr std::size_t facts = 4'096;      // of an instance, in a request
inline constexpr std::size_t object = 1'024;     // bytes of a fact's object, process, user and detail
inline constexpr std::size_t parents = 4'096;    // bytes of a fact's parents
}  // namespace log_limits

struct InstanceLogs {
  InstanceName instance;
  model::InstanceType type = model::InstanceType::external;
  InstanceName parent;
  std::map<std::string, std::string> identities;
  std::map<std::string, std::uint64_t> counts;  // by severity
  std::vector<LogRecord> newest;                // in order of arrival
  std::vector<model::SecurityFact> facts = {};  // likewise
  std::uint32_t refused = 0;                    // that its agent saw and could not send
};

struct IngestedLogs {
  std::vector<InstanceLogs> instances;
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  std::uint64_t unknown_facts = 0;  // of kinds that this program does not know; among the accepted
  std::string why_rejected;
};

[[nodiscard]] Result<IngestedLogs> decode_otlp_logs(const OtlpRequest& request);

// The counts as series: log.record.count{severity=...}, a delta of the moment of arrival; and the facts as they are.
[[nodiscard]] model::Delivery counts_of(const IngestedLogs& logs, WallTime arrived);

// ExportLogsServiceResponse: empty, or a partial success.
[[nodiscard]] std::string encode_otlp_logs_response(OtlpEncoding encoding, std::uint64_t rejected,
                                                    std::string_view message);

}  // namespace mien::wire
