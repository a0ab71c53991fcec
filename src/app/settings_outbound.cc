#include "app/settings_outbound.h"

#include <algorithm>
#include <functional>
#include <set>

#include "base/text.h"
#include "model/text_quantity.h"

namespace mien::app {
namespace {

Error wrong(std::string message) {
  return {.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
}

Result<std::string> text_of(const model::Value& value) {
  if (value.text()) return *value.text();
  return wrong("a text belongs here");
}

Result<std::vector<std::string>> texts_of(const model::Value& value) {
  if (!value.list()) return wrong("a list belongs here");
  std::vector<std::string> all;
  for (const model::Value& each : *value.list()) all.push_back(TRY(text_of(each)));
  return all;
}

Result<std::map<std::string, std::string>> labels_of(const model::Value& value) {
  if (!value.map()) return wrong("a map belongs here, like {site: hall-2}");
  std::map<std::string, std::string> labels;
  for (const auto& [name, label] : *value.map()) {
    auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    bool good = !name.empty() && !name.starts_with("__") && is_plain(name.front()) &&
                std::all_of(name.begin(), name.end(), [&](char c) { return is_plain(c) || (c >= '0' && c <= '9'); });
    if (!good) return wrong(cat("`", name, "` is no label: letters, digits and underscores, like site"));
    labels.emplace(name, TRY(text_of(label)));
  }
  return labels;
}

Result<Duration> between(const model::Value& value, Duration least, Duration most, std::string_view said) {
  model::TextQuantity time = TRY(model::parse_leaf(value, {model::Dimension::duration}));
  if (!(time.value >= to_seconds(least)) || time.value > to_seconds(most)) return wrong(std::string(said));
  return model::to_duration(time);
}

// The keys that every destination has.
Result<bool> read_destination_key(edge::DestinationOptions& to, const std::string& key, const model::Value& value) {
  if (key == "url") {
    to.url = TRY(text_of(value));
    TRY(edge::parse_destination(to.url));
  } else if (key == "token_file") {
    to.token_file = TRY(text_of(value));
  } else if (key == "ca_file") {
    to.ca_file = TRY(text_of(value));
  } else if (key == "timeout") {
    to.timeout = TRY(between(value, std::chrono::seconds{1}, std::chrono::minutes{1}, "from 1s to 1m"));
  } else {
    return false;
  }
  return true;
}

// Without path and query, which may be secret.
std::string name_of_url(const std::string& url) {
  Result<edge::DestinationUrl> parsed = edge::parse_destination(url);
  return parsed ? parsed->server.substr(parsed->server.find("://") + 3) : url;
}

using ReadKey = std::function<Result<bool>(const std::string&, const model::Value&)>;

// Of a map every key, each by the first reader that knows it.
Status read_map(const model::Value& value, const char* known, const std::vector<ReadKey>& readers) {
  if (!value.map()) return wrong(cat("a map belongs here with ", known));
  for (const auto& [key, given] : *value.map()) {
    bool read = false;
    for (const ReadKey& reader : readers) {
      Result<bool> done = reader(key, given);
      if (!done) return wrong(cat("`", key, "`: ", done.error().message));
      read = *done;
      if (read) break;
    }
    if (!read) return wrong(cat("unknown key `", key, "`: known are ", known));
  }
  return {};
}

Result<edge::DestinationOptions> member_of(const model::Value& value) {
  edge::DestinationOptions to;
  if (value.text()) {
    to.url = *value.text();
    TRY(edge::parse_destination(to.url));
  } else {
    TRY(read_map(value, "url, token_file, ca_file, timeout",
                 {[&to](const std::string& key, const model::Value& v) { return read_destination_key(to, key, v); }}));
  }
  if (to.url.empty()) return wrong("each member has an address: http://alertmanager-1:9093");
  to.name = name_of_url(to.url);
  return to;
}

Result<edge::WebhookOptions> webhook_of(const model::Value& value) {
  edge::WebhookOptions hook;
  ReadKey own = [&hook](const std::string& key, const model::Value& v) -> Result<bool> {
    if (key == "name") hook.destination.name = TRY(text_of(v));
    else if (key == "secret_file") hook.secret_file = TRY(text_of(v));
    else if (key == "types") hook.types = TRY(texts_of(v));
    else return false;
    return true;
  };
  TRY(read_map(value, "name, url, secret_file, types, token_file, ca_file, timeout",
               {own, [&hook](const std::string& key, const model::Value& v) {
                  return read_destination_key(hook.destination, key, v);
                }}));
  const std::string& name = hook.destination.name;
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (name.empty() || name.size() > 63 || !std::all_of(name.begin(), name.end(), plain))
    return wrong("each webhook has a name of small letters, digits and hyphens: name: on-call");
  if (hook.destination.url.empty()) return wrong(cat(name, " has no `url`"));
  if (hook.secret_file.empty())
    return wrong(cat(name,
                     " has no `secret_file`: a file with mode 0600 that holds what its events are signed with, "
                     "as from `openssl rand -hex 32`"));
  if (hook.types.empty()) return wrong(cat(name, ": `types` names at least one, like [finding, action]"));
  return hook;
}

Result<edge::RemoteWriteOptions> server_of(const model::Value& value) {
  edge::RemoteWriteOptions server;
  ReadKey own = [&server](const std::string& key, const model::Value& v) -> Result<bool> {
    if (key == "samples") {
      std::string samples = TRY(text_of(v));
      if (samples != "scores" && samples != "all") return wrong("`scores` (the default) or `all`");
      server.samples = samples == "all" ? edge::WrittenSamples::all : edge::WrittenSamples::scores;
    } else if (key == "interval") {
      server.interval = TRY(between(v, std::chrono::seconds{1}, std::chrono::minutes{10}, "from 1s to 10m"));
    } else if (key == "queue") {
      model::TextQuantity bytes = TRY(model::parse_leaf(v, {model::Dimension::bytes}));
      if (!(bytes.value >= 4e6) || bytes.value > 1e12) return wrong("from 4MB to 1TB");
      server.queue = Bytes{static_cast<std::uint64_t>(bytes.value)};
    } else if (key == "labels") {
      server.labels = TRY(labels_of(v));
    } else {
      return false;
    }
    return true;
  };
  TRY(read_map(value, "url, samples, interval, queue, labels, token_file, ca_file, timeout",
               {own, [&server](const std::string& key, const model::Value& v) {
                  return read_destination_key(server.destination, key, v);
                }}));
  if (server.destination.url.empty())
    return wrong("each server has an address: url: http://prometheus:9090/api/v1/write");
  server.destination.name = name_of_url(server.destination.url);
  return server;
}

template <class One, class Read>
Result<std::vector<One>> list_of(const model::Value& value, std::size_t most, const char* example, Read&& read) {
  if (!value.list()) return wrong(cat("a list belongs here, like ", example));
  if (value.list()->size() > most) return wrong(cat("at most ", most));
  std::vector<One> all;
  for (const model::Value& each : *value.list()) all.push_back(TRY(read(each)));
  return all;
}

const edge::DestinationOptions& destination_of(const edge::DestinationOptions& to) { return to; }
template <class One>
const edge::DestinationOptions& destination_of(const One& one) {
  return one.destination;
}

// Outboxes and counts go by name.
template <class One>
Status check_names(const std::vector<One>& all) {
  std::set<std::string> names;
  for (const One& each : all)
    if (!names.insert(destination_of(each).name).second)
      return wrong(cat("`", destination_of(each).name, "` stands there twice"));
  return {};
}

}  // namespace

Result<edge::NotifyLimit> notify_of(const model::Value& value) {
  std::optional<edge::NotifyLimit> limit;
  ReadKey own = [&limit](const std::string& key, const model::Value& v) -> Result<bool> {
    if (key != "fleet") return false;
    model::TextQuantity rate = TRY(model::parse_leaf(v, {model::Dimension::event_rate}));
    constexpr double most = 10'000;
    if (!(rate.value >= 1) || rate.value > most) return wrong("from 1 to 10000 in a stretch of time, like 5/day");
    limit = {.findings = static_cast<std::size_t>(rate.value), .within = rate.per};
    return true;
  };
  TRY(read_map(value, "fleet", {own}));
  if (!limit) return wrong("says how many findings are told of, like {fleet: 5/day}");
  return *limit;
}

Result<AlertmanagerSettings> alertmanager_of(const model::Value& value) {
  AlertmanagerSettings settings;
  auto members = [](const model::Value& list) {
    return list_of<edge::DestinationOptions>(list, edge::Alertmanager::most_members, "[http://alertmanager-1:9093]",
                                             member_of);
  };
  if (value.list()) {
    settings.members = TRY(members(value));
  } else {
    ReadKey own = [&](const std::string& key, const model::Value& v) -> Result<bool> {
      if (key == "members") settings.members = TRY(members(v));
      else if (key == "labels") settings.labels = TRY(labels_of(v));
      else if (key == "resend")
        settings.resend = TRY(between(v, std::chrono::seconds{5}, std::chrono::minutes{10}, "from 5s to 10m"));
      else return false;
      return true;
    };
    TRY(read_map(value, "members, labels, resend", {own}));
  }
  TRY(check_names(settings.members));
  return settings;
}

Result<std::vector<edge::WebhookOptions>> webhooks_of(const model::Value& value) {
  auto all = TRY(list_of<edge::WebhookOptions>(
      value, edge::Webhooks::most_webhooks,
      "[{name: on-call, url: https://alerts.example.net/mien, secret_file: /etc/mien/on-call.secret}]", webhook_of));
  TRY(check_names(all));
  return all;
}

Result<std::vector<edge::RemoteWriteOptions>> remote_write_of(const model::Value& value) {
  auto all = TRY(list_of<edge::RemoteWriteOptions>(value, edge::RemoteWriter::most_servers,
                                                   "[{url: http://prometheus:9090/api/v1/write}]", server_of));
  TRY(check_names(all));
  return all;
}

std::vector<std::string> OutboundSettings::files() const {
  std::vector<std::string> all;
  auto add = [&all](const edge::DestinationOptions& to) {
    all.push_back(to.token_file);
    all.push_back(to.ca_file);
  };
  for (const auto& each : alertmanager.members) add(each);
  for (const auto& each : remote_write) add(each.destination);
  for (const auto& each : webhooks) {
    add(each.destination);
    all.push_back(each.secret_file);
  }
  std::erase(all, std::string{});
  return all;
}

Status check_secrets(const OutboundSettings& settings) {
  auto check = [](const std::string& file) -> Status {
    if (!file.empty()) TRY(edge::read_secret(file));
    return {};
  };
  for (const auto& each : settings.alertmanager.members) TRY(check(each.token_file));
  for (const auto& each : settings.remote_write) TRY(check(each.destination.token_file));
  for (const auto& each : settings.webhooks) {
    TRY(check(each.destination.token_file));
    TRY(check(each.secret_file));
    std::string secret = TRY(edge::read_secret(each.secret_file));
    TRY(edge::webhook_signature(secret, "id", 0, "body"));
  }
  return {};
}

}  // namespace mien::app
