#include "edge/runtime/file_spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/codec.h"
#include "base/text.h"
#include "store/checksum.h"

namespace mien::edge {
namespace {

constexpr std::string_view magic = "MIENSPL2";
constexpr std::string_view magic_1 = "MIENSPL1";  // before requests had a door: all were metrics
constexpr std::string_view suffix = ".spool";
constexpr std::size_t head_size = 8;  // length and checksum, both little-endian 32 bits

Error io_error(std::string_view what, const std::string& path) {
  Code code = errno == ENOSPC || errno == EDQUOT ? Code::exhausted : Code::io;
  return {.code = code, .message = cat(what, ": ", std::strerror(errno)), .where = path, .cause = {}};
}

std::string framed(std::string_view bytes) {
  auto length = static_cast<std::uint32_t>(bytes.size());
  std::uint32_t checksum = store::crc32c(bytes);
  std::string out(head_size, '\0');
  std::memcpy(out.data(), &length, 4);
  std::memcpy(out.data() + 4, &checksum, 4);
  return out.append(bytes);
}

// A request as format 1 had it.
struct RequestOf1 {
  std::uint64_t number = 0;
  WallTime at;
  std::string body;
  static constexpr auto fields =
      std::tuple{field("number", &RequestOf1::number), field("at", &RequestOf1::at), field("body", &RequestOf1::body)};
};

Result<node::AgentRequest> parse_request(std::string_view record, bool format_1) {
  if (!format_1) return decode<node::AgentRequest>(record, "spooled request");
  RequestOf1 old = TRY(decode<RequestOf1>(record, "spooled request"));
  return node::AgentRequest{
      .number = old.number, .at = old.at, .body = std::move(old.body), .door = node::AgentDoor::metrics};
}

// The whole records of a segment's bytes; stops at the first torn or wrong one. `good` is how far they reach.
std::deque<node::AgentRequest> parse_segment(std::string_view bytes, std::size_t& good) {
  std::deque<node::AgentRequest> requests;
  good = 0;
  bool format_1 = bytes.starts_with(magic_1);
  if (!format_1 && !bytes.starts_with(magic)) return requests;
  good = magic.size();
  while (bytes.size() - good >= head_size) {
    std::uint32_t length = 0;
    std::uint32_t checksum = 0;
    std::memcpy(&length, bytes.data() + good, 4);
    std::memcpy(&checksum, bytes.data() + good + 4, 4);
    if (length > bytes.size() - good - head_size) break;
    std::string_view record = bytes.substr(good + head_size, length);
    if (store::crc32c(record) != checksum) break;
    Result<node::AgentRequest> request = parse_request(record, format_1);
    if (!request) break;
    requests.push_back(std::move(*request));
    good += head_size + length;
  }
  return requests;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return io_error("can not read the spool", path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("can not write the spool", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<FileSpool>> FileSpool::open(Options options) {
  std::error_code failed;
  std::filesystem::create_directories(options.directory, failed);
  if (failed)
    return Error{.code = Code::io,
                 .message = cat("can not make the spool's directory: ", failed.message()),
                 .where = options.directory,
                 .cause = {}};
  ::chmod(options.directory.c_str(), 0700);
  std::unique_ptr<FileSpool> spool{new FileSpool(std::move(options))};
  TRY(spool->scan());
  return spool;
}

FileSpool::~FileSpool() {
  if (tail_ >= 0) ::close(tail_);
}

std::string FileSpool::path_of(std::uint64_t number) const {
  std::string digits = std::to_string(number);
  return cat(options_.directory, "/", std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0'), digits, suffix);
}

Status FileSpool::scan() {
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory, failed)) {
    std::string name = entry.path().filename().string();
    if (!name.ends_with(suffix)) continue;
    auto number = parse_integer(std::string_view(name).substr(0, name.size() - suffix.size()));
    if (!number || *number <= 0) continue;
    std::string bytes = TRY(read_file(entry.path().string()));
    std::size_t good = 0;
    std::size_t requests = parse_segment(bytes, good).size();
    if (requests == 0) {
      ::unlink(entry.path().c_str());
      continue;
    }
    if (good < bytes.size() && ::truncate(entry.path().c_str(), static_cast<off_t>(good)) != 0)
      return io_error("can not cut off a torn record", entry.path().string());
    segments_.push_back({.number = static_cast<std::uint64_t>(*number), .bytes = good, .requests = requests});
    bytes_ += good;
  }
  std::sort(segments_.begin(), segments_.end(), [](const Segment& a, const Segment& b) { return a.number < b.number; });
  if (!segments_.empty()) next_segment_ = segments_.back().number + 1;
  return {};
}

Status FileSpool::begin_segment() {
  if (tail_ >= 0) ::close(tail_);
  std::uint64_t number = next_segment_++;
  std::string path = path_of(number);
  tail_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_EXCL, 0600);
  if (tail_ < 0) return io_error("can not begin a spool file", path);
  TRY(write_all(tail_, magic, path));
  segments_.push_back({.number = number, .bytes = magic.size(), .requests = 0});
  bytes_ += magic.size();
  return {};
}

// Drops oldest segments until `wanted` more bytes fit; returns how many requests that cost.
Result<std::uint64_t> FileSpool::make_room(std::uint64_t wanted) {
  std::uint64_t dropped = 0;
  while (segments_.size() > 1 && bytes_ + wanted > options_.limit.value) {
    dropped += head_loaded_ ? head_.size() : segments_.front().requests;
    TRY(remove_oldest());
  }
  return dropped;
}

Status FileSpool::remove_oldest() {
  const Segment& oldest = segments_.front();
  if (::unlink(path_of(oldest.number).c_str()) != 0 && errno != ENOENT)
    return io_error("can not remove a spool file", path_of(oldest.number));
  if (segments_.size() == 1 && tail_ >= 0) {
    ::close(tail_);
    tail_ = -1;
  }
  bytes_ -= oldest.bytes;
  segments_.pop_front();
  head_.clear();
  head_loaded_ = false;
  return {};
}

Result<std::uint64_t> FileSpool::put(const node::AgentRequest& request) {
  std::string bytes = framed(encode(request));
  std::uint64_t dropped = TRY(make_room(bytes.size()));
  if (tail_ < 0 || segments_.back().bytes >= options_.segment.value) TRY(begin_segment());
  std::string path = path_of(segments_.back().number);
  Status written = write_all(tail_, bytes, path);
  if (written && ::fdatasync(tail_) != 0) written = io_error("can not sync the spool", path);
  if (!written) {
    // Half a record must not stand between this and the next one.
    if (::ftruncate(tail_, static_cast<off_t>(segments_.back().bytes)) != 0) {
      ::close(tail_);
      tail_ = -1;
    }
    return written.error();
  }
  segments_.back().bytes += bytes.size();
  ++segments_.back().requests;
  bytes_ += bytes.size();
  if (segments_.size() == 1 && head_loaded_) head_.push_back(request);
  return dropped;
}

Status FileSpool::load_oldest() {
  if (head_loaded_ || segments_.empty()) return {};
  std::string bytes = TRY(read_file(path_of(segments_.front().number)));
  std::size_t good = 0;
  head_ = parse_segment(bytes, good);
  head_loaded_ = true;
  return {};
}

Result<std::optional<node::AgentRequest>> FileSpool::oldest() {
  for (;;) {
    if (segments_.empty()) return std::optional<node::AgentRequest>{};
    TRY(load_oldest());
    if (!head_.empty()) return std::optional<node::AgentRequest>{head_.front()};
    TRY(remove_oldest());
  }
}

Status FileSpool::drop(std::uint64_t number) {
  TRY(load_oldest());
  while (!head_.empty() && head_.front().number <= number) head_.pop_front();
  if (head_.empty() && !segments_.empty()) return remove_oldest();
  return {};
}

}  // namespace mien::edge
