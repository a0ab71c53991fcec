// Builds a Value from the events of a YAML or JSON parser, within limits, and remembers where everything stood.
//
// The parsers recurse or iterate as they like; this holds the nesting itself, so that depth, nodes, bytes and aliases
// are limited in one place. After a problem every further event is ignored and `problem()` says what it was.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/value.h"

namespace mien::wire::detail {

struct Place {
  std::size_t line = 0;    // from 1; 0: unknown
  std::size_t column = 0;  // from 1, in bytes
  std::size_t length = 1;  // in bytes
};

struct Problem {
  Place place;
  std::string message;
  std::string suggestion;
};

struct SourceDocument {
  model::Value value;
  Place start;
  std::map<std::string, Place> values;  // by JSON pointer
  std::map<std::string, Place> keys;
  std::vector<Problem> duplicates;  // keys that stood twice: the first was kept
};

class TreeBuilder {
 public:
  // Each returns false once there is a problem.
  bool scalar(model::Value value, Place place);
  bool start_map(Place place);
  bool start_list(Place place);
  bool end();
  // The next value's key. Only inside a map.
  bool key(std::string text, Place place);
  // What stands here was built before (an alias): counted as if it were written out.
  bool copy(const model::Value& value, Place place);
  bool fail(Place place, std::string message, std::string suggestion = {});

  // Is a key the next thing wanted?
  [[nodiscard]] bool wants_key() const { return !open_.empty() && open_.back().is_map && !open_.back().key; }
  [[nodiscard]] std::size_t depth() const { return open_.size(); }
  [[nodiscard]] bool complete() const { return open_.empty() && has_root_; }
  [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }
  // The value that was completed last: what an anchor names.
  [[nodiscard]] const model::Value& last() const { return *last_; }
  [[nodiscard]] SourceDocument take() { return std::move(document_); }

 private:
  struct Open {
    bool is_map = false;
    model::Value::Map map;
    model::Value::List list;
    std::optional<std::string> key;
    bool duplicate = false;  // the key stood before: its value is read and dropped
    std::string pointer;
  };

  bool admit(Place place, std::size_t bytes);
  bool start(bool is_map, Place place);
  [[nodiscard]] std::string next_pointer() const;
  void attach(model::Value value);

  SourceDocument document_;
  std::vector<Open> open_;
  std::optional<Problem> problem_;
  const model::Value* last_ = nullptr;
  model::Value dropped_;
  bool has_root_ = false;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace mien::wire::detail
