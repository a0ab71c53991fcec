#include "wire/alias.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "model/devices.h"
#include "wire/detail/alias_table.h"

namespace mien::wire {
namespace {

struct Edit {
  enum class What : std::uint8_t { rename, set, drop };
  What what = What::rename;
  std::string key;
  std::string to;  // the new key, or the value
};

struct Rule {
  const AliasRow* row = nullptr;
  std::vector<Edit> edits;
  std::string when_key;  // empty: always
  std::string when_value;
};

Rule parse_rule(const AliasRow& row) {
  Rule rule{.row = &row, .edits = {}, .when_key = {}, .when_value = {}};
  for (std::string_view word : split(row.edits, ' ')) {
    if (word.empty()) continue;
    std::size_t at = word.find_first_of("=>");
    std::string to(at == std::string_view::npos ? std::string_view{} : word.substr(at + 1));
    if (word[0] == '?') {
      rule.when_key = std::string(word.substr(1, at == std::string_view::npos ? at : at - 1));
      rule.when_value = std::move(to);
    } else if (word[0] == '-') {
      rule.edits.push_back({.what = Edit::What::drop, .key = std::string(word.substr(1)), .to = {}});
    } else {
      rule.edits.push_back({.what = word[at] == '=' ? Edit::What::set : Edit::What::rename,
                            .key = std::string(word.substr(0, at)),
                            .to = std::move(to)});
    }
  }
  return rule;
}

struct Table {
  std::unordered_map<std::string_view, std::vector<Rule>> whole;
  std::vector<std::pair<std::string_view, Rule>> prefixes;  // longest first

  Table() {
    for (const AliasRow& row : alias_rows) {
      if (row.from.ends_with('*')) prefixes.emplace_back(row.from.substr(0, row.from.size() - 1), parse_rule(row));
      else whole[row.from].push_back(parse_rule(row));
    }
    std::stable_sort(prefixes.begin(), prefixes.end(),
                     [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  }
};

bool applies(const Rule& rule, const model::Series& series) {
  if (rule.when_key.empty()) return true;
  auto at = series.attributes.find(rule.when_key);
  return at != series.attributes.end() && (rule.when_value.empty() || at->second == rule.when_value);
}

const Rule* rule_for(const model::Series& series) {
  static const Table table;
  std::string_view name = series.metric.value;
  if (auto rules = table.whole.find(name); rules != table.whole.end()) {
    for (const Rule& rule : rules->second)
      if (applies(rule, series)) return &rule;
    return nullptr;
  }
  for (const auto& [prefix, rule] : table.prefixes)
    if (name.starts_with(prefix)) return &rule;
  return nullptr;
}

void rename(model::Attributes& attributes, std::string_view from, std::string_view to) {
  auto node = attributes.extract(std::string(from));
  if (node.empty()) return;
  node.key() = std::string(to);
  attributes.insert(std::move(node));
}

void apply(const Edit& edit, model::Attributes& attributes) {
  switch (edit.what) {
    case Edit::What::rename: return rename(attributes, edit.key, edit.to);
    case Edit::What::set: attributes.insert_or_assign(edit.key, edit.to); return;
    case Edit::What::drop: attributes.erase(edit.key); return;
  }
}

void settle_cpu_mode(model::Attributes& attributes) {
  auto mode = attributes.find("cpu.mode");
  if (mode == attributes.end()) return;
  if (mode->second == "irq" || mode->second == "interrupts") mode->second = "interrupt";
  if (mode->second == "wait") mode->second = "iowait";
}

// collectd writes a path as a name: root is /, and dashes are what slashes were.
void settle_mountpoint(model::Attributes& attributes) {
  auto at = attributes.find("mountpoint");
  if (at == attributes.end() || at->second.starts_with('/')) return;
  std::string path = "/";
  if (at->second != "root")
    for (char c : at->second) path += c == '-' ? '/' : c;
  at->second = std::move(path);
}

void settle_attribute_names(model::Series& series) {
  for (const AttributeName& name : attribute_names) {
    if (series.metric.value.starts_with(name.metrics)) rename(series.attributes, name.from, name.to);
  }
  settle_cpu_mode(series.attributes);
}

// What our own collector would leave out: its bytes are counted in another series too.
bool is_counted_elsewhere(const model::Series& series) {
  auto attribute = [&series](const char* key) -> std::string_view {
    auto at = series.attributes.find(key);
    return at == series.attributes.end() ? std::string_view{} : std::string_view(at->second);
  };
  std::string_view name = series.metric.value;
  if (std::string_view device = attribute("device"); !device.empty()) {
    if (name.starts_with("system.disk.")) return !model::is_whole_disk(device);
    if (name.starts_with("system.network.")) return !model::is_host_interface(device);
  }
  if (name.starts_with("system.filesystem.")) {
    std::string_view type = attribute("type");
    if (!type.empty()) return !model::is_local_filesystem(type);
    std::string_view place = attribute("mountpoint");
    for (std::string_view memory : {"/dev", "/run", "/proc", "/sys"})
      if (place == memory || (place.starts_with(memory) && place[memory.size()] == '/')) return true;
  }
  return false;
}

// Only what names the thing stays; which device and type a filesystem has is no part of its name in our own series.
void trim_attributes(model::Series& series) {
  bool filesystem = series.metric.value.starts_with("system.filesystem.");
  std::erase_if(series.attributes, [&](const auto& attribute) {
    if (filesystem && (attribute.first == "device" || attribute.first == "type")) return true;
    return std::find(std::begin(canonical_attributes), std::end(canonical_attributes), attribute.first) ==
           std::end(canonical_attributes);
  });
}

}  // namespace

Alias canonicalise(model::Series& series) {
  Alias alias;
  const Rule* rule = rule_for(series);
  bool foreign = !series.metric.value.starts_with("system.");
  if (rule != nullptr) {
    const AliasRow& row = *rule->row;
    alias = {.factor = row.factor, .known = true, .kept = row.to != "-"};
    if (row.kind == "gauge") series.kind = model::SeriesKind::gauge;
    if (row.kind == "counter") series.kind = model::SeriesKind::counter;
    if (!row.to.empty() && alias.kept) series.metric = MetricName{std::string(row.to)};
    if (!row.unit.empty()) series.unit = std::string(row.unit);
    for (const Edit& edit : rule->edits) apply(edit, series.attributes);
  }
  if (!series.metric.value.starts_with("system.")) return alias;
  settle_attribute_names(series);
  if (auto state = series.attributes.find("state"); state != series.attributes.end() && state->second == "buffered")
    state->second = "buffers";
  bool filesystem = series.metric.value.starts_with("system.filesystem.");
  if (foreign) {
    if (filesystem) settle_mountpoint(series.attributes);
    alias.kept = !is_counted_elsewhere(series);
    trim_attributes(series);
  } else if (filesystem && series.attributes.contains("mountpoint")) {
    for (const char* of_the_disk : {"device", "type", "mode", "system.filesystem.type", "system.filesystem.mode"})
      series.attributes.erase(of_the_disk);
  }
  return alias;
}

}  // namespace mien::wire
