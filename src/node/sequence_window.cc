#include "node/sequence_window.h"

#include <algorithm>

namespace mien::node {

bool SequenceWindow::insert(std::uint64_t number) {
  auto next = std::find_if(intervals_.begin(), intervals_.end(), [&](const Interval& i) { return i.last >= number; });
  if (next != intervals_.end() && next->first <= number) return false;
  bool joins_next = next != intervals_.end() && next->first == number + 1;
  bool joins_before = next != intervals_.begin() && (next - 1)->last + 1 == number;
  if (joins_before && joins_next) {
    (next - 1)->last = next->last;
    intervals_.erase(next);
  } else if (joins_before) {
    (next - 1)->last = number;
  } else if (joins_next) {
    next->first = number;
  } else {
    intervals_.insert(next, Interval{.first = number, .last = number});
  }
  if (intervals_.size() > max_intervals) {
    intervals_[1].first = intervals_[0].first;
    intervals_.erase(intervals_.begin());
  }
  return true;
}

}  // namespace mien::node
