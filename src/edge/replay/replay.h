// A replay, or the proof, over a store: the log and the ledger of a data directory, opened for reading only, and the
// history of older times. Beside a running manager, which goes on undisturbed, or on a directory that nobody uses.
//
// What is exact: the log from its first record on. A log that begins later (it keeps `retention`) has lost what came
// before: resources are taken as they were then, what was learned is that of the newest revision before, and every
// line says `approximate`. What is older than the log is read from the history, in minutes, and is approximate as well.
//
// Blocks for as long as it takes: for a thread of its own. Cost: that of folding, and the memory of a second manager.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/sqlite/sqlite.h"
#include "model/policy.h"
#include "model/resource.h"
#include "node/replay_proof.h"
#include "store/history.h"

namespace mien::edge {

struct ReplayPlace {
  std::string data;  // directory
  std::vector<model::Resource> builtin;
  store::History* history = nullptr;  // of times before the log; null: not asked
};

struct ReplayRequest {
  WallTime from;  // 0: all there is
  std::optional<std::vector<model::Resource>> policies;
  std::optional<model::Mode> mode;
  InstanceName instance;  // empty: all of them
  bool verify = false;    // the proof instead; nothing else is looked at
};

// Takes one line of JSON without its end, or nothing ("still at work", every few thousand records). False: stop.
using TellLine = std::function<bool(std::string line)>;

// Tells the grounds ("type":"replay"), every event, and the "summary". Errors: unavailable (told to stop), invalid (a
// policy), the store's own.
Status run_replay(const ReplayPlace& place, const ReplayRequest& request, const TellLine& tell);
Result<node::ProofVerdict> run_proof(const ReplayPlace& place, const TellLine& tell);
// Whichever was asked for; a proof is told as one line ("type":"proof").
Status answer_replay(const ReplayPlace& place, const ReplayRequest& request, const TellLine& tell);

}  // namespace mien::edge
