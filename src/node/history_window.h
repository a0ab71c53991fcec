// Rows of one instance on their way into history: collected row by row, handed out as a block of columns.
#pragma once

#include <cstddef>
#include <vector>

#include "model/telemetry.h"
#include "store/history.h"

namespace mien::node {

// Appends the rows of `batch` (column-major, some of the series) to `pending` (row-major, `width` = all series). Rows
// of a time already there are merged into it.
void append_rows(model::Batch& pending, std::size_t width, const model::Batch& batch);
// Gives every row room for `width` series.
void widen(model::Batch& pending, std::size_t before, std::size_t width);
// The collected rows as columns; series without a single sample are left out.
[[nodiscard]] store::HistoryBlock to_block(const InstanceName& name, const std::vector<model::Series>& series,
                                           const model::Batch& pending);
// A column-major batch as a block.
[[nodiscard]] store::HistoryBlock block_of(const InstanceName& name, const std::vector<model::Series>& series,
                                           const model::Batch& batch);

}  // namespace mien::node
