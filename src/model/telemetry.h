// Telemetry on its way through Mien: what was read, in columns, one instance and one window at a time.
//
// Names are OpenTelemetry's (`system.cpu.utilization`, attribute `direction`), units UCUM as OpenTelemetry writes them
// ("By", "s", "1", "By/s"). A counter travels as it was read; the instance that receives it turns it into a rate per
// second (node/instance.h), so a lost batch loses nothing but resolution.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/time.h"
#include "model/security_fact.h"

namespace mien::model {

using Attributes = std::map<std::string, std::string>;

enum class SeriesKind : std::uint8_t {
  gauge = 0,    // the value itself
  counter = 1,  // cumulative since some start: only differences mean something; falls to a smaller value on reset
  delta = 2,    // what was added since the previous sample
};

struct Series {
  MetricName metric;
  Attributes attributes;
  std::string unit;
  SeriesKind kind = SeriesKind::gauge;

  friend auto operator<=>(const Series&, const Series&) = default;
  static constexpr auto fields = std::tuple{field("metric", &Series::metric), field("attributes", &Series::attributes),
                                            field("unit", &Series::unit), field("kind", &Series::kind)};
};

// "system.disk.io{device=sda,direction=read}": for people and as a sort key.
[[nodiscard]] std::string to_text(const Series& series);

// A series of one instance, by the number the door gave it; numbers are dense from 0 and never reused.
using SeriesIndex = std::uint32_t;

struct SeriesDeclaration {
  SeriesIndex index = 0;
  Series series;
  friend bool operator==(const SeriesDeclaration&, const SeriesDeclaration&) = default;
  static constexpr auto fields =
      std::tuple{field("index", &SeriesDeclaration::index), field("series", &SeriesDeclaration::series)};
};

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
// Missing too, and said by its sender: the series has ended here (a process went, an exporter does not answer). A NaN
// of its own, so that whoever asks for missing need not know of it.
constexpr double ended = std::bit_cast<double>(std::uint64_t{0x7ff8'0000'0000'0002});
[[nodiscard]] inline bool is_ended(double value) {
  return std::bit_cast<std::uint64_t>(value) == std::bit_cast<std::uint64_t>(ended);
}

// One instance, one window. Column-major: the value of series[c] at times[r] is values[c * times.size() + r];
// NaN is a missing sample (`ended` says that it was the last), every other value is finite. times ascend strictly.
struct Batch {
  std::vector<WallTime> times;
  std::vector<SeriesIndex> series;
  std::vector<double> values;

  [[nodiscard]] double at(std::size_t column, std::size_t row) const { return values[column * times.size() + row]; }
  // Bitwise, so that missing equals missing.
  friend bool operator==(const Batch& a, const Batch& b);
  static constexpr auto fields =
      std::tuple{field("times", &Batch::times), field("series", &Batch::series), field("values", &Batch::values)};
};

enum class InstanceType : std::uint8_t { host = 0, guest = 1, container = 2, service = 3, external = 4 };
[[nodiscard]] std::string_view to_text(InstanceType type);

// What a sender says of an instance, with the samples it brings.
struct InstanceFrame {
  InstanceName instance;
  InstanceType type = InstanceType::external;
  InstanceName parent;                            // its host; empty for hosts and externals
  std::map<std::string, std::string> identities;  // "host.id", "service.instance.id", ...
  std::vector<SeriesDeclaration> declared;        // series that appear for the first time in this log
  Batch batch;
  std::uint32_t refused = 0;        // samples of this instance that the door did not let in (limits, NaN, infinite)
  std::vector<SecurityFact> facts;  // of authenticated agents only

  friend bool operator==(const InstanceFrame&, const InstanceFrame&) = default;
  static constexpr auto fields =
      std::tuple{field("instance", &InstanceFrame::instance), field("type", &InstanceFrame::type),
                 field("parent", &InstanceFrame::parent),     field("identities", &InstanceFrame::identities),
                 field("declared", &InstanceFrame::declared), field("batch", &InstanceFrame::batch),
                 field("refused", &InstanceFrame::refused),   field("facts", &InstanceFrame::facts)};
};

// One request of one sender, decoded. `source` + `epoch` + `sequence` name it: a second arrival of the same is counted
// and dropped. Senders that do not number their requests have an empty source and are judged by sample time alone.
struct Frame {
  std::string source;
  std::uint64_t epoch = 0;     // grows each time the sender starts anew
  std::uint64_t sequence = 0;  // from 1 within an epoch
  bool authenticated = false;
  std::vector<InstanceFrame> instances;

  friend bool operator==(const Frame&, const Frame&) = default;
  static constexpr auto fields =
      std::tuple{field("source", &Frame::source), field("epoch", &Frame::epoch), field("sequence", &Frame::sequence),
                 field("authenticated", &Frame::authenticated), field("instances", &Frame::instances)};
};

// One instance of a sender's request after wire has decoded it: its series are named, not yet numbered.
struct DeliveredInstance {
  InstanceName instance;
  InstanceType type = InstanceType::external;
  InstanceName parent;
  std::map<std::string, std::string> identities;
  std::vector<Series> series;  // one per column of batch
  Batch batch;                 // batch.series is empty here
  std::uint32_t refused = 0;   // samples that the decoder did not let in (limits, NaN, infinite, twice the same time)
  std::vector<SecurityFact> facts = {};

  friend bool operator==(const DeliveredInstance&, const DeliveredInstance&) = default;
};

// One sender's request, decoded; the door (node/manager_port.h) numbers its series and makes a Frame of it.
struct Delivery {
  std::string source;  // authenticated agent, or empty
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  bool authenticated = false;
  std::vector<DeliveredInstance> instances;

  friend bool operator==(const Delivery&, const Delivery&) = default;
};

// One value as a collector read it from the kernel.
struct Reading {
  enum class Kind : std::uint8_t {
    gauge,
    counter,
    busy,  // cumulative busy seconds; becomes the gauge `value rate / capacity` in 0..1
  };
  Series series;  // as it shall appear (for busy: the utilisation, unit "1", kind gauge)
  Kind kind = Kind::gauge;
  double value = 0;
  double capacity = 1;  // of busy only: how many seconds a second can be busy (CPUs)
};

// Everything read of one instance at one tick.
struct InstanceReadings {
  InstanceName instance;
  InstanceType type = InstanceType::host;
  InstanceName parent;
  std::map<std::string, std::string> identities;
  std::vector<Reading> readings;
};

}  // namespace mien::model
