// Which instance a resource of an outside sender belongs to (CONTRACTS: "What an instance is").
//
// An authenticated agent names the instance itself; anybody else is named by service.instance.id, else host.id, else
// host.name. The identities kept beside the name let the node see that two names are one machine.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/telemetry.h"

namespace mien::wire {

// Resource attributes that only an authenticated agent may use.
inline constexpr std::string_view mark_prefix = "mien.";
inline constexpr std::string_view mark_instance = "mien.instance";
inline constexpr std::string_view mark_type = "mien.type";
inline constexpr std::string_view mark_parent = "mien.parent";
inline constexpr std::string_view mark_refused = "mien.refused";  // samples that the agent itself could not send
inline constexpr std::string_view mark_source = "mien.source";    // on the first resource of a request: its number
inline constexpr std::string_view mark_epoch = "mien.epoch";
inline constexpr std::string_view mark_sequence = "mien.sequence";

struct Identity {
  InstanceName instance;
  model::InstanceType type = model::InstanceType::external;
  InstanceName parent;
  std::map<std::string, std::string> identities;
  bool marked = false;  // the agent's own mark was there and believed
};

struct IdentityRules {
  bool trusted = false;
  std::string agent;  // the instance of a trusted resource without a mark
  std::size_t name_length = 255;
  std::size_t identities = 32;
};

// Errors: invalid, saying which attribute to send.
[[nodiscard]] Result<Identity> identify(const model::Attributes& resource, const IdentityRules& rules);

// A name that can stand in a path, a table and a log: 1 to `length` bytes of UTF-8 without control characters.
[[nodiscard]] bool is_plain_name(std::string_view name, std::size_t length);

}  // namespace mien::wire
