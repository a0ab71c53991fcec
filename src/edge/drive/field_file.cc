#include "edge/drive/field_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/text.h"
#include "edge/drive/request.h"

namespace mien::edge {
namespace {

constexpr std::size_t most_bytes = 65536;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

Error failed(int error, std::string_view root, std::string_view relative) {
  Code code = Code::io;
  if (error == ENOENT || error == ENODEV || error == ENOTDIR) code = Code::not_found;
  if (error == EACCES || error == EPERM || error == EROFS || error == ELOOP) code = Code::refused;
  return drive_error(code, std::strerror(error), cat(root, '/', relative));
}

// The root itself may be a link (cgroup version 1 has cpu -> cpu,cpuacct); below it none is followed.
Result<Descriptor> open_below(const std::string& root, std::string_view relative, int flags) {
  Descriptor at(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (at.number() < 0) return failed(errno, root, relative);
  std::vector<std::string_view> parts = split(relative, '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty() || parts[i] == "." || parts[i] == "..")
      return drive_error(Code::refused, "a path that leads elsewhere is never taken", cat(root, '/', relative));
    bool last = i + 1 == parts.size();
    int how = (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC;
    Descriptor next(::openat(at.number(), std::string(parts[i]).c_str(), how));
    if (next.number() < 0) return failed(errno, root, relative);
    at = std::move(next);
  }
  return at;
}

}  // namespace

Result<std::string> read_field_file(const std::string& root, std::string_view relative) {
  Descriptor file = TRY(open_below(root, relative, O_RDONLY));
  std::string text;
  std::array<char, 4096> buffer{};
  while (text.size() < most_bytes) {
    ssize_t got = ::read(file.number(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(errno, root, relative);
    if (got == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return std::string(trim(text));
}

Status write_field_file(const std::string& root, std::string_view relative, std::string_view value) {
  Descriptor file = TRY(open_below(root, relative, O_WRONLY | O_TRUNC));
  std::string line = cat(value, '\n');
  ssize_t put = 0;
  do put = ::write(file.number(), line.data(), line.size());
  while (put < 0 && errno == EINTR);
  if (put < 0) {
    Error error = failed(errno, root, relative);
    error.message = cat("writing `", value, "`: ", error.message);
    return error;
  }
  if (static_cast<std::size_t>(put) != line.size())
    return drive_error(Code::unknown, "the kernel took only a part of it", cat(root, '/', relative));
  return {};
}

Result<std::uint64_t> inode_of(const std::string& root, std::string_view relative) {
  Descriptor at = TRY(open_below(root, relative, O_PATH));
  struct stat info {};
  if (::fstat(at.number(), &info) != 0) return failed(errno, root, relative);
  return static_cast<std::uint64_t>(info.st_ino);
}

bool is_there(const std::string& root, std::string_view relative) {
  return !root.empty() && open_below(root, relative, O_PATH).ok();
}

}  // namespace mien::edge
