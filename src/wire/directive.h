// The bodies of the agent protocol, JSON over HTTP: an agent joins, says hello, and polls for directives. Telemetry
// goes the other way as OTLP (wire/otlp.h). docs/formats/directive.md shows each body.
//
// Unknown keys are ignored and an unknown type of directive is kept by its name: an agent and a manager may be one
// release apart. Errors: invalid, naming the JSON pointer or byte. Pure; any thread; cost linear in the body.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/quantity.h"
#include "base/result.h"
#include "base/time.h"
#include "model/action.h"
#include "model/value.h"

namespace mien::wire {

inline constexpr std::uint64_t agent_protocol = 1;     // version of all bodies here
inline constexpr std::size_t most_directives = 1'024;  // in one batch
inline constexpr std::size_t largest_agent_body = 4U << 20U;

// POST /api/v1/enroll. The agent makes its own secret and sends only the hash, so a lost answer loses nothing.
struct EnrollRequest {
  std::string token;       // the one-time token of `mien enroll`
  std::string agent;       // host name
  std::string token_hash;  // hex SHA-256 of the agent's own secret; empty: the manager makes one
  friend bool operator==(const EnrollRequest&, const EnrollRequest&) = default;
};

struct EnrollAnswer {
  std::string agent;
  std::string token;  // empty when the request brought a hash
  std::string ca;     // PEM; empty on loopback
  friend bool operator==(const EnrollAnswer&, const EnrollAnswer&) = default;
};

// What an agent says of itself when it connects.
struct AgentHello {
  std::uint64_t protocol = agent_protocol;
  std::string agent;
  std::string version;  // of the program
  std::string machine_id;
  std::uint64_t epoch = 0;       // of its numbered requests
  std::vector<std::string> can;  // collectors and abilities that work there
  friend bool operator==(const AgentHello&, const AgentHello&) = default;
};

// The newest signed head of the audit chain, for the agent to keep: a cut tail will contradict it.
struct SeenHead {
  std::uint64_t sequence = 0;
  std::string hash;  // hex
  WallTime at;
  std::string signature;  // hex
  friend bool operator==(const SeenHead&, const SeenHead&) = default;
};

// This instance has this persona now; `spec` is what is declared, so that limits are known without a manager too.
struct PersonaDirective {
  InstanceName instance;
  PersonaName persona;
  std::uint64_t generation = 0;
  model::Value spec;
  friend bool operator==(const PersonaDirective&, const PersonaDirective&) = default;
};

enum class Arguments : std::uint8_t { off, redacted, full };

// How to collect from now on.
struct CollectDirective {
  Duration interval{std::chrono::seconds{1}};
  Arguments arguments = Arguments::off;
  friend bool operator==(const CollectDirective&, const CollectDirective&) = default;
};

// Something shall be in force on the agent's machine, or be taken back. The state as it should be: obeying it twice
// changes nothing.
using OrderDirective = model::Order;

// Of a release that this one does not know: to be reported, not obeyed.
struct UnknownDirective {
  std::string type;
  friend bool operator==(const UnknownDirective&, const UnknownDirective&) = default;
};

struct Directive {
  std::uint64_t id = 0;  // ascending; what has been obeyed is not obeyed again
  std::variant<PersonaDirective, CollectDirective, OrderDirective, UnknownDirective> body;
  friend bool operator==(const Directive&, const Directive&) = default;
};

// GET /api/v1/agents/NAME/directives?after=N
struct DirectiveBatch {
  std::uint64_t protocol = agent_protocol;
  std::uint64_t next = 0;  // the next poll's `after`
  std::optional<SeenHead> audit_head;
  std::vector<Directive> directives;  // ids ascend
  friend bool operator==(const DirectiveBatch&, const DirectiveBatch&) = default;
};

// POST /api/v1/agents/NAME/reports: what became of orders, and what may and can be done there. Answered 200 once it is
// in the manager's log; sent again until then.
struct AgentReports {
  std::uint64_t protocol = agent_protocol;
  std::optional<model::Abilities> abilities;  // at the first report after a start, and when they change
  std::vector<model::ActionReport> reports;   // at most most_reports
  friend bool operator==(const AgentReports&, const AgentReports&) = default;
};
inline constexpr std::size_t most_reports = 1'024;

[[nodiscard]] std::string encode_json(const EnrollRequest& request);
[[nodiscard]] std::string encode_json(const EnrollAnswer& answer);
[[nodiscard]] std::string encode_json(const AgentHello& hello);
[[nodiscard]] std::string encode_json(const DirectiveBatch& batch);
[[nodiscard]] std::string encode_json(const AgentReports& reports);

[[nodiscard]] Result<EnrollRequest> decode_enroll_request(std::string_view json);
[[nodiscard]] Result<EnrollAnswer> decode_enroll_answer(std::string_view json);
[[nodiscard]] Result<AgentHello> decode_hello(std::string_view json);
[[nodiscard]] Result<DirectiveBatch> decode_directives(std::string_view json);
[[nodiscard]] Result<AgentReports> decode_reports(std::string_view json);

}  // namespace mien::wire
