#include "edge/sense/log_lines.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "edge/collect/procfs.h"

namespace mien::edge {
namespace {

using model::FactKind;
using model::SecurityFact;

constexpr std::size_t longest_name = 256;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_name && is_utf8(text) &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7f; });
}

// Cuts `head` off `text` where it begins with it.
bool cut(std::string_view& text, std::string_view head) {
  if (!text.starts_with(head)) return false;
  text.remove_prefix(head.size());
  return true;
}

std::optional<SecurityFact> fact(FactKind kind, std::string_view object, std::string_view user,
                                 std::string_view detail) {
  if (!is_name(object) || (!user.empty() && !is_name(user))) return std::nullopt;
  SecurityFact out;
  out.kind = kind;
  out.object = object;
  out.user = user;
  out.detail = is_utf8(detail) ? std::string(detail.substr(0, longest_name)) : std::string{};
  return out;
}

// "Accepted publickey for deploy from 10.0.0.1 port 55 ssh2: ..."
std::optional<SecurityFact> ssh_login(std::string_view message) {
  if (!cut(message, "Accepted ")) return std::nullopt;
  next_word(message);  // by which method
  if (next_word(message) != "for") return std::nullopt;
  std::string_view user = next_word(message);
  if (next_word(message) != "from") return std::nullopt;
  return fact(FactKind::login, user, user, next_word(message));
}

// "LOGIN ON tty1 BY deploy", "ROOT LOGIN ON tty1"
std::optional<SecurityFact> console_login(std::string_view message) {
  bool root = cut(message, "ROOT ");
  if (!cut(message, "LOGIN ON ") && !cut(message, "LOGIN  on ")) return std::nullopt;
  std::string_view terminal = next_word(message);
  if (root) return fact(FactKind::login, "root", "root", terminal);
  if (next_word(message) != "BY") return std::nullopt;
  std::string_view user = next_word(message);
  return fact(FactKind::login, user, user, terminal);
}

// "  deploy : TTY=pts/0 ; PWD=/home/deploy ; USER=root ; COMMAND=..."; a refusal stands before TTY.
std::optional<SecurityFact> sudo(std::string_view message) {
  message = trim(message);
  std::string_view user = next_word(message);
  message = trim(message);
  if (!cut(message, ":")) return std::nullopt;
  std::string_view as;
  std::string_view refused;
  for (bool first = true; !message.empty(); first = false) {
    std::size_t end = message.find(" ; ");
    std::string_view part = trim(message.substr(0, end));
    message = end == std::string_view::npos ? std::string_view{} : message.substr(end + 3);
    if (cut(part, "COMMAND=")) break;  // the rest is the command's own
    if (cut(part, "USER=")) as = part;
    else if (first && part.find('=') == std::string_view::npos) refused = part;
  }
  return fact(FactKind::sudo, as, user, refused.empty() ? std::string{} : cat("refused: ", refused));
}

// "(to root) deploy on pts/0"
std::optional<SecurityFact> substitute(std::string_view message) {
  if (!cut(message, "(to ")) return std::nullopt;
  std::size_t end = message.find(')');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view as = message.substr(0, end);
  message.remove_prefix(end + 1);
  return fact(FactKind::sudo, as, next_word(message), "su");
}

}  // namespace

std::optional<AuthRecord> parse_auth_line(std::string_view line) {
  std::string_view first = next_word(line);
  if (first.empty()) return std::nullopt;
  bool rfc3339 = is_digit(first.front()) && first.find('T') != std::string_view::npos;
  if (!rfc3339) {
    next_word(line);  // day
    next_word(line);  // time
  }
  next_word(line);  // host
  std::size_t colon = line.find(": ");
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view tag = trim(line.substr(0, colon));
  AuthRecord out{.program = tag, .pid = 0, .message = line.substr(colon + 2)};
  if (std::size_t open = tag.find('['); open != std::string_view::npos && tag.back() == ']') {
    out.program = tag.substr(0, open);
    std::optional<std::uint64_t> pid = parse_count(tag.substr(open + 1, tag.size() - open - 2));
    if (pid && *pid <= 0xffffffffU) out.pid = static_cast<std::uint32_t>(*pid);
  }
  if (!is_name(out.program)) return std::nullopt;
  return out;
}

