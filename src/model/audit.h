// One line of the record that can not be quietly edited. The hash chain over these is made by store/audit.h.
#pragma once

#include <cstdint>
#include <string>

#include "base/fields.h"
#include "base/time.h"

namespace mien::model {

struct AuditEvent {
  WallTime at;
  std::string actor;    // who: "admin (token cli)", "agent web-01", "mien"
  std::string verb;     // what: "resource.applied", "finding.opened", "epoch.started", ...
  std::string subject;  // to what: "Persona/web-frontend", "Finding/f-12-1"
  std::string cause;    // the log position or id that brought it about: "log/4711"
  std::string detail;   // one sentence for people; no secrets, no personal fields

  friend bool operator==(const AuditEvent&, const AuditEvent&) = default;
  static constexpr auto fields = std::tuple{field("at", &AuditEvent::at),       field("actor", &AuditEvent::actor),
                                            field("verb", &AuditEvent::verb),   field("subject", &AuditEvent::subject),
                                            field("cause", &AuditEvent::cause), field("detail", &AuditEvent::detail)};
};

}  // namespace mien::model
