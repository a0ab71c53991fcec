// What /etc/mien/mien.yaml says of a manager. Unknown keys are errors with a suggestion; command line options win.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/settings_outbound.h"
#include "base/quantity.h"
#include "base/result.h"
#include "base/time.h"
#include "edge/http/url.h"
#include "edge/scrape/scrape.h"
#include "wire/prometheus.h"

namespace mien::app {

struct ManagerSettings {
  std::string listen = "127.0.0.1:7070";  // HOST:PORT; port 0: any free one
  std::string data = "/var/lib/mien";
  std::vector<std::string> names;  // further names and addresses for the server's certificate
  Bytes store_limit{2ULL << 30U};
  Duration retention = std::chrono::hours{48};  // of the log, and with it of exact replay
  wire::PrometheusRules prometheus;             // which label names an instance
  std::vector<edge::ScrapeJob> scrape;
  OutboundSettings outbound;
};

// More than these is a slip of the hand.
inline constexpr Bytes largest_store{1'000'000'000'000'000};
inline constexpr Duration longest_retention = std::chrono::hours{24 * 366};

inline constexpr std::string_view default_settings_file = "/etc/mien/mien.yaml";

// "127.0.0.1:7070", "[::]:7070", "localhost:7070": an address of this machine. Names are refused: what they mean would
// only show at start, and may change.
[[nodiscard]] Result<edge::HostPort> parse_listen(std::string_view text);

// Errors: invalid, with file, line or key, and what to write instead.
[[nodiscard]] Result<ManagerSettings> parse_settings(std::string_view text, std::string_view file);
// The file, or the defaults where the default file does not exist.
[[nodiscard]] Result<ManagerSettings> load_settings(const std::string& file);

}  // namespace mien::app
