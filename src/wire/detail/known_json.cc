#include "wire/detail/known_json.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "wire/detail/json_text.h"

namespace mien::wire {
namespace {

using Role = KnownMetric::Role;

constexpr std::size_t none = JsonText::none;
constexpr std::size_t entry_bytes = 256;  // of a table's entry beside its text, about

std::string_view between(std::string_view text, std::size_t from, std::size_t to) {
  return text.substr(from, to - from);
}

// Where a frame ends that begins with `rest`, as far as its text tells: at a comma between metrics, at the first metric
// of the next list, or with the body. A frame that ends elsewhere is not learned, so that this finds all that are.
std::size_t frame_end(std::string_view rest) {
  JsonText text(rest);
  std::size_t first = text.next(0);
  if (text.at(first) == ',') return text.next(first + 1);
  constexpr std::string_view key = "\"metrics\"";
  for (std::size_t at = rest.find(key); at != none; at = rest.find(key, at)) {
    at = text.next(at + key.size());
    if (text.at(at) != ':') continue;
    at = text.next(at + 1);
    if (text.at(at) != '[') continue;
    at = text.next(at + 1);
    if (text.at(at) == '{') return at;
  }
  return rest.size();
}

// Cuts a body into frames at its metrics.
class FrameScan {
 public:
  struct Piece {
    std::string_view text;
    std::size_t resources = 0;  // that begin in it
  };

  explicit FrameScan(std::string_view body) : body_(body), text_(body) {}

  // Empty where the text has an odd order.
  std::vector<Piece> pieces() {
    bool seen = false;
    std::size_t end = text_.each_member(text_.next(0), [&](std::string_view key, std::size_t at) {
      if (key != "resourceMetrics") return text_.behind(at);
      return once(seen) ? list(at, [this](std::size_t each) { return resource(each); }) : none;
    });
    if (end == none) return {};
    cut(body_.size());
    return std::move(pieces_);
  }

 private:
  std::size_t resource(std::size_t place) {
    ++resources_;
    bool attributes = false;
    bool scopes = false;
    return text_.each_member(place, [&](std::string_view key, std::size_t at) {
      // Behind the metrics it would say too late whose they are.
      if (key == "resource") return once(attributes) && !scopes ? text_.behind(at) : none;
      if (key != "scopeMetrics") return text_.behind(at);
      return once(scopes) ? list(at, [this](std::size_t each) { return scope(each); }) : none;
    });
  }

  std::size_t scope(std::size_t place) {
    bool seen = false;
    return text_.each_member(place, [&](std::string_view key, std::size_t at) {
      if (key != "metrics") return text_.behind(at);
      return once(seen) ? list(at, [this](std::size_t each) { return metric(each); }) : none;
    });
  }

  std::size_t metric(std::size_t place) {
    cut(place);
    return begin_ = text_.behind(place);
  }

  template <class Each>
  std::size_t list(std::size_t place, Each&& each) const {
    return text_.at(place) == '[' ? text_.each_item(place, each) : text_.behind(place);
  }

  // Of keys that stand twice the first counts, which the second's text does not tell.
  static bool once(bool& seen) { return !std::exchange(seen, true); }

  void cut(std::size_t end) {
    pieces_.push_back({.text = between(body_, begin_, end), .resources = std::exchange(resources_, 0)});
  }

  std::string_view body_;
  JsonText text_;
  std::vector<Piece> pieces_;
  std::size_t begin_ = 0;
  std::size_t resources_ = 0;
};

// Finds where the numbers stand in the text of a metric.
class MetricScan {
 public:
  MetricScan(std::string_view metric, std::span<const MadePoint> made) : metric_(metric), text_(metric), made_(made) {}

