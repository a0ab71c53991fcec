// The data directory's names, and the lock that makes one manager its only owner.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "edge/sqlite/database.h"
#include "edge/sqlite/sqlite.h"

namespace mien::edge {

DataPaths::DataPaths(std::string data_directory)
    : directory(std::move(data_directory)),
      lock(directory + "/lock"),
      ledger(directory + "/ledger.sqlite"),
      log(directory + "/log"),
      history(directory + "/history.sqlite"),
      keys(directory + "/keys") {}

// flock, because it ends with the process however that ends, and is not lost when some other descriptor of the file
// closes.
Result<DataLock> DataLock::take(const std::string& directory) {
  TRY(make_directories(directory));
  const std::string path = DataPaths(directory).lock;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return system_error(errno, "open", path);
  DataLock lock{fd};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error(errno, "lock", path);
    std::array<char, 32> text{};
    const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
    const std::string_view holder = trim(std::string_view(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0));
    return Error{
        .code = Code::conflict,
        .message = cat("another Mien", holder.empty() ? "" : cat(" (process ", holder, ")"),
                       " is using this data directory: stop it first, or give this one its own with `--data DIR`"),
        .where = directory,
        .cause = {}};
  }
  const std::string pid = cat(::getpid(), "\n");
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    // Only a convenience for the message above: a full disk is no reason not to start.
  }
  return lock;
}

DataLock::DataLock(DataLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
DataLock& DataLock::operator=(DataLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
DataLock::~DataLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace mien::edge
