#include "edge/scrape/scrape.h"

#include <algorithm>
#include <array>
#include <bit>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/http/http.h"
#include "edge/http/url.h"
#include "wire/exposition.h"
#include "wire/yaml.h"
#include "wire/zstd.h"

namespace mien::edge {
namespace {

constexpr int thread_count = 4;
constexpr std::size_t largest_file = 4U << 20U;
constexpr Bytes largest_answer{16U << 20U};
constexpr std::string_view accepted =
    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

Error invalid(std::string_view where, std::string message) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = std::string(where), .cause = {}};
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return Error{.code = Code::io,
                 .message = "can not be read: does it exist, and may the manager read it?",
                 .where = path,
                 .cause = {}};
  std::string text(largest_file + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > largest_file) return invalid(path, cat("is larger than ", largest_file, " bytes"));
  return text;
}

using OwnLabels = std::vector<std::pair<std::string, std::string>>;

struct OwnSample {
  OwnLabels labels;
  wire::MetricType type = wire::MetricType::unknown;
  std::string unit;
  std::int64_t milliseconds = 0;
  double value = 0;
};

// What is asked, and what it had last time.
struct Asked {
  const ScrapeJob* job = nullptr;
  ScrapeTarget target;
  MonoTime due;
  bool busy = false;
  bool gone = false;  // in no list any more
  std::optional<bool> answered;
  std::unique_ptr<HttpClient> client;
  std::map<OwnLabels, std::pair<wire::MetricType, std::string>> series;  // of the last answer, with type and unit
};

}  // namespace

Result<std::vector<ScrapeTarget>> parse_target_file(std::string_view text, std::string_view file) {
  model::Value tree = TRY(wire::parse_yaml(text, file));
  std::vector<ScrapeTarget> targets;
  if (tree.is_null()) return targets;
  if (!tree.list()) return invalid(file, "a list belongs here, like [{\"targets\": [\"web-01:9100\"]}]");
  for (const model::Value& group : *tree.list()) {
    if (!group.map()) return invalid(file, "each group is a map with `targets` and `labels`");
    std::map<std::string, std::string> labels;
    const model::Value* addresses = nullptr;
    for (const auto& [key, value] : *group.map()) {
      if (key == "targets" && value.list()) addresses = &value;
      else if (key == "labels" && value.map()) {
        for (const auto& [name, label] : *value.map()) {
          if (!label.text()) return invalid(file, cat("the label `", name, "` is no text"));
          labels.emplace(name, *label.text());
        }
      } else {
        return invalid(
            file, cat("`", key,
                      "` is not known here or not of its kind: a group has `targets`, a list, and `labels`, a map"));
      }
    }
    if (addresses == nullptr) return invalid(file, "a group has no `targets`");
    for (const model::Value& address : *addresses->list()) {
      if (!address.text() || address.text()->empty()) return invalid(file, "a target is a text, like web-01:9100");
      targets.push_back({.address = *address.text(), .labels = labels});
    }
  }
  return targets;
}

struct Scraper::State {
  ScraperOptions options;
  Mutex mutex;
  Condition wake;
  bool stopping GUARDED_BY(mutex) = false;
  std::map<std::pair<const ScrapeJob*, std::string>, std::shared_ptr<Asked>> asked GUARDED_BY(mutex);
  MonoTime look_at_files GUARDED_BY(mutex);
  std::map<std::string, std::string> file_problems GUARDED_BY(mutex);  // told once each
  std::vector<std::thread> threads;

  void run();
  void renew_targets() REQUIRES_LOCK(mutex);
  void ask(Asked& asked);
  Result<HttpResponse> get(Asked& asked);
  Result<std::vector<OwnSample>> read(const Asked& asked, WallTime now, HttpResponse response);
  void hand_over(Asked& asked, WallTime now, const std::vector<OwnSample>& samples);
};

// ---- which targets there are ----