  std::optional<KnownMetric> learn() {
    if (metric_.size() > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    bool seen = false;
    std::size_t end = text_.each_member(0, [&](std::string_view key, std::size_t at) {
      if (key == "gauge" || key == "sum") return once(seen) && text_.at(at) == '{' ? data(at) : none;
      bool distribution = key == "histogram" || key == "exponentialHistogram" || key == "summary";
      return distribution ? none : text_.behind(at);
    });
    if (end != metric_.size() || point_ != made_.size()) return std::nullopt;
    found_.text += metric_.substr(begin_);
    for (const MadePoint& point : made_) found_.points.push_back({.place = point.place, .factor = point.factor});
    return std::move(found_);
  }

 private:
  std::size_t data(std::size_t place) {
    bool seen = false;
    return text_.each_member(place, [&](std::string_view key, std::size_t at) {
      if (key != "dataPoints") return text_.behind(at);
      if (!once(seen) || text_.at(at) != '[') return none;
      return text_.each_item(at, [this](std::size_t each) { return point(each); });
    });
  }

  std::size_t point(std::size_t place) {
    if (point_ == made_.size()) return none;
    bool time = false;
    bool start = false;
    bool value = false;
    std::size_t end = text_.each_member(place, [&](std::string_view key, std::size_t at) {
      if (key == "timeUnixNano") return once(time) ? slot(at, Role::time) : none;
      if (key == "asDouble" || key == "asInt") return once(value) ? slot(at, Role::value) : none;
      if (key != "startTimeUnixNano") return text_.behind(at);
      if (!once(start)) return none;
      return made_[point_].is_counter ? text_.behind(at) : slot(at, Role::unread);
    });
    ++point_;
    return time && value ? end : none;
  }

  std::size_t slot(std::size_t place, Role role) {
    std::size_t quotes = text_.at(place) == '"' ? 1 : 0;
    std::size_t behind = text_.behind(place);
    std::size_t first = place + quotes;
    if (behind == none || first >= behind) return none;
    std::size_t last = behind - quotes;
    if (!says_what_was_made(between(metric_, first, last), role)) return none;
    found_.slots.push_back({.before = static_cast<std::uint32_t>(first - begin_),
                            .point = static_cast<std::uint32_t>(point_),
                            .role = role});
    found_.text += between(metric_, begin_, first);
    begin_ = last;
    return behind;
  }

  [[nodiscard]] bool says_what_was_made(std::string_view number, Role role) const {
    const char* end = number.data() + number.size();
    std::uint64_t digits = 0;
    double value = 0;
    switch (role) {
      case Role::time: return read_digits(number.data(), end, digits) == end && digits == made_[point_].time_ns;
      case Role::value: return read_plain_number(number.data(), end, value) == end && value == made_[point_].value;
      case Role::unread: return read_digits(number.data(), end, digits) == end;
    }
    return false;
  }

  static bool once(bool& seen) { return !std::exchange(seen, true); }

  std::string_view metric_;
  JsonText text_;
  std::span<const MadePoint> made_;
  KnownMetric found_;
  std::size_t begin_ = 0;  // of the text behind the last slot
  std::size_t point_ = 0;
};

// Reads numbers between the texts of a known metric.
class KnownRead {
 public:
  KnownRead(const KnownMetric& metric, std::string_view text)
      : metric_(metric), known_(metric.text.data()), at_(text.data()), end_(at_ + text.size()) {}

  const char* read(std::vector<ReadPoint>& into) {
    into.resize(metric_.points.size());
    for (const KnownMetric::Slot& slot : metric_.slots)
      if (!same(slot.before) || !number(slot, into[slot.point])) return nullptr;
    auto rest = static_cast<std::size_t>(metric_.text.data() + metric_.text.size() - known_);
    return same(rest) ? at_ : nullptr;
  }

 private:
  bool same(std::size_t size) {
    if (static_cast<std::size_t>(end_ - at_) < size || std::memcmp(at_, known_, size) != 0) return false;
    at_ += size;
    known_ += size;
    return true;
  }

  bool number(const KnownMetric::Slot& slot, ReadPoint& point) {
    switch (slot.role) {
      case Role::time: return time(point);
      case Role::value:
        at_ = read_plain_number(at_, end_, point.value);
        point.value *= metric_.points[slot.point].factor;
        return at_ != nullptr && std::isfinite(point.value);
      case Role::unread: {
        std::uint64_t unread = 0;
        at_ = read_digits(at_, end_, unread);
        return at_ != nullptr;
      }
    }
    return false;
  }

