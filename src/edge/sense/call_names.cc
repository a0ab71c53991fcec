#include "edge/sense/call_names.h"

#include <seccomp.h>

#include <cstdlib>
#include <memory>

#include "base/text.h"

namespace mien::edge {

std::string call_name(std::uint32_t number) {
  std::unique_ptr<char, void (*)(void*)> name(
      ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(number)), &std::free);
  return name ? std::string(name.get()) : cat("call-", number);
}

}  // namespace mien::edge
