// A simulated machine's hand: the fields of its services, and what goes wrong with changing them. Calls take time, fail
// before or after their effect, are swallowed, read back what is not there; and people edit by hand.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "node/hand.h"
#include "node/lease_driver.h"

namespace mien::sim {

struct HandFaults {
  double fails = 0;        // of a call, nothing happens
  double fails_after = 0;  // of a write: it happened, and an error came back
  double swallowed = 0;    // of a write: said to have happened, and did not
  double misread = 0;      // of a read: another value than is there
  Duration slow{};         // mean of what a call takes
  [[nodiscard]] static HandFaults draw(Prng& prng);
  [[nodiscard]] bool none() const {
    return fails == 0 && fails_after == 0 && swallowed == 0 && misread == 0 && slow < std::chrono::milliseconds{100};
  }
  [[nodiscard]] std::string to_string() const;
};

class SimHand final : public node::Hand {
 public:
  using Key = std::pair<InstanceName, std::string>;
  SimHand(HandFaults faults, const Prng& prng) : faults_(faults), prng_(prng) {}

  void add(const InstanceName& target);
  // A person writes: from now on this is what belongs there.
  void edit(const InstanceName& target, const std::string& key, const std::string& value);
  // How much of one CPU the target may have, as a share.
  [[nodiscard]] double cpu_cap(const InstanceName& target) const;
  [[nodiscard]] const std::map<Key, std::string>& fields() const { return fields_; }
  // What was there before Mien, or what a person wrote since.
  [[nodiscard]] const std::string& belongs(const Key& key) const { return belongs_.at(key); }
  [[nodiscard]] std::uint64_t writes() const { return writes_; }
  void mend() { faults_ = {}; }
  [[nodiscard]] Duration takes();

  std::vector<Ability> abilities() override;
  Result<node::Plan> plan(const InstanceName& target, model::Verb verb, const model::Arguments& with) override;
  Result<std::string> identity(const InstanceName& target) override;
  Result<std::string> read(const InstanceName& target, std::string_view key) override;
  Status write(const InstanceName& target, std::string_view key, std::string_view value) override;

 private:
  HandFaults faults_;
  Prng prng_;
  std::map<Key, std::string> fields_;
  std::map<Key, std::string> belongs_;
  std::uint64_t writes_ = 0;  // that took effect
};

// The agent's journal on its disk: survives its crashes.
class MemoryJournal final : public node::Journal {
 public:
  std::vector<node::JournalEntry> entries() override;
  Status put(const node::JournalEntry& entry) override;
  bool full = false;

 private:
  std::map<ActionId, node::JournalEntry> newest_;
};

}  // namespace mien::sim
