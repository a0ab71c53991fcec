#include "wire/remote_write.h"

#include <cstring>
#include <exception>
#include <limits>
#include <protozero/buffer_string.hpp>
#include <protozero/exception.hpp>
#include <vector>

#include "base/text.h"
#include "model/telemetry.h"
#include "wire/detail/protobuf_walk.h"

namespace mien::wire {
namespace {

// More labels than any limit allows are not even collected.
constexpr std::size_t most_labels = 256;
// Series, samples, symbols and what else a message repeats: two bytes of a body may be one, which take sixteen and more
// to keep. Honest requests have some thousands.
constexpr std::size_t most_parts = 1'000'000;

struct TooManyParts : std::exception {
  [[nodiscard]] const char* what() const noexcept override { return "too many parts"; }
};

std::string_view view_of(const protozero::data_view& data) { return {data.data(), data.size()}; }

MetricType type_of(std::uint64_t number) {
  return number <= static_cast<std::uint64_t>(MetricType::state_set) ? static_cast<MetricType>(number)
                                                                     : MetricType::unknown;
}

struct Sample {
  std::int64_t at = 0;
  double value = 0;
};

struct Histogram {
  std::int64_t at = 0;
  double count = 0;
  double sum = 0;
};

// What a TimeSeries of either version holds; kept between series for its memory.
struct TimeSeries {
  std::string_view label_bytes;  // 1.0: the labels as they came, where they stand together at the front
  bool labels_apart = false;
  std::vector<Label> labels;
  std::vector<Sample> samples;
  std::vector<Histogram> histograms;
  std::size_t exemplars = 0;
  MetricType type = MetricType::unknown;
  std::string_view unit;
  void clear() {
    label_bytes = {};
    labels_apart = false;
    labels.clear();
    samples.clear();
    histograms.clear();
    exemplars = 0;
    type = MetricType::unknown;
    unit = {};
  }
};

class Walk : public PbfWalk {
 public:
  Walk(std::string_view body, PrometheusMemory& memory, PrometheusIntake& into)
      : PbfWalk(body), memory_(memory), into_(into) {}

  void request(RemoteWriteVersion version, pbf_reader reader) {
    if (version == RemoteWriteVersion::v2) collect_symbols(reader);
    // 1.0 has its series in field 1, 2.0 in field 5: a body of one version under the name of the other brings nothing.
    std::uint32_t series_field = version == RemoteWriteVersion::v1 ? 1 : 5;
    std::uint32_t other_field = version == RemoteWriteVersion::v1 ? 5 : 1;
    while (next(reader)) {
      if (reader.wire_type() == bytes_type && reader.tag() == series_field) {
        time_series(version, reader.get_message());
      } else if (reader.wire_type() == bytes_type && reader.tag() == other_field) {
        throw protozero::invalid_tag_exception();
      } else if (version == RemoteWriteVersion::v1 && reader.tag_and_type() == tag_and_type(3, bytes_type)) {
        metadata(reader.get_message());
      } else {
        reader.skip();
      }
    }
  }

 private:
  void count_part() {
    if (++parts_ > most_parts) throw TooManyParts();
  }

  void collect_symbols(pbf_reader reader) {
    while (next(reader)) {
      if (reader.tag_and_type() == tag_and_type(4, bytes_type)) {
        count_part();
        symbols_.push_back(view_of(reader.get_view()));
      } else {
        reader.skip();
      }
    }
  }

  std::string_view symbol(std::uint64_t reference) const {
    if (reference >= symbols_.size()) throw protozero::invalid_length_exception();
    return symbols_[reference];
  }

  void time_series(RemoteWriteVersion version, const pbf_reader& message) {
    count_part();
    series_.clear();
    bool second = version == RemoteWriteVersion::v2;
    pbf_reader reader = message;
    if (!second) reader = pass_labels(message);
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case tag_and_type(1, bytes_type):
          if (second) {
            references(reader);
          } else {
            series_.labels_apart = true;
            reader.skip();
          }
          break;
        case tag_and_type(1, varint_type):  // not packed: allowed, though nobody writes it
          if (second) lone_reference(reader.get_uint64());
          else reader.skip();
          break;
        case tag_and_type(2, bytes_type): sample(reader.get_message()); break;
        case tag_and_type(3, bytes_type):
          if (second) histogram(reader.get_message());
          else exemplar(reader);
          break;
        case tag_and_type(4, bytes_type):
          if (second) exemplar(reader);
          else histogram(reader.get_message());
          break;
        case tag_and_type(5, bytes_type):
          if (second) own_metadata(reader.get_message());
          else reader.skip();
          break;
        default: reader.skip();
      }
    }
    if (half_label_) throw protozero::invalid_length_exception();
    if (second) spell_labels();
    // Histograms have no short way, and a series has them or samples.
    bool known = series_.histograms.empty() && !series_.labels_apart && into_.begin_known(series_.label_bytes);
    if (!known) {
      if (!second) read_labels(message);
      into_.begin_series(series_.labels, series_.type, series_.unit);
    }
    hand_over();
  }