void Scraper::State::renew_targets() {
  std::map<std::pair<const ScrapeJob*, std::string>, ScrapeTarget> wanted;
  for (const ScrapeJob& job : options.jobs) {
    for (const std::string& address : job.targets)
      wanted.emplace(std::pair(&job, address), ScrapeTarget{.address = address, .labels = job.labels});
    for (const std::string& file : job.files) {
      Result<std::string> text = read_file(file);
      Result<std::vector<ScrapeTarget>> targets =
          text ? parse_target_file(*text, file) : Result<std::vector<ScrapeTarget>>(text.error());
      std::string problem = targets ? "" : targets.error().to_string();
      if (std::exchange(file_problems[file], problem) != problem && !problem.empty() && options.report)
        options.report(cat("scrape: ", problem, "; its targets stay as they were"));
      if (!targets) {  // a file that is being written is no empty list
        for (const auto& [key, known] : asked)
          if (key.first == &job) wanted.emplace(key, known->target);
        continue;
      }
      for (ScrapeTarget& target : *targets) {
        target.labels.insert(job.labels.begin(), job.labels.end());
        wanted.emplace(std::pair(&job, target.address), std::move(target));
      }
    }
  }
  // One that is gone is asked no more, but its series have to end: it leaves once that is said.
  for (const auto& [key, each] : asked) {
    auto still = wanted.find(key);
    if (still != wanted.end() && still->second == each->target) continue;
    each->gone = true;
    each->due = mono_now();
  }
  for (auto& [key, target] : wanted) {
    if (asked.size() >= max_targets || asked.contains(key)) continue;
    auto made = std::make_shared<Asked>();
    made->job = key.first;
    made->target = std::move(target);
    // Spread over the interval by name, so that they are not all asked at once.
    std::uint64_t spread = std::hash<std::string>{}(key.second) % 1000;
    made->due = mono_now() + key.first->interval * static_cast<std::int64_t>(spread) / 1000;
    asked.emplace(key, std::move(made));
  }
}

// ---- asking ----

void Scraper::State::run() {
  for (;;) {
    std::shared_ptr<Asked> next;
    bool gone = false;
    {
      Lock lock(mutex);
      for (;;) {
        if (stopping) return;
        MonoTime now = mono_now();
        if (now >= look_at_files) {
          look_at_files = now + look_at_files_every;
          renew_targets();
        }
        MonoTime first = look_at_files;
        for (const auto& [key, each] : asked) {
          if (each->busy || each->due >= first) continue;
          first = each->due;
          next = each;
        }
        if (next && next->due <= now) break;
        next = nullptr;
        wake.wait_for(mutex, std::max<Duration>(first - now, std::chrono::milliseconds{1}));
      }
      next->busy = true;
      gone = next->gone;
      MonoTime now = mono_now();
      next->due = std::max(next->due + next->job->interval, now);  // what was missed is not made up for
      if (!next->client)
        next->client = HttpClient::make(
            {.url = cat(next->job->tls ? "https://" : "http://", next->target.address),
             .ca_pem = next->job->ca_file.empty() ? std::string{} : read_file(next->job->ca_file).value_or(""),
             .connect_timeout = next->job->timeout,
             .max_answer = largest_answer});
    }
    if (gone) hand_over(*next, options.now(), {});
    else ask(*next);
    Lock lock(mutex);
    next->busy = false;
    if (gone) asked.erase({next->job, next->target.address});
  }
}

Result<HttpResponse> Scraper::State::get(Asked& one) {
  HttpRequest request{.method = "GET", .path = one.job->path};
  request.headers["accept"] = accepted;
  request.headers["accept-encoding"] = "gzip";
  request.headers["user-agent"] = "mien";
  if (!one.job->token_file.empty()) {
    std::string token = TRY(read_file(one.job->token_file));
    request.headers["authorization"] = cat("Bearer ", trim(token));
  }
  HttpResponse response = TRY(one.client->send(request, one.job->timeout));
  if (response.status != 200)
    return Error{.code = Code::refused, .message = cat("answered ", response.status), .where = {}, .cause = {}};
  return response;
}

