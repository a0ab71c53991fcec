#include "wire/detail/tree_builder.h"

#include <utility>

#include "base/text.h"
#include "wire/yaml.h"

namespace mien::wire::detail {
namespace {

// An alias may repeat a long text many times: what it makes in all stays in proportion to what may be written.
constexpr std::size_t max_expanded_bytes = 4 * limits::document_bytes;

struct Weight {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
  std::size_t levels = 0;
};

void weigh(const model::Value& value, std::size_t level, Weight& weight) {
  ++weight.nodes;
  weight.levels = std::max(weight.levels, level);
  if (const auto* text = value.text()) weight.bytes += text->size();
  if (const auto* list = value.list())
    for (const auto& item : *list) weigh(item, level + 1, weight);
  if (const auto* map = value.map()) {
    for (const auto& [key, member] : *map) {
      weight.bytes += key.size();
      weigh(member, level + 1, weight);
    }
  }
}

}  // namespace

bool TreeBuilder::fail(Place place, std::string message, std::string suggestion) {
  if (!problem_) problem_ = Problem{place, std::move(message), std::move(suggestion)};
  return false;
}

bool TreeBuilder::admit(Place place, std::size_t bytes) {
  if (problem_) return false;
  if (has_root_ && open_.empty()) return fail(place, "a second value after the end of the first");
  if (wants_key()) return fail(place, "a value without a key");
  bytes_ += bytes;
  if (++nodes_ > limits::nodes || bytes_ > max_expanded_bytes)
    return fail(place, "the document is too large once its aliases are written out",
                cat("at most ", limits::nodes, " values and ", max_expanded_bytes, " bytes are taken"));
  return true;
}

std::string TreeBuilder::next_pointer() const {
  if (open_.empty()) return {};
  const Open& top = open_.back();
  return top.is_map ? model::pointer_to(top.pointer, *top.key) : model::pointer_to(top.pointer, top.list.size());
}

void TreeBuilder::attach(model::Value value) {
  if (open_.empty()) {
    document_.value = std::move(value);
    has_root_ = true;
    last_ = &document_.value;
    return;
  }
  Open& top = open_.back();
  if (!top.is_map) {
    top.list.push_back(std::move(value));
    last_ = &top.list.back();
    return;
  }
  if (top.duplicate) {
    dropped_ = std::move(value);
    last_ = &dropped_;
  } else {
    last_ = &(top.map[*top.key] = std::move(value));
  }
  top.key.reset();
  top.duplicate = false;
}

bool TreeBuilder::scalar(model::Value value, Place place) {
  if (!admit(place, value.text() ? value.text()->size() : 0)) return false;
  document_.values.emplace(next_pointer(), place);
  attach(std::move(value));
  return true;
}

bool TreeBuilder::copy(const model::Value& value, Place place) {
  Weight weight;
  weigh(value, 1, weight);
  nodes_ += weight.nodes - 1;
  if (open_.size() + weight.levels > limits::levels)
    return fail(place, cat("nested deeper than ", limits::levels, " levels"));
  if (!admit(place, weight.bytes)) return false;
  document_.values.emplace(next_pointer(), place);
  attach(value);
  return true;
}

bool TreeBuilder::start(bool is_map, Place place) {
  if (!admit(place, 0)) return false;
  if (open_.size() + 1 >= limits::levels) return fail(place, cat("nested deeper than ", limits::levels, " levels"));
  std::string pointer = next_pointer();
  document_.values.emplace(pointer, place);
  Open open;
  open.is_map = is_map;
  open.pointer = std::move(pointer);
  open_.push_back(std::move(open));
  return true;
}

bool TreeBuilder::start_map(Place place) { return start(true, place); }
bool TreeBuilder::start_list(Place place) { return start(false, place); }

bool TreeBuilder::end() {
  if (problem_ || open_.empty()) return false;
  Open done = std::move(open_.back());
  open_.pop_back();
  attach(done.is_map ? model::Value(std::move(done.map)) : model::Value(std::move(done.list)));
  return true;
}

bool TreeBuilder::key(std::string text, Place place) {
  if (problem_) return false;
  if (!wants_key()) return fail(place, "a key where a value belongs");
  bytes_ += text.size();
  Open& top = open_.back();
  if (top.map.contains(text)) {
    top.duplicate = true;
    std::string pointer = model::pointer_to(top.pointer, text);
    auto first = document_.keys.find(pointer);
    std::string suggestion = "make them one";
    if (first != document_.keys.end() && first->second.line > 0)
      suggestion = cat("it stands in line ", first->second.line, " already; make them one");
    constexpr std::size_t enough = 100;
    if (document_.duplicates.size() < enough)
      document_.duplicates.push_back(
          {place, cat("the key `", text, "` stands twice in this map"), std::move(suggestion)});
  } else {
    document_.keys.emplace(model::pointer_to(top.pointer, text), place);
  }
  top.key = std::move(text);
  return true;
}

}  // namespace mien::wire::detail
