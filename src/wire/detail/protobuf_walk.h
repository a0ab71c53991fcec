// What every walk over protobuf bytes shares: it knows where a field began, for telling where the bytes stopped making
// sense; and what the walks over OTLP share beside it: attributes. Private to wire; protozero's throws pass through.
#pragma once

#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>

#include "base/text.h"
#include "model/telemetry.h"

namespace mien::wire {

using protozero::pbf_reader;
using protozero::tag_and_type;

constexpr auto bytes_type = protozero::pbf_wire_type::length_delimited;
constexpr auto varint_type = protozero::pbf_wire_type::varint;
constexpr auto fixed64_type = protozero::pbf_wire_type::fixed64;

class PbfWalk {
 public:
  // Of the field that is being read, in the body.
  [[nodiscard]] std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }

 protected:
  explicit PbfWalk(std::string_view body) : begin_(body.data()), at_(body.data()) {}

  bool next(pbf_reader& reader) {
    at_ = reader.data().data();
    return reader.next();
  }

 private:
  const char* begin_;
  const char* at_;
};

// Field numbers are those of opentelemetry-proto 1.x (common/v1, resource/v1).
class OtlpWalk : public PbfWalk {
 protected:
  using PbfWalk::PbfWalk;

  // Attributes that are not plain are left out.
  void resource(pbf_reader reader, model::Attributes& attributes) {
    while (next(reader)) {
      if (reader.tag_and_type() == tag_and_type(1, bytes_type)) key_value(reader.get_message(), attributes);
      else reader.skip();
    }
  }

  // False when the value is a list, a map or bytes: then nothing is added.
  bool key_value(pbf_reader reader, model::Attributes& attributes) {
    std::string key;
    std::string value;
    bool plain = true;
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case tag_and_type(1, bytes_type): key = reader.get_string(); break;
        case tag_and_type(2, bytes_type): plain = any_value(reader.get_message(), value); break;
        default: reader.skip();
      }
    }
    if (plain) attributes.emplace(std::move(key), std::move(value));
    return plain;
  }

  // False as above; `value` is what was read before.
  bool any_value(pbf_reader reader, std::string& value) {
    bool plain = true;
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case tag_and_type(1, bytes_type): value = reader.get_string(); break;
        case tag_and_type(2, varint_type): value = reader.get_uint64() != 0 ? "true" : "false"; break;
        case tag_and_type(3, varint_type): value = std::to_string(reader.get_int64()); break;
        case tag_and_type(4, fixed64_type): value = to_text(reader.get_double()); break;
        case tag_and_type(5, bytes_type):
        case tag_and_type(6, bytes_type):
        case tag_and_type(7, bytes_type):
          plain = false;
          reader.skip();
          break;
        default: reader.skip();
      }
    }
    return plain;
  }
};

}  // namespace mien::wire
