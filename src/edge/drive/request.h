// What an order asks of a control group, read from its arguments once for every way of doing it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/policy.h"

namespace mien::edge {

struct Request {
  std::optional<double> cpu;                           // cores: 0.5 is "50%"
  std::optional<std::uint64_t> memory;                 // bytes
  std::optional<std::uint64_t> io;                     // bytes per second, each way and for each device
  std::optional<std::uint64_t> pids;                   // processes and threads
  std::optional<std::uint64_t> cpu_weight, io_weight;  // [1, 10000], 100 is usual
  bool freeze = false;
  friend bool operator==(const Request&, const Request&) = default;
};

// Of limit, prioritize and lockdown. Errors: invalid (a value that can not be, an unknown key, nothing asked),
// unsupported (nice, egress, isolate, another verb), each with what to write instead.
[[nodiscard]] Result<Request> parse_request(model::Verb verb, const model::Arguments& with);

// The sysctl keys and values of `configure`. Errors: invalid.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_settings(const model::Arguments& with);

// Errors as this folder makes them.
[[nodiscard]] Error drive_error(Code code, std::string message, std::string where = {});

}  // namespace mien::edge
