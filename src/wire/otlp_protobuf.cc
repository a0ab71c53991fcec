// The protobuf half of the OTLP decoder: a walk over the wire format with protozero, no generated code.
//
// Field numbers are those of opentelemetry-proto 1.x (metrics/v1/metrics.proto); unknown fields, and known ones of an
// unexpected wire type, are skipped as protobuf prescribes.
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <optional>
#include <protozero/exception.hpp>
#include <vector>

#include "base/text.h"
#include "wire/detail/assembler.h"
#include "wire/detail/protobuf_walk.h"

namespace mien::wire {
namespace {

// Where a kind of point keeps what we read of it; time, count and sum have one place in all of them.
struct PointFields {
  std::uint32_t attributes;
  std::uint32_t flags;
  bool quantiles = false;
};
constexpr PointFields number_fields{.attributes = 7, .flags = 8};
constexpr PointFields histogram_fields{.attributes = 9, .flags = 10};
constexpr PointFields exponential_fields{.attributes = 1, .flags = 10};
constexpr PointFields summary_fields{.attributes = 7, .flags = 8, .quantiles = true};

constexpr char tag_of(int field, protozero::pbf_wire_type type) {
  return static_cast<char>(field << 3 | static_cast<int>(type));
}
// Of a NumberDataPoint.
constexpr char start_tag = tag_of(2, fixed64_type);
constexpr char time_tag = tag_of(3, fixed64_type);
constexpr char double_tag = tag_of(4, fixed64_type);
constexpr char integer_tag = tag_of(6, fixed64_type);
constexpr char attribute_tag = tag_of(7, bytes_type);

class ProtobufWalk : public OtlpWalk {
 public:
  ProtobufWalk(std::string_view body, Assembler& into, KnownPoints* known)
      : OtlpWalk(body), into_(into), known_(known) {}

  void request(pbf_reader reader) {
    while (next(reader)) {
      if (reader.tag_and_type() == tag_and_type(1, bytes_type)) resource_metrics(reader.get_message());
      else reader.skip();
    }
  }

 private:
  void resource_metrics(const pbf_reader& message) {
    model::Attributes attributes;
    for (pbf_reader reader = message; next(reader);) {
      if (reader.tag_and_type() == tag_and_type(1, bytes_type)) resource(reader.get_message(), attributes);
      else reader.skip();
    }
    into_.begin_resource(attributes);
    for (pbf_reader reader = message; next(reader);) {
      if (reader.tag_and_type() == tag_and_type(2, bytes_type)) scope_metrics(reader.get_message());
      else reader.skip();
    }
  }

  void scope_metrics(pbf_reader reader) {
    while (next(reader)) {
      if (reader.tag_and_type() == tag_and_type(2, bytes_type)) metric(reader.get_message());
      else reader.skip();
    }
  }

  void metric(const pbf_reader& message) {
    MetricHead head;
    for (pbf_reader reader = message; next(reader);) {
      switch (reader.tag_and_type()) {
        case tag_and_type(1, bytes_type): head.name = reader.get_string(); break;
        case tag_and_type(3, bytes_type): head.unit = reader.get_string(); break;
        default: reader.skip();
      }
    }
    bool known = false;
    for (pbf_reader reader = message; next(reader);) {
      known |= data(reader, head);
    }
    if (!known) into_.unknown_metric(head);
  }

  // The field that holds a metric's points, if it is one.
  bool data(pbf_reader& reader, MetricHead head) {
    switch (reader.tag_and_type()) {
      case tag_and_type(5, bytes_type): each_point(reader.get_message(), head, number_fields); return true;
      case tag_and_type(7, bytes_type): sum(reader.get_message(), head); return true;
      case tag_and_type(9, bytes_type): histogram(reader.get_message(), head, histogram_fields); return true;
      case tag_and_type(10, bytes_type): histogram(reader.get_message(), head, exponential_fields); return true;
      case tag_and_type(11, bytes_type):
        set_distribution_kind(head, Temporality::cumulative);
        each_point(reader.get_message(), head, summary_fields, true);
        return true;
      default: reader.skip(); return false;
    }
  }

