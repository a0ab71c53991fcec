// What was made of some bytes, by the bytes: a table for senders that send the same again and again.
//
// Senders keep their order, so what came after some bytes last time is compared first: where it is the same, a look-up
// is one comparison of bytes that lie one behind the other in memory, and no hash is made. Values and keys stay where
// they are until clear(). Not thread-safe. The owner watches bytes() and size(), and clears.
#pragma once

#include <cstring>
#include <deque>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mien::wire {

template <class Value>
class BytesTable {
 public:
  // What comes next follows nothing: another request begins.
  void begin_request() { last_ = nullptr; }

  [[nodiscard]] Value* find(std::string_view bytes) {
    Entry* found = last_ != nullptr ? last_->next : nullptr;
    if (found == nullptr || found->bytes != bytes) {
      auto at = by_bytes_.find(bytes);
      if (at == by_bytes_.end()) return nullptr;
      found = at->second;
      if (last_ != nullptr) last_->next = found;
    }
    last_ = found;
    return &found->value;
  }

  // Of bytes that are not there yet.
  Value& add(std::string_view bytes) {
    Entry& made = entries_.emplace_back(Entry{.bytes = keep(bytes), .next = nullptr, .value = {}});
    by_bytes_.emplace(made.bytes, &made);
    if (last_ != nullptr) last_->next = &made;
    last_ = &made;
    return made.value;
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  void clear() {
    by_bytes_.clear();
    entries_.clear();
    blocks_.clear();
    last_ = nullptr;
    bytes_ = room_ = 0;
  }

 private:
  struct Entry {
    std::string_view bytes;
    Entry* next = nullptr;
    Value value;
  };
  static constexpr std::size_t block_size = 64U << 10U;

  std::string_view keep(std::string_view bytes) {
    if (bytes.size() > room_) {
      room_ = std::max(block_size, bytes.size());
      blocks_.push_back(std::make_unique<char[]>(room_));
      free_ = blocks_.back().get();
    }
    if (!bytes.empty()) std::memcpy(free_, bytes.data(), bytes.size());
    std::string_view kept{free_, bytes.size()};
    free_ += bytes.size();
    room_ -= bytes.size();
    bytes_ += bytes.size();
    return kept;
  }

  std::unordered_map<std::string_view, Entry*> by_bytes_;
  std::deque<Entry> entries_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_ = nullptr;
  std::size_t room_ = 0;
  std::size_t bytes_ = 0;
  Entry* last_ = nullptr;
};

}  // namespace mien::wire