// The target's labels win; what the exporter says under the same names is kept beside them, as Prometheus does.
Result<std::vector<OwnSample>> Scraper::State::read(const Asked& one, WallTime now, HttpResponse response) {
  std::string kept;
  std::string_view body = TRY(wire::unfold(response.headers["content-encoding"], response.body, {}, kept));
  std::vector<OwnSample> samples;
  const std::string& address_label = options.rules.instance_label;
  auto take = [&](const wire::ExposedSample& sample) {
    OwnSample own{.labels = {},
                  .type = sample.type,
                  .unit = std::string(sample.unit),
                  .milliseconds = sample.milliseconds.value_or(now.ns / 1'000'000),
                  .value = sample.value};
    for (const wire::Label& label : sample.labels) {
      std::string name(label.name);
      bool taken = name == "job" || name == address_label || one.target.labels.contains(name);
      own.labels.emplace_back(taken ? "exported_" + name : name, label.value);
    }
    own.labels.emplace_back("job", one.job->name);
    if (!one.target.labels.contains(address_label)) own.labels.emplace_back(address_label, one.target.address);
    for (const auto& [name, value] : one.target.labels) own.labels.emplace_back(name, value);
    samples.push_back(std::move(own));
  };
  TRY(wire::read_exposition(body, wire::is_open_metrics(response.headers["content-type"]), {}, take));
  return samples;
}

void Scraper::State::hand_over(Asked& one, WallTime now, const std::vector<OwnSample>& samples) {
  const double marker = std::bit_cast<double>(wire::staleness_marker);
  wire::PrometheusIngested taken;
  {
    Lock lock(options.door->mutex);
    wire::PrometheusIntake intake{options.rules, now, options.door->memory};
    std::vector<wire::Label> labels;
    auto begin = [&](const OwnLabels& own, wire::MetricType type, const std::string& unit) {
      labels.clear();
      for (const auto& [name, value] : own) labels.push_back({.name = name, .value = value});
      intake.begin_series(labels, type, unit);
    };
    std::map<OwnLabels, std::pair<wire::MetricType, std::string>> series;
    for (const OwnSample& sample : samples) {
      begin(sample.labels, sample.type, sample.unit);
      intake.sample(sample.milliseconds, sample.value);
      series.insert_or_assign(sample.labels, std::pair(sample.type, sample.unit));
    }
    for (const auto& [own, kind] : one.series) {
      if (series.contains(own)) continue;
      begin(own, kind.first, kind.second);
      intake.sample(now.ns / 1'000'000, marker);
    }
    one.series = std::move(series);
    taken = intake.finish();
    options.door->counts += taken.counts;
  }
  options.door->cardinality.note(taken.overflow, now);
  if (taken.delivery.instances.empty()) return;
  taken.delivery.authenticated = true;  // who is asked stands in the settings, which are root's
  // A manager that is behind says so to every sender; here the next answer is never far.
  Result<store::LogPosition> position = options.port->take_in_listed(std::move(taken.delivery), taken.lists);
  if (!position && options.report) options.report(cat("scrape: ", position.error().to_string()));
}

void Scraper::State::ask(Asked& one) {
  WallTime now = options.now();
  Result<HttpResponse> response = get(one);
  Result<std::vector<OwnSample>> samples = response ? read(one, now, *std::move(response)) : response.error();
  {
    Lock lock(mutex);
    if (stopping) return;
  }
  bool answered = samples.ok();
  {
    Lock lock(options.door->mutex);
    ++(answered ? options.door->scrapes_answered : options.door->scrapes_failed);
  }
  if (one.answered.value_or(true) != answered && options.report)
    options.report(answered ? cat("scrape: ", one.target.address, " answers again")
                            : cat("scrape: ", one.target.address, " gives no metrics: ", samples.error().to_string()));
  one.answered = answered;
  hand_over(one, now, answered ? *samples : std::vector<OwnSample>{});
}

Scraper::Scraper(ScraperOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  if (state_->options.jobs.empty()) return;
  for (int i = 0; i < thread_count; ++i) state_->threads.emplace_back([this] { state_->run(); });
}

Scraper::~Scraper() {
  {
    Lock lock(state_->mutex);
    state_->stopping = true;
    for (const auto& [key, each] : state_->asked)
      if (each->client) each->client->cancel();
  }
  state_->wake.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

}  // namespace mien::edge
