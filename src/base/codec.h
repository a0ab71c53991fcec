// The one canonical encoding: the same value gives the same bytes everywhere, so it can be hashed, signed and compared.
//
// Integers are LEB128 varints (signed ones zigzag first), doubles and floats little-endian IEEE bits, enums their
// number, strings and lists a varint length and then their items, optionals a 0/1 byte, variants their index,
// structs with `fields` their fields in order. There are no tags: a format's version stands in its own header
// (docs/formats/). Reading is total: any bytes give a value or an error, never undefined behaviour and never more
// memory than the input justifies.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/result.h"
#include "base/time.h"

namespace mien {

class Encoder;
class Decoder;

// A type whose stored form is not the list of its fields, or was another once: it writes and reads itself. What is
// only read any more needs no store().
template <class T>
concept StoresItself = requires(const T& written, Encoder& encoder) { written.store(encoder); };
template <class T>
concept RestoresItself = requires(T& read, Decoder& decoder) { read.restore(decoder); };

class Encoder {
 public:
  void varint(std::uint64_t x) {
    while (x >= 0x80) {
      bytes_.push_back(static_cast<char>(x | 0x80));
      x >>= 7;
    }
    bytes_.push_back(static_cast<char>(x));
  }
  void raw(std::string_view bytes) { bytes_.append(bytes); }

  template <class T>
  void put(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      varint(value ? 1 : 0);
    } else if constexpr (std::is_enum_v<T>) {
      put(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      put_bits(value);
    } else if constexpr (std::is_unsigned_v<T>) {
      varint(value);
    } else if constexpr (std::is_signed_v<T>) {
      auto wide = static_cast<std::int64_t>(value);
      varint((static_cast<std::uint64_t>(wide) << 1) ^ static_cast<std::uint64_t>(wide >> 63));
    } else {
      put_compound(value);
    }
  }

  [[nodiscard]] std::string take() { return std::move(bytes_); }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  template <class T>
  void put_bits(T value) {
    std::array<char, sizeof(T)> raw_bits{};
    std::memcpy(raw_bits.data(), &value, sizeof(T));
    bytes_.append(raw_bits.data(), raw_bits.size());
  }
  void put_compound(const std::string& text) {
    varint(text.size());
    bytes_.append(text);
  }
  void put_compound(Duration d) { put(static_cast<std::int64_t>(d.count())); }
  template <class Axis>
  void put_compound(TimePoint<Axis> t) {
    put(t.ns);
  }
  template <class Kind>
  void put_compound(const Name<Kind>& name) {
    put_compound(name.value);
  }
  template <class Unit, class R>
  void put_compound(const Quantity<Unit, R>& quantity) {
    put(quantity.value);
  }
  template <class T>
  void put_compound(const std::vector<T>& items) {
    varint(items.size());
    for (const T& item : items) put(item);
  }
  template <class T, std::size_t N>
  void put_compound(const std::array<T, N>& items) {
    for (const T& item : items) put(item);
  }
  template <class K, class V>
  void put_compound(const std::map<K, V>& items) {
    varint(items.size());
    for (const auto& [key, value] : items) {
      put(key);
      put(value);
    }
  }
  template <class A, class B>
  void put_compound(const std::pair<A, B>& pair) {
    put(pair.first);
    put(pair.second);
  }
  template <class T>
  void put_compound(const std::optional<T>& item) {
    varint(item ? 1 : 0);
    if (item) put(*item);
  }
  template <class... T>
  void put_compound(const std::variant<T...>& item) {
    varint(item.index());
    std::visit([this](const auto& value) { this->put(value); }, item);
  }
  template <StoresItself T>
  void put_compound(const T& value) {
    value.store(*this);
  }
  template <HasFields T>
    requires(!StoresItself<T>)
  void put_compound(const T& value) {
    for_each_field(value, [this](const char*, const auto& member) { this->put(member); });
  }

