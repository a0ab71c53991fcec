#include "wire/roster.h"

#include <algorithm>
#include <functional>
#include <string_view>

namespace mien::wire {
std::size_t hash_of(const model::Series& series) {
  std::hash<std::string_view> hash;
  std::size_t all = hash(series.metric.value);
  auto add = [&](std::string_view text) { all = (all ^ hash(text)) * 0x9e3779b97f4a7c15U; };
  for (const auto& [name, value] : series.attributes) {
    add(name);
    add(value);
  }
  return all;
}

std::uint32_t Roster::List::find(const model::Series& series) const {
  auto [like, last] = by_hash_.equal_range(hash_of(series));
  like = std::find_if(like, last, [&](const auto& each) { return *series_[each.second] == series; });
  return like == last ? none : like->second;
}

Derivation::Piece* Roster::List::piece_at(std::uint32_t place) {
  while (pieces_.size() <= place) pieces_.push_back(Derivation::piece_of(*series_[pieces_.size()]));
  return pieces_[place].get();
}

std::uint32_t Roster::List::place_of(model::Series series) {
  if (std::uint32_t known = find(series); known != none) return known;
  std::size_t hash = hash_of(series);
  auto place = static_cast<std::uint32_t>(series_.size());
  series_.push_back(std::make_shared<const model::Series>(std::move(series)));
  columns.emplace_back();
  by_hash_.emplace(hash, place);
  ++roster_->total_;
  if (series_.size() == longest_list + 1) roster_->overlong_.push_back(this);
  return place;
}

std::shared_ptr<const model::SeriesList> Roster::List::shared() {
  if (!shared_ || shared_->series.size() != series_.size())
    shared_ = std::make_shared<const model::SeriesList>(model::SeriesList{.id = id_, .series = series_});
  return shared_;
}

void Roster::begin_request() {
  ++request_;
  for (List* list : std::exchange(overlong_, {})) {
    total_ -= list->series_.size();
    *list = List{};
    list->id_ = next_id_++;
    list->roster_ = this;
  }
}

Roster::List& Roster::list_of(const std::string& instance) {
  auto [at, made] = lists_.try_emplace(instance);
  if (made) {
    at->second.id_ = next_id_++;
    at->second.roster_ = this;
    ++total_;  // an instance without a series takes room too
  }
  return at->second;
}

void Roster::clear() {
  lists_.clear();
  overlong_.clear();
  total_ = 0;
}

}  // namespace mien::wire
