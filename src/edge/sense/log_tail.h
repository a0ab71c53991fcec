// The end of a log that somebody else writes: whole lines as they come, from where it ended when this began, through
// rotation. Not thread-safe. Bounded: at most `most_bytes` a look (what is older then is passed over and counted),
// lines of at most 4 KiB. A log that does not exist yet is read from its beginning once it does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mien::edge {

class LogTail {
 public:
  explicit LogTail(std::string path);
  ~LogTail();
  LogTail(const LogTail&) = delete;
  LogTail& operator=(const LogTail&) = delete;

  [[nodiscard]] std::vector<std::string> lines();
  [[nodiscard]] bool readable() const { return descriptor_ >= 0; }
  [[nodiscard]] std::uint64_t bytes_passed_over() const { return passed_over_; }

 private:
  static constexpr std::size_t most_bytes = 256U << 10U;
  static constexpr std::size_t longest_line = 4096;
  void open(bool at_end);
  void read_rest(std::vector<std::string>& out);

  std::string path_;
  int descriptor_ = -1;
  std::uint64_t inode_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t passed_over_ = 0;
  std::string begun_;  // a line without its end
};

}  // namespace mien::edge
