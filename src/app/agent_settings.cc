#include "app/agent_settings.h"

#include <algorithm>
#include <array>

#include "app/client.h"
#include "base/text.h"
#include "model/text_quantity.h"
#include "node/lease_keeper.h"
#include "wire/yaml.h"

namespace mien::app {
namespace {

constexpr std::array<std::string_view, 4> known_keys{"allow", "never_touch", "collect", "budget"};
constexpr std::array<std::string_view, 2> known_budget{"cpu", "memory"};
constexpr std::array<std::string_view, 6> known_collect{"sensors",  "ebpf",  "writes_below",
                                                        "reads_of", "users", "libvirt"};
constexpr std::size_t most_paths = 128;
constexpr std::size_t longest_pattern = 256;
constexpr std::size_t most_patterns = 256;

Error invalid(std::string message, std::string_view where = {}) {
  return {.code = Code::invalid, .message = std::move(message), .where = std::string(where), .cause = {}};
}

// Verbs that change a machine; those that only tell, or change what Mien itself holds, need no permission from it.
std::vector<std::string_view> verbs_to_allow() {
  std::vector<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(model::Verb::run); ++i) {
    auto verb = static_cast<model::Verb>(i);
    if (verb != model::Verb::alert && verb != model::Verb::activate) names.push_back(model::to_text(verb));
  }
  return names;
}

std::string listed(const std::vector<std::string_view>& names) {
  std::string out;
  for (std::string_view name : names) out += cat(out.empty() ? "" : ", ", name);
  return out;
}

Result<std::vector<std::string>> texts_of(const model::Value& value, std::string_view example) {
  if (value.is_null()) return std::vector<std::string>{};
  if (!value.list()) return invalid(cat("a list belongs here, like ", example));
  std::vector<std::string> texts;
  for (const model::Value& each : *value.list()) {
    if (!each.text()) return invalid(cat("a list of texts belongs here, like ", example));
    texts.push_back(*each.text());
  }
  return texts;
}

Status read_allow(AgentSettings& settings, const model::Value& value) {
  for (const std::string& name : TRY(texts_of(value, "[limit, prioritize]")))
    settings.allow.insert(TRY(parse_allowed(name)));
  return {};
}

Status read_never_touch(AgentSettings& settings, const model::Value& value) {
  for (std::string& pattern : TRY(texts_of(value, R"(["postgresql*", "backup.service"])"))) {
    if (pattern.empty() || pattern.size() > longest_pattern)
      return invalid(cat("a pattern has 1 to ", longest_pattern, " bytes, like \"postgresql*\""));
    if (settings.never_touch.size() >= most_patterns) return invalid(cat("more than ", most_patterns, " patterns"));
    settings.never_touch.push_back(std::move(pattern));
  }
  return {};
}

Result<std::vector<std::string>> paths_of(const model::Value& value, std::string_view example) {
  std::vector<std::string> paths = TRY(texts_of(value, example));
  if (paths.size() > most_paths) return invalid(cat("more than ", most_paths, " paths"));
  for (const std::string& path : paths)
    if (!path.starts_with('/') || path.size() > longest_pattern)
      return invalid(cat("`", path, "` is no path: one begins with / and has at most ", longest_pattern, " bytes"));
  return paths;
}

// A list replaces the default: what is watched is what stands there.
Status read_collect(AgentSettings& settings, const model::Value& value) {
  if (value.is_null()) return {};
  if (!value.map()) return invalid("a map belongs here, like {ebpf: true, writes_below: [/etc, /usr]}");
  for (const auto& [name, each] : *value.map()) {
    if (name == "writes_below") {
      settings.collect.writes_below = TRY(paths_of(each, "[/etc, /usr]"));
    } else if (name == "reads_of") {
      settings.collect.reads_of = TRY(paths_of(each, "[/etc/shadow]"));
    } else if (name == "users") {
      const std::string* how = each.text() ? &*each.text() : nullptr;
      if (how == nullptr || (*how != "name" && *how != "pseudonym"))
        return invalid("`users`: name or pseudonym belongs here: by which the facts tell of persons");
      settings.collect.pseudonyms = *how == "pseudonym";
    } else if (name == "libvirt") {
      // YAML reads a bare `off` as false.
      bool off = each.boolean() && !*each.boolean();
      if (!off && (!each.text() || each.text()->empty() || each.text()->size() > longest_pattern))
        return invalid("`libvirt`: auto, off or the URI of a connection belongs here, like qemu:///system");
      settings.collect.libvirt = off ? "off" : *each.text();
    } else if (name == "sensors" || name == "ebpf") {
      if (!each.boolean()) return invalid(cat("`", name, "`: true or false belongs here"));
      (name == "ebpf" ? settings.collect.ebpf : settings.collect.sensors) = *each.boolean();
    } else {
      auto meant = nearest(name, known_collect);
      return invalid(cat("unknown key `", name, "`",
                         meant ? cat(": did you mean `", *meant, "`?")
                               : ": known are sensors, ebpf, writes_below, reads_of, users, libvirt"));
    }
  }
  return {};
}

Status read_budget(AgentSettings& settings, const model::Value& value) {
  constexpr double least_cpu = 0.001, most_cpu = 4;
  constexpr double least_memory = 16U << 20U, most_memory = 4e9;
  if (value.is_null()) return {};
  if (!value.map()) return invalid("a map belongs here, like {cpu: 2%, memory: 64MiB}");
  for (const auto& [name, each] : *value.map()) {
    if (name == "cpu") {
      double share = TRY(model::parse_leaf(each, {model::Dimension::ratio}))
      .value;
      if (!(share >= least_cpu && share <= most_cpu)) return invalid("`cpu` is 0.1% to 400%, of one CPU");
      settings.budget.cpu = Ratio{share};
    } else if (name == "memory") {
      double bytes = TRY(model::parse_leaf(each, {model::Dimension::bytes}))
      .value;
      if (!(bytes >= least_memory && bytes <= most_memory)) return invalid("`memory` is 16MiB to 4GB");
      settings.budget.memory = Bytes{static_cast<std::uint64_t>(bytes)};
    } else {
      auto meant = nearest(name, known_budget);
      return invalid(
          cat("unknown key `", name, "`", meant ? cat(": did you mean `", *meant, "`?") : ": known are cpu, memory"));
    }
  }
  return {};
}

}  // namespace

