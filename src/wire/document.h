// Our values as JSON documents, by their `fields` lists: what the API answers and what `-o json` prints.
//
// Names and enums are texts, WallTime is RFC 3339 (null for the zero time, which means never), Duration is a number
// of seconds, Bits, Ratio and other quantities are numbers, an
// optional without a value and a NaN are null. Reading is strict about types and lenient about keys: an older or newer
// side may know fewer or more of them.
// Pure; a Document is a value. May throw nothing: nlohmann's throws end in here.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/result.h"
#include "base/text.h"
#include "base/time.h"
#include "model/audit.h"
#include "model/finding.h"
#include "model/resource.h"
#include "model/schema.h"
#include "model/value.h"

namespace mien::wire {

using Document = nlohmann::ordered_json;

// JSON text; `indent` < 0 on one line. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string dump(const Document& document, int indent = -1);
// An answer of the API, as the command line reads it: strict JSON, at most 64 MiB and 64 levels. Errors: invalid.
[[nodiscard]] Result<Document> parse_document(std::string_view text);

[[nodiscard]] Document to_document(const model::Value& value);
[[nodiscard]] Document to_document(const model::Resource& resource);
// JSON Schema (2020-12) of a kind's document, for /openapi.json.
[[nodiscard]] Document json_schema(model::ResourceKind kind);

// The enum value of that text: tried one after the other, so that to_text is the only table.
template <class Enum>
[[nodiscard]] std::optional<Enum> parse_enum(std::string_view text) {
  constexpr unsigned most = 64;
  for (unsigned i = 0; i < most; ++i) {
    auto candidate = static_cast<Enum>(i);
    if (to_text(candidate) == text) return candidate;
  }
  return std::nullopt;
}

namespace detail {

template <class T>
struct IsName : std::false_type {};
template <class Kind>
struct IsName<Name<Kind>> : std::true_type {};
template <class T>
struct IsQuantity : std::false_type {};
template <class Unit, class R>
struct IsQuantity<Quantity<Unit, R>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class K, class V>
struct IsMap<std::map<K, V>> : std::true_type {};

template <class Enum>
concept HasText = std::is_enum_v<Enum> && requires(Enum e) {
  { to_text(e) } -> std::convertible_to<std::string_view>;
};

inline const std::string& key_text(const std::string& key) { return key; }
template <class Kind>
const std::string& key_text(const Name<Kind>& key) {
  return key.value;
}

Error wrong_type(std::string_view wanted, const Document& found);
// The same error seen from one level up: its pointer grows at the front.
Error below(Error error, std::string_view key);

}  // namespace detail

template <class T>
[[nodiscard]] Document to_document(const T& value) {
  using namespace detail;
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string>) {
    return value;
  } else if constexpr (HasText<T>) {
    return std::string(to_text(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    return std::isfinite(value) ? Document(static_cast<double>(value)) : Document(nullptr);
  } else if constexpr (std::is_integral_v<T>) {
    return value;
  } else if constexpr (IsName<T>::value) {
    return value.value;
  } else if constexpr (IsQuantity<T>::value) {
    return to_document(value.value);
  } else if constexpr (std::is_same_v<T, WallTime>) {
    return value.ns == 0 ? Document(nullptr) : Document(to_rfc3339(value));
  } else if constexpr (std::is_same_v<T, Duration>) {
    return to_seconds(value);
  } else if constexpr (IsOptional<T>::value) {
    return value ? to_document(*value) : Document(nullptr);
  } else if constexpr (IsVector<T>::value) {
    Document list = Document::array();
    for (const auto& item : value) list.push_back(to_document(item));
    return list;
  } else if constexpr (IsMap<T>::value) {
    Document map = Document::object();
    for (const auto& [key, item] : value) map[key_text(key)] = to_document(item);
    return map;
  } else {
    static_assert(HasFields<T>, "a document is made of values with `fields`");
    Document map = Document::object();
    for_each_field(value, [&map](const char* name, const auto& member) { map[name] = to_document(member); });
    return map;
  }
}

// Reads what to_document wrote. A key that is missing or null leaves the member as it is by default.
// Errors: invalid, with the JSON pointer in `where`.
template <class T>
[[nodiscard]] Status read_document(const Document& document, T& value) {
  using namespace detail;
  if constexpr (std::is_same_v<T, bool>) {
    if (!document.is_boolean()) return wrong_type("true or false", document);
    value = document.get<bool>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!document.is_string()) return wrong_type("a text", document);
    value = document.get<std::string>();
  } else if constexpr (HasText<T>) {
    auto known = document.is_string() ? parse_enum<T>(document.get<std::string>()) : std::nullopt;
    if (!known) return wrong_type("a word that this program knows", document);
    value = *known;
  } else if constexpr (std::is_floating_point_v<T>) {
    if (document.is_null()) value = std::numeric_limits<T>::quiet_NaN();
    else if (document.is_number()) value = document.get<T>();
    else return wrong_type("a number", document);
  } else if constexpr (std::is_integral_v<T>) {
    if (!document.is_number_integer()) return wrong_type("a whole number", document);
    bool negative = !document.is_number_unsigned() && document.get<std::int64_t>() < 0;
    if (std::is_unsigned_v<T> && negative) return wrong_type("a whole number from 0", document);
    auto wide = document.get<std::conditional_t<std::is_unsigned_v<T>, std::uint64_t, std::int64_t>>();
    value = static_cast<T>(wide);
    if (static_cast<decltype(wide)>(value) != wide) return wrong_type("a smaller number", document);
  } else if constexpr (IsName<T>::value || IsQuantity<T>::value) {
    return read_document(document, value.value);
  } else if constexpr (std::is_same_v<T, WallTime>) {
    if (document.is_null()) {
      value = {};
      return {};
    }
    auto time = document.is_string() ? parse_time(document.get<std::string>()) : std::nullopt;
    if (!time) return wrong_type("a time as in RFC 3339", document);
    value = *time;
  } else if constexpr (std::is_same_v<T, Duration>) {
    if (!document.is_number()) return wrong_type("a number of seconds", document);
    value = from_seconds(document.get<double>());
  } else if constexpr (IsOptional<T>::value) {
    value.reset();
    if (!document.is_null()) return read_document(document, value.emplace());
  } else if constexpr (IsVector<T>::value) {
    if (!document.is_array()) return wrong_type("a list", document);
    value.clear();
    for (std::size_t i = 0; i < document.size(); ++i) {
      typename T::value_type item{};
      if (Status status = read_document(document[i], item); !status) return below(status.error(), std::to_string(i));
      value.push_back(std::move(item));
    }
  } else if constexpr (IsMap<T>::value) {
    if (!document.is_object()) return wrong_type("a map", document);
    value.clear();
    for (const auto& [key, each] : document.items()) {
      typename T::mapped_type item{};
      if (Status status = read_document(each, item); !status) return below(status.error(), key);
      value.emplace(typename T::key_type(key), std::move(item));
    }
  } else {
    static_assert(HasFields<T>, "a document is read into values with `fields`");
    if (!document.is_object()) return wrong_type("a map", document);
    Status first;
    for_each_field(value, [&](const char* name, auto& member) {
      auto found = document.find(name);
      if (!first || found == document.end() || found->is_null()) return;
      if (Status status = read_document(*found, member); !status) first = below(status.error(), name);
    });
    return first;
  }
  return {};
}

template <class T>
[[nodiscard]] Result<T> from_document(const Document& document) {
  T value{};
  if (Status status = read_document(document, value); !status) return std::move(status).error();
  return value;
}

}  // namespace mien::wire
