// A tree of plain values: how a resource's spec is kept, compared, merged and stored, whatever its schema.
// Maps keep no order (keys sorted), so equal specs have equal bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/codec.h"
#include "base/result.h"
#include "base/text.h"

namespace mien::model {

using mien::to_text;  // of numbers and times: the overloads for this room's enums would hide them

struct Value {
  using List = std::vector<Value>;
  using Map = std::map<std::string, Value>;
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> data;

  Value() = default;
  Value(bool b) : data(b) {}
  Value(std::int64_t i) : data(i) {}
  Value(int i) : data(std::int64_t{i}) {}
  Value(double d) : data(d) {}
  Value(std::string s) : data(std::move(s)) {}
  Value(const char* s) : data(std::string(s)) {}
  Value(List l) : data(std::move(l)) {}
  Value(Map m) : data(std::move(m)) {}

  [[nodiscard]] bool is_null() const { return data.index() == 0; }
  [[nodiscard]] const bool* boolean() const { return std::get_if<bool>(&data); }
  [[nodiscard]] const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data); }
  [[nodiscard]] const double* real() const { return std::get_if<double>(&data); }
  [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&data); }
  [[nodiscard]] const List* list() const { return std::get_if<List>(&data); }
  [[nodiscard]] const Map* map() const { return std::get_if<Map>(&data); }
  [[nodiscard]] Map* map() { return std::get_if<Map>(&data); }
  // integer or real as a double
  [[nodiscard]] std::optional<double> number() const;
  // The member of a map, or nullptr.
  [[nodiscard]] const Value* find(std::string_view key) const;

  friend bool operator==(const Value&, const Value&) = default;
};

// Canonical bytes (docs/formats/value.md). Decoding accepts at most 32 levels and finite numbers only.
[[nodiscard]] std::string encode_value(const Value& value);
[[nodiscard]] Result<Value> decode_value(std::string_view bytes);

// The JSON pointer (RFC 6901) of a member or an item below `parent`.
[[nodiscard]] std::string pointer_to(std::string_view parent, std::string_view key);
[[nodiscard]] std::string pointer_to(std::string_view parent, std::size_t index);

// One difference between two trees: `pointer` is a JSON pointer (RFC 6901); an absent side is null.
struct Difference {
  std::string pointer;
  Value before;
  Value after;
  friend bool operator==(const Difference&, const Difference&) = default;
};
// In order of pointer within each map. A list is compared item by item; an item more or less is an absent side.
[[nodiscard]] std::vector<Difference> diff(const Value& before, const Value& after);

}  // namespace mien::model
