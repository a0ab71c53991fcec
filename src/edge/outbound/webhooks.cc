#include "edge/outbound/webhooks.h"

#include <algorithm>
#include <thread>

#include "base/codec.h"
#include "base/text.h"
#include "edge/api/events.h"
#include "edge/crypto/crypto.h"
#include "edge/outbound/outbox.h"
#include "edge/outbound/sender.h"
#include "wire/document.h"

namespace mien::edge {
namespace {

// How much further back than the last letter the ledger is compared: sample times may lag by two minutes, groups by
// less.
constexpr Duration overlap = std::chrono::minutes{10};

bool wants(const std::vector<std::string>& types, const std::string& type) {
  return std::any_of(types.begin(), types.end(), [&type](const std::string& t) {
    return type == t || (type.size() > t.size() && type.starts_with(t) && type[t.size()] == '.');
  });
}

node::Notice notice_of(const model::Finding& finding, const char* what, WallTime at) {
  node::Notice notice;
  notice.type = cat("finding.", what);
  notice.subject = "Finding/" + finding.id.value;
  notice.at = at;
  notice.finding = finding;
  return notice;
}

node::Notice notice_of(const model::Action& action) {
  node::Notice notice;
  notice.type = cat("action.", to_text(action.state));
  notice.subject = "Action/" + action.id.value;
  notice.at = action.ended_at.value_or(action.applied_at.value_or(action.created_at));
  notice.action = action;
  return notice;
}

template <class Value>
Status each_stored(store::Ledger& ledger, store::Table table, const std::function<void(const Value&)>& visit) {
  constexpr std::size_t step = 1000;
  std::string after;
  for (;;) {
    std::vector<store::Entry> entries = TRY(ledger.scan(table, "", after, step));
    for (const store::Entry& entry : entries) visit(TRY(decode<Value>(entry.bytes, "ledger entry")));
    if (entries.size() < step) return {};
    after = entries.back().key;
  }
}

}  // namespace

Result<std::string> webhook_signature(std::string_view secret, std::string_view id, std::int64_t timestamp,
                                      std::string_view body) {
  constexpr std::string_view coded = "whsec_";
  std::string key(secret);
  if (secret.starts_with(coded)) {
    auto decoded = from_base64(secret.substr(coded.size()));
    if (!decoded || decoded->empty())
      return Error{.code = Code::invalid, .message = "after whsec_ a secret is base64", .where = {}, .cause = {}};
    key = *std::move(decoded);
  }
  return cat("v1,", to_base64(hmac_sha256(key, cat(id, ".", timestamp, ".", body))));
}

std::string stable_event_id(const node::Notice& notice) {
  if (notice.finding) {
    const std::string& id = notice.finding->id.value;
    if (notice.type == "finding.opened" || notice.type == "finding.resolved") return cat(id, notice.type.substr(7));
    return cat(id, notice.type.substr(7), ".", notice.finding->updated_at.ns);
  }
  if (notice.action) return cat(notice.action->id.value, notice.type.substr(6), ".", notice.action->version);
  if (notice.decision) return notice.decision->id.value;
  if (notice.subject.empty()) return {};
  return cat(notice.subject, ".", notice.type, ".", notice.at.ns);
}

struct Webhooks::State {
  struct Hook {
    WebhookOptions options;
    std::unique_ptr<Outbox> outbox;
    std::unique_ptr<Destination> destination;
    std::shared_ptr<OutboundMeter> meter;
    std::set<std::string>
        known;  // in its files when it was opened: what may be told again by the ledger or the machine
    std::unique_ptr<Sender> sender;  // uses the above: ends first
  };

  WebhooksOptions options;
  std::vector<std::unique_ptr<Hook>> hooks;
  Mutex mutex;
  Condition wake;
  bool stopping GUARDED_BY(mutex) = false;
  std::deque<node::Notice> heard GUARDED_BY(mutex);
  std::shared_ptr<void> subscription;
  std::thread thread;

