// How far long work is: one line on standard error, redrawn a few times a second. Made only where a person watches
// (Session::watched); a pipe gets nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

#include "app/table.h"
#include "base/time.h"

namespace mien::app {

struct Work {
  std::uint64_t bytes = 0;           // read, as they are stored
  std::optional<std::uint64_t> all;  // of how many; a pipe does not say
  std::uint64_t rows = 0;
};

// "████░░░░ 42 % of 1.2 GB, 3.1M rows, 812k rows/s, 12s left", at most style.width - 1 characters.
[[nodiscard]] std::string progress_text(const Work& work, Duration elapsed, const Style& style);

// One thread. Without colours it writes no control sequence but the carriage return.
class Progress {
 public:
  Progress(std::ostream& err, Style style, std::function<MonoTime()> now);
  ~Progress();  // clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Cheap: looks at the clock once in 256 calls or with new bytes, draws ten times a second.
  void show(const Work& work);
  // Before something else is written to `err`; drawn again with the next `show` that is due.
  void clear();

 private:
  std::ostream& err_;
  Style style_;
  std::function<MonoTime()> now_;
  MonoTime began_;
  MonoTime drawn_at_;
  std::uint64_t seen_bytes_ = 0;
  std::uint32_t calls_ = 0;
  std::size_t shown_ = 0;  // characters on the line
};

}  // namespace mien::app
