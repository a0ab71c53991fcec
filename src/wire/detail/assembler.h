// Where the decoders of all doors hand in what they read: data points become columns of one batch per instance, within
// limits.
//
// The decoders know bytes and places; this knows identities, aliases, limits and what is refused. A data point is taken
// whole or refused whole, also when it becomes two samples. One assembler is for one request.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "wire/derive.h"
#include "wire/ingest.h"
#include "wire/known_points.h"
#include "wire/roster.h"

namespace mien::wire {

// Why a data point was not taken; the order is that of the explanation.
enum class Refusal : std::uint8_t {
  unnamed_resource,
  not_finite,
  no_value,
  metric_name,
  temporality,
  attributes,
  time,
  same_time,
  too_many_samples,
  too_many_series,
  too_many_instances,
  too_many_cells,
  count_
};

enum class Temporality : std::uint8_t { unspecified = 0, delta = 1, cumulative = 2 };

// What all points of one metric share.
struct MetricHead {
  std::string name;
  std::string unit;
  model::SeriesKind kind = model::SeriesKind::gauge;
  std::optional<Refusal> refusal;  // of the metric as a whole, and so of each of its points
};

// One sample that a data point becomes: NAME + suffix.
struct PointPart {
  std::string_view suffix;
  std::string_view unit;
  double value = 0;
};

// Of a summary: `value` is what the share `of` of all stayed below.
struct Quantile {
  double of = 0;
  double value = 0;
};

struct Point {
  std::uint64_t time_ns = 0;   // since 1970; 0: not given
  std::uint64_t start_ns = 0;  // of what is cumulative: when it was zero; 0: not given
  model::Attributes attributes;
  bool attributes_are_plain = true;  // false: a list, a map or bytes among them
  bool no_recorded_value = false;    // the sender says that there was nothing to record
  bool ended = false;                // the series has no more samples (a staleness marker)
};

// Who sends, when it arrived, and how much may come. What it points to must outlive the assembler.
struct Sender {
  bool trusted = false;
  std::string_view agent;
  WallTime arrived;
  IngestLimits limits;
  StartTimes* starts = nullptr;  // may be null
  bool may_repeat = false;       // the same value of the same time twice is no contradiction
  bool canonical = false;        // names are canonical already
  Roster* roster = nullptr;      // null: series are spelled out in the delivery
  // Makes of what is sent what our own agent has, where the sender has not; with a roster only. May be null.
  Derivation* derivation = nullptr;
};

class Assembler {
 public:
  explicit Assembler(const Sender& sender);
  ~Assembler();
  Assembler(const Assembler&) = delete;
  Assembler& operator=(const Assembler&) = delete;

  // The points that follow belong to this resource.
  void begin_resource(const model::Attributes& attributes);
  // The same by the instance's name; `identities` are asked for when the instance is new to the request.
  void begin_instance(const std::string& name, const std::function<model::Attributes()>& identities);
  void number(const MetricHead& head, const Point& point, std::optional<double> value);

  // ---- for a door that remembers: with a roster only ----
  // Where the sample that was taken last stands, to be put there by known() from now on.
  struct Taken {
    Roster::List* list = nullptr;
    std::uint32_t place = 0;
    double factor = 1;
  };
  [[nodiscard]] std::optional<Taken> last_taken() const { return last_taken_; }
  void forget_taken() { last_taken_.reset(); }
  // Does begin_instance and number for a series that was taken before; `value` has its factor, and is missing or ended
  // where it is not finite.
  void known(Roster::List& list, std::uint32_t place, const std::string& name,
             const std::function<model::Attributes()>& identities, std::int64_t time, double value);
  // Of the resource that was begun: its list, or null; and a sample of a series in it. False: not taken and not
  // counted, what is to be said of it number() will say.
  [[nodiscard]] Roster::List* list() const;
  [[nodiscard]] bool put(std::uint32_t place, std::int64_t time, double value);
  [[nodiscard]] bool is_marked() const;  // by its agent: its names are canonical
  [[nodiscard]] WallTime arrived() const { return sender_.arrived; }
  [[nodiscard]] bool notes_starts() const { return sender_.starts != nullptr; }
  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
  [[nodiscard]] std::uint64_t rejected() const { return rejected_; }

  // Histograms of both kinds and summaries; a summary's quantiles come with it.
  void distribution(const MetricHead& head, const Point& point, std::optional<std::uint64_t> count,
                    std::optional<double> sum, std::span<const Quantile> quantiles = {});
  // A metric of a kind that is not known: its points can not even be counted, so it counts as one.
  void unknown_metric(const MetricHead& head);
  [[nodiscard]] Ingested finish();

 private:
  struct Column;
  class Times;
  struct Instance;
  struct Reason {
    std::uint64_t times = 0;
    std::string first;
  };

  void read_marks(const model::Attributes& attributes);
  bool take(const MetricHead& head, const Point& point, std::span<const PointPart> parts);
  void refuse(Refusal why, const MetricHead& head, std::size_t samples);
  [[nodiscard]] std::optional<Refusal> why_not(const MetricHead& head, const Point& point,
                                               std::span<const PointPart> parts) const;
  [[nodiscard]] std::optional<Refusal> why_not_series(const MetricHead& head, const Point& point,
                                                      const PointPart& part) const;
  [[nodiscard]] std::optional<Refusal> make_room(std::size_t new_series, std::int64_t time);
  [[nodiscard]] std::optional<Refusal> append(std::uint32_t place, std::int64_t time, double value);
  [[nodiscard]] Column add_column(const MetricHead& head, const Point& point, const PointPart& part, std::string key);
  [[nodiscard]] bool has_column(const model::Series& series) const;
  [[nodiscard]] std::uint32_t column_of(Instance& instance, model::Series series);
  void derive(Instance& instance);
  void refuse_known(Refusal why, const model::Series& series);
  void note_start(const MetricHead& head, const Point& point, std::string_view key, std::uint32_t column);
  [[nodiscard]] static const model::Series& series_at(const Instance& instance, std::uint32_t column);
  [[nodiscard]] model::DeliveredInstance lay_out(Instance& instance);
  [[nodiscard]] std::string explain() const;

  Sender sender_;
  model::Delivery delivery_;
  std::vector<std::unique_ptr<Instance>> instances_;  // in order of appearance
  std::unordered_map<std::string, Instance*> by_name_;
  Instance* current_ = nullptr;  // nullptr: `current_refusal_` says why
  Refusal current_refusal_ = Refusal::unnamed_resource;
  std::string unnamed_message_;  // what identify() said first
  std::optional<Taken> last_taken_;
  std::size_t samples_ = 0;
  std::size_t cells_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t rejected_ = 0;
  std::array<Reason, static_cast<std::size_t>(Refusal::count_)> reasons_;
};

// The decoders proper; `body` is already unfolded.
[[nodiscard]] Status read_otlp_protobuf(std::string_view body, Assembler& into, KnownPoints* known = nullptr);
[[nodiscard]] Status read_otlp_json(std::string_view body, Assembler& into, KnownPoints* known = nullptr);
// A body of remembered text. False: it is none, or something of it is refused; then the assembler is of no more use,
// and the body is to be read anew.
[[nodiscard]] bool read_known_otlp_json(std::string_view body, Assembler& into, KnownPoints& known);

// A sum's place among our kinds.
void set_sum_kind(MetricHead& head, Temporality temporality, bool monotonic);
void set_distribution_kind(MetricHead& head, Temporality temporality);

}  // namespace mien::wire
