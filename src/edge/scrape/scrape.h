// Asks exporters for their metrics, as Prometheus does: targets from the settings and from files in Prometheus' file_sd
// format, each at its own interval. What they answer enters as remote-write does (wire/prometheus.h), with the target's
// address as the label `instance`; a target that does not answer has its series ended, so that it is silent at once.
//
// Ownership: the port and the door must outlive the scraper. Threads: four of its own; a target is asked by one at a
// time, and one that hangs keeps one of them for `timeout` at most. Errors: of a target, reported when it begins to
// fail and when it answers again; counted always. Bounded: max_targets; an answer by its limits.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "edge/prometheus_door.h"
#include "node/manager_port.h"

namespace mien::edge {

struct ScrapeJob {
  std::string name{};                  // becomes the label `job`
  std::vector<std::string> targets{};  // "web-01:9100"
  std::vector<std::string> files{};    // file_sd: [{"targets": [...], "labels": {...}}], JSON or YAML
  Duration interval = std::chrono::seconds{15};
  Duration timeout = std::chrono::seconds{10};  // at most the interval
  std::string path = "/metrics";
  bool tls = false;
  std::string ca_file{};     // of https: the only authority that is believed
  std::string token_file{};  // read at each request: Authorization: Bearer
  std::map<std::string, std::string> labels{};
  friend bool operator==(const ScrapeJob&, const ScrapeJob&) = default;
};

struct ScrapeTarget {
  std::string address;
  std::map<std::string, std::string> labels;
  friend bool operator==(const ScrapeTarget&, const ScrapeTarget&) = default;
};

// The text of one file_sd file. Errors: invalid, with file and what is wrong.
[[nodiscard]] Result<std::vector<ScrapeTarget>> parse_target_file(std::string_view text, std::string_view file);

struct ScraperOptions {
  std::vector<ScrapeJob> jobs;
  wire::PrometheusRules rules;
  node::ManagerPort* port = nullptr;
  std::shared_ptr<PrometheusDoor> door;
  std::function<WallTime()> now;
  std::function<void(std::string_view)> report;  // one line for the log; from any thread
};

class Scraper {
 public:
  static constexpr std::size_t max_targets = 4'096;
  static constexpr Duration look_at_files_every = std::chrono::seconds{10};

  explicit Scraper(ScraperOptions options);
  ~Scraper();  // what is under way is broken off
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mien::edge
