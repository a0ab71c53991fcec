#include "edge/replace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.h"

namespace mien::edge {
namespace {

Error failure(std::string_view doing, const std::string& path) {
  int number = errno;
  return Error{.code = number == ENOSPC || number == EDQUOT ? Code::exhausted
                       : number == ENOENT                   ? Code::not_found
                                                            : Code::io,
               .message = cat("cannot ", doing, ": ", std::strerror(number)),
               .where = path,
               .cause = {}};
}

Status write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return failure("sync", path);
  return {};
}

Status sync_directory_of(const std::string& path) {
  std::filesystem::path parent = std::filesystem::path(path).parent_path();
  int directory = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return failure("open the directory of", path);
  Status status = ::fsync(directory) == 0 ? Status{} : Status{failure("sync the directory of", path)};
  ::close(directory);
  return status;
}

}  // namespace

Status replace_file(const std::string& path, std::string_view bytes) {
  std::string unfinished = path + ".new";
  ::unlink(unfinished.c_str());
  int fd = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failure("write", path);
  Status written = write_all(fd, bytes, path);
  ::close(fd);
  if (written && ::rename(unfinished.c_str(), path.c_str()) != 0) written = failure("rename to", path);
  if (!written) {
    ::unlink(unfinished.c_str());
    return written;
  }
  return sync_directory_of(path);
}

}  // namespace mien::edge
