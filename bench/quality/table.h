// A table for people and for RESULTS.md: the first column to the left, the others to the right.
#pragma once

#include <string>
#include <vector>

namespace mien::quality {

class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool empty() const { return rows_.size() < 2; }

 private:
  std::vector<std::vector<std::string>> rows_;
};

// With so many digits behind the point.
[[nodiscard]] std::string fixed(double value, int digits);
// "42 of 57 (74 %)".
[[nodiscard]] std::string share(std::size_t part, std::size_t whole);

}  // namespace mien::quality
