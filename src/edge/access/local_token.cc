#include "edge/access/local_token.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "edge/http/url.h"
#include "edge/replace_file.h"

namespace mien::edge {
namespace {

constexpr std::size_t max_token_file = 1024;

Error failure(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

std::string file_in(const std::string& directory, std::uint16_t port) { return cat(directory, '/', port, ".token"); }

// Makes the directory, or makes sure that it is ours and that nobody else can put files there.
Status own_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
    return failure(Code::io, cat(directory, ": ", std::strerror(errno)));
  struct stat status {};
  if (::lstat(directory.c_str(), &status) != 0) return failure(Code::io, cat(directory, ": ", std::strerror(errno)));
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 022U) != 0)
    return failure(Code::refused, cat(directory, ": is not a directory that this user alone may write"));
  return {};
}

// Nothing when there is no such file.
Result<std::optional<std::string>> read_token(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::optional<std::string>{};
  if (descriptor < 0 && errno == EACCES)
    return failure(Code::refused, cat("the server's token ", path,
                                      " belongs to another user: run this as that user (sudo), or give --token-file"));
  if (descriptor < 0) return failure(Code::io, cat("cannot read ", path, ": ", std::strerror(errno)));
  struct stat status {};
  std::array<char, max_token_file> bytes{};
  ssize_t size = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)
                     ? ::read(descriptor, bytes.data(), bytes.size())
                     : -1;
  ::close(descriptor);
  if (size < 0) return failure(Code::io, cat("cannot read ", path));
  // root may use what a user's own server wrote; nobody else takes another one's word.
  if ((status.st_mode & 077U) != 0 || (status.st_uid != ::geteuid() && ::geteuid() != 0))
    return failure(Code::refused,
                   cat(path, " is not this user's alone (mode must be 600): remove it and restart the server"));
  return std::optional<std::string>(std::string(trim(std::string_view(bytes.data(), static_cast<std::size_t>(size)))));
}

}  // namespace

LocalTokenPlaces LocalTokenPlaces::of_this_process() {
  LocalTokenPlaces places;
  if (::geteuid() == 0) {
    places.directories.emplace_back("/run/mien");
  } else if (const char* runtime = ::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/') {
    places.directories.emplace_back(cat(runtime, "/mien"));
  }
  places.directories.push_back(cat("/tmp/mien-", ::geteuid()));
  return places;
}

Result<LocalToken> write_local_token(std::uint16_t port, const LocalTokenPlaces& places) {
  LocalToken made{.token = random_token(), .path = {}};
  std::string reasons;
  for (const std::string& directory : places.directories) {
    made.path = file_in(directory, port);
    Status written = own_directory(directory);
    if (written) written = replace_file(made.path, made.token + "\n");
    if (written) return made;
    reasons += cat(reasons.empty() ? "" : "; ", written.error().to_string());
  }
  return failure(Code::io, cat("nowhere to write the token for this machine's user (", reasons,
                               "): set XDG_RUNTIME_DIR to a directory of your own"));
}

void remove_local_token(const LocalToken& token) {
  auto present = read_token(token.path);
  if (present && *present && **present == token.token) ::unlink(token.path.c_str());
}

Result<std::optional<std::string>> find_local_token(const std::string& url, const LocalTokenPlaces& places) {
  ServerUrl server = TRY(parse_server_url(url));
  if (!is_loopback_host(server.host)) return std::optional<std::string>{};
  std::vector<std::string> directories = places.directories;
  // A server of root's is found by others too, to be told whose it is.
  if (::geteuid() != 0) directories.emplace_back("/run/mien");
  for (const std::string& directory : directories) {
    auto token = TRY(read_token(file_in(directory, server.port)));
    if (token) return token;
  }
  return std::optional<std::string>{};
}

}  // namespace mien::edge
