// The token of the machine's own user: written by a starting manager, found by the CLI of the same user.
//
// In /run/mien/PORT.token for root, $XDG_RUNTIME_DIR/mien/PORT.token otherwise, and /tmp/mien-UID/PORT.token where
// neither can be written. The file is 0600 in a directory that nobody else can write; a place that others could have
// prepared is refused. The token leaves this machine never: it is looked for only when the server's URL names a
// loopback address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace mien::edge {

// Directories that may hold tokens, best first.
struct LocalTokenPlaces {
  std::vector<std::string> directories{};
  static LocalTokenPlaces of_this_process();
};

struct LocalToken {
  std::string token;  // 256 random bits in hex; only its sha256_hex is kept by the server
  std::string path;
};

// Makes a token for the listener on `port` and writes it to the first place that takes it. Errors: io, naming all
// places.
Result<LocalToken> write_local_token(std::uint16_t port,
                                     const LocalTokenPlaces& places = LocalTokenPlaces::of_this_process());
// Removes it, if the file still holds this token.
void remove_local_token(const LocalToken& token);
// The token for a server by its URL: nothing when the URL is not loopback or no manager wrote one. Errors: refused (it
// is another user's: says what to do).
Result<std::optional<std::string>> find_local_token(
    const std::string& url, const LocalTokenPlaces& places = LocalTokenPlaces::of_this_process());

}  // namespace mien::edge
