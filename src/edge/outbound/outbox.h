// What has to leave and has not left yet, on disk: letters in order, in segment files DIR/NUMBER.outbox
// (docs/formats/outbox.md). put() appends, oldest() reads, taken() moves on; a letter that was put is there after
// kill -9, and one that was taken is not offered again. Bounded: over the limit the oldest segment goes, and what it
// still held is counted as shed.
//
// The newest segment stays until it is full, also when all of it was taken, so that the names of what left lately are
// known after a restart. Threads: from any; one mutex. Errors: exhausted (disk full), io. Cost: one write a letter, and
// one fdatasync where `sync` says so.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/fields.h"
#include "base/quantity.h"
#include "base/result.h"
#include "base/time.h"
#include "edge/mutex.h"

namespace mien::edge {

struct Letter {
  std::string id;  // stable: the same thing told again has the same
  WallTime at;     // when it was put
  std::string body;
  friend bool operator==(const Letter&, const Letter&) = default;
  static constexpr auto fields =
      std::tuple{field("id", &Letter::id), field("at", &Letter::at), field("body", &Letter::body)};
};

class Outbox {
 public:
  struct Options {
    std::string directory;
    Bytes limit{64U << 20U};
    Bytes segment{1U << 20U};
    bool sync = true;  // false: survives kill -9, a power cut may cost the newest
  };
  static constexpr std::size_t largest_letter = 16U << 20U;

  struct Numbered {
    std::uint64_t number = 0;
    Letter letter;
  };

  // Makes the directory (0700); cuts a torn end off.
  static Result<std::unique_ptr<Outbox>> open(Options options);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  Status put(const Letter& letter);
  Result<std::optional<Numbered>> oldest();
  // This letter, and all before it, left (or never will).
  Status taken(std::uint64_t number);
  // Every letter that is still in a file, taken or not.
  Status each_kept(const std::function<void(const Letter&)>& visit);

  [[nodiscard]] std::uint64_t waiting() const;
  [[nodiscard]] std::uint64_t shed() const;  // since this process started
  [[nodiscard]] Bytes bytes() const;

 private:
  struct Segment {
    std::uint64_t first = 0;  // number of its first letter
    std::uint64_t next = 0;   // number after its last one
    std::uint64_t bytes = 0;
  };
  explicit Outbox(Options options) : options_(std::move(options)) {}
  Status scan() REQUIRES_LOCK(mutex_);
  Status read_mark() REQUIRES_LOCK(mutex_);
  Status begin_segment() REQUIRES_LOCK(mutex_);
  Status make_room(std::uint64_t wanted) REQUIRES_LOCK(mutex_);
  Status remove_oldest() REQUIRES_LOCK(mutex_);
  Status drop_taken_segments() REQUIRES_LOCK(mutex_);
  Status write_mark() REQUIRES_LOCK(mutex_);
  [[nodiscard]] std::string path_of(std::uint64_t first) const;

  Options options_;
  mutable Mutex mutex_;
  std::deque<Segment> segments_ GUARDED_BY(mutex_);  // oldest first; the last one is appended to
  std::uint64_t next_ GUARDED_BY(mutex_) = 1;
  std::uint64_t taken_ GUARDED_BY(mutex_) = 0;  // every number up to this left
  std::uint64_t bytes_ GUARDED_BY(mutex_) = 0;
  std::uint64_t shed_ GUARDED_BY(mutex_) = 0;
  int tail_ GUARDED_BY(mutex_) = -1;
  int mark_ GUARDED_BY(mutex_) = -1;
  std::deque<Numbered> head_ GUARDED_BY(mutex_);  // of the segment that begins with head_first_
  std::uint64_t head_first_ GUARDED_BY(mutex_) = 0;
};

}  // namespace mien::edge
