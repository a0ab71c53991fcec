#include "edge/runtime/manager_runtime.h"

#include <algorithm>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/sqlite/database.h"

namespace mien::edge {
namespace {

constexpr Duration tick_every = 1s;
constexpr Duration house_keeping_every = 60s;
constexpr std::size_t max_waiting = 10'000;  // commands without an answer yet

Error stopped() {
  return {.code = Code::unavailable,
          .message = "the manager is stopping: try again when it runs",
          .where = {},
          .cause = {}};
}

node::Answer refusal(Error error) {
  return {.request = 0, .status = std::move(error), .name = {}, .generation = 0, .note = {}};
}

}  // namespace

// ---- history with the newest window on top ----

class ManagerRuntime::MergedHistory final : public store::History {
 public:
  explicit MergedHistory(ManagerRuntime& runtime) : runtime_(runtime) {}
  Status append(const std::vector<store::HistoryBlock>& blocks) override { return runtime_.history_->append(blocks); }
  Status append_facts(const std::vector<store::FactBlock>& blocks) override {
    return runtime_.history_->append_facts(blocks);
  }
  Result<std::vector<store::StoredFact>> read_facts(const store::FactQuery& query) override {
    return runtime_.history_->read_facts(query);
  }
  Status retain(WallTime now, Bytes limit) override { return runtime_.history_->retain(now, limit); }
  Result<store::HistoryUse> use() override { return runtime_.history_->use(); }

  Result<std::vector<store::HistorySeries>> read(const store::HistoryQuery& query) override {
    std::vector<store::HistorySeries> found = TRY(runtime_.history_->read(query));
    std::shared_ptr<const node::View> view = runtime_.view();
    auto instance = view->instances.find(query.instance);
    if (instance == view->instances.end()) return found;
    const store::HistoryBlock recent = instance->second->recent();
    for (std::size_t c = 0; c < recent.series.size(); ++c) {
      if (!query.metric.empty() && recent.series[c].metric.value != query.metric) continue;
      add_column(found, recent, c, query);
    }
    return found;
  }

 private:
  static void add_column(std::vector<store::HistorySeries>& found, const store::HistoryBlock& recent,
                         std::size_t column, const store::HistoryQuery& query) {
    auto known = std::find_if(found.begin(), found.end(),
                              [&](const auto& each) { return each.series == recent.series[column]; });
    if (known == found.end())
      known = found.insert(found.end(), store::HistorySeries{.series = recent.series[column], .points = {}});
    for (std::size_t r = 0; r < recent.batch.times.size(); ++r) {
      WallTime at = recent.batch.times[r];
      double value = recent.batch.at(column, r);
      bool newer = known->points.empty() || known->points.back().at < at;
      if (value != value || !newer || at < query.from || at >= query.to) continue;
      known->points.push_back({.at = at, .min = value, .max = value, .mean = value, .count = 1});
    }
  }

