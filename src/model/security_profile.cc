#include "model/security_profile.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/math.h"
#include "base/text.h"

namespace mien::model {
namespace {

constexpr std::size_t longest_key = 256;
constexpr std::int64_t first_high_port = 32768;  // from here on systems hand them out by themselves
constexpr double block = 300;                    // seconds

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string_view base_name(std::string_view path) {
  std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// A key that is too long keeps its beginning and tells itself apart by a hash (FNV-1a) of the whole.
std::string bounded(std::string key) {
  constexpr std::size_t kept = 230;
  if (key.size() <= longest_key) return key;
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return cat(std::string_view(key).substr(0, kept), "#", hash);
}

// "/tmp/tmp.Xa93kd1Q/log-20260112.gz" -> "/tmp/tmp.#/log-#.gz": names that are made up each time.
std::string plain_path(std::string_view path) {
  constexpr std::size_t least_digits = 3;
  constexpr std::string_view temporary = "/tmp.";
  std::string out;
  for (std::size_t i = 0; i < path.size();) {
    if (path.substr(i).starts_with(temporary)) {
      std::size_t end = i + temporary.size();
      while (end < path.size() && (is_digit(path[end]) || is_letter(path[end]))) ++end;
      if (end - i - temporary.size() >= 6) {
        out += "/tmp.#";
        i = end;
        continue;
      }
    }
    std::size_t end = i;
    while (end < path.size() && is_digit(path[end])) ++end;
    if (end - i >= least_digits) {
      out += '#';
      i = end;
    } else {
      end = std::max(end, i + 1);
      out += path.substr(i, end - i);
      i = end;
    }
  }
  return out;
}

std::optional<std::array<std::int64_t, 4>> ipv4_of(std::string_view text) {
  std::array<std::int64_t, 4> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::size_t dot = i + 1 < parts.size() ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    auto number = parse_integer(text.substr(0, dot));
    if (!number || *number < 0 || *number > 255) return std::nullopt;
    parts[i] = *number;
    text.remove_prefix(std::min(text.size(), dot + 1));
  }
  return parts;
}

bool is_private(const std::array<std::int64_t, 4>& a) {
  return a[0] == 10 || a[0] == 127 || (a[0] == 172 && a[1] >= 16 && a[1] < 32) || (a[0] == 192 && a[1] == 168) ||
         (a[0] == 169 && a[1] == 254) || (a[0] == 100 && a[1] >= 64 && a[1] < 128);
}

// The first `groups` groups of an IPv6 address as it is written; one with :: before them keeps what stands there.
std::string ipv6_prefix(std::string_view address, int groups) {
  std::size_t end = 0;
  for (int seen = 0; end < address.size(); ++end) {
    if (address[end] != ':') continue;
    if (end + 1 < address.size() && address[end + 1] == ':') break;
    if (++seen == groups) break;
  }
  return cat(address.substr(0, end), "::/", groups * 16);
}

std::string network_of(std::string_view address) {
  if (auto v4 = ipv4_of(address)) {
    const auto& a = *v4;
    if (is_private(a)) return cat(a[0], ".", a[1], ".", a[2], ".0/24");
    return cat(a[0], ".", a[1], ".0.0/16");
  }
  if (address.find(':') == std::string_view::npos) return std::string(address);
  if (address == "::1") return "::1";
  bool local = address.starts_with("fc") || address.starts_with("fd") || address.starts_with("fe80");
  return ipv6_prefix(address, local ? 4 : 2);
}

std::string port_of(std::string_view text) {
  auto port = parse_integer(text);
  return port && *port >= first_high_port ? std::string("high") : std::string(text);
}

std::string connection_key(std::string_view object) {
  std::size_t colon = object.rfind(':');
  if (colon == std::string_view::npos) return std::string(object);
  std::string_view address = object.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return cat(network_of(address), ":", port_of(object.substr(colon + 1)));
}

std::string listener_key(std::string_view object) {
  std::size_t slash = object.find('/');
  if (slash == std::string_view::npos) return std::string(object);
  return cat(object.substr(0, slash), "/", port_of(object.substr(slash + 1)));
}

std::string by(std::string key, std::string_view who) { return who.empty() ? key : cat(key, " by ", who); }

}  // namespace

std::string key_of(const SecurityFact& fact) {
  std::string process = plain_path(base_name(fact.process));
  switch (fact.kind) {
    case FactKind::connection: return bounded(connection_key(fact.object));
    case FactKind::listener: return bounded(by(listener_key(fact.object), process));
    case FactKind::sensitive_read:
    case FactKind::privilege: return bounded(by(plain_path(fact.object), process));
    case FactKind::execution:
    case FactKind::write: return bounded(plain_path(fact.object));
    case FactKind::login:
      return bounded(fact.detail.empty() ? fact.object : cat(fact.object, " from ", network_of(fact.detail)));
    case FactKind::sudo: return bounded(by(fact.object, fact.user));
    case FactKind::kernel_module:
    case FactKind::bpf_program:
    case FactKind::system_call:
    case FactKind::package: return bounded(fact.object);
  }
  return bounded(fact.object);
}

const KnownObjects& SecurityProfile::of(FactKind kind) const {
  static const KnownObjects none;
  auto index = static_cast<std::size_t>(kind);
  return index < kinds.size() ? kinds[index] : none;
}

const KnownObject* SecurityProfile::find(FactKind kind, std::string_view key) const {
  const std::vector<KnownObject>& objects = of(kind).objects;
  auto at = std::lower_bound(objects.begin(), objects.end(), key,
                             [](const KnownObject& object, std::string_view wanted) { return object.key < wanted; });
  return at == objects.end() || at->key != key ? nullptr : &*at;
}

bool SecurityProfile::is_whole() const {
  if (!kinds.empty() && kinds.size() != fact_kinds) return false;
  return std::all_of(kinds.begin(), kinds.end(), [](const KnownObjects& known) {
    bool ascends = std::adjacent_find(known.objects.begin(), known.objects.end(),
                                      [](const KnownObject& a, const KnownObject& b) { return a.key >= b.key; }) ==
                   known.objects.end();
    return ascends && known.objects.size() <= KnownObjects::most && known.total >= 0 && known.once >= 0;
  });
}

Novelty novelty_of(const SecurityProfile& profile, FactKind kind, WallTime now) {
  const KnownObjects& known = profile.of(kind);
  // What is common comes soon or is not watched; what is rare is waited for from the beginning.
  bool common = kind == FactKind::execution || kind == FactKind::connection || kind == FactKind::write;
  WallTime since = common ? known.first : profile.since;
  if (since.ns == 0 || now <= since) return {};
  double aged = now <= known.decayed_at || known.decayed_at.ns == 0
                    ? 1
                    : math::exp(-to_seconds(now - known.decayed_at) / security_memory);
  double total = known.total * aged;
  double once = known.once * aged;
  double blocks = security_memory * (1 - math::exp(-to_seconds(now - since) / security_memory)) / block;
  Novelty novelty;
  novelty.probability = std::min(1.0, (once + 1) / (total + 1));
  novelty.per_block = blocks > 0 ? total / std::max(1.0, blocks) : 0;
  double in_a_block = std::min(1.0, (once + 1) / (blocks + 1));
  if (is_state(kind)) novelty.probability = in_a_block;
  novelty.surprise = -math::log10(std::min(novelty.probability, in_a_block));
  return novelty;
}

}  // namespace mien::model
