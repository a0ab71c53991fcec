// One outgoing connection, TCP, TLS or unix socket, with a deadline on every wait. Used by the client only.
//
// Not thread-safe, except that `cancel` (an eventfd that becomes readable) ends every wait. No signal is ever raised:
// writes carry MSG_NOSIGNAL, under TLS too.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "edge/http/http.h"

namespace mien::edge::detail {

class Connection {
 public:
  // Errors: unavailable (nobody there), refused (TLS says no: the message says why and what to do), invalid (url).
  static Result<std::unique_ptr<Connection>> open(const HttpTarget& target, int cancel, MonoTime deadline);
  virtual ~Connection() = default;
  // Sends all, unless something can be read meanwhile: an early answer ends the sending. `sent` says how much left.
  virtual Status send(std::string_view bytes, MonoTime deadline, std::size_t& sent) = 0;
  // At least one byte, or 0 at the orderly end.
  virtual Result<std::size_t> receive(char* into, std::size_t size, MonoTime deadline) = 0;
  // Whether an idle connection can be used again: nothing unread, not closed by the other side.
  virtual bool is_fresh() = 0;
};

}  // namespace mien::edge::detail
