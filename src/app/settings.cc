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

Result<std::string> text_of(const model::Value& value) {
  if (value.text()) return *value.text();
  return Error{.code = Code::invalid, .message = "a text belongs here", .where = {}, .cause = {}};
}

struct Key {
  std::string_view name;
  std::function<Status(ManagerSettings&, const model::Value&)> read;
};

const std::array<Key, 5>& keys() {
  static const std::array<Key, 5> all{{
      {"listen",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         s.listen = TRY(text_of(v));
         return {};
       }},
      {"data",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         s.data = TRY(text_of(v));
         return {};
       }},
      {"names",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         if (!v.list())
           return Error{.code = Code::invalid,
                        .message = "a list of names belongs here, like [mien.example.net]",
                        .where = {},
                        .cause = {}};
         for (const model::Value& name : *v.list()) s.names.push_back(TRY(text_of(name)));
         return {};
       }},
      {"store_limit",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         model::TextQuantity bytes = TRY(model::parse_leaf(v, {model::Dimension::bytes}));
         constexpr double smallest = 64e6;
         if (bytes.value < smallest)
           return Error{.code = Code::invalid, .message = "at least 64MB", .where = {}, .cause = {}};
         s.store_limit = Bytes{static_cast<std::uint64_t>(bytes.value)};
         return {};
       }},
      {"retention",
       [](ManagerSettings& s, const model::Value& v) -> Status {
         s.retention = model::to_duration(TRY(model::parse_leaf(v, {model::Dimension::duration})));
         if (s.retention < 10min)
           return Error{.code = Code::invalid, .message = "at least 10m", .where = {}, .cause = {}};
         return {};
       }},
  }};
  return all;
}

}  // namespace

Result<ManagerSettings> parse_settings(std::string_view text, std::string_view file) {
  ManagerSettings settings;
  model::Value tree = TRY(wire::parse_yaml(text, file));
  if (tree.is_null()) return settings;
  if (!tree.map()) return invalid(file, "settings are a map, like `listen: 127.0.0.1:7070`");
  std::vector<std::string_view> known;
  for (const Key& key : keys()) known.push_back(key.name);
  for (const auto& [name, value] : *tree.map()) {
    auto key = std::find_if(keys().begin(), keys().end(), [&](const Key& each) { return each.name == name; });
    if (key == keys().end()) {
      auto meant = nearest(name, known);
      return invalid(file, cat("unknown key `", name, "`",
                               meant ? cat(": did you mean `", *meant, "`?")
                                     : cat(": known are listen, data, names, store_limit, retention")));
    }
    if (Status status = key->read(settings, value); !status)
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