  ManagerRuntime& runtime_;
};

// ---- start and stop ----

ManagerRuntime::ManagerRuntime(ManagerRuntimeOptions options, DataPaths paths, DataLock lock, SigningKey key)
    : options_(std::move(options)),
      paths_(std::move(paths)),
      lock_(std::move(lock)),
      key_(std::move(key)),
      view_(std::make_shared<node::View>()) {}

Result<std::unique_ptr<ManagerRuntime>> ManagerRuntime::start(ManagerRuntimeOptions options) {
  DataPaths paths{options.data};
  DataLock lock = TRY(DataLock::take(options.data));
  TRY(make_directories(paths.keys));
  SigningKey key = TRY(SigningKey::load_or_make(cat(paths.keys, "/audit.pem")));
  std::unique_ptr<ManagerRuntime> runtime{
      new ManagerRuntime(std::move(options), std::move(paths), std::move(lock), std::move(key))};
  TRY(runtime->open());
  runtime->thread_ = std::thread([self = runtime.get()] { self->run(); });
  return runtime;
}

Status ManagerRuntime::open() {
  log_ = TRY(open_log(paths_.log));
  ledger_ = TRY(open_ledger(paths_.ledger));
  history_ = TRY(open_history(paths_.history));
  merged_ = std::make_unique<MergedHistory>(*this);
  node::ManagerSeams seams{
      .log = *log_, .ledger = *ledger_, .history = *history_, .sha256 = sha256, .sign = [this](std::string_view bytes) {
        return key_.sign(bytes);
      }};
  driver_ = std::make_unique<node::ManagerDriver>(
      seams, node::ManagerOptions{.builtin = options_.builtin, .limits = {}}, options_.version);
  if (Status status = driver_->recover(wall_now()); !status)
    return status.error().within("the manager could not recover its state");
  after_fold({});
  {
    Lock lock(door_);
    for (const auto& [name, instance] : driver_->view()->instances)
      if (instance->series) series_.restore(name, *instance->series);
  }
  appended_position_ = driver_->position();
  ready_ = true;
  return {};
}

ManagerRuntime::~ManagerRuntime() { stop(); }

void ManagerRuntime::stop() {
  {
    Lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  ready_ = false;
  refuse_waiting();
}

void ManagerRuntime::refuse_waiting() {
  std::map<std::uint64_t, Done> waiting;
  {
    Lock lock(mutex_);
    waiting.swap(waiting_);
  }
  for (auto& [request, done] : waiting) done(refusal(stopped()));
}

// ---- the folding thread ----

void ManagerRuntime::run() {
  MonoTime next_tick = mono_now();
  for (;;) {
    std::vector<std::function<void()>> tasks;
    {
      Lock lock(mutex_);
      if (stopping_) break;
      if (!appended_ && tasks_.empty() && mono_now() < next_tick) wake_.wait_for(mutex_, next_tick - mono_now());
      appended_ = false;
      tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
    if (mono_now() >= next_tick) {
      // Time enters the log only where it changes something. A full disk is seen, and said, by the fold.
      if (driver_->time_matters(wall_now())) (void)append(node::TickPassed{}).ok();
      next_tick = std::max(next_tick + tick_every, mono_now());
      house_keeping(wall_now());
    }
    fold_all();
  }
  fold_all();
  if (ready_)
    if (Status status = driver_->settle(wall_now()); !status) options_.report(status.error().to_string());
}

void ManagerRuntime::fold_all() {
  for (;;) {
    Result<node::ManagerDriver::Sent> sent = driver_->pump(wall_now());
    if (!sent) {
      fail(sent.error());
      return;
    }
    full_reported_ = false;
    bool more = sent->more;
    if (sent->steps > 0) after_fold(std::move(*sent));
    if (!more) return;
  }
}

// Out of space: say it once and go on trying, nothing is lost. Anything else ends this manager.
void ManagerRuntime::fail(const Error& error) {
  if (error.code == Code::exhausted) {
    if (!full_reported_) options_.report(cat("waiting for space: ", error.to_string()));
    full_reported_ = true;
    return;
  }
  if (!ready_.exchange(false)) return;
  options_.on_fatal(error);
}

// Tells the door which instances are gone. Nearly always there are none.
void ManagerRuntime::forget_series(const std::vector<InstanceName>& forgotten) {
  if (forgotten.empty()) return;
  Lock lock(door_);
  for (const InstanceName& name : forgotten) series_.forget(name);
}

void ManagerRuntime::after_fold(node::ManagerDriver::Sent sent) {
  std::shared_ptr<const node::View> view = driver_->view();
  folded_position_ = view->position;
  forget_series(sent.forgotten);

  std::vector<std::pair<Done, node::Answer>> answers;
  std::vector<std::shared_ptr<Subscriber>> subscribers;
  std::vector<std::pair<std::uint64_t, node::Notice>> notices;
  {
    Lock lock(mutex_);
    view_ = std::move(view);
    for (node::Answer& answer : sent.answers) {
      auto waiting = waiting_.find(answer.request);
      if (waiting == waiting_.end()) continue;  // asked by the process before this one
      answers.emplace_back(std::move(waiting->second), std::move(answer));
      waiting_.erase(waiting);
    }
    for (node::Notice& notice : sent.notices) {
      notices_.push_back(std::move(notice));
      if (notices_.size() > kept_notices) {
        notices_.pop_front();
        ++notices_dropped_;
      }
    }
    std::erase_if(subscribers_, [](const auto& each) { return each.expired(); });
    for (const auto& each : subscribers_)
      if (auto live = each.lock()) subscribers.push_back(std::move(live));
    std::uint64_t oldest_wanted = notices_dropped_ + notices_.size() + 1;
    for (const auto& each : subscribers) oldest_wanted = std::min(oldest_wanted, each->next);
    for (std::uint64_t n = std::max(oldest_wanted, notices_dropped_ + 1); n <= notices_dropped_ + notices_.size(); ++n)
      notices.emplace_back(n, notices_[n - notices_dropped_ - 1]);
  }
  for (auto& [done, answer] : answers) done(std::move(answer));
  for (const auto& subscriber : subscribers) {
    for (const auto& [number, notice] : notices) {
      if (number < subscriber->next) continue;
      subscriber->next = number + 1;
      subscriber->on_notice(number, notice);
    }
  }
}

void ManagerRuntime::house_keeping(WallTime now) {
  if (now < next_house_keeping_) return;
  next_house_keeping_ = now + house_keeping_every;
  if (Status status = history_->retain(now, options_.store_limit); !status) options_.report(status.error().to_string());
  if (Status status = driver_->trim(now, options_.keep_log); !status) options_.report(status.error().to_string());
}

// ---- the port ----

std::shared_ptr<const node::View> ManagerRuntime::view() {
  Lock lock(mutex_);
  return view_;
}

Result<store::LogPosition> ManagerRuntime::append(const node::Record& record) {
  std::string bytes = node::encode_record(record);
  std::string_view view = bytes;
  store::LogPosition position = TRY(log_->append(0, wall_now(), std::span(&view, 1)));
  appended_position_ = position;
  {
    Lock lock(mutex_);
    appended_ = true;
  }
  wake_.notify_one();
  return position;
}

void ManagerRuntime::give(std::string actor, node::CommandBody body, Done done) {
  if (!ready_) return done(refusal(stopped()));
  if (Status status = node::complete(body, *ledger_); !status) return done(refusal(status.error()));
  std::uint64_t request = 0;
  {
    Lock lock(mutex_);
    if (stopping_) request = 0;
    else if (waiting_.size() < max_waiting) waiting_.emplace(request = next_request_++, done);
  }
  if (request == 0)
    return done(refusal({.code = Code::exhausted,
                         .message = "too many commands wait for their answer: try again in a moment",
                         .where = {},
                         .cause = {}}));
  Result<store::LogPosition> position =
      append(node::CommandGiven{.command = {.request = request, .actor = std::move(actor), .body = std::move(body)}});
  if (position) return;
  {
    Lock lock(mutex_);
    if (waiting_.erase(request) == 0) return;
  }
  done(refusal(position.error()));
}

void ManagerRuntime::rehearse(std::string, node::CommandBody body, Done done) {
  if (!ready_) return done(refusal(stopped()));
  if (Status status = node::complete(body, *ledger_); !status) return done(refusal(status.error()));
  {
    Lock lock(mutex_);
    tasks_.push_back([this, body = std::move(body), done = std::move(done)] {
      done(driver_->manager().rehearse(wall_now(), body));
    });
  }
  wake_.notify_one();
}

Result<store::LogPosition> ManagerRuntime::take_in_listed(model::Delivery delivery, const model::SeriesLists& lists) {
  if (!ready_) return stopped();
  if (appended_position_ > folded_position_ + max_behind)
    return Error{.code = Code::exhausted,
                 .message = "the manager is behind with scoring: send this again later",
                 .where = {},
                 .cause = {}};
  std::map<InstanceName, wire::LabelSpread> overflow;
  Result<store::LogPosition> position = [&] {
    Lock lock(door_);
    node::Record record = node::FrameArrived{.frame = series_.number(std::move(delivery), lists)};
    Result<store::LogPosition> appended = append(record);
    if (!appended) series_.revert(std::get<node::FrameArrived>(record).frame);
    overflow = series_.take_overflow();
    return appended;
  }();
  if (!overflow.empty() && options_.on_overflow) options_.on_overflow(overflow);
  return position;
}

Status ManagerRuntime::report(node::AgentReported reported) {
  if (!ready_) return stopped();
  TRY(append(node::Record{std::move(reported)}));
  return {};
}

std::shared_ptr<void> ManagerRuntime::subscribe(std::uint64_t after, OnNotice on_notice) {
  auto subscriber = std::make_shared<Subscriber>(Subscriber{.on_notice = std::move(on_notice), .next = after + 1});
  Lock lock(mutex_);
  subscribers_.push_back(subscriber);
  return subscriber;
}

}  // namespace mien::edge
