#include "edge/drive/request.h"

#include <array>

#include "base/text.h"
#include "model/text_quantity.h"

namespace mien::edge {
namespace {

using model::Dimension;

constexpr double least_cpu = 0.01;  // the kernel takes no quota below a millisecond in a period
constexpr double most_cpu = 4096;
constexpr std::uint64_t least_memory = 1U << 20U;
constexpr double most_bytes = 9.0e15;  // exact in a double, and more than there is
constexpr std::int64_t most_pids = 4194304;

Error bad(const std::string& key, std::string_view value, std::string_view instead) {
  return drive_error(Code::invalid, cat(key, ": ", value, " can not be: write ", instead));
}

Result<std::uint64_t> parse_whole(const std::string& key, const std::string& value, std::int64_t least,
                                  std::int64_t most) {
  auto number = parse_integer(value);
  if (!number || *number < least || *number > most)
    return bad(key, value, cat("a whole number from ", least, " to ", most));
  return static_cast<std::uint64_t>(*number);
}

Result<std::uint64_t> parse_amount(const std::string& key, const std::string& value, model::Dimensions dimensions,
                                   std::string_view example, std::uint64_t least) {
  Result<model::TextQuantity> quantity = model::parse_quantity(value, dimensions);
  if (!quantity) return drive_error(Code::invalid, cat(key, ": ", quantity.error().to_string()));
  if (!(quantity->value >= static_cast<double>(least)) || quantity->value > most_bytes)
    return bad(key, value, cat("at least ", least, ", like ", example));
  return static_cast<std::uint64_t>(quantity->value);
}

Result<double> parse_cpu(const std::string& value) {
  Result<model::TextQuantity> quantity = model::parse_quantity(value, {Dimension::number, Dimension::ratio});
  if (!quantity) return drive_error(Code::invalid, cat("cpu: ", quantity.error().to_string()));
  if (!(quantity->value >= least_cpu) || quantity->value > most_cpu)
    return bad("cpu", value, "a share of one core from 1% up, like 50%, or a number of cores, like 2");
  return quantity->value;
}

Error unknown_key(model::Verb verb, const std::string& key, std::string_view known) {
  return drive_error(Code::invalid, cat(model::to_text(verb), " is not given `", key, "` here: it knows ", known));
}

Result<Request> parse_limit(const model::Arguments& with) {
  Request request;
  for (const auto& [key, value] : with) {
    if (key == "cpu") request.cpu = TRY(parse_cpu(value));
    else if (key == "memory") request.memory = TRY(parse_amount(key, value, {Dimension::bytes}, "2GiB", least_memory));
    else if (key == "io") request.io = TRY(parse_amount(key, value, {Dimension::byte_rate}, "50MB/s", 1));
    else if (key == "pids") request.pids = TRY(parse_whole(key, value, 1, most_pids));
    else if (key != "target") return unknown_key(model::Verb::limit, key, "cpu, memory, io and pids");
  }
  if (request == Request{})
    return drive_error(Code::invalid,
                       "limit says nothing to limit: write cpu: 50%, memory: 2GiB, io: 50MB/s or pids: 512");
  return request;
}

Result<Request> parse_prioritize(const model::Arguments& with) {
  Request request;
  for (const auto& [key, value] : with) {
    if (key == "cpu_weight") request.cpu_weight = TRY(parse_whole(key, value, 1, 10000));
    else if (key == "io_weight") request.io_weight = TRY(parse_whole(key, value, 1, 10000));
    else if (key == "nice")
      return drive_error(Code::unsupported,
                         "nice is not done on hosts: processes that start meanwhile inherit it, so it could not be "
                         "given back exactly; write cpu_weight, which belongs to the service as a whole");
    else if (key != "target") return unknown_key(model::Verb::prioritize, key, "cpu_weight and io_weight");
  }
  if (request == Request{})
    return drive_error(Code::invalid, "prioritize says nothing to change: write cpu_weight: 200 or io_weight: 200");
  return request;
}

Result<Request> parse_lockdown(const model::Arguments& with) {
  Request request;
  for (const auto& [key, value] : with) {
    if (key == "target") continue;
    if (key != "level") return unknown_key(model::Verb::lockdown, key, "level");
    if (value == "egress" || value == "isolate")
      return drive_error(
          Code::unsupported,
          cat("lockdown to ", value, " is not there on hosts yet: write level: freeze, or leave it to a person"));
    if (value != "freeze") return bad("level", value, "freeze");
    request.freeze = true;
  }
  if (!request.freeze) return drive_error(Code::invalid, "lockdown says no level: write level: freeze");
  return request;
}

}  // namespace

Error drive_error(Code code, std::string message, std::string where) {
  return {.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

Result<Request> parse_request(model::Verb verb, const model::Arguments& with) {
  switch (verb) {
    case model::Verb::limit: return parse_limit(with);
    case model::Verb::prioritize: return parse_prioritize(with);
    case model::Verb::lockdown: return parse_lockdown(with);
    default: break;
  }
  return drive_error(Code::unsupported, cat(model::to_text(verb),
                                            " is nothing that the agent of a host does: it limits, prioritizes, "
                                            "configures and freezes"));
}

Result<std::map<std::string, std::string>> parse_settings(const model::Arguments& with) {
  std::map<std::string, std::string> settings;
  for (const auto& [key, value] : with) {
    if (key != "target") settings.emplace(key, value);
  }
  if (settings.empty())
    return drive_error(Code::invalid, "configure names no key: write net.core.somaxconn: 4096, for one");
  return settings;
}

}  // namespace mien::edge
