#include "edge/confine/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/text.h"

namespace mien::edge::detail {
namespace {

// Numbers are the same on every architecture. From linux/landlock.h, versions 1 to 6.
constexpr long sys_create_ruleset = 444;
constexpr long sys_add_rule = 445;
constexpr long sys_restrict_self = 446;
constexpr unsigned create_ruleset_version = 1U << 0U;
constexpr int rule_path_beneath = 1;

constexpr std::uint64_t right_execute = 1U << 0U;
constexpr std::uint64_t right_write_file = 1U << 1U;
constexpr std::uint64_t right_read_file = 1U << 2U;
constexpr std::uint64_t right_read_dir = 1U << 3U;
constexpr std::uint64_t rights_version_1 = (1U << 13U) - 1;  // all of version 1, making and removing included
constexpr std::uint64_t right_refer = 1U << 13U;             // version 2
constexpr std::uint64_t right_truncate = 1U << 14U;          // version 3
constexpr std::uint64_t right_ioctl_device = 1U << 15U;      // version 5
constexpr std::uint64_t scope_abstract_socket = 1U << 0U;    // version 6
constexpr std::uint64_t scope_signal = 1U << 1U;

struct Ruleset {
  std::uint64_t handled_files;
  std::uint64_t handled_network;  // version 4: not used, a manager may be asked to call webhooks anywhere
  std::uint64_t scoped;
};

struct __attribute__((packed)) PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};

Error failure(std::string message) {
  return Error{.code = Code::io, .message = std::move(message), .where = {}, .cause = {}};
}

std::uint64_t rights_of(int version) {
  std::uint64_t rights = rights_version_1;
  if (version >= 2) rights |= right_refer;
  if (version >= 3) rights |= right_truncate;
  if (version >= 5) rights |= right_ioctl_device;
  return rights;
}

Status allow(int ruleset, const std::string& path, std::uint64_t rights) {
  int parent = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (parent < 0 && (errno == ENOENT || errno == EACCES || errno == ENOTDIR)) return {};
  if (parent < 0) return failure(cat("cannot open ", path, ": ", std::strerror(errno)));
  struct stat status {};
  ::fstat(parent, &status);
  if (!S_ISDIR(status.st_mode)) rights &= right_write_file | right_read_file | right_truncate;
  PathBeneath rule{rights, parent};
  long added = ::syscall(sys_add_rule, ruleset, rule_path_beneath, &rule, 0);
  int number = errno;
  ::close(parent);
  if (added != 0) return failure(cat("Landlock took no rule for ", path, ": ", std::strerror(number)));
  return {};
}

}  // namespace

int landlock_abi() {
  long version = ::syscall(sys_create_ruleset, nullptr, 0, create_ruleset_version);
  return version < 0 ? 0 : static_cast<int>(version);
}

Status landlock_restrict(const std::vector<std::string>& read_paths, const std::vector<std::string>& write_paths) {
  int version = landlock_abi();
  std::uint64_t all = rights_of(version);
  Ruleset attributes{all, 0, version >= 6 ? scope_abstract_socket | scope_signal : 0};
  std::size_t size = version >= 6 ? sizeof(Ruleset) : version >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
  int ruleset = static_cast<int>(::syscall(sys_create_ruleset, &attributes, size, 0));
  if (ruleset < 0) return failure(cat("Landlock made no ruleset: ", std::strerror(errno)));
  Status good;
  for (const std::string& path : read_paths)
    if (good) good = allow(ruleset, path, right_read_file | right_read_dir);
  for (const std::string& path : write_paths)
    if (good) good = allow(ruleset, path, all & ~(right_execute | right_ioctl_device));
  if (good && ::syscall(sys_restrict_self, ruleset, 0) != 0)
    good = failure(cat("Landlock did not take effect: ", std::strerror(errno)));
  ::close(ruleset);
  return good;
}

}  // namespace mien::edge::detail
