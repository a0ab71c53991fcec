#include "model/security_fact.h"

#include <array>

namespace mien::model {

std::string_view to_text(FactKind kind) {
  static constexpr std::array<std::string_view, fact_kinds> names{
      "execution",     "listener",    "connection",  "write", "sensitive_read", "privilege",
      "kernel_module", "bpf_program", "system_call", "login", "sudo",           "package"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace mien::model
