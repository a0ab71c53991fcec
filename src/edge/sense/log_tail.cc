#include "edge/sense/log_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace mien::edge {

LogTail::LogTail(std::string path) : path_(std::move(path)) { open(true); }

LogTail::~LogTail() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void LogTail::open(bool at_end) {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
    return;
  }
  inode_ = info.st_ino;
  position_ = at_end ? static_cast<std::uint64_t>(info.st_size) : 0;
  begun_.clear();
}

void LogTail::read_rest(std::vector<std::string>& out) {
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0) return;
  auto size = static_cast<std::uint64_t>(info.st_size);
  if (size < position_) position_ = 0;  // cut short where it stands
  if (size - position_ > most_bytes) {
    passed_over_ += size - most_bytes - position_;
    position_ = size - most_bytes;
    begun_.assign(longest_line + 1, ' ');  // the first line is half a line: passed over as one that is too long
  }
  std::array<char, 8192> buffer{};
  while (position_ < size) {
    ssize_t n = ::pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(position_));
    if (n <= 0) return;
    position_ += static_cast<std::uint64_t>(n);
    for (char each : std::string_view(buffer.data(), static_cast<std::size_t>(n))) {
      if (each != '\n') {
        if (begun_.size() <= longest_line) begun_.push_back(each);
        continue;
      }
      if (!begun_.empty() && begun_.size() <= longest_line) out.push_back(std::move(begun_));
      begun_.clear();
    }
  }
}

std::vector<std::string> LogTail::lines() {
  std::vector<std::string> out;
  struct stat info {};
  if (descriptor_ >= 0) {
    read_rest(out);
    bool same = ::stat(path_.c_str(), &info) == 0 && info.st_ino == inode_;
    if (same) return out;
    ::close(descriptor_);
    descriptor_ = -1;
  }
  open(false);
  if (descriptor_ >= 0) read_rest(out);
  return out;
}

}  // namespace mien::edge
