#include "edge/files/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/text.h"

namespace mien::edge {
namespace {

constexpr std::size_t gathered = 65'536;

Error failure(std::string_view doing, const std::string& path) {
  int number = errno;
  return Error{.code = number == ENOSPC || number == EDQUOT ? Code::exhausted
                       : number == ENOENT                   ? Code::not_found
                                                            : Code::io,
               .message = cat("can not be ", doing, ": ", std::strerror(number)),
               .where = path,
               .cause = {}};
}

}  // namespace

Result<OutputFile> OutputFile::open(const std::string& path) {
  OutputFile file;
  file.path_ = file.target_ = path;
  struct stat before {};
  bool exists = ::stat(path.c_str(), &before) == 0;
  if (exists && !S_ISREG(before.st_mode)) {
    file.fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file.fd_ < 0) return failure("opened for writing", path);
    return file;
  }
  std::error_code unresolved;
  if (exists) file.target_ = std::filesystem::canonical(path, unresolved).string();
  if (unresolved) file.target_ = path;
  std::string unfinished = file.target_ + ".new";
  ::unlink(unfinished.c_str());
  file.fd_ = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (file.fd_ < 0) return failure("opened for writing", path);
  file.unfinished_ = unfinished;
  if (exists && ::fchmod(file.fd_, before.st_mode & 07777) != 0) return failure("opened for writing", path);
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      unfinished_(std::exchange(other.unfinished_, {})),
      buffer_(std::move(other.buffer_)) {}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!unfinished_.empty()) ::unlink(unfinished_.c_str());
}

Status OutputFile::write(std::string_view bytes) {
  buffer_ += bytes;
  return buffer_.size() < gathered ? Status{} : flush();
}

Status OutputFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("written to its end", path_);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  buffer_.clear();
  return {};
}

Status OutputFile::finish() {
  if (fd_ < 0) return {};
  TRY(flush());
  if (::close(std::exchange(fd_, -1)) != 0) return failure("written to its end", path_);
  return {};
}

Status OutputFile::commit() {
  TRY(finish());
  if (unfinished_.empty()) return {};
  if (::rename(unfinished_.c_str(), target_.c_str()) != 0) return failure("put in place", path_);
  unfinished_.clear();
  return {};
}

}  // namespace mien::edge
