#include "app/settings.h"

#include <algorithm>
#include <array>
#include <functional>

#include "app/client.h"
#include "base/text.h"
#include "model/text_quantity.h"
#include "wire/yaml.h"

namespace mien::app {
namespace {

Error invalid(std::string_view file, std::string message) {
  return {.code = Code::invalid, .message = std::move(message), .where = std::string(file), .cause = {}};
}

Error wrong(std::string message) {
  return {.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
}

Result<std::string> text_of(const model::Value& value) {
  if (value.text()) return *value.text();
  return wrong("a text belongs here");
}

// A name or address for the server's certificate: just that, no port and no scheme.
Result<std::string> name_of(const model::Value& value) {
  std::string name = TRY(text_of(value));
  bool is_address = name.find(':') != std::string::npos;
  Result<edge::HostPort> host = edge::parse_host_port(is_address ? cat('[', name, ']') : name);
  if (!host || (is_address && !edge::is_ip_address(name)))
    return wrong(cat("`", name, "` is no host: write a name or an address alone, like mien.example.net"));
  return name;
}

// `prometheus: {instance_label: instance, keep_port: false}`
Result<wire::PrometheusRules> prometheus_of(const model::Value& value) {
  wire::PrometheusRules rules;
  if (!value.map()) return wrong("a map belongs here, like {instance_label: instance, keep_port: false}");
  for (const auto& [key, given] : *value.map()) {
    if (key == "instance_label") {
      rules.instance_label = TRY(text_of(given));
      if (rules.instance_label.empty() || rules.instance_label == "__name__")
        return wrong("`instance_label` is the label that names the machine, like instance");
    } else if (key == "keep_port") {
      if (!given.boolean()) return wrong("`keep_port` is true or false");
      rules.keep_port = *given.boolean();
    } else {
      return wrong(cat("unknown key `", key, "`: known are instance_label, keep_port"));
    }
  }
  return rules;
}

Result<std::vector<std::string>> texts_of(const model::Value& value) {
  if (!value.list()) return wrong("a list belongs here");
  std::vector<std::string> all;
  for (const model::Value& each : *value.list()) all.push_back(TRY(text_of(each)));
  return all;
}

Result<Duration> seconds_of(const model::Value& value) {
  model::TextQuantity time = TRY(model::parse_leaf(value, {model::Dimension::duration}));
  if (!(time.value >= 1) || time.value > 3600) return wrong("from 1s to 1h");
  return model::to_duration(time);
}

Status read_scrape_key(edge::ScrapeJob& job, const std::string& key, const model::Value& value) {
  if (key == "job") job.name = TRY(text_of(value));
  else if (key == "targets") job.targets = TRY(texts_of(value));
  else if (key == "files") job.files = TRY(texts_of(value));
  else if (key == "interval") job.interval = TRY(seconds_of(value));
  else if (key == "timeout") job.timeout = TRY(seconds_of(value));
  else if (key == "path") job.path = TRY(text_of(value));
  else if (key == "token_file") job.token_file = TRY(text_of(value));
  else if (key == "ca_file") job.ca_file = TRY(text_of(value));
  else if (key == "labels" && value.map()) {
    for (const auto& [name, label] : *value.map()) job.labels.emplace(name, TRY(text_of(label)));
  } else {
    return wrong("known are job, targets, files, interval, timeout, path, token_file, ca_file and labels (a map)");
  }
  return {};
}

// `scrape: [{job: node, targets: [web-01:9100], interval: 15s}]`
Result<std::vector<edge::ScrapeJob>> scrape_of(const model::Value& value) {
  if (!value.list()) return wrong("a list belongs here, like [{job: node, targets: [web-01:9100]}]");
  std::vector<edge::ScrapeJob> jobs;
  for (const model::Value& each : *value.list()) {
    if (!each.map()) return wrong("each job is a map, like {job: node, targets: [web-01:9100]}");
    edge::ScrapeJob job;
    for (const auto& [key, given] : *each.map()) {
      if (Status status = read_scrape_key(job, key, given); !status)
        return wrong(cat("`", key, "`: ", status.error().message));
    }
    if (job.name.empty()) return wrong("each job has a name: job: node");
    if (job.targets.empty() && job.files.empty()) return wrong(cat("job ", job.name, " has neither targets nor files"));
    if (!job.path.starts_with('/')) return wrong(cat("job ", job.name, ": a path begins with /"));
    for (const std::string& target : job.targets) {
      Result<edge::HostPort> address = edge::parse_host_port(target);
      if (!address || !address->port_given)
        return wrong(cat("`", target, "` is no target: write host:port, like web-01:9100"));
    }
    job.timeout = std::min(job.timeout, job.interval);
    job.tls = !job.ca_file.empty();
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::string joined(const std::vector<std::string_view>& names) {
  std::string all;
  for (std::string_view name : names) all += cat(all.empty() ? "" : ", ", name);
  return all;
}

struct Key {
  std::string_view name;
  std::function<Status(ManagerSettings&, const model::Value&)> read;
};

const std::array<Key, 11>& keys() {
  static const std::array<Key, 11> all{{
      {"listen",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         s.listen = TRY(text_of(v));
         TRY(parse_listen(s.listen));
         return {};
       }},
      {"data",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         s.data = TRY(text_of(v));
         if (s.data.empty()) return wrong("a directory belongs here, like /var/lib/mien");
         return {};
       }},
      {"names",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         if (!v.list()) return wrong("a list of names belongs here, like [mien.example.net]");
         for (const model::Value& name : *v.list()) s.names.push_back(TRY(name_of(name)));
         return {};
       }},
      {"store_limit",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         model::TextQuantity bytes = TRY(model::parse_leaf(v, {model::Dimension::bytes}));
         constexpr double smallest = 64e6;
         if (!(bytes.value >= smallest)) return wrong("at least 64MB");
         if (bytes.value > static_cast<double>(largest_store.value)) return wrong("at most 1PB");
         s.store_limit = Bytes{static_cast<std::uint64_t>(bytes.value)};
         return {};
       }},
      {"retention",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         model::TextQuantity time = TRY(model::parse_leaf(v, {model::Dimension::duration}));
         if (!(time.value >= 600)) return wrong("at least 10m");
         if (time.value > to_seconds(longest_retention)) return wrong("at most 366d");
         s.retention = model::to_duration(time);
         return {};
       }},
      {"prometheus",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         s.prometheus = TRY(prometheus_of(v));
         return {};
       }},
      {"scrape",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         s.scrape = TRY(scrape_of(v));
         return {};
       }},
      {"notify",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         s.outbound.notify = TRY(notify_of(v));
         return {};
       }},
      {"alertmanager",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         s.outbound.alertmanager = TRY(alertmanager_of(v));
         return {};
       }},
      {"webhooks",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         s.outbound.webhooks = TRY(webhooks_of(v));
         return {};
       }},
      {"remote_write",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         s.outbound.remote_write = TRY(remote_write_of(v));
         return {};
       }},
  }};
  return all;
}

}  // namespace

