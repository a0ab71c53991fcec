// What a collector could not read, in words, each said once. Bounded: beyond the limit only the number grows.
#pragma once

#include <cstring>
#include <string>
#include <vector>

namespace mien::edge {

class ProblemList {
 public:
  static constexpr std::size_t most = 64;

  void add(std::string text) {
    for (const std::string& known : texts_) {
      if (known == text) return;
    }
    if (texts_.size() < most) texts_.push_back(std::move(text));
    else ++unsaid_;
  }
  // "PATH: Permission denied; WHAT is not collected".
  void add_unreadable(const std::string& path, int error, std::string_view what) {
    add(path + ": " + ::strerror(error) + "; " + std::string(what) + " is not collected");
  }
  [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }
  [[nodiscard]] std::size_t unsaid() const { return unsaid_; }

 private:
  std::vector<std::string> texts_;
  std::size_t unsaid_ = 0;
};

}  // namespace mien::edge
