// The JSON documents of the API beyond what wire/document.h makes of any value: resources with their status, drift with
// what is shown beside it. Pure; cost linear in the value.
#pragma once

#include <string>
#include <string_view>

#include "edge/cardinality_board.h"
#include "model/expectation.h"
#include "model/resource.h"
#include "node/view.h"
#include "wire/document.h"

namespace mien::edge::api {

using Json = wire::Document;  // members in the order of `fields`, so that people find them where they were

template <class T>
[[nodiscard]] Json document(const T& value) {
  return wire::to_document(value);
}
// A resource with its server-set metadata: what was written, and when and by whom.
[[nodiscard]] Json document(const model::Resource& resource);
[[nodiscard]] Json document(const model::DeclaredMetric& declared);

// What stands beside an instance: what is done to it, and what the doors say of its series.
struct Beside {
  Beside(const node::ActionBoard& actions) : board(actions) {}
  Beside(const node::ActionBoard& actions, const CardinalityBoard& series, WallTime at)
      : board(actions), cardinality(&series), now(at) {}
  const node::ActionBoard& board;
  const CardinalityBoard* cardinality = nullptr;
  WallTime now;
};

// An instance as a resource: what people wrote about it (may be null) and what is known of it (may be null).
[[nodiscard]] Json instance_document(const model::Resource* written, const node::InstanceView* seen,
                                     const Beside& beside);
// Its drift, with what the page and `mien drift` show beside it: type, parent, the findings that are open.
// `blanked`: for a reader without a token.
[[nodiscard]] Json drift_document(const node::InstanceView& seen, const Beside& beside, bool blanked);
[[nodiscard]] Json finding_document(const model::Finding& finding, bool blanked);
// What people should know of it: its own conditions, and what can not be taken back there.
[[nodiscard]] std::vector<std::string> conditions_of(const node::InstanceView& seen, const Beside& beside);

}  // namespace mien::edge::api