Result<edge::HostPort> parse_listen(std::string_view text) {
  edge::HostPort listen = TRY(edge::parse_host_port(text));
  if (edge::is_ip_address(listen.host) || edge::is_loopback_host(listen.host)) return listen;
  return wrong(
      cat("'", text,
          "' is no address to listen on: write an address of this machine and a port, as in 127.0.0.1:7070, or "
          "0.0.0.0:7070 for all of them"));
}

Result<ManagerSettings> parse_settings(std::string_view text, std::string_view file) {
  ManagerSettings settings;
  model::Value tree = TRY(wire::parse_yaml(text, file));
  if (tree.is_null()) return settings;
  if (!tree.map()) return invalid(file, "settings are a map, like `listen: 127.0.0.1:7070`");
  std::vector<std::string_view> known;
  for (const Key& key : keys()) known.push_back(key.name);
  for (const auto& entry : *tree.map()) {
    const std::string& name = entry.first;
    auto key = std::find_if(keys().begin(), keys().end(), [&](const Key& each) { return each.name == name; });
    if (key == keys().end()) {
      auto meant = nearest(name, known);
      return invalid(file, cat("unknown key `", name, "`",
                               meant ? cat(": did you mean `", *meant, "`?") : cat(": known are ", joined(known))));
    }
    if (Status status = key->read(settings, entry.second); !status)
      return invalid(file, cat("`", name, "`: ", status.error().message));
  }
  return settings;
}

Result<ManagerSettings> load_settings(const std::string& file) {
  Result<std::string> text = read_small_file(file);
  if (!text && text.error().code == Code::not_found && file == default_settings_file) return ManagerSettings{};
  if (!text) return text.error();
  return parse_settings(*text, file);
}

}  // namespace mien::app
