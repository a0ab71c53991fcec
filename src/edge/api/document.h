// The JSON documents of the API, made from the values of `model` and `node`: a struct's `fields` are the names that
// clients see (CONTRACTS, section 4), times are RFC 3339, what is not there is null, a number that is not finite is null.
// Pure; cost linear in the value.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/result.h"
#include "base/time.h"
#include "model/finding.h"
#include "model/resource.h"
#include "model/telemetry.h"
#include "model/value.h"
#include "node/record.h"
#include "node/view.h"

namespace mien::edge::api {

using Json = nlohmann::ordered_json;  // members in the order of `fields`, so that people find them where they were

// 0 is "never": null.
[[nodiscard]] Json to_json(WallTime t);
[[nodiscard]] Json to_json(const model::Value& value);
[[nodiscard]] Json to_json(const model::Resource& resource);
[[nodiscard]] Json to_json(double value);

[[nodiscard]] std::string_view name_of(model::DistributionKind kind);

template <class T>
[[nodiscard]] Json document(const T& value) {
  if constexpr (std::is_same_v<T, WallTime> || std::is_same_v<T, model::Value> || std::is_same_v<T, model::Resource> || std::is_same_v<T, double>) {
    return to_json(value);
  } else if constexpr (std::is_same_v<T, Duration>) {
    return to_seconds(value);
  } else if constexpr (std::is_same_v<T, model::DistributionKind>) {
    return std::string(name_of(value));
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(to_text(value));
  } else if constexpr (HasFields<T>) {
    Json out = Json::object();
    for_each_field(value, [&out](const char* name, const auto& member) { out[name] = document(member); });
    return out;
  } else if constexpr (requires { value.has_value(); }) {
    return value ? document(*value) : Json(nullptr);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_convertible_v<T, std::string>) {
    return Json(value);
  } else if constexpr (requires { typename T::mapped_type; }) {
    Json out = Json::object();
    for (const auto& [key, member] : value) out[key] = document(member);
    return out;
  } else if constexpr (requires { value.begin(); }) {
    Json out = Json::array();
    for (const auto& item : value) out.push_back(document(item));
    return out;
  } else {
    return document(value.value);  // Name and Quantity
  }
}

// An instance as a resource: what people wrote about it (may be null) and what is known of it (may be null).
[[nodiscard]] Json instance_document(const model::Resource* written, const node::InstanceView* seen);
// Its drift, with what the page and `mien drift` show beside it: type, parent, the findings that are open.
[[nodiscard]] Json drift_document(const node::InstanceView& seen);

// Text of a document: UTF-8, what is not valid UTF-8 replaced.
[[nodiscard]] std::string dump(const Json& json);
// Errors: invalid, with the byte at which it stops being JSON. At most 64 levels deep.
[[nodiscard]] Result<Json> parse_json(std::string_view text);

}  // namespace mien::edge::api
