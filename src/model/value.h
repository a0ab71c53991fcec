// A tree of plain values: how a resource's spec is kept, compared, merged and stored, whatever its schema.
// Maps keep no order (keys sorted), so equal specs have equal bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/codec.h"
#include "base/result.h"

namespace mien::model {

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

// Canonical bytes (docs/formats/value.md). Decoding accepts at most 32 levels.
[[nodiscard]] std::string encode_value(const Value& value);
[[nodiscard]] Result<Value> decode_value(std::string_view bytes);

// One difference between two trees: `pointer` is a JSON pointer (RFC 6901); an absent side is null.
struct Difference {
  std::string pointer;
  Value before;
  Value after;
  friend bool operator==(const Difference&, const Difference&) = default;
};
[[nodiscard]] std::vector<Difference> diff(const Value& before, const Value& after);

}  // namespace mien::model
