#include "wire/detail/rounds.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace mien::wire {
namespace {

using Order = std::vector<std::uint32_t>;

bool some_are_close(std::span<const std::int64_t> times, const Order& order) {
  for (std::size_t i = 1; i < order.size(); ++i)
    if (times[order[i]] - times[order[i - 1]] < longest_round) return true;
  return false;
}

// The columns of each row, row after row.
struct ColumnsOfRows {
  std::vector<std::uint32_t> begin;  // of each row, and the end of the last
  std::vector<std::uint32_t> columns;

  ColumnsOfRows(std::span<const PlacedSample> samples, std::size_t rows) : begin(rows + 1), columns(samples.size()) {
    for (const PlacedSample& sample : samples) ++begin[sample.row + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<std::uint32_t> next(begin.begin(), begin.end() - 1);
    for (const PlacedSample& sample : samples) columns[next[sample.row]++] = sample.column;
  }
  [[nodiscard]] std::span<const std::uint32_t> of(std::uint32_t row) const {
    return std::span(columns).subspan(begin[row], begin[row + 1] - begin[row]);
  }
};

}  // namespace

Rounds rounds_of(std::span<const std::int64_t> times, std::span<const PlacedSample> samples, std::size_t width) {
  Order order(times.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return times[a] < times[b]; });
  Rounds rounds{.times = {}, .round = Order(times.size())};
  if (!some_are_close(times, order)) {
    for (std::uint32_t row : order) {
      rounds.round[row] = static_cast<std::uint32_t>(rounds.times.size());
      rounds.times.push_back(times[row]);
    }
    return rounds;
  }
  constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  ColumnsOfRows rows(samples, times.size());
  std::vector<std::uint32_t> newest(width, none);  // round that has the column
  for (std::uint32_t row : order) {
    auto running = static_cast<std::uint32_t>(rounds.times.size()) - 1;
    auto is_there = [&](std::uint32_t column) { return newest[column] == running; };
    std::span<const std::uint32_t> columns = rows.of(row);
    bool joins = !rounds.times.empty() && times[row] - rounds.times.back() < longest_round &&
                 std::none_of(columns.begin(), columns.end(), is_there);
    if (!joins) {
      rounds.times.push_back(times[row]);
      ++running;
    }
    rounds.round[row] = running;
    for (std::uint32_t column : columns) newest[column] = running;
  }
  return rounds;
}

}  // namespace mien::wire
