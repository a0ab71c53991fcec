#include "app/progress.h"

#include <algorithm>
#include <ostream>

#include "base/text.h"

namespace mien::app {
namespace {

constexpr Duration between_drawings = std::chrono::milliseconds{100};
constexpr std::uint32_t calls_between_looks = 256;
constexpr std::size_t bar_width = 24;
constexpr Duration soonest_guess = std::chrono::seconds{1};  // a rest is not guessed from less

std::string rest_text(const Work& work, Duration elapsed) {
  if (!work.all || work.bytes == 0 || work.bytes >= *work.all || elapsed < soonest_guess) return {};
  double left = to_seconds(elapsed) * static_cast<double>(*work.all - work.bytes) / static_cast<double>(work.bytes);
  return cat(", ", short_age(from_seconds(left)), " left");
}

}  // namespace

std::string progress_text(const Work& work, Duration elapsed, const Style& style) {
  std::string text;
  if (work.all && *work.all > 0) {
    double share = std::min(1.0, static_cast<double>(work.bytes) / static_cast<double>(*work.all));
    text = cat(bar(share, bar_width, style), ' ', static_cast<int>(100 * share), " % of ",
               short_number(static_cast<double>(*work.all)), "B");
  } else {
    text = cat(short_number(static_cast<double>(work.bytes)), "B read");
  }
  text += cat(", ", short_number(static_cast<double>(work.rows)), " rows");
  if (elapsed > Duration::zero())
    text += cat(", ", short_number(static_cast<double>(work.rows) / to_seconds(elapsed)), " rows/s");
  text += rest_text(work, elapsed);
  return style.width == 0 ? text : shorten(text, style.width - 1, style);
}

Progress::Progress(std::ostream& err, Style style, std::function<MonoTime()> now)
    : err_(err), style_(style), now_(std::move(now)), began_(now_()), drawn_at_(began_) {}

Progress::~Progress() { clear(); }

void Progress::show(const Work& work) {
  if (++calls_ < calls_between_looks && work.bytes == seen_bytes_) return;
  calls_ = 0;
  seen_bytes_ = work.bytes;
  MonoTime now = now_();
  if (now - drawn_at_ < between_drawings) return;
  drawn_at_ = now;
  std::string text = progress_text(work, now - began_, style_);
  std::size_t width = width_of(text);
  std::size_t over = shown_ > width ? shown_ - width : 0;
  err_ << '\r' << text << std::string(over, ' ') << std::flush;
  shown_ = width + over;
}

void Progress::clear() {
  if (shown_ == 0) return;
  err_ << '\r' << std::string(shown_, ' ') << '\r' << std::flush;
  shown_ = 0;
}

}  // namespace mien::app