  void sum(const pbf_reader& message, MetricHead& head) {
    bool monotonic = false;
    Temporality kind = temporality(message, &monotonic);
    set_sum_kind(head, kind, monotonic);
    each_point(message, head, number_fields);
  }

  void histogram(const pbf_reader& message, MetricHead& head, PointFields fields) {
    set_distribution_kind(head, temporality(message, nullptr));
    each_point(message, head, fields, true);
  }

  Temporality temporality(pbf_reader reader, bool* monotonic) {
    auto kind = Temporality::unspecified;
    while (next(reader)) {
      if (reader.tag_and_type() == tag_and_type(2, varint_type)) {
        std::uint64_t number = reader.get_uint64();
        kind = number == 1 || number == 2 ? static_cast<Temporality>(number) : Temporality::unspecified;
      } else if (monotonic != nullptr && reader.tag_and_type() == tag_and_type(3, varint_type)) {
        *monotonic = reader.get_uint64() != 0;
      } else {
        reader.skip();
      }
    }
    return kind;
  }

  void each_point(pbf_reader reader, const MetricHead& head, PointFields fields, bool distribution = false) {
    begin_keys(head);
    while (next(reader)) {
      if (reader.tag_and_type() != tag_and_type(1, bytes_type)) reader.skip();
      else if (distribution) distribution_point(reader.get_message(), head, fields);
      else number_point(reader.get_message(), head);
    }
  }

  // What all points have; false when the field is another one.
  bool common_field(pbf_reader& reader, PointFields fields, Point& point) {
    if (reader.tag_and_type() == tag_and_type(3, fixed64_type)) {
      point.time_ns = reader.get_fixed64();
    } else if (reader.tag_and_type() == tag_and_type(2, fixed64_type)) {
      point.start_ns = reader.get_fixed64();
    } else if (reader.tag_and_type() == tag_and_type(fields.flags, varint_type)) {
      point.no_recorded_value = (reader.get_uint64() & 1U) != 0;
    } else if (reader.tag_and_type() == tag_and_type(fields.attributes, bytes_type)) {
      point.attributes_are_plain &= key_value(reader.get_message(), point.attributes);
    } else {
      return false;
    }
    return true;
  }

  // What all points of a metric have in common before their attributes; nothing where nothing is remembered.
  void begin_keys(const MetricHead& head) {
    Roster::List* list = known_ == nullptr || head.refusal ? nullptr : into_.list();
    remembers_ = list != nullptr;
    if (!remembers_) return;
    std::string& key = known_->key;
    key.clear();
    auto add_number = [&key](std::uint64_t number) {
      key.append(reinterpret_cast<const char*>(&number), sizeof number);
    };
    add_number(list->id());
    add_number(head.name.size() << 8U | static_cast<std::uint64_t>(head.kind) << 1U | (into_.is_marked() ? 1U : 0U));
    key += head.name;
    add_number(head.unit.size());
    key += head.unit;
    key_head_ = key.size();
  }