Result<model::Verb> parse_allowed(std::string_view name) {
  std::vector<std::string_view> known = verbs_to_allow();
  if (std::find(known.begin(), known.end(), name) != known.end()) return *model::parse_verb(name);
  if (model::parse_verb(name))
    return invalid(cat("`", name, "` changes no machine and needs no permission: leave it out"));
  if (auto meant = nearest(name, known))
    return invalid(cat("there is no verb `", name, "`: did you mean `", *meant, "`?"));
  return invalid(cat("there is no verb `", name, "`: known are ", listed(known)));
}

Result<AgentSettings> parse_agent_settings(std::string_view text, std::string_view file) {
  AgentSettings settings{.allow = {}, .never_touch = node::default_never_touch(), .collect = {}, .budget = {}};
  model::Value tree = TRY(wire::parse_yaml(text, file));
  if (tree.is_null()) return settings;
  if (!tree.map()) return invalid("settings are a map, like `allow: [limit, prioritize]`", file);
  for (const auto& [name, value] : *tree.map()) {
    if (std::find(known_keys.begin(), known_keys.end(), name) == known_keys.end()) {
      auto meant = nearest(name, known_keys);
      return invalid(
          cat("unknown key `", name, "`",
              meant ? cat(": did you mean `", *meant, "`?") : ": known are allow, never_touch, collect, budget"),
          file);
    }
    Status status = name == "allow"         ? read_allow(settings, value)
                    : name == "never_touch" ? read_never_touch(settings, value)
                    : name == "collect"     ? read_collect(settings, value)
                                            : read_budget(settings, value);
    if (!status) return invalid(cat("`", name, "`: ", status.error().message), file);
  }
  return settings;
}

Result<AgentSettings> load_agent_settings(const std::string& file) {
  Result<std::string> text = read_small_file(file);
  if (!text && text.error().code == Code::not_found && file == default_agent_settings_file)
    return AgentSettings{.allow = {}, .never_touch = node::default_never_touch(), .collect = {}, .budget = {}};
  if (!text) return text.error();
  return parse_agent_settings(*text, file);
}

Status allow_instead(AgentSettings& settings, const std::vector<std::string>& verbs) {
  if (verbs.empty()) return {};
  settings.allow.clear();
  for (const std::string& name : verbs) {
    Result<model::Verb> verb = parse_allowed(name);
    if (!verb) return invalid(cat("--allow: ", verb.error().message));
    settings.allow.insert(*verb);
  }
  return {};
}

}  // namespace mien::app
