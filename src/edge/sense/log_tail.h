// The end of a log that somebody else writes: whole lines as they come, from where it ended when this began, through
// rotation of both kinds. Not thread-safe. Bounded: at most `most_bytes` a look (what is older then is passed over and
// counted), lines of at most 4 KiB. A log that does not exist yet is read from its beginning once it does.
//
// Renamed and made anew: who writes it goes on in the old file until it is told, so that is read as well until
// something stands in the new one, or it was deleted. Copied and cut short: known by its size, and where it has grown
// beyond that again by the bytes before the place where reading ended.
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
  [[nodiscard]] bool readable() const { return now_.descriptor >= 0; }
  [[nodiscard]] int error() const { return error_; }  // errno, where it is not readable
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t bytes_passed_over() const { return passed_over_; }

 private:
  static constexpr std::size_t most_bytes = 256U << 10U;
  static constexpr std::size_t longest_line = 4096;
  static constexpr std::size_t remembered = 64;
  struct File {
    int descriptor = -1;
    std::uint64_t device = 0, inode = 0;
    std::uint64_t position = 0;
    std::string begun{};  // a line without its end
    std::string last{};   // the bytes before `position`
  };
  void open(bool at_end);
  void read_rest(File& file, std::vector<std::string>& out);
  // False where the log was cut short and what is there now is another text.
  [[nodiscard]] static bool goes_on(const File& file);
  [[nodiscard]] bool stands() const;  // the file under our path is the one that is open
  static void close(File& file);

  std::string path_;
  File now_;
  File former_;  // renamed, perhaps still written
  int error_ = 0;
  std::uint64_t passed_over_ = 0;
};

}  // namespace mien::edge
