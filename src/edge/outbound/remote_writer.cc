#include "edge/outbound/remote_writer.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/mutex.h"
#include "edge/outbound/outbox.h"
#include "edge/outbound/sender.h"
#include "wire/snappy.h"

namespace mien::edge {
namespace {

constexpr Duration furthest_back = std::chrono::hours{1};  // of samples after a pause of this process

std::string hex_of_url(std::string_view name) { return to_hex(name).substr(0, 64); }

}  // namespace

std::vector<wire::WrittenSeries> scores_of(const node::View& view, WallTime now) {
  std::vector<wire::WrittenSeries> all;
  auto add = [&](const char* name, const node::InstanceView& seen, double value) {
    all.push_back({.labels = {{"__name__", name},
                              {"job", "mien"},
                              {"instance_name", seen.name.value},
                              {"type", std::string(to_text(seen.type))}},
                   .samples = {{.milliseconds = now.ns / 1'000'000, .value = value}}});
  };
  for (const auto& [name, seen] : view.instances) {
    add("mien_drift_score", *seen, seen->drift.score);
    add("mien_drift_alarm_level", *seen, seen->drift.alarm_level);
    add("mien_instance_findings", *seen, static_cast<double>(seen->findings.size()));
  }
  return all;
}

struct RemoteWriter::State {
  struct Server {
    RemoteWriteOptions options;
    std::unique_ptr<Outbox> outbox;
    std::unique_ptr<Destination> destination;
    std::shared_ptr<OutboundMeter> meter;
    std::unique_ptr<Sender> sender;
    MonoTime due;
    WallTime resumed;                          // samples of instances not in `written` begin here
    std::map<InstanceName, WallTime> written;  // newest sample of each
    std::uint64_t requests = 0;
  };

  RemoteWriterOptions options;
  std::vector<std::unique_ptr<Server>> servers;
  Mutex mutex;
  Condition wake;
  bool stopping GUARDED_BY(mutex) = false;
  std::thread thread;

  Status open(Server& server);
  void write(Server& server);
  Status put(Server& server, std::vector<wire::WrittenSeries>& series);
  Result<std::vector<wire::WrittenSeries>> samples_of(Server& server, const node::InstanceView& seen);
  void run();
};

Status RemoteWriter::State::open(Server& server) {
  const DestinationOptions& to = server.options.destination;
  server.meter = options.meters->add("remote_write", to.name);
  server.outbox = TRY(Outbox::open({.directory = cat(options.directory, "/remote-write-", hex_of_url(to.name)),
                                    .limit = server.options.queue,
                                    .sync = false}));
  WallTime newest;
  TRY(server.outbox->each_kept([&newest](const Letter& letter) { newest = std::max(newest, letter.at); }));
  WallTime now = options.now();
  server.resumed = newest.ns == 0 ? now : std::max(newest, now - furthest_back);
  server.due = mono_now();
  server.destination = std::make_unique<Destination>(to);
  auto headers = [](const Letter&, WallTime) -> Result<std::map<std::string, std::string>> {
    return std::map<std::string, std::string>{{"content-type", "application/x-protobuf"},
                                              {"content-encoding", "snappy"},
                                              {"x-prometheus-remote-write-version", "0.1.0"}};
  };
  server.sender = std::make_unique<Sender>(SenderOptions{.outbox = server.outbox.get(),
                                                         .destination = server.destination.get(),
                                                         .headers = headers,
                                                         .backoff = options.backoff,
                                                         .meter = server.meter,
                                                         .now = options.now,
                                                         .report = options.report});
  return {};
}

Status RemoteWriter::State::put(Server& server, std::vector<wire::WrittenSeries>& series) {
  if (series.empty()) return {};
  for (wire::WrittenSeries& each : series)
    for (const auto& [name, value] : server.options.labels) each.labels.emplace_back(name, value);
  WallTime now = options.now();
  std::string body = wire::snap(wire::encode_remote_write(std::exchange(series, {})));
  return server.outbox->put({.id = cat(now.ns, ".", ++server.requests), .at = now, .body = std::move(body)});
}

// What came since the last time, up to the newest sample: a series may be younger by a sample than its neighbour, never
// older than what was written before.
Result<std::vector<wire::WrittenSeries>> RemoteWriter::State::samples_of(Server& server,
                                                                         const node::InstanceView& seen) {
  auto [written, first] = server.written.emplace(seen.name, server.resumed);
  WallTime from = written->second + Duration{1};
  WallTime to = seen.last_seen + Duration{1};
  std::vector<wire::WrittenSeries> all;
  if (from >= to) return all;
  std::vector<store::HistorySeries> past = TRY(options.port->history().read(
      {.instance = seen.name, .metric = {}, .from = from, .to = to, .max_points = 100'000}));
  for (const store::HistorySeries& each : past) {
    if (each.points.empty()) continue;
    wire::WrittenSeries one{.labels = wire::prometheus_labels(each.series, seen.name), .samples = {}};
    for (const store::HistoryPoint& point : each.points)
      one.samples.push_back({.milliseconds = point.at.ns / 1'000'000, .value = point.mean});
    all.push_back(std::move(one));
  }
  written->second = seen.last_seen;
  return all;
}

void RemoteWriter::State::write(Server& server) {
  std::shared_ptr<const node::View> view = options.port->view();
  std::vector<wire::WrittenSeries> ready;
  std::size_t samples = 0;
  Status status;
  auto add = [&](std::vector<wire::WrittenSeries> series) {
    for (wire::WrittenSeries& each : series) {
      samples += each.samples.size();
      ready.push_back(std::move(each));
      if (samples < most_samples) continue;
      samples = 0;
      if (Status done = put(server, ready); !done) status = done;
    }
  };
  add(scores_of(*view, options.now()));
  if (server.options.samples == WrittenSamples::all) {
    for (const auto& [name, seen] : view->instances) {
      Result<std::vector<wire::WrittenSeries>> series = samples_of(server, *seen);
      if (series) add(*std::move(series));
      else status = series.error();
    }
    std::erase_if(server.written, [&view](const auto& each) { return !view->instances.contains(each.first); });
  }
  if (Status done = put(server, ready); !done) status = done;
  if (!status && options.report)
    options.report(cat("remote_write ", server.options.destination.name, ": ", status.error().to_string()));
  server.sender->nudge();
}

void RemoteWriter::State::run() {
  for (;;) {
    Server* next = nullptr;
    {
      Lock lock(mutex);
      for (;;) {
        if (stopping) return;
        next = std::min_element(servers.begin(), servers.end(), [](const auto& a, const auto& b) {
                 return a->due < b->due;
               })->get();
        MonoTime now = mono_now();
        if (next->due <= now) break;
        wake.wait_for(mutex, next->due - now);
      }
    }
    next->due = std::max(next->due + next->options.interval, mono_now());
    write(*next);
  }
}

RemoteWriter::RemoteWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<RemoteWriter>> RemoteWriter::start(RemoteWriterOptions options) {
  auto made = std::make_unique<State>();
  State& state = *made;
  state.options = std::move(options);
  for (const RemoteWriteOptions& each : state.options.servers) {
    auto server = std::make_unique<State::Server>();
    server->options = each;
    if (Status status = state.open(*server); !status)
      return status.error().within(cat("remote_write ", each.destination.name));
    state.servers.push_back(std::move(server));
  }
  if (!state.servers.empty()) state.thread = std::thread([&state] { state.run(); });
  return std::unique_ptr<RemoteWriter>(new RemoteWriter(std::move(made)));
}

RemoteWriter::~RemoteWriter() {
  {
    Lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace mien::edge
