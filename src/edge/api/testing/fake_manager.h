// A manager for the API's tests: what it shows is what the test put there, what it is given it remembers.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "edge/api/api.h"
#include "node/manager_port.h"
#include "store/facts.h"
#include "wire/document.h"

namespace mien::edge::testing {

class FakeLedger final : public store::Ledger {
 public:
  std::map<std::pair<store::Table, std::string>, std::string> entries;
  std::vector<store::AuditRow> rows;
  std::optional<store::AuditHead> head;
  std::optional<Error> broken;  // every read says this

  Result<store::Checkpoint> acquire(store::ShardId) override { return store::Checkpoint{}; }
  Status commit(const store::Transaction&) override { return {}; }
  Result<std::vector<store::Entry>> scan(store::Table table, std::string_view prefix, std::string_view after,
                                         std::size_t limit) override {
    if (broken) return *broken;
    std::vector<store::Entry> found;
    for (const auto& [key, bytes] : entries) {
      if (key.first != table || !key.second.starts_with(prefix) || std::string_view(key.second) <= after) continue;
      if (found.size() == limit) break;
      found.push_back({.key = key.second, .bytes = bytes});
    }
    return found;
  }
  Result<std::optional<std::string>> get(store::Table table, std::string_view key) override {
    if (broken) return *broken;
    auto at = entries.find({table, std::string(key)});
    if (at == entries.end()) return std::optional<std::string>{};
    return std::optional<std::string>{at->second};
  }
  Result<std::vector<store::AuditRow>> audit(std::uint64_t after, std::size_t limit) override {
    if (broken) return *broken;
    std::vector<store::AuditRow> found;
    for (const auto& row : rows) {
      if (row.sequence > after && found.size() < limit) found.push_back(row);
    }
    return found;
  }
  Result<std::optional<store::AuditHead>> audit_head() override { return head; }
  Result<std::optional<store::AuditRow>> audit_tail() override {
    return rows.empty() ? std::optional<store::AuditRow>{} : std::optional<store::AuditRow>{rows.back()};
  }
};

class FakeHistory final : public store::History {
 public:
  std::vector<store::HistorySeries> series;
  std::vector<store::HistoryQuery> asked;

  Status append(const std::vector<store::HistoryBlock>&) override { return {}; }
  Result<std::vector<store::HistorySeries>> read(const store::HistoryQuery& query) override {
    asked.push_back(query);
    std::vector<store::HistorySeries> found;
    for (const auto& one : series) {
      if (query.metric.empty() || one.series.metric.value == query.metric) found.push_back(one);
    }
    return found;
  }
  std::vector<store::FactBlock> facts;
  Status append_facts(const std::vector<store::FactBlock>& blocks) override {
    facts.insert(facts.end(), blocks.begin(), blocks.end());
    return {};
  }
  Result<std::vector<store::StoredFact>> read_facts(const store::FactQuery& query) override {
    store::FactPage page{query};
    for (const store::FactBlock& block : facts)
      if (block.instance == query.instance) page.offer(block);
    return page.take();
  }
  Status retain(WallTime, Bytes) override { return {}; }
  Result<store::HistoryUse> use() override { return store::HistoryUse{}; }
};

class FakeManager final : public node::ManagerPort {
 public:
  std::vector<node::AgentReported> reports;
  struct Given {
    std::string actor;
    node::CommandBody body;
    bool rehearsed = false;
  };
  using OnNotice = std::function<void(std::uint64_t, const node::Notice&)>;

  std::shared_ptr<node::View> shown = std::make_shared<node::View>();
  std::vector<Given> given;
  node::Answer answer{.request = 0, .status = {}, .name = "name", .generation = 7, .note = "done"};
  std::vector<model::Delivery> taken;
  std::optional<Error> refuse_delivery;
  std::vector<node::Notice> kept;  // number of kept[i] is i + 1
  std::uint64_t forgotten = 0;     // how many of kept are gone already
  std::set<std::shared_ptr<OnNotice>> subscribers;
  FakeHistory past;
  FakeLedger books;

  std::shared_ptr<const node::View> view() override { return shown; }
  void give(std::string actor, node::CommandBody body, std::function<void(node::Answer)> done) override {
    given.push_back({std::move(actor), std::move(body), false});
    done(answer);
  }
  void rehearse(std::string actor, node::CommandBody body, std::function<void(node::Answer)> done) override {
    given.push_back({std::move(actor), std::move(body), true});
    done(answer);
  }
  Status report(node::AgentReported reported) override {
    if (refuse_delivery) return *refuse_delivery;
    reports.push_back(std::move(reported));
    return {};
  }
  Result<store::LogPosition> take_in(model::Delivery delivery) override {
    if (refuse_delivery) return *refuse_delivery;
    taken.push_back(std::move(delivery));
    return taken.size();
  }
  std::shared_ptr<void> subscribe(std::uint64_t after, OnNotice on_notice) override {
    auto one = std::make_shared<OnNotice>(std::move(on_notice));
    subscribers.insert(one);
    for (std::size_t i = static_cast<std::size_t>(std::max(after, forgotten)); i < kept.size(); ++i)
      (*one)(i + 1, kept[i]);
    return {one.get(), [this, one](void*) { subscribers.erase(one); }};
  }
  void publish(node::Notice notice) {
    kept.push_back(std::move(notice));
    for (const auto& one : subscribers) (*one)(kept.size(), kept.back());
  }
  store::History& history() override { return past; }
  store::Ledger& ledger() override { return books; }

