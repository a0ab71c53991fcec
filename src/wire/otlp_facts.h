// The agent's security facts as OTLP log records (docs/formats/security-facts.md): the writing half. Pure; any thread;
// no errors; cost about half a microsecond a fact.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/security_fact.h"
#include "model/telemetry.h"

namespace mien::wire {

// What was seen of one instance.
struct InstanceFacts {
  InstanceName instance;
  model::InstanceType type = model::InstanceType::host;
  InstanceName parent;
  std::map<std::string, std::string> identities;
  std::vector<model::SecurityFact> facts;
  std::uint64_t refused = 0;  // seen and not sent: there were too many

  friend bool operator==(const InstanceFacts&, const InstanceFacts&) = default;
};

// One request. An empty source: its number stands in the request's headers.
struct FactDelivery {
  std::string source{};
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::vector<InstanceFacts> instances{};
};

// ExportLogsServiceRequest, protobuf, not compressed.
[[nodiscard]] std::string encode_otlp_facts(const FactDelivery& delivery);

// Under which attribute a kind's object travels: "file.path" or "mien.object".
[[nodiscard]] std::string_view object_attribute(model::FactKind kind);

}  // namespace mien::wire
