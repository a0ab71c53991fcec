#include "drift/security_lists.h"

#include <array>
#include <optional>
#include <vector>

#include "base/text.h"

namespace mien::drift {
namespace {

using model::FactKind;
using What = ListVerdict::What;
using Matches = bool (*)(std::string_view pattern, std::string_view object);

bool is_same(std::string_view pattern, std::string_view object) { return pattern == object; }

// "443" in "443", "8000-8100", "*".
bool matches_port(std::string_view pattern, std::string_view port) {
  if (pattern == "*") return true;
  auto number = parse_integer(port);
  std::size_t dash = pattern.find('-');
  auto low = parse_integer(pattern.substr(0, dash));
  auto high = dash == std::string_view::npos ? low : parse_integer(pattern.substr(dash + 1));
  return number && low && high && *number >= *low && *number <= *high;
}

struct Address {
  std::array<std::uint8_t, 16> bytes{};
  std::size_t size = 0;  // 4 or 16
};

std::optional<Address> parse_v4(std::string_view text) {
  Address address{.bytes = {}, .size = 4};
  for (std::size_t i = 0; i < 4; ++i) {
    std::size_t dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    auto number = parse_integer(text.substr(0, dot));
    if (!number || *number < 0 || *number > 255) return std::nullopt;
    address.bytes[i] = static_cast<std::uint8_t>(*number);
    text.remove_prefix(dot < text.size() ? dot + 1 : dot);
  }
  return address;
}

std::optional<std::uint16_t> parse_group(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  unsigned value = 0;
  for (char c : text) {
    unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                     : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A') + 10
                                            : 16;
    if (digit > 15) return std::nullopt;
    value = value * 16 + digit;
  }
  return static_cast<std::uint16_t>(value);
}

// The groups of one side of "::", at most eight.
std::optional<std::vector<std::uint16_t>> parse_groups(std::string_view text) {
  std::vector<std::uint16_t> groups;
  while (!text.empty()) {
    std::size_t colon = std::min(text.find(':'), text.size());
    auto group = parse_group(text.substr(0, colon));
    if (!group || groups.size() == 8) return std::nullopt;
    groups.push_back(*group);
    text.remove_prefix(colon < text.size() ? colon + 1 : colon);
  }
  return groups;
}

std::optional<Address> parse_v6(std::string_view text) {
  std::size_t gap = text.find("::");
  auto before = parse_groups(text.substr(0, gap));
  auto after =
      gap == std::string_view::npos ? std::optional(std::vector<std::uint16_t>{}) : parse_groups(text.substr(gap + 2));
  if (!before || !after) return std::nullopt;
  std::size_t given = before->size() + after->size();
  if (gap == std::string_view::npos ? given != 8 : given > 7) return std::nullopt;
  before->resize(8 - after->size());
  before->insert(before->end(), after->begin(), after->end());
  Address address{.bytes = {}, .size = 16};
  for (std::size_t i = 0; i < 8; ++i) {
    address.bytes[2 * i] = static_cast<std::uint8_t>((*before)[i] >> 8U);
    address.bytes[2 * i + 1] = static_cast<std::uint8_t>((*before)[i] & 0xffU);
  }
  return address;
}

// "10.0.0.1", "fd00::1", "[fd00::1]".
std::optional<Address> parse_address(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  return text.find(':') == std::string_view::npos ? parse_v4(text) : parse_v6(text);
}

bool is_within(const Address& address, const Address& network, std::size_t bits) {
  if (address.size != network.size) return false;
  for (std::size_t i = 0; i < address.size && bits > 0; ++i) {
    std::size_t here = std::min<std::size_t>(bits, 8);
    auto mask = static_cast<std::uint8_t>(0xff00U >> here);
    if ((address.bytes[i] & mask) != (network.bytes[i] & mask)) return false;
    bits -= here;
  }
  return true;
}

struct Destination {
  std::string_view host;  // address, with /PREFIX in patterns
  std::string_view port;
};

std::optional<Destination> split(std::string_view text) {
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return Destination{.host = text.substr(0, colon), .port = text.substr(colon + 1)};
}

std::optional<Address> network_of(std::string_view host) { return parse_address(host.substr(0, host.find('/'))); }

// A name stands for addresses that nobody here knows: the port decides.
bool may_be_allowed(std::string_view pattern, std::string_view destination) {
  auto wanted = split(pattern);
  auto given = split(destination);
  if (!wanted || !given) return false;
  bool is_name = wanted->host != "*" && !network_of(wanted->host);
  return is_name ? matches_port(wanted->port, given->port) : matches_destination(pattern, destination);
}

const std::string* find(const std::vector<std::string>& patterns, std::string_view object, Matches matches) {
  for (const std::string& pattern : patterns)
    if (matches(pattern, object)) return &pattern;
  return nullptr;
}

ListVerdict judge(const model::AllowDeny& lists, std::string_view object, Matches denies, Matches allows) {
  if (const std::string* pattern = find(lists.deny, object, denies)) return {.what = What::denied, .pattern = *pattern};
  if (lists.allow.empty()) return {};
  if (const std::string* pattern = find(lists.allow, object, allows))
    return {.what = What::allowed, .pattern = *pattern};
  return {.what = What::not_allowed, .pattern = {}};
}

ListVerdict judge_denied(const std::vector<std::string>& patterns, std::string_view object, Matches matches) {
  const std::string* pattern = find(patterns, object, matches);
  return pattern == nullptr ? ListVerdict{} : ListVerdict{.what = What::denied, .pattern = *pattern};
}

}  // namespace

bool matches_path(std::string_view pattern, std::string_view path) {
  // Iterative, with the newest star to come back to: linear for all but contrived patterns.
  constexpr std::size_t none = std::string_view::npos;
  std::size_t p = 0;
  std::size_t i = 0;
  std::size_t star = none;  // behind the newest star
  std::size_t from = 0;     // where it matched up to
  bool deep = false;        // it was a double one
  std::size_t deep_star = none;
  std::size_t deep_from = 0;
  while (i < path.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      deep = p + 1 < pattern.size() && pattern[p + 1] == '*';
      p += deep ? 2 : 1;
      star = p;
      from = i;
      if (deep) {
        deep_star = p;
        deep_from = i;
      }
    } else if (p < pattern.size() && (pattern[p] == path[i] || (pattern[p] == '?' && path[i] != '/'))) {
      ++p;
      ++i;
    } else if (star != none && (deep || path[from] != '/')) {
      p = star;
      i = ++from;
      if (deep) deep_from = from;
    } else if (deep_star != none && deep_from < path.size()) {  // a single star could not: the double one before it
      deep = true;
      p = star = deep_star;
      i = from = ++deep_from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool matches_socket(std::string_view pattern, std::string_view socket) {
  std::size_t slash = pattern.find('/');
  if (slash == std::string_view::npos || slash >= socket.size() ||
      socket.substr(0, slash + 1) != pattern.substr(0, slash + 1))
    return false;
  std::string_view wanted = pattern.substr(slash + 1);
  std::string_view given = socket.substr(slash + 1);
  return pattern.starts_with("unix/") ? matches_path(wanted, given) : matches_port(wanted, given);
}

bool matches_destination(std::string_view pattern, std::string_view destination) {
  auto wanted = split(pattern);
  auto given = split(destination);
  if (!wanted || !given || !matches_port(wanted->port, given->port)) return false;
  if (wanted->host == "*" || wanted->host == given->host) return true;
  auto network = network_of(wanted->host);
  auto address = parse_address(given->host);
  if (!network || !address) return false;
  std::size_t slash = wanted->host.find('/');
  auto bits = slash == std::string_view::npos
                  ? std::optional<std::int64_t>(8 * static_cast<std::int64_t>(network->size))
                  : parse_integer(wanted->host.substr(slash + 1));
  return bits && *bits >= 0 && is_within(*address, *network, static_cast<std::size_t>(*bits));
}

ListVerdict judge_lists(const model::DeclaredSecurity& declared, const model::SecurityFact& fact) {
  switch (fact.kind) {
    case FactKind::execution: {
      ListVerdict verdict = judge(declared.executables, fact.object, matches_path, matches_path);
      if (verdict.what == What::denied) return verdict;
      ListVerdict user = judge_denied(declared.users.deny, fact.user, is_same);
      return user.what == What::denied ? user : verdict;
    }
    case FactKind::listener: return judge(declared.listen, fact.object, matches_socket, matches_socket);
    case FactKind::connection: return judge(declared.connect, fact.object, matches_destination, may_be_allowed);
    case FactKind::write: return judge_denied(declared.deny_write, fact.object, matches_path);
    case FactKind::sensitive_read: return judge_denied(declared.deny_read, fact.object, matches_path);
    case FactKind::system_call: return judge(declared.system_calls, fact.object, is_same, is_same);
    case FactKind::login: return judge(declared.users, fact.object, is_same, is_same);
    case FactKind::sudo: {
      ListVerdict as = judge_denied(declared.users.deny, fact.object, is_same);
      return as.what == What::denied ? as : judge(declared.users, fact.user, is_same, is_same);
    }
    case FactKind::privilege: return judge_denied(declared.users.deny, fact.object, is_same);
    case FactKind::kernel_module:
    case FactKind::bpf_program:
    case FactKind::package: return {};
  }
  return {};
}

}  // namespace mien::drift
