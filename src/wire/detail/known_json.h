// What the OTLP door made of the text of JSON: senders write the same text again and again, but for times and values.
//
// A body is pieces: metrics, whose text is remembered between the places of times and values, and frames, the text
// before, between and behind the metrics, with the resources that begin in it. The metrics of all bodies stand under
// the same six open braces and brackets (resourceMetrics, scopeMetrics, metrics), so a frame of one body may follow a
// metric of another: text that is made of remembered pieces, with other numbers in their places, is JSON, and says what
// the pieces said. What can not be told from a frame's own text, for its keys stand twice or in an odd order, is not
// remembered.
//
// Ownership: part of KnownPoints. Pieces stay where they are until clear(). Bounded by the owner, who asks for bytes().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/telemetry.h"

namespace mien::wire {

struct KnownFrame {
  enum class Stands : std::uint8_t { before_all, between, behind_all };  // the metrics of a body
  std::vector<model::Attributes> resources;                              // that begin in it
  Stands stands = Stands::between;
};

// What a point was taken as, in the order of the text.
struct MadePoint {
  std::uint32_t place = 0;  // in its instance's list
  double factor = 1;
  bool is_counter = false;
  std::uint64_t time_ns = 0;
  double value = 0;  // as sent
};

struct KnownMetric {
  // Where a number stands that may change. The start of a counter may not: with another it may begin anew.
  enum class Role : std::uint8_t { time, value, unread };
  struct Slot {
    std::uint32_t before = 0;  // bytes of text since the slot before
    std::uint32_t point = 0;
    Role role = Role::unread;
  };
  struct Point {
    std::uint32_t place = 0;
    double factor = 1;
  };
  std::string text;  // without what stands in the slots
  std::vector<Slot> slots;
  std::vector<Point> points;
  std::uint64_t list = 0;  // the list of the points' places
  bool notes_starts = false;
  bool is_marked = false;
  // What followed last time.
  KnownMetric* next = nullptr;
  const std::pair<const std::string, KnownFrame>* frame = nullptr;

  [[nodiscard]] std::size_t bytes() const;
};

// What a metric's text says, if it is that of a known one.
struct ReadPoint {
  std::int64_t time = 0;
  double value = 0;  // with its factor, and finite
};
// Behind the metric in `text`, or null.
[[nodiscard]] const char* read_known(const KnownMetric& metric, std::string_view text, std::vector<ReadPoint>& into);

// A metric of gauges or sums whose points were all taken as `made` says. Nothing where that is not all that there is to
// say about such text.
[[nodiscard]] std::optional<KnownMetric> learn_metric(std::string_view text, std::span<const MadePoint> made);

class KnownJson {
 public:
  using Frame = std::pair<const std::string, KnownFrame>;
  // Of one metric's name as many texts are kept, then the oldest goes: what comes in ever new orders takes no more
  // room than this.
  static constexpr std::size_t most_texts = 64;

  // Of metrics of one name and one list. Where text after text is new, such as that of exemplars, they are looked
  // through and learned seldom.
  class Texts {
   public:
    [[nodiscard]] std::span<KnownMetric* const> kept() const { return kept_; }
    [[nodiscard]] bool are_of_use() const { return misses_ < most_texts || misses_ % seldom == 0; }
    void note(bool known) { misses_ = known ? 0 : misses_ + 1; }

   private:
    friend class KnownJson;
    static constexpr std::size_t seldom = 64;
    std::vector<KnownMetric*> kept_;
    std::size_t oldest_ = 0;
    std::size_t misses_ = 0;  // one after the other
  };

  // What stands before the next metric, or behind the last; null where that is not known.
  [[nodiscard]] const Frame* find_frame(std::string_view rest) const;
  // Of a body that was taken, with its resources in the order of the text.
  void learn_frames(std::string_view body, std::span<const model::Attributes> resources);

  // Of the name of the metric that `text` begins with; null where there is none.
  [[nodiscard]] Texts* find_texts(std::uint64_t list, std::string_view text);
  void add(KnownMetric metric);

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t metrics() const { return metrics_.size(); }
  void clear();

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  [[nodiscard]] static std::string head_of(std::uint64_t list, std::string_view text);

  std::unordered_map<std::string, KnownFrame, Hash, std::equal_to<>> frames_;
  std::unordered_map<std::string, Texts> by_head_;
  std::deque<KnownMetric> metrics_;
  std::size_t bytes_ = 0;
};

}  // namespace mien::wire
