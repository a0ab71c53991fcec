#include "edge/sense/log_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace mien::edge {

LogTail::LogTail(std::string path) : path_(std::move(path)) { open(true); }

LogTail::~LogTail() {
  close(now_);
  close(former_);
}

void LogTail::close(File& file) {
  if (file.descriptor >= 0) ::close(file.descriptor);
  file = {};
}

void LogTail::open(bool at_end) {
  now_ = {};
  now_.descriptor = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  error_ = now_.descriptor < 0 ? errno : 0;
  struct stat info {};
  if (now_.descriptor < 0) return;
  if (::fstat(now_.descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    error_ = EINVAL;
    return close(now_);
  }
  now_.device = info.st_dev;
  now_.inode = info.st_ino;
  if (!at_end) return;
  now_.position = static_cast<std::uint64_t>(info.st_size);
  std::array<char, remembered> bytes{};
  std::uint64_t from = now_.position > remembered ? now_.position - remembered : 0;
  ssize_t n = ::pread(now_.descriptor, bytes.data(), bytes.size(), static_cast<off_t>(from));
  if (n > 0 && from + static_cast<std::uint64_t>(n) == now_.position)
    now_.last.assign(bytes.data(), static_cast<std::size_t>(n));
}

bool LogTail::goes_on(const File& file) {
  std::array<char, remembered> bytes{};
  auto from = static_cast<off_t>(file.position - file.last.size());
  ssize_t n = ::pread(file.descriptor, bytes.data(), file.last.size(), from);
  return n == static_cast<ssize_t>(file.last.size()) && std::string_view(bytes.data(), file.last.size()) == file.last;
}

void LogTail::read_rest(File& file, std::vector<std::string>& out) {
  struct stat info {};
  if (::fstat(file.descriptor, &info) != 0) return;
  auto size = static_cast<std::uint64_t>(info.st_size);
  if (size == file.position) return;
  if (size < file.position || !goes_on(file)) {
    file.position = 0;
    file.begun.clear();
    file.last.clear();
  }
  if (size - file.position > most_bytes) {
    passed_over_ += size - most_bytes - file.position;
    file.position = size - most_bytes;
    file.begun.assign(longest_line + 1, ' ');  // the first line is half a line: passed over as one that is too long
  }
  std::array<char, 8192> buffer{};
  while (file.position < size) {
    ssize_t n = ::pread(file.descriptor, buffer.data(), buffer.size(), static_cast<off_t>(file.position));
    if (n <= 0) return;
    file.position += static_cast<std::uint64_t>(n);
    std::string_view text(buffer.data(), static_cast<std::size_t>(n));
    file.last += text.substr(text.size() > remembered ? text.size() - remembered : 0);
    if (file.last.size() > remembered) file.last.erase(0, file.last.size() - remembered);
    for (char each : text) {
      if (each != '\n') {
        if (file.begun.size() <= longest_line) file.begun.push_back(each);
        continue;
      }
      if (!file.begun.empty() && file.begun.size() <= longest_line) out.push_back(std::move(file.begun));
      file.begun.clear();
    }
  }
}

bool LogTail::stands() const {
  struct stat info {};
  return ::stat(path_.c_str(), &info) == 0 && info.st_ino == now_.inode && info.st_dev == now_.device;
}

std::vector<std::string> LogTail::lines() {
  std::vector<std::string> out;
  if (now_.descriptor >= 0 && !stands()) {
    if (former_.descriptor >= 0) read_rest(former_, out);
    close(former_);
    former_ = std::exchange(now_, {});
  }
  if (now_.descriptor < 0) open(false);
  if (former_.descriptor >= 0) {
    // Asked before the old file is read: what is written there after that is written by one who was not told yet.
    struct stat info {};
    bool told = now_.descriptor >= 0 && ::fstat(now_.descriptor, &info) == 0 && info.st_size > 0;
    read_rest(former_, out);
    if (told || ::fstat(former_.descriptor, &info) != 0 || info.st_nlink == 0) close(former_);
  }
  if (now_.descriptor >= 0) read_rest(now_, out);
  return out;
}

}  // namespace mien::edge
