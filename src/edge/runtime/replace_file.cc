#include "edge/runtime/replace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace mien::edge {

Status replace_file(const std::string& path, std::string_view bytes) {
  auto failure = [&](int number) {
    return Error{.code = number == ENOSPC || number == EDQUOT ? Code::exhausted : Code::io,
                 .message = cat("can not write: ", std::strerror(number)),
                 .where = path,
                 .cause = {}};
  };
  std::string next = path + ".new";
  int fd = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failure(errno);
  std::string_view rest = bytes;
  while (!rest.empty()) {
    ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  bool synced = rest.empty() && ::fsync(fd) == 0;
  int number = errno;
  ::close(fd);
  if (!synced) return failure(number);
  if (::rename(next.c_str(), path.c_str()) != 0) return failure(errno);
  return {};
}

}  // namespace mien::edge