std::optional<SecurityFact> fact_of(const AuthRecord& record, WallTime at) {
  std::optional<SecurityFact> out;
  if (record.program == "sshd" || record.program == "sshd-session") out = ssh_login(record.message);
  else if (record.program == "login") out = console_login(record.message);
  else if (record.program == "sudo") out = sudo(record.message);
  else if (record.program == "su") out = substitute(record.message);
  if (!out) return std::nullopt;
  out->at = at;
  out->pid = record.pid;
  out->process = record.program;
  return out;
}

std::optional<SecurityFact> parse_dpkg_line(std::string_view line, WallTime at) {
  next_word(line);  // date
  next_word(line);  // time
  std::string_view what = next_word(line);
  if (what != "install" && what != "upgrade" && what != "remove" && what != "purge") return std::nullopt;
  std::string_view package = next_word(line);
  package = package.substr(0, package.find(':'));
  std::string_view before = next_word(line);
  std::string_view after = next_word(line);
  if (!is_name(package) || !is_name(before) || !is_name(after)) return std::nullopt;
  SecurityFact out;
  out.kind = FactKind::package;
  out.at = at;
  out.object = package;
  out.process = "/usr/bin/dpkg";
  out.detail = cat(before, " -> ", what == "remove" || what == "purge" ? std::string_view("<none>") : after);
  return out;
}

// ---- versions ----

namespace {

// Debian's order of single characters: `~` before everything, even the end; letters before the rest.
int rank(char c) {
  if (c == '~') return -1;
  if (is_digit(c)) return 0;
  if (is_letter(c)) return c;
  return c == '\0' ? 0 : static_cast<unsigned char>(c) + 256;
}

int compare_part(std::string_view a, std::string_view b) {
  auto at = [](std::string_view text, std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    while ((i < a.size() && !is_digit(a[i])) || (j < b.size() && !is_digit(b[j]))) {
      int difference = rank(at(a, i)) - rank(at(b, j));
      if (difference != 0) return difference;
      ++i;
      ++j;
    }
    while (at(a, i) == '0') ++i;
    while (at(b, j) == '0') ++j;
    int first = 0;
    while (is_digit(at(a, i)) && is_digit(at(b, j))) {
      if (first == 0) first = at(a, i) - at(b, j);
      ++i;
      ++j;
    }
    if (is_digit(at(a, i))) return 1;
    if (is_digit(at(b, j))) return -1;
    if (first != 0) return first;
  }
  return 0;
}

struct VersionParts {
  std::string_view epoch{"0"}, upstream, revision{"0"};
};

VersionParts parts_of(std::string_view version) {
  VersionParts out;
  if (std::size_t colon = version.find(':'); colon != std::string_view::npos) {
    out.epoch = version.substr(0, colon);
    version.remove_prefix(colon + 1);
  }
  std::size_t dash = version.rfind('-');
  out.upstream = version.substr(0, dash);
  if (dash != std::string_view::npos) out.revision = version.substr(dash + 1);
  return out;
}

struct Paragraph {
  std::string_view package, version, status;
};

// Calls `use` for each paragraph that names a package and its version.
template <class Use>
void each_paragraph(std::string_view text, Use use) {
  Paragraph now;
  std::string_view line;
  bool more = true;
  while (more) {
    more = next_line(text, line);
    if (!more || line.empty()) {
      if (!now.package.empty() && !now.version.empty()) use(now);
      now = {};
      continue;
    }
    if (cut(line, "Package: ")) now.package = trim(line);
    else if (cut(line, "Version: ")) now.version = trim(line);
    else if (cut(line, "Status: ")) now.status = trim(line);
  }
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
  VersionParts left = parts_of(a);
  VersionParts right = parts_of(b);
  if (int epoch = compare_part(left.epoch, right.epoch); epoch != 0) return epoch;
  if (int upstream = compare_part(left.upstream, right.upstream); upstream != 0) return upstream;
  return compare_part(left.revision, right.revision);
}

void read_status(std::string_view text, std::map<std::string, std::string>& installed) {
  each_paragraph(text, [&](const Paragraph& each) {
    if (!each.status.ends_with(" installed")) return;
    // Of several architectures the oldest version says whether an update waits.
    auto [at, added] = installed.emplace(each.package, each.version);
    if (!added && compare_versions(each.version, at->second) < 0) at->second = each.version;
  });
}

void read_index(std::string_view text, const std::map<std::string, std::string>& installed,
                std::map<std::string, std::string>& pending) {
  each_paragraph(text, [&](const Paragraph& each) {
    auto here = installed.find(std::string(each.package));
    if (here != installed.end() && compare_versions(each.version, here->second) > 0)
      pending[here->first] = each.version;
  });
}

}  // namespace mien::edge
