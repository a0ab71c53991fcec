// The parts of mien.yaml that say who is told: `notify`, `alertmanager`, `webhooks`, `remote_write`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "edge/outbound/alertmanager.h"
#include "edge/outbound/remote_writer.h"
#include "edge/outbound/webhooks.h"
#include "model/value.h"

namespace mien::app {

struct AlertmanagerSettings {
  std::vector<edge::DestinationOptions> members;
  std::map<std::string, std::string> labels;
  Duration resend = std::chrono::minutes{1};
};

struct OutboundSettings {
  std::optional<edge::NotifyLimit> notify;  // of the fleet
  AlertmanagerSettings alertmanager;
  std::vector<edge::WebhookOptions> webhooks;
  std::vector<edge::RemoteWriteOptions> remote_write;
  // Every file that is read while the manager runs.
  [[nodiscard]] std::vector<std::string> files() const;
};

// Errors: invalid, with what to write instead.
[[nodiscard]] Result<edge::NotifyLimit> notify_of(const model::Value& value);
[[nodiscard]] Result<AlertmanagerSettings> alertmanager_of(const model::Value& value);
[[nodiscard]] Result<std::vector<edge::WebhookOptions>> webhooks_of(const model::Value& value);
[[nodiscard]] Result<std::vector<edge::RemoteWriteOptions>> remote_write_of(const model::Value& value);
// What --check-config looks at beyond the text: secrets that are there and nobody else's to read.
[[nodiscard]] Status check_secrets(const OutboundSettings& settings);

}  // namespace mien::app