  template <class Command>
  const Command& last() const {
    return std::get<Command>(given.back().body);
  }
  node::InstanceView& add_instance(const std::string& name, model::InstanceType type, double score) {
    auto seen = std::make_shared<node::InstanceView>();
    seen->name = InstanceName(name);
    seen->type = type;
    seen->persona = PersonaName("linux-server");
    seen->persona_reason = "nothing else was named";
    seen->generation = 1;
    seen->drift.instance = seen->name;
    seen->drift.persona = seen->persona;
    seen->drift.score = score;
    seen->drift.alarm_level = 0.9;
    shown->instances.set(seen->name, seen);
    return *seen;
  }
  // The board as readers see it, to be changed by the test.
  node::ActionBoard& board() {
    auto next = std::make_shared<node::ActionBoard>(*shown->board);
    shown->board = next;
    return *next;
  }
  model::Resource& add_resource(model::ResourceKind kind, const std::string& name, std::uint64_t generation) {
    auto resource = std::make_shared<model::Resource>();
    resource->kind = kind;
    resource->metadata.name = name;
    resource->metadata.generation = generation;
    resource->spec = model::Value(model::Value::Map{});
    shown->resources.set(node::key_of(kind, name), resource);
    return *resource;
  }
};

// What was answered; wait() is for answers of the worker thread.
class Captured final : public Responder {
 public:
  void respond(HttpResponse response) override {
    std::lock_guard lock(mutex_);
    ++answers_;
    response_ = std::move(response);
    said_.notify_all();
  }
  void begin(HttpResponse head) override {
    std::lock_guard lock(mutex_);
    ++answers_;
    response_ = std::move(head);
  }
  bool write(std::string chunk) override {
    std::lock_guard lock(mutex_);
    if (peer_gone) return false;
    chunks_.push_back(std::move(chunk));
    return true;
  }
  void end() override {
    std::lock_guard lock(mutex_);
    ended_ = true;
    said_.notify_all();
  }

  bool peer_gone = false;  // set before anything is written

  // The deadline only says "hung".
  HttpResponse wait() {
    std::unique_lock lock(mutex_);
    said_.wait_for(lock, std::chrono::seconds(60), [this] { return ended_ || (answers_ > 0 && chunks_.empty()); });
    return response_;
  }
  [[nodiscard]] int answers() const {
    std::lock_guard lock(mutex_);
    return answers_;
  }
  [[nodiscard]] bool ended() const {
    std::lock_guard lock(mutex_);
    return ended_;
  }
  [[nodiscard]] HttpResponse response() const {
    std::lock_guard lock(mutex_);
    return response_;
  }
  [[nodiscard]] std::vector<std::string> chunks() const {
    std::lock_guard lock(mutex_);
    return chunks_;
  }
  [[nodiscard]] std::string streamed() const {
    std::string all;
    for (const auto& chunk : chunks()) all += chunk;
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable said_;
  HttpResponse response_;
  std::vector<std::string> chunks_;
  int answers_ = 0;
  bool ended_ = false;
};

// An Api over a FakeManager at a time that the test sets.
struct Bench {
  FakeManager manager;
  WallTime now{1'800'000'000'000'000'000};
  bool ready = true;
  std::size_t most_instances = node::most_instances;
  Caller caller{.role = node::Role::admin, .actor = "tester", .agent = {}, .selector = {}, .blanked = false};
  std::optional<Denial> denial;
  Need asked = Need::open;
  Api api;

  Bench() : api(options()) {}
  explicit Bench(std::size_t most) : most_instances(most), api(options()) {}

  ApiOptions options() {
    ApiOptions made;
    made.port = &manager;
    made.now = [this] { return now; };
    made.authorize = [this](const HttpRequest&, Need need, WallTime) -> std::variant<Caller, Denial> {
      asked = need;
      if (denial) return *denial;
      return caller;
    };
    made.ready = [this] { return ready; };
    made.most_instances = most_instances;
    made.version = "0.1.0";
    made.url = "https://manager:7070";
    made.ca_pem = "-----BEGIN CERTIFICATE-----\n";
    made.ca_fingerprint = "sha256:abc";
    made.verify_signature = [](std::string_view, std::string_view) { return true; };
    made.backup = [](const std::function<bool(std::string_view)>& sink) -> Status {
      sink("one");
      sink("two");
      return {};
    };
    return made;
  }

  std::shared_ptr<Captured> start(HttpRequest request) {
    auto captured = std::make_shared<Captured>();
    api.handle(std::move(request), captured);
    return captured;
  }
  static HttpRequest request(const std::string& method, const std::string& target, std::string body = {}) {
    HttpRequest made;
    made.method = method;
    std::size_t question = target.find('?');
    made.path = target.substr(0, question);
    while (question != std::string::npos) {
      std::size_t next = target.find('&', question + 1);
      std::string pair = target.substr(question + 1, next == std::string::npos ? next : next - question - 1);
      std::size_t equals = pair.find('=');
      made.query[pair.substr(0, equals)] = equals == std::string::npos ? "" : pair.substr(equals + 1);
      question = next;
    }
    if (!body.empty()) made.headers["content-type"] = "application/json";
    made.body = std::move(body);
    return made;
  }
  HttpResponse get(const std::string& target) { return start(request("GET", target))->wait(); }
  HttpResponse send(const std::string& method, const std::string& target, std::string body = {}) {
    return start(request(method, target, std::move(body)))->wait();
  }
  static wire::Document json(const HttpResponse& response) {
    auto parsed = wire::parse_document(response.body);
    return parsed ? std::move(*parsed) : wire::Document{};
  }
};

}  // namespace mien::edge::testing
