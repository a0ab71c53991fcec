// What a replay says, as JSON lines (docs/guide/replay.md): one event a line, with the documents that the API has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/replay.h"
#include "node/replay_proof.h"
#include "wire/document.h"

namespace mien::edge {

// {"type":"decision.made","at":...,"after_rehearsed_action":true,"decision":{...}}; what is false is not said.
[[nodiscard]] wire::Document replay_document(const node::ReplayLine& line, bool approximate);

// What can be relied on in a replay of a store, said before its first line and again after its last.
struct ReplayGrounds {
  WallTime from;
  WallTime to;
  WallTime exact_from;                   // 0: no part is exact
  std::vector<std::string> approximate;  // why what is not exact is not
};
[[nodiscard]] wire::Document grounds_document(const ReplayGrounds& grounds);
[[nodiscard]] wire::Document counts_document(const node::ReplayCounts& counts);
[[nodiscard]] wire::Document proof_document(const node::ProofVerdict& verdict);

}  // namespace mien::edge
