// A sorted map whose copies share what did not change: copying costs a pointer for every `chunk_size` entries, changing
// one entry costs a copy of the pointers of its chunk. Views of 10,000 instances are published with it after each
// group.
//
// A value, like std::map; a copy never sees what becomes of another, so threads may read copies at the same time. What
// is found stays valid for as long as any map that holds it; iterators for as long as their own map is not changed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"

namespace mien::node {

template <class Key, class Value>
class SharedMap {
 public:
  static constexpr std::size_t chunk_size = 64;  // at most; never none

  using value_type = std::pair<const Key, Value>;

 private:
  using Entry = std::shared_ptr<const value_type>;
  using Chunk = std::vector<Entry>;  // ascending by key
  using Chunks = std::vector<std::shared_ptr<const Chunk>>;

 public:
  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = SharedMap::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = const value_type&;

    const_iterator() = default;
    reference operator*() const { return *(*(*chunks_)[chunk_])[entry_]; }
    pointer operator->() const { return &**this; }
    const_iterator& operator++() {
      if (++entry_ == (*chunks_)[chunk_]->size()) {
        ++chunk_;
        entry_ = 0;
      }
      return *this;
    }
    const_iterator operator++(int) {
      const_iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const const_iterator&, const const_iterator&) = default;

   private:
    friend SharedMap;
    const_iterator(const Chunks* chunks, std::size_t chunk, std::size_t entry)
        : chunks_(chunks), chunk_(chunk), entry_(entry) {}
    const Chunks* chunks_ = nullptr;
    std::size_t chunk_ = 0;
    std::size_t entry_ = 0;
  };

  [[nodiscard]] const_iterator begin() const { return {&chunks_, 0, 0}; }
  [[nodiscard]] const_iterator end() const { return {&chunks_, chunks_.size(), 0}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  // The first entry whose key is not smaller.
  [[nodiscard]] const_iterator lower_bound(const Key& key) const {
    std::size_t chunk = chunk_of(key);
    if (chunk == chunks_.size()) return end();
    return {&chunks_, chunk, entry_of(*chunks_[chunk], key)};
  }
  [[nodiscard]] const_iterator find(const Key& key) const {
    const_iterator found = lower_bound(key);
    return found != end() && !(key < found->first) ? found : end();
  }
  [[nodiscard]] bool contains(const Key& key) const { return find(key) != end(); }
  [[nodiscard]] const Value& at(const Key& key) const {
    const_iterator found = find(key);
    CHECK(found != end());
    return found->second;
  }

  void set(const Key& key, Value value) {
    auto made = std::make_shared<const value_type>(key, std::move(value));
    std::size_t at = chunk_of(key);
    if (chunks_.empty()) {
      chunks_.push_back(std::make_shared<const Chunk>(1, std::move(made)));
      size_ = 1;
      return;
    }
    at = std::min(at, chunks_.size() - 1);  // greater than all: at the end of the last
    Chunk chunk = *chunks_[at];
    std::size_t entry = entry_of(chunk, key);
    if (entry < chunk.size() && !(key < chunk[entry]->first)) {
      chunk[entry] = std::move(made);
    } else {
      chunk.insert(chunk.begin() + static_cast<std::ptrdiff_t>(entry), std::move(made));
      ++size_;
    }
    if (chunk.size() > chunk_size) {
      auto middle = chunk.begin() + chunk_size / 2;
      chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(at),
                     std::make_shared<const Chunk>(chunk.begin(), middle));
      chunk.erase(chunk.begin(), middle);
      ++at;
    }
    chunks_[at] = std::make_shared<const Chunk>(std::move(chunk));
  }

  void erase(const Key& key) {
    const_iterator found = find(key);
    if (found == end()) return;
    --size_;
    auto chunk = chunks_.begin() + static_cast<std::ptrdiff_t>(found.chunk_);
    if ((*chunk)->size() == 1) {
      chunks_.erase(chunk);
      return;
    }
    Chunk fewer = **chunk;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(found.entry_));
    *chunk = std::make_shared<const Chunk>(std::move(fewer));
  }

 private:
  // The chunk where `key` is or would be; the number of chunks where all keys are smaller.
  [[nodiscard]] std::size_t chunk_of(const Key& key) const {
    auto smaller = [](const auto& chunk, const Key& wanted) { return chunk->back()->first < wanted; };
    return static_cast<std::size_t>(std::lower_bound(chunks_.begin(), chunks_.end(), key, smaller) - chunks_.begin());
  }
  [[nodiscard]] static std::size_t entry_of(const Chunk& chunk, const Key& key) {
    auto smaller = [](const Entry& entry, const Key& wanted) { return entry->first < wanted; };
    return static_cast<std::size_t>(std::lower_bound(chunk.begin(), chunk.end(), key, smaller) - chunk.begin());
  }

  Chunks chunks_;
  std::size_t size_ = 0;
};

}  // namespace mien::node
