#include "wire/identity.h"

#include <array>
#include <optional>

#include "base/text.h"

namespace mien::wire {
namespace {

// Kept beside the name when an outside sender has them: each may show that two names are one machine.
constexpr std::array<std::string_view, 9> known_identities{"service.instance.id", "host.id",           "host.name",
                                                           "service.name",        "service.namespace", "container.id",
                                                           "k8s.pod.uid",         "k8s.node.name",     "device.id"};

Error unnamed(std::string message) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = {}, .cause = {}};
}

std::string_view find(const model::Attributes& attributes, std::string_view key) {
  auto at = attributes.find(std::string(key));
  return at == attributes.end() ? std::string_view{} : std::string_view(at->second);
}

// An identity that is not a plain name can not be compared with another sender's, so it is no identity.
void keep(std::string_view key, std::string_view value, const IdentityRules& rules, Identity& identity) {
  bool plain = is_plain_name(key, rules.name_length) && is_plain_name(value, rules.name_length);
  if (plain && identity.identities.size() < rules.identities) identity.identities.emplace(key, value);
}

std::optional<model::InstanceType> parse_type(std::string_view text) {
  using model::InstanceType;
  for (InstanceType type : {InstanceType::host, InstanceType::guest, InstanceType::container, InstanceType::service,
                            InstanceType::external}) {
    if (model::to_text(type) == text) return type;
  }
  return std::nullopt;
}

Result<Identity> identify_marked(const model::Attributes& resource, const IdentityRules& rules) {
  Identity identity{.instance = InstanceName{std::string(find(resource, mark_instance))},
                    .parent = {},
                    .identities = {},
                    .marked = true};
  std::string_view type = find(resource, mark_type);
  std::optional<model::InstanceType> parsed = parse_type(type.empty() ? "external" : type);
  if (!parsed)
    return unnamed(
        cat("attribute ", mark_type, " is '", type, "'; it is one of host, guest, container, service, external"));
  identity.type = *parsed;
  identity.parent = InstanceName{std::string(find(resource, mark_parent))};
  if (!identity.parent.empty() && !is_plain_name(identity.parent.value, rules.name_length)) {
    return unnamed(cat("attribute ", mark_parent, " is not a name of at most ", rules.name_length,
                       " bytes without control characters"));
  }
  for (const auto& [key, value] : resource) {
    if (!key.starts_with(mark_prefix)) keep(key, value, rules, identity);
  }
  return identity;
}

Result<Identity> identify_outsider(const model::Attributes& resource, const IdentityRules& rules) {
  Identity identity;
  for (std::string_view key : {"service.instance.id", "host.id", "host.name"}) {
    std::string_view value = find(resource, key);
    if (value.empty()) continue;
    identity.instance = InstanceName{std::string(value)};
    break;
  }
  if (rules.trusted && !rules.agent.empty()) identity.instance = InstanceName{rules.agent};
  if (identity.instance.empty()) {
    return unnamed(
        "the resource names no instance; set the resource attribute service.instance.id, host.id or host.name "
        "(for example OTEL_RESOURCE_ATTRIBUTES=host.name=web-01)");
  }
  for (std::string_view key : known_identities) {
    keep(key, find(resource, key), rules, identity);
  }
  return identity;
}

}  // namespace

bool is_plain_name(std::string_view name, std::size_t length) {
  if (name.empty() || name.size() > length || !is_utf8(name)) return false;
  for (char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

Result<Identity> identify(const model::Attributes& resource, const IdentityRules& rules) {
  bool marked = rules.trusted && resource.contains(std::string(mark_instance));
  Identity identity = TRY(marked ? identify_marked(resource, rules) : identify_outsider(resource, rules));
  if (!is_plain_name(identity.instance.value, rules.name_length)) {
    return unnamed(cat("the instance's name is not text of 1 to ", rules.name_length,
                       " bytes without control characters; shorten or mend it"));
  }
  return identity;
}

}  // namespace mien::wire
