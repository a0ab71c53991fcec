// Series that Mien's own collector has and others send in pieces: CPU time of each CPU becomes that of the host, total
// and available memory become used memory and its share, stalled seconds become the stalled share of time. Without
// this a persona written for our own agent would be silent on hosts that another collector watches.
//
// The pieces of one moment may come in several requests (a sender cuts its queue anywhere), so what is not complete
// yet is kept here between requests. A group is told when as many of its inputs as last time are there, or else when
// the next moment begins. Told again, it says the same: a request that is sent twice changes nothing.
//
// Ownership: one per door. Not thread-safe: its owner locks. Bounded: max_instances, max_groups, max_inputs; over them
// the pieces pass as they are. Cost: a look-up in a small map per input.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/time.h"
#include "model/telemetry.h"

namespace mien::wire {

class Derivation {
 public:
  static constexpr std::size_t max_instances = 10'000;
  static constexpr std::size_t max_groups = 256;     // per instance
  static constexpr std::size_t max_inputs = 16'384;  // per group: 1,024 CPUs of 16 modes
  static constexpr Duration forgotten_after = 1h;    // an instance of which nothing comes, when there is no room

  // `value` is missing never, and model::ended where the series ended.
  using Emit = std::function<void(const model::Series& series, WallTime at, double value)>;

  // One sample under its canonical name. True: it is to be kept as a series of its own.
  [[nodiscard]] bool take(const std::string& instance, const model::Series& series, WallTime at, double value,
                          const Emit& emit);

  // What a series is an input of, for whoever keeps it to take more of its samples; nothing where it is none.
  struct Piece;
  [[nodiscard]] static std::shared_ptr<Piece> piece_of(const model::Series& series);
  [[nodiscard]] bool take(Piece& piece, const std::string& instance, const model::Series& series, WallTime at,
                          double value, const Emit& emit);

  enum class Formula : std::uint8_t {
    cpu_time,
    cpu_total,
    cpu_share,
    memory,
    paging,
    filesystem,
    inodes,
    faults,
    stalled,
    uptime
  };

 private:
  struct Group {
    Formula formula = Formula::cpu_time;
    std::string metric;            // of stalled: its own name
    model::Attributes attributes;  // of what is made
    WallTime at;
    std::map<std::string, double> inputs;  // by slot, of this moment
    std::set<std::string> ended;           // slots that have said so since
    std::size_t expected = 0;              // inputs of the moment before; 0: not known yet
    bool told = false;
    std::string last_slot;  // the input that made it whole: where a request that is sent again tells it again, once
    // The moment before, for what is a rate.
    WallTime base_at;
    double base_busy = 0;
    double base_total = 0;
    std::size_t base_inputs = 0;
  };
  struct Instance {
    std::map<std::string, Group> groups;
    WallTime newest;
  };

  void find_group(Piece& piece, const std::string& instance, const model::Series& series, WallTime at);
  static void begin_moment(Group& group, WallTime at, const Emit& emit);
  static void tell(Group& group, const Emit& emit);

  std::map<std::string, Instance> instances_;
  std::uint64_t forgotten_ = 0;  // times that instances were; what points to them is looked up again
};

}  // namespace mien::wire
