#include "edge/outbound/sender.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/crypto/crypto.h"

namespace mien::edge {
namespace {

constexpr Duration look_again = std::chrono::seconds{5};

// Jitter must differ between processes that were started together.
std::uint64_t seed() {
  std::uint64_t seed = 0;
  std::memcpy(&seed, random_bytes(sizeof seed).data(), sizeof seed);
  return seed;
}

}  // namespace

Sender::Sender(SenderOptions options) : options_(std::move(options)), chance_(seed()) {
  thread_ = std::thread([this] { run(); });
}

Sender::~Sender() {
  {
    Lock lock(mutex_);
    stopping_ = true;
  }
  options_.destination->cancel();
  wake_.notify_all();
  thread_.join();
}

void Sender::nudge() {
  {
    Lock lock(mutex_);
    nudged_ = true;
  }
  wake_.notify_all();
}

void Sender::count() {
  options_.meter->waiting = options_.outbox->waiting();
  options_.meter->shed = options_.outbox->shed();
}

Told Sender::attempt(const Letter& letter) {
  WallTime now = options_.now();
  if (now - letter.at > options_.expires)
    return {.outcome = Outcome::refused, .not_before = {}, .why = "it waited too long"};
  Result<std::map<std::string, std::string>> headers = options_.headers(letter, now);
  if (!headers) return {.outcome = Outcome::again, .not_before = {}, .why = headers.error().to_string()};
  return options_.destination->post("", letter.body, *std::move(headers));
}

void Sender::settle(const Outbox::Numbered& one, Told told) {
  OutboundMeter& meter = *options_.meter;
  const std::string& name = options_.destination->options().name;
  if (told.outcome == Outcome::again) {
    if (failures_++ == 0 && options_.report)
      options_.report(cat(meter.kind, " ", name, ": ", told.why, "; trying again"));
    ++meter.failed;
    not_before_ = mono_now() + std::max(told.not_before, options_.backoff.after(failures_, chance_));
    return;
  }
  if (told.outcome == Outcome::delivered) {
    ++meter.delivered;
    meter.delivered_at_ns = options_.now().ns;
    if (std::exchange(failures_, 0) > 0 && options_.report)
      options_.report(cat(meter.kind, " ", name, ": works again"));
  } else {
    ++meter.refused;
    if (options_.report) options_.report(cat(meter.kind, " ", name, ": ", one.letter.id, " is dropped: ", told.why));
  }
  if (Status status = options_.outbox->taken(one.number); !status && options_.report)
    options_.report(cat(meter.kind, " ", name, ": ", status.error().to_string()));
}

void Sender::run() {
  for (;;) {
    Result<std::optional<Outbox::Numbered>> oldest = options_.outbox->oldest();
    if (!oldest && options_.report)
      options_.report(cat(options_.meter->kind, " ", options_.meter->name, ": ", oldest.error().to_string()));
    bool waiting = oldest && oldest->has_value();
    count();
    if (waiting && mono_now() >= not_before_) {
      Told told = attempt((*oldest)->letter);
      {
        Lock lock(mutex_);
        if (stopping_ && told.outcome != Outcome::delivered) return;
      }
      settle(**oldest, std::move(told));
      continue;
    }
    Lock lock(mutex_);
    if (stopping_) return;
    if (!waiting && std::exchange(nudged_, false)) continue;
    MonoTime until = waiting ? not_before_ : mono_now() + look_again;
    while (!stopping_ && mono_now() < until && !(nudged_ && !waiting)) wake_.wait_for(mutex_, until - mono_now());
    if (stopping_) return;
    nudged_ = false;
  }
}

}  // namespace mien::edge
