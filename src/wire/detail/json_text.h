// Places and plain numbers in the text of JSON, for readers that go by the text instead of making a tree of it.
//
// Any bytes are taken without harm; what is said of them is right where they are JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mien::wire {

class JsonText {
 public:
  static constexpr std::size_t none = std::string_view::npos;
  static constexpr int deepest = 64;  // levels that are walked; deeper text is for a parser

  explicit JsonText(std::string_view text) : text_(text) {}

  [[nodiscard]] char at(std::size_t place) const { return place < text_.size() ? text_[place] : '\0'; }
  // The first place from here on that is no white space.
  [[nodiscard]] std::size_t next(std::size_t place) const {
    while (at(place) == ' ' || at(place) == '\n' || at(place) == '\r' || at(place) == '\t') ++place;
    return place;
  }
  // Behind the value that begins here; none where it does not end.
  [[nodiscard]] std::size_t behind(std::size_t place) const;

  // Of an object or list that begins at `place`: calls each(key, value's place) or each(item's place), which says
  // what is behind the value, or none to stop. Behind the object or list; none where one said so, or it does not end.
  // A key that is written with escapes, and so may be any, stops too.
  template <class Each>
  [[nodiscard]] std::size_t each_member(std::size_t place, Each&& each) const {
    return each_part(place, '}', [&](std::size_t key) {
      std::size_t key_end = behind(key);
      if (at(key) != '"' || key_end == none) return none;
      std::size_t colon = next(key_end);
      std::string_view name = text_.substr(key + 1, key_end - key - 2);
      if (at(colon) != ':' || name.find('\\') != none) return none;
      return each(name, next(colon + 1));
    });
  }
  template <class Each>
  [[nodiscard]] std::size_t each_item(std::size_t place, Each&& each) const {
    return each_part(place, ']', each);
  }

 private:
  template <class Each>
  [[nodiscard]] std::size_t each_part(std::size_t place, char close, Each&& each) const {
    place = next(place + 1);
    if (at(place) == close) return place + 1;
    for (;;) {
      place = each(place);
      if (place == none) return none;
      place = next(place);
      if (at(place) == close) return place + 1;
      if (at(place) != ',') return none;
      place = next(place + 1);
    }
  }
  [[nodiscard]] std::size_t behind_string(std::size_t place) const;

  std::string_view text_;
};

// A whole number from 0 of at most 19 digits, and a number as JSON has it, that begins at `at`. Behind it; null where
// there is none, or one that takes more care than this: then a parser says what it is.
[[nodiscard]] const char* read_digits(const char* at, const char* end, std::uint64_t& into);
[[nodiscard]] const char* read_plain_number(const char* at, const char* end, double& into);

}  // namespace mien::wire
