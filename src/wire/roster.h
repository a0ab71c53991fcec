// The instances and series that a door has met, kept between requests: each instance's series in a list that only
// grows, so that a request names a known series by its place in the list (model/listed.h).
//
// Bounded by its owner, who asks for series() and clears. Deliveries share the lists and outlive that. Not
// thread-safe: the door locks it for the whole of a request.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/listed.h"
#include "wire/derive.h"

namespace mien::wire {

// For tables of this process: of equal series the same.
[[nodiscard]] std::size_t hash_of(const model::Series& series);

class Roster {
 public:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  // A list longer than this begins anew with the next request: its instance has had more series than any may have.
  static constexpr std::size_t longest_list = 2'048;

  class List {
   public:
    [[nodiscard]] std::uint64_t id() const { return id_; }
    [[nodiscard]] const model::Series& at(std::uint32_t place) const { return *series_[place]; }
    [[nodiscard]] std::uint32_t find(const model::Series& series) const;  // its place, or none
    // The same, made if need be.
    [[nodiscard]] std::uint32_t place_of(model::Series series);
    // All of it, to be shared; made anew only when it has grown.
    [[nodiscard]] std::shared_ptr<const model::SeriesList> shared();

    // What the series there is an input of (wire/derive.h); null: of nothing.
    [[nodiscard]] Derivation::Piece* piece_at(std::uint32_t place);

    // What the request that is being read has made of it: its part, and the column of each place.
    struct Use {
      std::uint64_t request = 0;
      std::uint32_t column = 0;
    };
    Use part;
    std::vector<Use> columns;

   private:
    friend class Roster;
    std::uint64_t id_ = 0;
    std::vector<std::shared_ptr<const model::Series>> series_;
    std::unordered_multimap<std::size_t, std::uint32_t> by_hash_;
    std::shared_ptr<const model::SeriesList> shared_;
    std::vector<std::shared_ptr<Derivation::Piece>> pieces_;  // of the first places, as far as was asked
    Roster* roster_ = nullptr;
  };

  // `door` tells the lists of several doors of one process apart.
  explicit Roster(std::uint16_t door) : next_id_((std::uint64_t{door} << 48U) + 1) {}
  Roster(const Roster&) = delete;
  Roster& operator=(const Roster&) = delete;

  void begin_request();
  [[nodiscard]] std::uint64_t request() const { return request_; }
  // Valid until clear().
  [[nodiscard]] List& list_of(const std::string& instance);
  [[nodiscard]] std::size_t series() const { return total_; }
  void clear();

 private:
  std::map<std::string, List, std::less<>> lists_;
  std::vector<List*> overlong_;
  std::uint64_t next_id_;
  std::uint64_t request_ = 0;
  std::size_t total_ = 0;
};

}  // namespace mien::wire
