// A struct's fields, named once: the binary codec (base/codec.h), JSON (wire/document.h) and tests all walk this list.
//
//   struct Point {
//     double x = 0;
//     double y = 0;
//     static constexpr auto fields = std::tuple{field("x", &Point::x), field("y", &Point::y)};
//   };
//
// The order is the stored order: append only, and raise the format's version when you do (docs/formats/).
#pragma once

#include <tuple>

namespace mien {

template <class Owner, class Type>
struct Field {
  const char* name;
  Type Owner::*member;
};

template <class Owner, class Type>
constexpr Field<Owner, Type> field(const char* name, Type Owner::*member) {
  return {name, member};
}

template <class T>
concept HasFields = requires {
  T::fields;
};

// Calls visit(name, value.member) for each field, in stored order.
template <HasFields T, class Visitor>
constexpr void for_each_field(T& value, Visitor&& visit) {
  std::apply([&](const auto&... each) { (visit(each.name, value.*(each.member)), ...); },
             std::remove_const_t<T>::fields);
}

}  // namespace mien