  // Nearly always the time of the point before, so its digits are compared first. Where more digits follow, the text
  // that should follow does not.
  bool time(ReadPoint& point) {
    std::size_t size = last_time_.size();
    bool again =
        size > 0 && static_cast<std::size_t>(end_ - at_) >= size && std::memcmp(at_, last_time_.data(), size) == 0;
    if (again) {
      point.time = last_;
      at_ += size;
      return true;
    }
    const char* first = at_;
    std::uint64_t digits = 0;
    at_ = read_digits(at_, end_, digits);
    // No time is that of arrival.
    if (at_ == nullptr || digits == 0 || digits > std::numeric_limits<std::int64_t>::max()) return false;
    point.time = last_ = static_cast<std::int64_t>(digits);
    last_time_ = {first, static_cast<std::size_t>(at_ - first)};
    return true;
  }

  const KnownMetric& metric_;
  const char* known_;
  const char* at_;
  const char* end_;
  std::string_view last_time_;
  std::int64_t last_ = 0;
};

}  // namespace

std::size_t KnownMetric::bytes() const {
  return entry_bytes + text.size() + slots.size() * sizeof(Slot) + points.size() * sizeof(Point);
}

const char* read_known(const KnownMetric& metric, std::string_view text, std::vector<ReadPoint>& into) {
  return KnownRead{metric, text}.read(into);
}

std::optional<KnownMetric> learn_metric(std::string_view text, std::span<const MadePoint> made) {
  return MetricScan{text, made}.learn();
}

const KnownJson::Frame* KnownJson::find_frame(std::string_view rest) const {
  auto found = frames_.find(rest.substr(0, frame_end(rest)));
  return found == frames_.end() ? nullptr : &*found;
}

void KnownJson::learn_frames(std::string_view body, std::span<const model::Attributes> resources) {
  std::vector<FrameScan::Piece> pieces = FrameScan{body}.pieces();
  std::size_t begun = 0;
  for (const FrameScan::Piece& piece : pieces) begun += piece.resources;
  if (pieces.size() < 2 || begun != resources.size()) return;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const FrameScan::Piece& piece = pieces[i];
    std::span<const model::Attributes> own = resources.first(piece.resources);
    resources = resources.subspan(piece.resources);
    auto first = static_cast<std::size_t>(piece.text.data() - body.data());
    if (frame_end(body.substr(first)) != piece.text.size()) continue;
    auto [at, made] = frames_.try_emplace(std::string(piece.text));
    if (!made) continue;
    // By its first and last byte a text can be one of them only.
    using enum KnownFrame::Stands;
    at->second = {.resources = {own.begin(), own.end()},
                  .stands = i == 0                   ? before_all
                            : i + 1 == pieces.size() ? behind_all
                                                     : between};
    bytes_ += entry_bytes + 3 * piece.text.size();  // its resources' attributes are most of it, in smaller pieces
  }
}

std::string KnownJson::head_of(std::uint64_t list, std::string_view text) {
  constexpr std::string_view key = "\"name\":\"";
  constexpr std::size_t near = 256;
  constexpr std::size_t some = 32;
  std::string head(reinterpret_cast<const char*>(&list), sizeof list);
  std::size_t name = text.substr(0, near).find(key);
  if (name == none) return head.append(text.substr(0, some));
  name += key.size();
  return head.append(between(text, name, std::min(text.find('"', name), text.size())));
}

KnownJson::Texts* KnownJson::find_texts(std::uint64_t list, std::string_view text) {
  auto found = by_head_.find(head_of(list, text));
  return found == by_head_.end() ? nullptr : &found->second;
}

void KnownJson::add(KnownMetric metric) {
  std::string head = head_of(metric.list, metric.text);
  Texts& texts = by_head_[head];
  bytes_ += metric.bytes();
  if (texts.kept_.size() < most_texts) {
    if (texts.kept_.empty()) bytes_ += entry_bytes + head.size();
    texts.kept_.push_back(&metrics_.emplace_back(std::move(metric)));
    return;
  }
  KnownMetric& oldest = *texts.kept_[texts.oldest_++ % most_texts];
  bytes_ -= oldest.bytes();
  oldest = std::move(metric);
}

void KnownJson::clear() {
  frames_.clear();
  by_head_.clear();
  metrics_.clear();
  bytes_ = 0;
}

}  // namespace mien::wire