  std::string bytes_;
};

// Reads what Encoder wrote. After a failure every further read gives zeros and `failed()` stays true.
class Decoder {
 public:
  static constexpr int max_depth = 64;  // nesting of lists and structs that outside bytes may ask for

  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return fail();
      auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) return fail();
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte == 0 && shift > 0) return fail();  // a longer encoding of a smaller number: not canonical
      if (byte < 0x80) return value;
    }
    return fail();
  }

  template <class T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = flag();
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> number{};
      get(number);
      value = static_cast<T>(number);
    } else if constexpr (std::is_floating_point_v<T>) {
      get_bits(value);
    } else if constexpr (std::is_unsigned_v<T>) {
      std::uint64_t wide = varint();
      if (wide > std::uint64_t{static_cast<T>(~T{0})}) wide = fail();
      value = static_cast<T>(wide);
    } else if constexpr (std::is_signed_v<T>) {
      std::uint64_t zigzag = varint();
      auto wide = static_cast<std::int64_t>((zigzag >> 1) ^ (0 - (zigzag & 1)));
      value = static_cast<T>(wide);
      if (static_cast<std::int64_t>(value) != wide) value = static_cast<T>(fail());
    } else {
      get_compound(value);
    }
  }

  [[nodiscard]] bool failed() const { return failed_; }
  // What was read makes no sense to its reader: the whole fails.
  void refuse() { (void)fail(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  // ok when everything was read and nothing was left over.
  [[nodiscard]] Status finish(std::string_view what) const {
    if (failed_)
      return Error{.code = Code::corrupt,
                   .message = std::string(what) + ": the bytes end early or are not a valid encoding",
                   .where = {},
                   .cause = {}};
    if (!rest_.empty())
      return Error{.code = Code::corrupt,
                   .message = std::string(what) + ": " + std::to_string(rest_.size()) + " bytes left over",
                   .where = {},
                   .cause = {}};
    return {};
  }

 private:
  std::uint64_t fail() {
    failed_ = true;
    rest_ = {};
    return 0;
  }
  bool flag() {
    std::uint64_t value = varint();
    if (value > 1) value = fail();
    return value == 1;
  }
  // A count of items that each take at least one byte can not exceed what is left.
  std::size_t count() {
    std::uint64_t n = varint();
    if (n > rest_.size()) n = fail();
    return static_cast<std::size_t>(n);
  }
  template <class T>
  void get_bits(T& value) {
    if (rest_.size() < sizeof(T)) {
      fail();
      value = 0;
      return;
    }
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
  }
  void get_compound(std::string& text) {
    std::size_t n = count();
    text.assign(rest_.substr(0, n));
    rest_.remove_prefix(n);
  }
  void get_compound(Duration& d) {
    std::int64_t ns = 0;
    get(ns);
    d = Duration{ns};
  }
  template <class Axis>
  void get_compound(TimePoint<Axis>& t) {
    get(t.ns);
  }
  template <class Kind>
  void get_compound(Name<Kind>& name) {
    get_compound(name.value);
  }
  template <class Unit, class R>
  void get_compound(Quantity<Unit, R>& quantity) {
    get(quantity.value);
  }
  template <class T>
  void get_compound(std::vector<T>& items) {
    std::size_t n = count();
    items.clear();
    for (std::size_t i = 0; i < n && !failed_; ++i) {
      T item{};
      get(item);
      items.push_back(std::move(item));
    }
  }
  template <class T, std::size_t N>
  void get_compound(std::array<T, N>& items) {
    for (T& item : items) get(item);
  }
  template <class K, class V>
  void get_compound(std::map<K, V>& items) {
    std::size_t n = count();
    items.clear();
    for (std::size_t i = 0; i < n && !failed_; ++i) {
      K key{};
      get(key);
      if (!items.empty() && !(items.rbegin()->first < key)) {  // canonical: strictly ascending keys
        fail();
        return;
      }
      get(items[key]);
    }
  }
  template <class A, class B>
  void get_compound(std::pair<A, B>& pair) {
    get(pair.first);
    get(pair.second);
  }
  template <class T>
  void get_compound(std::optional<T>& item) {
    item.reset();
    if (flag()) get(item.emplace());
  }
  template <class... T>
  void get_compound(std::variant<T...>& item) {
    std::uint64_t index = varint();
    if (index >= sizeof...(T)) {
      fail();
      return;
    }
    std::size_t at = 0;
    ((at++ == index ? get(item.template emplace<T>()) : void()), ...);
  }
  template <RestoresItself T>
  void get_compound(T& value) {
    value.restore(*this);
  }
  template <HasFields T>
    requires(!RestoresItself<T>)
  void get_compound(T& value) {
    if (depth_ >= max_depth) {
      fail();
      return;
    }
    ++depth_;
    for_each_field(value, [this](const char*, auto& member) { this->get(member); });
    --depth_;
  }

  std::string_view rest_;
  int depth_ = 0;
  bool failed_ = false;
};

template <class T>
[[nodiscard]] std::string encode(const T& value) {
  Encoder encoder;
  encoder.put(value);
  return encoder.take();
}

template <class T>
[[nodiscard]] Result<T> decode(std::string_view bytes, std::string_view what) {
  Decoder decoder{bytes};
  T value{};
  decoder.get(value);
  if (Status status = decoder.finish(what); !status) return std::move(status).error();
  return value;
}

static_assert(std::endian::native == std::endian::little, "the stored formats are little-endian");

}  // namespace mien
