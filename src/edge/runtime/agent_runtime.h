// An agent in this process: collectors and sensors once a second, the agent machine, the spool, and the way to the
// manager.
//
// Threads: one ticks and owns machine, spool and collectors; one uploads; one holds the long poll for directives.
// An agent without its manager goes on collecting, spools, and tries again with jittered back-off. Orders go from the
// long poll to the lease runtime at once, and it reports by itself.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "edge/collect/collect.h"
#include "edge/guests/guests.h"
#include "edge/http/http.h"
#include "edge/mutex.h"
#include "edge/runtime/budget.h"
#include "edge/runtime/file_spool.h"
#include "edge/runtime/lease_runtime.h"
#include "edge/sense/sense.h"
#include "node/agent_driver.h"

namespace mien::edge {

struct AgentRuntimeOptions {
  HttpTarget manager;
  std::string token;      // bearer; empty over a unix socket, where the peer's uid speaks
  std::string directory;  // spool and the number of starts; 0700
  CollectOptions collect;
  SenseSettings sense{};
  BudgetSettings budget{};
  ActingOptions acting{};  // what may be done to this machine; its hand: none, then orders are not obeyed
  Duration interval = 1s;
  std::function<void(std::string_view)> report;  // one line for the log; from any thread
};

class AgentRuntime {
 public:
  // Errors: io (directory), what HostCollector::open and LeaseRuntime::start say. An unreachable manager is no error:
  // it may come later.
  static Result<std::unique_ptr<AgentRuntime>> start(AgentRuntimeOptions options);
  ~AgentRuntime();
  void stop();

 private:
  AgentRuntime(AgentRuntimeOptions options, std::unique_ptr<HostCollector> collector, std::unique_ptr<FileSpool> spool,
               std::uint64_t epoch);
  void tick_loop();
  void upload_loop();
  void directive_loop();
  void tick(MonoTime mono);
  void add_own_counters();
  void keep_budget(MonoTime mono);
  void hand_back(MonoTime mono);
  void report_problems();
  void report_sensors();
  Status start_leases();
  Status post_reports(const wire::AgentReports& reports);
  [[nodiscard]] Result<std::uint64_t> keep_directives(std::string_view body);
  [[nodiscard]] node::UploadAnswered upload(HttpClient& client, const node::AgentRequest& request) const;
  void authorise(HttpRequest& request) const;
  bool pause(Duration time);

  AgentRuntimeOptions options_;
  std::unique_ptr<HostCollector> collector_;
  std::unique_ptr<Senses> senses_;
  std::unique_ptr<Guests> guests_;
  std::vector<model::InstanceReadings> sensed_;
  Budget budget_;
  std::optional<MonoTime> hand_back_at_;
  std::unique_ptr<FileSpool> spool_;
  node::AgentDriver driver_;
  std::size_t problems_reported_ = 0;
  std::string guests_said_;  // why they can not be seen, as reported last
  bool taken_ = false;       // a manager took something
  std::unique_ptr<HttpClient> upload_client_;
  std::unique_ptr<HttpClient> directive_client_;
  std::unique_ptr<HttpClient> report_client_;
  std::unique_ptr<LeaseRuntime> leases_;

  Mutex mutex_;
  Condition changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::optional<node::AgentRequest> to_upload_ GUARDED_BY(mutex_);
  std::deque<node::UploadAnswered> answered_ GUARDED_BY(mutex_);

  std::thread tick_thread_;
  std::thread upload_thread_;
  std::thread directive_thread_;
};

// The number of starts kept in `path`, raised by one and on disk before it returns.
Result<std::uint64_t> next_epoch(const std::string& path);

}  // namespace mien::edge
