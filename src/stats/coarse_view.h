// What relations learned (relation_view.h, correlations.h) in bytes, for a revision: coarsely; what waits in them is
// left out.
//
// Of the correlations the inverse factor L^-1 is kept, by which a distance is one product: of correlations an error of
// a hundredth, of 32 values at once, is more than the least eigenvalue there is (0.01), so that the tightest relations,
// which matter most, would be drowned, or the matrix would not be positive. Whatever numbers stand below the diagonal
// of L^-1, exactly one diagonal makes them the factor of a correlation matrix (its own ones on the diagonal): it is not
// kept. In steps of 1/32 the 32 entries of a row are off by a twentieth of an ordinary value together. Means and
// spreads are kept to a tenth of a percent of a spread, because the tightest relations multiply their errors by ten.
// A view takes 4 B a value, a factor 16, half of that once compressed (docs/formats/behavior.md).
//
// Every part is checked by RelationView::from_coarse and Correlations::from_coarse.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fields.h"

namespace mien::stats {

// A positive number by its logarithm: 0 for (next to) none, else 1 + 256 log2(x) from 2^-16 on. Within 0.14 %.
struct LogCode {
  std::uint16_t code = 0;
  static constexpr std::uint16_t highest = 10240;  // 2^24
  [[nodiscard]] static LogCode of(double x);
  [[nodiscard]] double value() const;
  friend bool operator==(const LogCode&, const LogCode&) = default;
  static constexpr auto fields = std::tuple{field("code", &LogCode::code)};
};

struct CoarseView {
  std::uint64_t learned = 0;
  std::vector<std::int32_t> means;  // in 1/512 of a spread, which is at least RelationView::floor
  std::vector<LogCode> spreads;     // square roots of the variances
  friend bool operator==(const CoarseView&, const CoarseView&) = default;
  static constexpr auto fields = std::tuple{field("learned", &CoarseView::learned), field("means", &CoarseView::means),
                                            field("spreads", &CoarseView::spreads)};
};

// L^-1 below its diagonal, by rows, in 1/32.
using CoarseFactor = std::vector<std::int16_t>;

}  // namespace mien::stats