  Status open(Hook& hook);
  Status compare_with_ledger(Hook& hook, WallTime since);
  void put(Hook& hook, const node::Notice& notice);
  void run();
};

void Webhooks::State::put(Hook& hook, const node::Notice& notice) {
  if (!wants(hook.options.types, notice.type) || (notice.finding && notice.finding->late)) return;
  std::string id = stable_event_id(notice);
  if (id.empty() || hook.known.contains(id)) return;
  if (notice.finding && !options.budget->tells(*notice.finding, options.now())) return;
  Status status = hook.outbox->put({.id = id, .at = options.now(), .body = api::event_body(id, notice)});
  if (!status) {
    ++hook.meter->refused;
    if (options.report)
      options.report(cat("webhook ", hook.options.destination.name, ": ", status.error().to_string()));
    return;
  }
  if (hook.sender) hook.sender->nudge();
  else hook.known.insert(std::move(id));  // the machine may tell it once more
}

// What was decided while nobody could write it into the outbox: between the ledger's transaction and the letter there
// is an instant in which a process may be killed.
Status Webhooks::State::compare_with_ledger(Hook& hook, WallTime since) {
  TRY(each_stored<model::Finding>(options.port->ledger(), store::Table::finding, [&](const model::Finding& finding) {
    if (finding.opened_at >= since) put(hook, notice_of(finding, "opened", finding.opened_at));
    if (finding.resolved_at && *finding.resolved_at >= since)
      put(hook, notice_of(finding, "resolved", *finding.resolved_at));
  }));
  return each_stored<model::Action>(options.port->ledger(), store::Table::action, [&](const model::Action& action) {
    node::Notice notice = notice_of(action);
    if (notice.at >= since) put(hook, notice);
  });
}

Status Webhooks::State::open(Hook& hook) {
  const DestinationOptions& to = hook.options.destination;
  hook.meter = options.meters->add("webhook", to.name);
  hook.outbox = TRY(Outbox::open({.directory = cat(options.directory, "/webhook-", to.name)}));
  hook.destination = std::make_unique<Destination>(to);
  WallTime newest;
  TRY(hook.outbox->each_kept([&](const Letter& letter) {
    newest = std::max(newest, letter.at);
    hook.known.insert(letter.id);
  }));
  if (newest.ns != 0) {
    TRY(compare_with_ledger(hook, newest - overlap));
  } else {
    // The first letter: it shows whoever set this up that it works, and from here on nothing is missed.
    node::Notice hello;
    hello.type = "webhook.connected";
    hello.subject = "Webhook/" + to.name;
    hello.at = options.now();
    std::string id = stable_event_id(hello);
    TRY(hook.outbox->put({.id = id, .at = hello.at, .body = api::event_body(id, hello)}));
  }
  auto headers = [secret = hook.options.secret_file](const Letter& letter,
                                                     WallTime now) -> Result<std::map<std::string, std::string>> {
    std::int64_t seconds = now.ns / 1'000'000'000;
    std::string key = TRY(read_secret(secret));
    std::string signature = TRY(webhook_signature(key, letter.id, seconds, letter.body));
    return std::map<std::string, std::string>{{"content-type", "application/cloudevents+json; charset=utf-8"},
                                              {"webhook-id", letter.id},
                                              {"webhook-timestamp", std::to_string(seconds)},
                                              {"webhook-signature", std::move(signature)}};
  };
  hook.sender = std::make_unique<Sender>(SenderOptions{.outbox = hook.outbox.get(),
                                                       .destination = hook.destination.get(),
                                                       .headers = std::move(headers),
                                                       .backoff = options.backoff,
                                                       .meter = hook.meter,
                                                       .now = options.now,
                                                       .report = options.report});
  return {};
}

void Webhooks::State::run() {
  for (;;) {
    std::deque<node::Notice> notices;
    {
      Lock lock(mutex);
      while (!stopping && heard.empty()) wake.wait(mutex);
      if (heard.empty()) return;
      notices.swap(heard);
    }
    for (const node::Notice& notice : notices)
      for (auto& hook : hooks) put(*hook, notice);
  }
}

Webhooks::Webhooks(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Webhooks>> Webhooks::start(WebhooksOptions options) {
  auto made = std::make_unique<State>();
  State& state = *made;
  state.options = std::move(options);
  for (WebhookOptions& each : state.options.webhooks) {
    auto hook = std::make_unique<State::Hook>();
    hook->options = each;
    if (Status status = state.open(*hook); !status)
      return status.error().within(cat("webhook ", each.destination.name));
    state.hooks.push_back(std::move(hook));
  }
  if (!state.hooks.empty()) {
    state.thread = std::thread([&state] { state.run(); });
    state.subscription = state.options.port->subscribe(0, [&state](std::uint64_t, const node::Notice& notice) {
      if (notice.drift) return;  // each tick of each instance: too much for anybody's hook
      {
        Lock lock(state.mutex);
        if (state.heard.size() >= longest_queue) {
          for (auto& hook : state.hooks) ++hook->meter->refused;
          return;
        }
        state.heard.push_back(notice);
      }
      state.wake.notify_one();
    });
  }
  return std::unique_ptr<Webhooks>(new Webhooks(std::move(made)));
}

Webhooks::~Webhooks() {
  state_->subscription.reset();
  {
    Lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace mien::edge
