#include "learn/security.h"

#include <algorithm>

#include "base/math.h"

namespace mien::learn {
namespace {

using model::FactLesson;
using model::KnownObject;
using model::KnownObjects;
using model::SecurityProfile;

constexpr Duration decay_every = std::chrono::hours{1};
constexpr Duration forget_after = std::chrono::hours{24 * 90};

void decay(KnownObjects& known, WallTime now) {
  if (known.decayed_at.ns == 0) known.decayed_at = now;
  if (now - known.decayed_at < decay_every) return;
  double kept = math::exp(-to_seconds(now - known.decayed_at) / model::security_memory);
  known.total *= kept;
  known.once *= kept;
  for (KnownObject& object : known.objects) object.weight *= kept;
  std::erase_if(known.objects, [&](const KnownObject& object) { return now - object.last > forget_after; });
  known.decayed_at = now;
}

// The longest unseen goes. One that was seen once stays counted as such: it was new when it came.
void make_room(KnownObjects& known) {
  if (known.objects.size() < KnownObjects::most) return;
  known.objects.erase(std::min_element(
      known.objects.begin(), known.objects.end(),
      [](const KnownObject& a, const KnownObject& b) { return a.last != b.last ? a.last < b.last : a.key < b.key; }));
}

auto place_of(KnownObjects& known, const std::string& key) {
  return std::lower_bound(known.objects.begin(), known.objects.end(), key,
                          [](const KnownObject& object, const std::string& wanted) { return object.key < wanted; });
}

void teach_one(KnownObjects& known, WallTime since, const FactLesson& lesson) {
  decay(known, lesson.at);
  if (known.first.ns == 0 || lesson.at < known.first) known.first = lesson.at;
  known.total += 1;
  auto at = place_of(known, lesson.key);
  if (at == known.objects.end() || at->key != lesson.key) {
    bool inventory = model::is_state(lesson.kind) && lesson.at - since < model::inventory_time;
    known.once += inventory ? 0 : 1;
    make_room(known);
    known.objects.insert(
        place_of(known, lesson.key),
        {.key = lesson.key, .weight = 1, .times = inventory ? 2U : 1U, .first = lesson.at, .last = lesson.at});
    return;
  }
  if (at->times == 1) known.once = std::max(0.0, known.once - at->weight);
  at->weight += 1;
  at->times = at->times == ~std::uint32_t{0} ? at->times : at->times + 1;
  at->first = std::min(at->first, lesson.at);
  at->last = std::max(at->last, lesson.at);
}

WallTime earlier(WallTime a, WallTime b) { return a.ns == 0 ? b : b.ns == 0 ? a : std::min(a, b); }

KnownObjects merge_one(KnownObjects a, KnownObjects b) {
  WallTime now = std::max(a.decayed_at, b.decayed_at);
  for (KnownObjects* known : {&a, &b}) {
    double kept =
        known->decayed_at.ns == 0 ? 1 : math::exp(-to_seconds(now - known->decayed_at) / model::security_memory);
    known->total *= kept;
    known->once *= kept;
    for (KnownObject& object : known->objects) object.weight *= kept;
  }
  KnownObjects out{.objects = {},
                   .total = a.total + b.total,
                   .once = a.once + b.once,
                   .first = earlier(a.first, b.first),
                   .decayed_at = now};
  for (std::size_t i = 0, j = 0; i < a.objects.size() || j < b.objects.size();) {
    bool from_a = j == b.objects.size() || (i < a.objects.size() && a.objects[i].key <= b.objects[j].key);
    bool from_b = i == a.objects.size() || (j < b.objects.size() && b.objects[j].key <= a.objects[i].key);
    if (!from_a || !from_b) {
      out.objects.push_back(std::move(from_a ? a.objects[i++] : b.objects[j++]));
      continue;
    }
    const KnownObject& x = a.objects[i++];
    const KnownObject& y = b.objects[j++];
    double no_more_once = (x.times == 1 ? x.weight : 0) + (y.times == 1 ? y.weight : 0);
    out.once = std::max(0.0, out.once - no_more_once);
    auto times = std::min<std::uint64_t>(std::uint64_t{x.times} + y.times, ~std::uint32_t{0});
    out.objects.push_back({.key = x.key,
                           .weight = x.weight + y.weight,
                           .times = static_cast<std::uint32_t>(times),
                           .first = earlier(x.first, y.first),
                           .last = std::max(x.last, y.last)});
  }
  while (out.objects.size() > KnownObjects::most)
    out.objects.erase(std::min_element(
        out.objects.begin(), out.objects.end(),
        [](const KnownObject& x, const KnownObject& y) { return x.last != y.last ? x.last < y.last : x.key < y.key; }));
  return out;
}

}  // namespace

void teach(SecurityProfile& profile, const std::vector<FactLesson>& lessons) {
  if (lessons.empty()) return;
  if (profile.kinds.empty()) profile.kinds.resize(model::fact_kinds);
  for (const FactLesson& lesson : lessons) {
    profile.since = earlier(profile.since, lesson.at);
    teach_one(profile.kinds[static_cast<std::size_t>(lesson.kind)], profile.since, lesson);
  }
}

SecurityProfile merge(const SecurityProfile& a, const SecurityProfile& b) {
  if (a.kinds.empty()) return b;
  if (b.kinds.empty()) return a;
  SecurityProfile out;
  out.since = earlier(a.since, b.since);
  for (std::size_t i = 0; i < model::fact_kinds; ++i) out.kinds.push_back(merge_one(a.kinds[i], b.kinds[i]));
  return out;
}

}  // namespace mien::learn
