#include "model/value.h"

#include <cmath>
#include <set>

namespace mien::model {
namespace {

constexpr int max_levels = 32;

void put(Encoder& encoder, const Value& value) {
  encoder.varint(value.data.index());
  std::visit(
      [&encoder](const auto& item) {
        using T = std::decay_t<decltype(item)>;
        if constexpr (std::is_same_v<T, Value::List>) {
          encoder.varint(item.size());
          for (const Value& each : item) put(encoder, each);
        } else if constexpr (std::is_same_v<T, Value::Map>) {
          encoder.varint(item.size());
          for (const auto& [key, each] : item) {
            encoder.put(key);
            put(encoder, each);
          }
        } else if constexpr (!std::is_same_v<T, std::monostate>) {
          encoder.put(item);
        }
      },
      value.data);
}

Error corrupt(std::string_view what) {
  return Error{.code = Code::corrupt, .message = cat("value: ", what), .where = {}, .cause = {}};
}

Result<Value> get(Decoder& decoder, int level);

// A count of items that take at least one byte each can not exceed what is left.
Result<std::size_t> get_count(Decoder& decoder) {
  std::uint64_t n = decoder.varint();
  if (decoder.failed() || n > decoder.rest().size()) return corrupt("a list or map says it is longer than its bytes");
  return static_cast<std::size_t>(n);
}

Result<Value> get_list(Decoder& decoder, int level) {
  std::size_t n = TRY(get_count(decoder));
  Value::List list;
  for (std::size_t i = 0; i < n; ++i) list.push_back(TRY(get(decoder, level)));
  return Value(std::move(list));
}

Result<Value> get_map(Decoder& decoder, int level) {
  std::size_t n = TRY(get_count(decoder));
  Value::Map map;
  for (std::size_t i = 0; i < n; ++i) {
    std::string key;
    decoder.get(key);
    if (decoder.failed()) return corrupt("the bytes end inside a key");
    // One value, one encoding: keys ascend strictly.
    if (!map.empty() && !(map.rbegin()->first < key)) return corrupt("the keys of a map are not in order");
    map.emplace_hint(map.end(), std::move(key), TRY(get(decoder, level)));
  }
  return Value(std::move(map));
}

template <class T>
Result<Value> get_scalar(Decoder& decoder) {
  T item{};
  decoder.get(item);
  if (decoder.failed()) return corrupt("the bytes end early or are not a valid encoding");
  if constexpr (std::is_same_v<T, double>) {
    if (!std::isfinite(item)) return corrupt("a number is not finite");
  }
  return Value(std::move(item));
}

Result<Value> get(Decoder& decoder, int level) {
  if (level >= max_levels) return corrupt("nested deeper than 32 levels");
  std::uint64_t index = decoder.varint();
  if (decoder.failed()) return corrupt("the bytes end early");
  switch (index) {
    case 0: return Value();
    case 1: return get_scalar<bool>(decoder);
    case 2: return get_scalar<std::int64_t>(decoder);
    case 3: return get_scalar<double>(decoder);
    case 4: return get_scalar<std::string>(decoder);
    case 5: return get_list(decoder, level + 1);
    case 6: return get_map(decoder, level + 1);
    default: return corrupt(cat("unknown type ", index));
  }
}

void diff_into(std::vector<Difference>& out, const std::string& pointer, const Value& before, const Value& after);

void diff_maps(std::vector<Difference>& out, const std::string& pointer, const Value::Map& before,
               const Value::Map& after) {
  std::set<std::string_view> keys;
  for (const auto& [key, unused] : before) keys.insert(key);
  for (const auto& [key, unused] : after) keys.insert(key);
  const Value absent;
  for (std::string_view key : keys) {
    auto left = before.find(std::string(key));
    auto right = after.find(std::string(key));
    diff_into(out, pointer_to(pointer, key), left == before.end() ? absent : left->second,
              right == after.end() ? absent : right->second);
  }
}

void diff_lists(std::vector<Difference>& out, const std::string& pointer, const Value::List& before,
                const Value::List& after) {
  const Value absent;
  for (std::size_t i = 0; i < before.size() || i < after.size(); ++i)
    diff_into(out, pointer_to(pointer, i), i < before.size() ? before[i] : absent,
              i < after.size() ? after[i] : absent);
}

void diff_into(std::vector<Difference>& out, const std::string& pointer, const Value& before, const Value& after) {
  if (before == after) return;
  if (before.map() && after.map()) return diff_maps(out, pointer, *before.map(), *after.map());
  if (before.list() && after.list()) return diff_lists(out, pointer, *before.list(), *after.list());
  out.push_back({.pointer = pointer, .before = before, .after = after});
}

}  // namespace

std::optional<double> Value::number() const {
  if (const auto* i = integer()) return static_cast<double>(*i);
  if (const auto* d = real()) return *d;
  return std::nullopt;
}

const Value* Value::find(std::string_view key) const {
  const Map* members = map();
  if (!members) return nullptr;
  auto found = members->find(std::string(key));
  return found == members->end() ? nullptr : &found->second;
}

std::string encode_value(const Value& value) {
  Encoder encoder;
  put(encoder, value);
  return encoder.take();
}

Result<Value> decode_value(std::string_view bytes) {
  Decoder decoder{bytes};
  Value value = TRY(get(decoder, 0));
  if (Status status = decoder.finish("value"); !status) return std::move(status).error();
  return value;
}

std::string pointer_to(std::string_view parent, std::string_view key) {
  std::string out = cat(parent, '/');
  for (char c : key) {
    if (c == '~') out += "~0";
    else if (c == '/') out += "~1";
    else out.push_back(c);
  }
  return out;
}

std::string pointer_to(std::string_view parent, std::size_t index) { return cat(parent, '/', index); }

std::vector<Difference> diff(const Value& before, const Value& after) {
  std::vector<Difference> out;
  diff_into(out, "", before, after);
  return out;
}

}  // namespace mien::model
