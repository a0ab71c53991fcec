#include "edge/api/service.h"

#include "base/text.h"
#include "edge/api/events.h"
#include "edge/api/findings_book.h"
#include "edge/api/polls.h"
#include "edge/api/route.h"
#include "edge/api/tally.h"

namespace mien::edge::api {

void RequestCounts::add(const std::string& method, const std::string& route, int status) {
  Lock lock(mutex_);
  ++counts_[{method, route, status}];
}

std::map<std::tuple<std::string, std::string, int>, std::uint64_t> RequestCounts::all() const {
  Lock lock(mutex_);
  return counts_;
}

void Call::respond(HttpResponse response) {
  // Only methods and routes of the table become labels: what a stranger sends must not grow the metrics.
  counts->add(route != nullptr ? route->method : "other", route != nullptr ? route->path : "other", response.status);
  response.headers.emplace("cache-control", "no-store");
  response.headers.emplace("x-content-type-options", "nosniff");
  if (request.method == "HEAD") response.body.clear();
  responder->respond(std::move(response));
}

void Call::respond(const Json& json, int status) {
  HttpResponse response;
  response.status = status;
  response.headers["content-type"] = "application/json";
  response.body = wire::dump(json);
  respond(std::move(response));
}

void Call::respond(const Problem& problem) { respond(to_response(problem, request.path)); }

void Call::not_found(std::string_view what, const std::string& name) {
  respond(Problem{
      .code = Code::not_found, .status = 0, .detail = cat("there is no ", what, " \"", name, "\""), .errors = {}});
}

void Call::invalid(std::string detail, std::string pointer) {
  Problem problem{.code = Code::invalid, .status = 0, .detail = detail, .errors = {}};
  if (!pointer.empty())
    problem.errors.push_back({.pointer = std::move(pointer), .detail = std::move(detail), .suggestion = {}});
  respond(problem);
}

void Call::begin(HttpResponse head) {
  counts->add(route->method, route->path, head.status);
  head.headers.emplace("cache-control", "no-store");
  responder->begin(std::move(head));
}

std::string Call::parameter(const std::string& name) const {
  auto at = request.query.find(name);
  return at == request.query.end() ? std::string{} : at->second;
}

bool Call::flag(const std::string& name) const {
  auto at = request.query.find(name);
  return at != request.query.end() && at->second != "false" && at->second != "0";
}

Worker::Worker() {
  for (int i = 0; i < thread_count; ++i) threads_.emplace_back([this] { run(); });
}

Worker::~Worker() {
  {
    Lock lock(mutex_);
    stopping_ = true;
    queue_.clear();  // their calls are dropped unanswered: the transport says 500
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

bool Worker::post(std::function<void()> work) {
  {
    Lock lock(mutex_);
    if (stopping_ || queue_.size() >= longest_queue) return false;
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

void Worker::run() {
  for (;;) {
    std::function<void()> work;
    {
      Lock lock(mutex_);
      while (!stopping_ && queue_.empty()) wake_.wait(mutex_);
      if (stopping_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

namespace {

struct Term {
  std::string_view key;
  std::string_view value;
  enum class Kind : std::uint8_t { equal, not_equal, present } kind = Kind::present;
};

Term parse_term(std::string_view text) {
  if (std::size_t at = text.find("!="); at != std::string_view::npos) {
    return {.key = trim(text.substr(0, at)), .value = trim(text.substr(at + 2)), .kind = Term::Kind::not_equal};
  }
  if (std::size_t at = text.find('='); at != std::string_view::npos) {
    std::string_view value = text.substr(at + 1);
    if (value.starts_with('=')) value.remove_prefix(1);  // `==` as kubectl has it
    return {.key = trim(text.substr(0, at)), .value = trim(value), .kind = Term::Kind::equal};
  }
  return {.key = trim(text), .value = {}, .kind = Term::Kind::present};
}

}  // namespace

Status check_selector(std::string_view selector) {
  if (trim(selector).empty()) return {};
  for (std::string_view part : split(selector, ',')) {
    if (parse_term(part).key.empty()) {
      return Error{.code = Code::invalid,
                   .message = cat("the selector term \"", part,
                                  "\" has no key: write key=value, key!=value or key, separated by commas"),
                   .where = {},
                   .cause = {}};
    }
  }
  return {};
}

bool matches(std::string_view selector, const Labels& labels) {
  if (trim(selector).empty()) return true;
  for (std::string_view part : split(selector, ',')) {
    Term term = parse_term(part);
    auto at = labels.find(std::string(term.key));
    bool equal = at != labels.end() && at->second == term.value;
    bool holds = term.kind == Term::Kind::present ? at != labels.end()
                 : term.kind == Term::Kind::equal ? equal
                                                  : !equal;
    if (!holds) return false;
  }
  return true;
}

bool sees(const Caller& caller, const node::InstanceView& instance) {
  return matches(caller.selector, instance.labels);
}

bool sees(const Caller& caller, const node::View& view, const InstanceName& instance) {
  if (caller.selector.empty()) return true;
  auto at = view.instances.find(instance);
  return at != view.instances.end() && sees(caller, *at->second);
}

Result<Page> page_of(const Call& call) {
  Page page;
  page.after = call.parameter("after");
  if (std::string limit = call.parameter("limit"); !limit.empty()) {
    auto number = parse_integer(limit);
    if (!number || *number < 1 || *number > static_cast<std::int64_t>(largest_page)) {
      return Error{.code = Code::invalid,
                   .message = cat("limit is a number from 1 to ", largest_page, ", not \"", limit, "\""),
                   .where = {},
                   .cause = {}};
    }
    page.limit = static_cast<std::size_t>(*number);
  }
  if (Status status = check_selector(call.parameter("selector")); !status) return std::move(status).error();
  return page;
}

Json Listing::take() {
  Json out = Json::object();
  out["items"] = std::move(items_);
  out["next"] = next_ ? Json(*next_) : Json(nullptr);
  return out;
}

Service::Service(ApiOptions given)
    : options(std::move(given)),
      events(std::make_unique<EventHub>()),
      polls(std::make_shared<PollHub>(*this)),
      tally(std::make_shared<ActionTally>()),
      findings_book(std::make_shared<FindingsBook>()),
      worker(std::make_unique<Worker>()),
      openapi(openapi_document(options.version)) {
  // An order leaves with the notice of its action: how long it takes from a batch to the directive on the wire is
  // what people wait for.
  auto hear = [to = std::weak_ptr<PollHub>(polls), count = std::weak_ptr<ActionTally>(tally),
               book = std::weak_ptr<FindingsBook>(findings_book)](std::uint64_t, const node::Notice& notice) {
    if (auto findings = notice.finding ? book.lock() : nullptr) findings->take(*notice.finding);
    if (!notice.action && !notice.decision) return;
    auto counted = count.lock();
    if (counted && notice.action) counted->take(*notice.action);
    if (counted && notice.decision) counted->take(*notice.decision);
    if (auto hub = notice.action ? to.lock() : nullptr) hub->on_action(notice.action->host);
  };
  if (options.port == nullptr) return;
  // What the ledger can not say now it says in its own place; the counts then begin with this process.
  (void)findings_book->load(options.port->ledger(), options.now() - FindingsBook::week).ok();
  action_notices = options.port->subscribe(0, std::move(hear));
}

Service::~Service() = default;

std::optional<std::string> no_room(const Service& service, std::size_t instances) {
  if (instances < service.options.most_instances) return std::nullopt;
  return cat("this manager watches ", service.options.most_instances,
             " instances, the most there may be: delete those that are gone with `mien delete instance NAME`, or give ",
             "the newcomers a manager of their own");
}

void give(Service& service, const CallPtr& call, node::CommandBody body,
          std::function<void(Call&, const node::Answer&)> done) {
  auto on_answer = [call, done = std::move(done)](const node::Answer& answer) {
    if (!answer.status) {
      Problem problem = problem_of(answer.status.error());
      // If-Match that did not match is a failed precondition; without it, somebody simply was there first.
      if (problem.code == Code::conflict && !call->request.header("if-match").empty()) problem.status = 412;
      call->respond(problem);
      return;
    }
    done(*call, answer);
  };
  if (call->flag("dry_run")) {
    service.port().rehearse(call->caller.actor, std::move(body), std::move(on_answer));
  } else {
    service.port().give(call->caller.actor, std::move(body), std::move(on_answer));
  }
}

void answer_written(Call& call, const node::Answer& answer) {
  Json out = Json::object();
  out["name"] = answer.name;
  out["generation"] = answer.generation;
  out["note"] = answer.note;
  out["dry_run"] = call.flag("dry_run");
  call.respond(out);
}

}  // namespace mien::edge::api
