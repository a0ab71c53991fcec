// What the handlers share: the options, the counts, the streams that are open, and the worker for long reading.
// A Call is one request on its way; it answers once and may outlive the function that got it.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "edge/api/api.h"
#include "edge/api/document.h"
#include "edge/api/outside.h"
#include "edge/api/problem.h"
#include "edge/http/http.h"
#include "edge/mutex.h"
#include "wire/known_points.h"

namespace mien::edge::api {

struct Route;

// Requests answered, by route and status; kept apart so that late answers need nothing else of the Api.
class RequestCounts {
 public:
  void add(const std::string& method, const std::string& route, int status);
  [[nodiscard]] std::map<std::tuple<std::string, std::string, int>, std::uint64_t> all() const;

 private:
  mutable Mutex mutex_;
  std::map<std::tuple<std::string, std::string, int>, std::uint64_t> counts_ GUARDED_BY(mutex_);
};

struct Call {
  HttpRequest request;
  std::shared_ptr<Responder> responder;
  std::shared_ptr<RequestCounts> counts;
  Caller caller;
  const Route* route = nullptr;
  std::map<std::string, std::string> path;  // "name" -> "web-01"

  void respond(HttpResponse response);
  void respond(const Json& json, int status = 200);
  void respond(const Problem& problem);
  void respond(const Error& error) { respond(problem_of(error)); }
  void not_found(std::string_view what, const std::string& name);
  void invalid(std::string detail, std::string pointer = {});
  // Before a stream: counts it, and begins.
  void begin(HttpResponse head);

  [[nodiscard]] std::string parameter(const std::string& name) const;
  [[nodiscard]] bool flag(const std::string& name) const;
};
using CallPtr = std::shared_ptr<Call>;

// Two threads for what reads much of the disk (history, audit, backup): nothing else waits for it. Full: `post` says
// false.
class Worker {
 public:
  Worker();
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  [[nodiscard]] bool post(std::function<void()> work);

 private:
  static constexpr std::size_t longest_queue = 64;
  static constexpr int thread_count = 2;  // one may be busy with a backup
  void run();
  Mutex mutex_;
  Condition wake_;
  std::deque<std::function<void()>> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

class ActionTally;
class EventHub;
class FindingsBook;
class PollHub;

struct Service {
  ApiOptions options;
  std::shared_ptr<RequestCounts> counts = std::make_shared<RequestCounts>();
  std::unique_ptr<EventHub> events;
  std::shared_ptr<PollHub> polls;  // shared: a notice may be on its way while this ends
  std::shared_ptr<ActionTally> tally;
  std::shared_ptr<FindingsBook> findings_book;
  std::shared_ptr<void> action_notices;  // feeds the three above
  std::unique_ptr<Worker> worker;
  std::string openapi;                               // made once from the route table
  std::atomic<std::uint64_t> newcomers_refused = 0;  // samples of instances for which there is no room

  std::atomic<std::uint64_t> facts_taken = 0;    // security facts of agents
  std::atomic<std::uint64_t> facts_unknown = 0;  // of kinds that this program does not know

  OutsideBoard outside;
  wire::StartTimes start_times;  // of cumulative series that no agent sends
  wire::KnownPoints known_points{2};
  mutable Mutex start_times_mutex;  // of both

  explicit Service(ApiOptions given);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  [[nodiscard]] node::ManagerPort& port() const { return *options.port; }
  [[nodiscard]] WallTime now() const { return options.now(); }
};

// No room for one more instance: what to do about it, for its sender. Nothing while there is room.
[[nodiscard]] std::optional<std::string> no_room(const Service& service, std::size_t instances);

// "role=web,tier=front" against labels; the empty selector matches everything. `key` alone: the label is there;
// `key!=value`: it is not that. Errors: invalid, naming the term.
using Labels = std::map<std::string, std::string>;
[[nodiscard]] Status check_selector(std::string_view selector);
[[nodiscard]] bool matches(std::string_view selector, const Labels& labels);
// Whether the caller may see this instance at all.
[[nodiscard]] bool sees(const Caller& caller, const node::InstanceView& instance);
[[nodiscard]] bool sees(const Caller& caller, const node::View& view, const InstanceName& instance);

// One page of a list that is already in its order: items after the token `after`, at most `limit`.
struct Page {
  std::size_t limit = 500;
  std::string after;
};
[[nodiscard]] Result<Page> page_of(const Call& call);
constexpr std::size_t largest_page = 5000;

class Listing {
 public:
  explicit Listing(Page page) : page_(std::move(page)) {}
  // Items come in ascending order of `key`. Returns false once the page is full: stop.
  template <class Make>
  bool offer(const std::string& key, Make&& make) {
    if (key <= page_.after && !page_.after.empty()) return true;
    if (items_.size() == page_.limit) {
      next_ = last_;
      return false;
    }
    items_.push_back(make());
    last_ = key;
    return true;
  }
  [[nodiscard]] Json take();

 private:
  Page page_;
  Json items_ = Json::array();
  std::string last_;
  std::optional<std::string> next_;
};

// Sends a command (or rehearses it, `?dry_run=true`) and answers with what became of it.
void give(Service& service, const CallPtr& call, node::CommandBody body,
          std::function<void(Call&, const node::Answer&)> done);
// The usual answer: {"name","generation","note"}.
void answer_written(Call& call, const node::Answer& answer);

}  // namespace mien::edge::api