  // The labels of 1.0 nearly always stand in front. What can not be passed is left to be read, and refused, in order.
  pbf_reader pass_labels(const pbf_reader& message) {
    protozero::data_view all = message.data();
    const char* at = all.data();
    const char* end = at + all.size();
    constexpr char label_tag = 1 << 3 | static_cast<char>(bytes_type);
    while (end - at >= 2 && *at == label_tag) {
      const auto low = static_cast<unsigned char>(at[1]);
      const auto high = static_cast<unsigned char>(low < 0x80 || end - at == 2 ? 0 : at[2]);
      if (high >= 0x80) break;  // longer than any label may be
      std::ptrdiff_t head = low < 0x80 ? 2 : 3;
      std::ptrdiff_t size = (low & 0x7f) | high << 7;
      if (size > end - at - head) break;
      at += head + size;
    }
    series_.label_bytes = {all.data(), static_cast<std::size_t>(at - all.data())};
    return pbf_reader{at, static_cast<std::size_t>(end - at)};
  }

  void read_labels(pbf_reader reader) {
    while (next(reader)) {
      if (reader.tag_and_type() == tag_and_type(1, bytes_type)) label(reader.get_message());
      else reader.skip();
    }
  }

  // The labels of 2.0 are numbers that mean something else in each request: what names a series is what they stand for.
  void spell_labels() {
    spelled_.assign(1, static_cast<char>(series_.type));  // never the first byte of what 1.0 sends
    auto add = [this](std::string_view text) {
      protozero::add_varint_to_buffer(&spelled_, text.size());
      spelled_.append(text);
    };
    add(series_.unit);
    for (const Label& each : series_.labels) {
      add(each.name);
      add(each.value);
    }
    series_.label_bytes = spelled_;
  }

  void hand_over() {
    for (const Sample& each : series_.samples) into_.sample(each.at, each.value);
    for (const Histogram& each : series_.histograms) into_.histogram(each.at, each.count, each.sum);
    for (std::size_t i = 0; i < series_.exemplars; ++i) into_.exemplar();
  }