  // A number as everybody writes it, one run of attributes and nothing that is rare; else nothing.
  struct PlainNumber {
    std::uint64_t time_ns = 0;
    std::uint64_t start_ns = 0;
    double value = 0;
    std::string_view attributes;
  };
  static std::optional<PlainNumber> plain_number(std::string_view bytes) {
    PlainNumber read;
    bool has_value = false;
    const char* at = bytes.data();
    const char* end = at + bytes.size();
    auto eight = [&at](auto& into) {
      std::memcpy(&into, at + 1, sizeof into);
      at += 9;
    };
    while (end - at >= 9 && *at != attribute_tag) {
      switch (*at) {
        case start_tag: eight(read.start_ns); break;
        case time_tag: eight(read.time_ns); break;
        case double_tag:
          eight(read.value);
          has_value = true;
          break;
        case integer_tag: {
          std::int64_t whole = 0;
          eight(whole);
          read.value = static_cast<double>(whole);
          has_value = true;
          break;
        }
        default: return std::nullopt;
      }
    }
    const char* first = at;
    while (end - at >= 2 && *at == attribute_tag && static_cast<unsigned char>(at[1]) < 0x80 && end - at >= 2 + at[1])
      at += 2 + at[1];
    if (at != end || !has_value) return std::nullopt;
    read.attributes = {first, static_cast<std::size_t>(at - first)};
    return read;
  }
  void number_point(const pbf_reader& reader, const MetricHead& head) {
    if (!remembers_) return slow_number_point(reader, head);
    protozero::data_view all = reader.data();
    std::optional<PlainNumber> plain = plain_number({all.data(), all.size()});
    if (!plain) return slow_number_point(reader, head);
    known_->key.resize(key_head_);
    known_->key += plain->attributes;
    KnownPoint* point = known_->known.find(known_->key);
    // Only of a counter the start says anything.
    bool cumulative = head.kind == model::SeriesKind::counter && plain->start_ns != 0;
    if (point != nullptr && (!cumulative || point->start_ns == plain->start_ns) && put(*point, *plain)) return;
    into_.forget_taken();
    std::uint64_t accepted = into_.accepted();
    slow_number_point(reader, head);
    std::optional<Assembler::Taken> taken = into_.last_taken();
    if (!taken || into_.accepted() == accepted || (cumulative && plain->start_ns >= plain->time_ns)) return;
    KnownPoint& made = point != nullptr ? *point : known_->known.add(known_->key);
    made = {.place = taken->place, .factor = taken->factor, .start_ns = plain->start_ns};
    if (cumulative) known_->started.push_back(&made);
  }

  bool put(const KnownPoint& point, const PlainNumber& plain) {
    double value = plain.value * point.factor;
    if (!std::isfinite(value) || plain.time_ns > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return false;
    auto time = plain.time_ns == 0 ? into_.arrived().ns : static_cast<std::int64_t>(plain.time_ns);
    return into_.put(point.place, time, value);
  }

  void slow_number_point(pbf_reader reader, const MetricHead& head) {
    Point point;
    std::optional<double> value;
    while (next(reader)) {
      if (common_field(reader, number_fields, point)) continue;
      switch (reader.tag_and_type()) {
        case tag_and_type(4, fixed64_type): value = reader.get_double(); break;
        case tag_and_type(6, fixed64_type): value = static_cast<double>(reader.get_sfixed64()); break;
        default: reader.skip();
      }
    }
    into_.number(head, point, value);
  }

  void distribution_point(pbf_reader reader, const MetricHead& head, PointFields fields) {
    Point point;
    std::optional<std::uint64_t> count;
    std::optional<double> sum_of;
    quantiles_.clear();
    while (next(reader)) {
      if (common_field(reader, fields, point)) continue;
      switch (reader.tag_and_type()) {
        case tag_and_type(4, fixed64_type): count = reader.get_fixed64(); break;
        case tag_and_type(5, fixed64_type): sum_of = reader.get_double(); break;
        case tag_and_type(6, bytes_type):
          if (fields.quantiles) quantile(reader.get_message());
          else reader.skip();
          break;
        default: reader.skip();
      }
    }
    into_.distribution(head, point, count, sum_of, quantiles_);
  }

  void quantile(pbf_reader reader) {
    Quantile read;
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case tag_and_type(1, fixed64_type): read.of = reader.get_double(); break;
        case tag_and_type(2, fixed64_type): read.value = reader.get_double(); break;
        default: reader.skip();
      }
    }
    constexpr std::size_t enough = 64;  // more are not read; the assembler takes fewer
    if (quantiles_.size() < enough) quantiles_.push_back(read);
  }

  Assembler& into_;
  KnownPoints* known_;
  bool remembers_ = false;  // of the metric that is being read
  std::size_t key_head_ = 0;
  std::vector<Quantile> quantiles_;  // of the point that is being read
};

}  // namespace

Status read_otlp_protobuf(std::string_view body, Assembler& into, KnownPoints* known) {
  ProtobufWalk walk{body, into, known};
  try {
    walk.request(pbf_reader{body.data(), body.size()});
    return {};
  } catch (const std::exception& failure) {
    return Error{
        .code = Code::invalid,
        .message = cat("the body is not an ExportMetricsServiceRequest in protobuf: the field at byte ", walk.offset(),
                       " can not be read (", failure.what(), "); send content-type application/json for OTLP in JSON"),
        .where = {},
        .cause = {}};
  }
}

}  // namespace mien::wire
