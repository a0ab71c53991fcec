// Result<T> and Status: how every fallible function answers (std::expected is not in our compilers yet).
//
// An Error says what, where and what to do instead; context is added going up with `within`, and it is logged
// once, where it is handled. Cost: a Result is as large as the larger of T and Error; no allocation on success.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace mien {

// What a caller can do about it. The numbers are stable: they are stored in logs and sent over the wire.
enum class Code : unsigned char {
  invalid = 1,      // the input is wrong: mend it and try again
  not_found = 2,    // nothing by that name
  refused = 3,      // a guard, policy or missing right said no
  conflict = 4,     // somebody else changed it first
  exhausted = 5,    // a stated limit is reached (queue, body size, disk)
  unavailable = 6,  // the other side is not there now: try again later
  corrupt = 7,      // stored bytes are not what was written
  unsupported = 8,  // a version or ability that this program or host does not have
  unknown = 9,      // it may or may not have happened (deadline passed)
  io = 10,          // the system refused (message has its words)
};

[[nodiscard]] std::string_view to_text(Code code);

struct Error {
  Code code = Code::invalid;
  std::string message;  // what is wrong and what to write instead, for people
  std::string where;    // place: file:line:column, path, URL or series; empty when the message says it
  std::shared_ptr<const Error> cause;

  // The same failure seen from one level up.
  [[nodiscard]] Error within(std::string context) const;
  // "where: message (because: cause)".
  [[nodiscard]] std::string to_string() const;
};

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  [[nodiscard]] bool ok() const { return state_.index() == 0; }

  T& value() & {
    CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & {
    CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const& {
    CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    CHECK(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

  [[nodiscard]] T value_or(T other) && { return ok() ? std::move(*this).value() : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_; }
  [[nodiscard]] bool ok() const { return !error_; }
  [[nodiscard]] const Error& error() const& {
    CHECK(error_.has_value());
    return *error_;
  }
  [[nodiscard]] Error&& error() && {
    CHECK(error_.has_value());
    return std::move(*error_);
  }
  void value() const { CHECK(ok()); }

 private:
  std::optional<Error> error_;
};

}  // namespace mien

// TRY(expression): the value, or return its error from this function.
#define TRY(expression)                      \
  __extension__({                            \
    auto&& try_result_ = (expression);       \
    if (!try_result_) [[unlikely]]           \
      return std::move(try_result_).error(); \
    std::move(try_result_).value();          \
  })
