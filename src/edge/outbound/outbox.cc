#include "edge/outbound/outbox.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/codec.h"
#include "base/text.h"
#include "store/checksum.h"

namespace mien::edge {
namespace {

constexpr std::string_view magic = "MIENOBX1";
constexpr std::string_view suffix = ".outbox";
constexpr std::string_view mark_name = "taken";
constexpr std::size_t head_size = 16;  // number (64 bits), length and checksum (32 bits each), little-endian
constexpr std::size_t mark_size = 12;  // number and its checksum

Error io_error(std::string_view what, const std::string& path) {
  Code code = errno == ENOSPC || errno == EDQUOT ? Code::exhausted : Code::io;
  return {.code = code, .message = cat(what, ": ", std::strerror(errno)), .where = path, .cause = {}};
}

template <class T>
T read_number(std::string_view bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
void write_number(std::string& into, std::size_t at, T value) {
  std::memcpy(into.data() + at, &value, sizeof value);
}

std::string framed(std::uint64_t number, std::string_view bytes) {
  std::string out(head_size, '\0');
  write_number(out, 0, number);
  write_number(out, 8, static_cast<std::uint32_t>(bytes.size()));
  out.append(bytes);
  std::string_view numbered = std::string_view(out).substr(0, 12);
  write_number(out, 12, store::crc32c(bytes, store::crc32c(numbered)));
  return out;
}

struct Parsed {
  std::deque<Outbox::Numbered> letters;
  std::size_t good = 0;  // how far whole records reach
};

// Stops at the first torn or wrong record.
Parsed parse_segment(std::string_view bytes) {
  Parsed parsed;
  if (!bytes.starts_with(magic)) return parsed;
  parsed.good = magic.size();
  while (bytes.size() - parsed.good >= head_size) {
    std::string_view head = bytes.substr(parsed.good, head_size);
    auto length = read_number<std::uint32_t>(head, 8);
    if (length > bytes.size() - parsed.good - head_size) break;
    std::string_view record = bytes.substr(parsed.good + head_size, length);
    if (store::crc32c(record, store::crc32c(head.substr(0, 12))) != read_number<std::uint32_t>(head, 12)) break;
    Result<Letter> letter = decode<Letter>(record, "letter");
    auto number = read_number<std::uint64_t>(head, 0);
    if (!letter || (!parsed.letters.empty() && number != parsed.letters.back().number + 1)) break;
    parsed.letters.push_back({.number = number, .letter = std::move(*letter)});
    parsed.good += head_size + length;
  }
  return parsed;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return io_error("can not read the outbox", path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("can not write the outbox", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::open(Options options) {
  std::error_code failed;
  std::filesystem::create_directories(options.directory, failed);
  if (failed)
    return Error{.code = Code::io,
                 .message = cat("can not make the outbox's directory: ", failed.message()),
                 .where = options.directory,
                 .cause = {}};
  ::chmod(options.directory.c_str(), 0700);
  std::unique_ptr<Outbox> box{new Outbox(std::move(options))};
  Lock lock(box->mutex_);
  TRY(box->scan());
  TRY(box->read_mark());
  return box;
}

Outbox::~Outbox() {
  Lock lock(mutex_);
  if (tail_ >= 0) ::close(tail_);
  if (mark_ >= 0) ::close(mark_);
}

std::string Outbox::path_of(std::uint64_t first) const {
  std::string digits = std::to_string(first);
  return cat(options_.directory, "/", std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0'), digits, suffix);
}

Status Outbox::scan() {
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory, failed)) {
    std::string name = entry.path().filename().string();
    if (!name.ends_with(suffix)) continue;
    std::string bytes = TRY(read_file(entry.path().string()));
    Parsed parsed = parse_segment(bytes);
    if (parsed.letters.empty()) {
      ::unlink(entry.path().c_str());
      continue;
    }
    if (parsed.good < bytes.size() && ::truncate(entry.path().c_str(), static_cast<off_t>(parsed.good)) != 0)
      return io_error("can not cut off a torn letter", entry.path().string());
    segments_.push_back(
        {.first = parsed.letters.front().number, .next = parsed.letters.back().number + 1, .bytes = parsed.good});
    bytes_ += parsed.good;
  }
  std::sort(segments_.begin(), segments_.end(), [](const Segment& a, const Segment& b) { return a.first < b.first; });
  if (!segments_.empty()) next_ = segments_.back().next;
  return {};
}

// A mark that is torn or damaged says nothing: what is in the files is offered once more.
Status Outbox::read_mark() {
  std::string path = cat(options_.directory, "/", mark_name);
  mark_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (mark_ < 0) return io_error("can not open the outbox's mark", path);
  std::array<char, mark_size> bytes{};
  std::uint64_t marked = 0;
  if (::pread(mark_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(mark_size)) {
    std::string_view view(bytes.data(), bytes.size());
    if (store::crc32c(view.substr(0, 8)) == read_number<std::uint32_t>(view, 8))
      marked = read_number<std::uint64_t>(view, 0);
  }
  taken_ = segments_.empty() ? marked : std::max(marked, segments_.front().first - 1);
  next_ = std::max(next_, taken_ + 1);
  return drop_taken_segments();
}

// Not synced: kill -9 does not lose it, and after a power cut some letters leave twice under the same name.
Status Outbox::write_mark() {
  std::string bytes(mark_size, '\0');
  write_number(bytes, 0, taken_);
  write_number(bytes, 8, store::crc32c(std::string_view(bytes).substr(0, 8)));
  if (::pwrite(mark_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(mark_size))
    return io_error("can not write the outbox's mark", cat(options_.directory, "/", mark_name));
  return {};
}

Status Outbox::begin_segment() {
  if (tail_ >= 0) ::close(tail_);
  std::string path = path_of(next_);
  tail_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_EXCL, 0600);
  if (tail_ < 0) return io_error("can not begin an outbox file", path);
  if (Status begun = write_all(tail_, magic, path); !begun) {
    ::close(std::exchange(tail_, -1));
    ::unlink(path.c_str());
    return begun;
  }
  segments_.push_back({.first = next_, .next = next_, .bytes = magic.size()});
  bytes_ += magic.size();
  return drop_taken_segments();
}

Status Outbox::remove_oldest() {
  const Segment& oldest = segments_.front();
  if (::unlink(path_of(oldest.first).c_str()) != 0 && errno != ENOENT)
    return io_error("can not remove an outbox file", path_of(oldest.first));
  bytes_ -= oldest.bytes;
  if (head_first_ == oldest.first) head_.clear();
  segments_.pop_front();
  return {};
}

Status Outbox::drop_taken_segments() {
  while (segments_.size() > 1 && segments_.front().next <= taken_ + 1) TRY(remove_oldest());
  return {};
}

Status Outbox::make_room(std::uint64_t wanted) {
  while (segments_.size() > 1 && bytes_ + wanted > options_.limit.value) {
    std::uint64_t end = segments_.front().next;
    if (end > taken_ + 1) {
      shed_ += end - 1 - taken_;
      taken_ = end - 1;
      TRY(write_mark());
    }
    TRY(remove_oldest());
  }
  return {};
}

Status Outbox::put(const Letter& letter) {
  Lock lock(mutex_);
  std::string encoded = encode(letter);
  if (encoded.size() > largest_letter) {
    ++shed_;
    return Error{.code = Code::exhausted,
                 .message = cat("a letter of ", encoded.size(), " bytes is too large for the outbox"),
                 .where = options_.directory,
                 .cause = {}};
  }
  std::string bytes = framed(next_, encoded);
  TRY(make_room(bytes.size()));
  if (tail_ < 0 || segments_.back().bytes >= options_.segment.value) TRY(begin_segment());
  std::string path = path_of(segments_.back().first);
  Status written = write_all(tail_, bytes, path);
  if (written && options_.sync && ::fdatasync(tail_) != 0) written = io_error("can not sync the outbox", path);
  if (!written) {
    // Half a letter must not stand between this and the next one.
    if (::ftruncate(tail_, static_cast<off_t>(segments_.back().bytes)) != 0) {
      ::close(tail_);
      tail_ = -1;
    }
    return written.error();
  }
  segments_.back().bytes += bytes.size();
  segments_.back().next = next_ + 1;
  bytes_ += bytes.size();
  if (head_first_ == segments_.back().first) head_.push_back({.number = next_, .letter = letter});
  ++next_;
  return {};
}

Result<std::optional<Outbox::Numbered>> Outbox::oldest() {
  Lock lock(mutex_);
  for (const Segment& segment : segments_) {
    if (segment.next <= taken_ + 1) continue;
    if (head_first_ != segment.first) {
      std::string bytes = TRY(read_file(path_of(segment.first)));
      head_ = parse_segment(bytes).letters;
      head_first_ = segment.first;
    }
    while (!head_.empty() && head_.front().number <= taken_) head_.pop_front();
    if (!head_.empty()) return std::optional<Numbered>{head_.front()};
    // The file lost letters that it had: go on after them, and say so by counting.
    shed_ += segment.next - 1 - taken_;
    taken_ = segment.next - 1;
  }
  return std::optional<Numbered>{};
}

Status Outbox::taken(std::uint64_t number) {
  Lock lock(mutex_);
  if (number <= taken_ || number >= next_) return {};
  taken_ = number;
  TRY(write_mark());
  return drop_taken_segments();
}

Status Outbox::each_kept(const std::function<void(const Letter&)>& visit) {
  Lock lock(mutex_);
  for (const Segment& segment : segments_) {
    std::string bytes = TRY(read_file(path_of(segment.first)));
    for (const Numbered& each : parse_segment(bytes).letters) visit(each.letter);
  }
  return {};
}

std::uint64_t Outbox::waiting() const {
  Lock lock(mutex_);
  return next_ - 1 - taken_;
}

std::uint64_t Outbox::shed() const {
  Lock lock(mutex_);
  return shed_;
}

Bytes Outbox::bytes() const {
  Lock lock(mutex_);
  return Bytes{bytes_};
}

}  // namespace mien::edge
