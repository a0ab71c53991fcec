// Requests waiting on the agent's disk, in segment files DIR/NUMBER.spool (docs/formats/spool.md): append to the
// newest, read from the oldest, unlink a segment when all of it was taken. Bounded: over the limit the oldest segment
// goes.
//
// put() returns after fdatasync. A torn last record (power cut, kill -9 in the middle) is cut off at the next start; a
// segment taken in part is offered again from its beginning, and the manager counts each request once.
// Not thread-safe: the agent's thread owns it.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "base/quantity.h"
#include "node/agent_driver.h"

namespace mien::edge {

class FileSpool final : public node::Spool {
 public:
  struct Options {
    std::string directory;
    Bytes limit{64U << 20U};
    Bytes segment{1U << 20U};
  };
  // Makes the directory (0700). Errors: io.
  static Result<std::unique_ptr<FileSpool>> open(Options options);
  ~FileSpool() override;
  Result<std::uint64_t> put(const node::AgentRequest& request) override;
  Result<std::optional<node::AgentRequest>> oldest() override;
  Status drop(std::uint64_t number) override;
  [[nodiscard]] bool empty() const { return segments_.empty(); }

 private:
  struct Segment {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::uint64_t requests = 0;
  };
  explicit FileSpool(Options options) : options_(std::move(options)) {}
  Status scan();
  Status begin_segment();
  Status load_oldest();
  Result<std::uint64_t> make_room(std::uint64_t wanted);
  Status remove_oldest();
  [[nodiscard]] std::string path_of(std::uint64_t number) const;

  Options options_;
  std::deque<Segment> segments_;  // oldest first; the last one is appended to
  std::uint64_t next_segment_ = 1;
  std::uint64_t bytes_ = 0;
  int tail_ = -1;                        // descriptor of the newest segment while it is appended to
  std::deque<node::AgentRequest> head_;  // of the oldest segment, those not taken yet
  bool head_loaded_ = false;
};

}  // namespace mien::edge