  void label(pbf_reader reader) {
    Label read;
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case tag_and_type(1, bytes_type): read.name = view_of(reader.get_view()); break;
        case tag_and_type(2, bytes_type): read.value = view_of(reader.get_view()); break;
        default: reader.skip();
      }
    }
    if (series_.labels.size() < most_labels) series_.labels.push_back(read);
  }

  void references(pbf_reader& reader) {
    for (std::uint32_t each : reader.get_packed_uint32()) lone_reference(each);
  }

  void lone_reference(std::uint64_t reference) {
    std::string_view text = symbol(reference);
    if (!half_label_) {
      half_label_ = text;
      return;
    }
    if (series_.labels.size() < most_labels) series_.labels.push_back({.name = *half_label_, .value = text});
    half_label_.reset();
  }

  void sample(pbf_reader reader) {
    count_part();
    Sample read;
    // As everybody writes it: the value, then the time.
    protozero::data_view all = reader.data();
    constexpr char value_tag = 1 << 3 | static_cast<char>(fixed64_type);
    constexpr char time_tag = 2 << 3 | static_cast<char>(varint_type);
    if (all.size() >= 11 && all.data()[0] == value_tag && all.data()[9] == time_tag) {
      std::memcpy(&read.value, all.data() + 1, sizeof read.value);
      const char* data = all.data() + 10;
      read.at = static_cast<std::int64_t>(protozero::decode_varint(&data, all.data() + all.size()));
      if (data == all.data() + all.size()) return series_.samples.push_back(read);
      read = {};
    }
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case tag_and_type(1, fixed64_type): read.value = reader.get_double(); break;
        case tag_and_type(2, varint_type): read.at = reader.get_int64(); break;
        default: reader.skip();
      }
    }
    series_.samples.push_back(read);
  }

  void histogram(pbf_reader reader) {
    count_part();
    Histogram read;
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case tag_and_type(1, varint_type): read.count = static_cast<double>(reader.get_uint64()); break;
        case tag_and_type(2, fixed64_type): read.count = reader.get_double(); break;
        case tag_and_type(3, fixed64_type): read.sum = reader.get_double(); break;
        case tag_and_type(15, varint_type): read.at = reader.get_int64(); break;
        default: reader.skip();
      }
    }
    series_.histograms.push_back(read);
  }

  void exemplar(pbf_reader& reader) {
    count_part();
    reader.skip();
    ++series_.exemplars;
  }

  void own_metadata(pbf_reader reader) {
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case tag_and_type(1, varint_type): series_.type = type_of(reader.get_uint64()); break;
        case tag_and_type(4, varint_type): series_.unit = symbol(reader.get_uint64()); break;
        default: reader.skip();
      }
    }
  }

  void metadata(pbf_reader reader) {
    std::string_view family;
    MetricType type = MetricType::unknown;
    while (next(reader)) {
      switch (reader.tag_and_type()) {
        case tag_and_type(1, varint_type): type = type_of(reader.get_uint64()); break;
        case tag_and_type(2, bytes_type): family = view_of(reader.get_view()); break;
        default: reader.skip();
      }
    }
    if (type != MetricType::unknown) memory_.learn_type(family, type);
  }

  PrometheusMemory& memory_;
  PrometheusIntake& into_;
  std::size_t parts_ = 0;
  std::vector<std::string_view> symbols_;
  std::string spelled_;
  TimeSeries series_;
  std::optional<std::string_view> half_label_;
};

// Both versions number their types alike, in the order of MetricType.
static_assert(static_cast<int>(MetricType::counter) == 1 && static_cast<int>(MetricType::state_set) == 7);

std::string lower(std::string_view text) {
  std::string out;
  for (char c : trim(text)) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

}  // namespace

std::optional<RemoteWriteVersion> remote_write_version(std::string_view content_type) {
  std::vector<std::string_view> parts = split(content_type, ';');
  if (parts.empty() || lower(parts[0]) != "application/x-protobuf") return std::nullopt;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    std::string_view part = trim(parts[i]);
    std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || lower(part.substr(0, equals)) != "proto") continue;
    std::string_view proto = trim(part.substr(equals + 1));
    if (proto.size() >= 2 && proto.front() == '"' && proto.back() == '"') proto = proto.substr(1, proto.size() - 2);
    if (proto == "prometheus.WriteRequest") return RemoteWriteVersion::v1;
    if (proto == "io.prometheus.write.v2.Request") return RemoteWriteVersion::v2;
    return std::nullopt;
  }
  return RemoteWriteVersion::v1;
}

Result<std::string> unfold_remote_write(std::string_view content_encoding, std::string_view body) {
  if (!content_encoding.empty() && lower(content_encoding) != "snappy")
    return Error{.code = Code::unsupported,
                 .message = cat("content-encoding '", content_encoding, "' is not understood here; send snappy"),
                 .where = {},
                 .cause = {}};
  return unsnap(body);
}

Result<PrometheusIngested> decode_remote_write(RemoteWriteVersion version, std::string_view body,
                                               const PrometheusRules& rules, WallTime arrived, PrometheusMemory& memory,
                                               const IngestLimits& limits) {
  PrometheusIntake intake{rules, arrived, memory, limits};
  Walk walk{body, memory, intake};
  try {
    walk.request(version, pbf_reader{body.data(), body.size()});
    return intake.finish();
  } catch (const TooManyParts&) {
    return Error{
        .code = Code::exhausted,
        .message = cat("the request has more than ", most_parts, " series, samples and symbols; send smaller requests"),
        .where = {},
        .cause = {}};
  } catch (const std::exception& failure) {
    bool second = version == RemoteWriteVersion::v2;
    return Error{
        .code = Code::invalid,
        .message = cat("the body is no ", second ? "io.prometheus.write.v2.Request" : "prometheus.WriteRequest",
                       ": the field at byte ", walk.offset(), " can not be read (", failure.what(),
                       "); the header content-type says which of the two it is"),
        .where = {},
        .cause = {}};
  }
}

}  // namespace mien::wire
