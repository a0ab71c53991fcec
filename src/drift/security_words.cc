#include "drift/security_words.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace mien::drift {
namespace {

using model::FactKind;
using model::SecurityFact;

std::string_view base_name(std::string_view path) {
  std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// Who did it: of an execution the parent, because the process is what was executed.
std::string who(const SecurityFact& fact) {
  std::string_view program = fact.process;
  if (fact.kind == FactKind::execution && (program == fact.object || program.empty()))
    program = std::string_view(fact.parents).substr(0, fact.parents.find(" < "));
  std::string_view name = base_name(program);
  if (name.empty()) return fact.user.empty() ? "something" : cat("user ", fact.user);
  return fact.user.empty() ? std::string(name) : cat(name, " (user ", fact.user, ")");
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return cat(count, " ", count == 1 ? one : many);
}

// "nginx, libssl3 and 48 more packages changed", with what came with it.
std::string package_summary(const SecurityEpisode& episode) {
  constexpr std::size_t most_named = 3;
  std::string names;
  std::size_t packages = 0;
  for (const ToldObject& object : episode.objects) {
    if (object.kind != FactKind::package) continue;
    if (++packages <= most_named) names += cat(names.empty() ? "" : ", ", object.key);
  }
  std::uint64_t others = episode.objects_seen - std::min<std::uint64_t>(episode.objects_seen, packages);
  std::string text = packages == 0 ? std::string("packages are being changed") : cat("packages changed: ", names);
  if (packages > most_named) text += cat(" and ", packages - most_named, " more");
  if (others > 0)
    text +=
        cat("; with it ", counted(others, "new program, file or connection", "new programs, files and connections"));
  return cat("security: ", text);
}

}  // namespace

std::string sentence_of(const SecurityFact& fact) {
  switch (fact.kind) {
    case FactKind::execution: return cat(who(fact), " ran ", fact.object);
    case FactKind::listener: return cat(who(fact), " listens on ", fact.object);
    case FactKind::connection: return cat(who(fact), " connected to ", fact.object);
    case FactKind::write: return cat(who(fact), " opened ", fact.object, " for writing");
    case FactKind::sensitive_read: return cat(who(fact), " read ", fact.object);
    case FactKind::privilege: return cat(who(fact), " became ", fact.object);
    case FactKind::kernel_module: return cat(who(fact), " loaded the kernel module ", fact.object);
    case FactKind::bpf_program: return cat(who(fact), " loaded the BPF program ", fact.object);
    case FactKind::system_call: return cat(who(fact), " made the system call ", fact.object);
    case FactKind::login:
      return fact.detail.empty() ? cat(fact.object, " logged in") : cat(fact.object, " logged in from ", fact.detail);
    case FactKind::sudo: return cat(fact.user.empty() ? "somebody" : fact.user, " acted as ", fact.object, " by sudo");
    case FactKind::package:
      return fact.detail.empty() ? cat("package ", fact.object, " changed")
                                 : cat("package ", fact.object, " changed (", fact.detail, ")");
  }
  return fact.object;
}

std::string span_of(Duration watched) {
  auto hours = std::chrono::duration_cast<std::chrono::hours>(watched).count();
  if (hours >= 48) return cat("in ", hours / 24, " days");
  if (hours >= 2) return cat("in ", hours, " hours");
  auto minutes = std::chrono::duration_cast<std::chrono::minutes>(watched).count();
  return cat("in ", counted(static_cast<std::uint64_t>(std::max<std::int64_t>(minutes, 1)), "minute", "minutes"));
}

std::string summary_of(const SecurityEpisode& episode) {
  if (episode.source == SecuritySource::package) return package_summary(episode);
  const SecurityBlame& worst = episode.blamed.front();
  std::string text = cat("security: ", sentence_of(worst.fact), ", ", worst.why);
  if (episode.objects_seen > 1)
    text += cat("; and ", counted(episode.objects_seen - 1, "more such thing", "more such things"));
  return text;
}

model::Deviation deviation_of(const SecurityBlame& blame, double weight) {
  const SecurityFact& fact = blame.fact;
  model::Deviation deviation;
  deviation.name = MetricName{cat("mien.security.", model::to_text(fact.kind))};
  deviation.attributes = {{"object", fact.object}, {"why", blame.why}};
  auto add = [&](const char* key, std::string value) {
    if (!value.empty()) deviation.attributes.emplace(key, std::move(value));
  };
  add("process", fact.process);
  add("pid", fact.pid == 0 ? std::string() : std::to_string(fact.pid));
  add("parents", fact.parents);
  add("user", fact.user);
  add("detail", fact.detail);
  deviation.observed = static_cast<double>(fact.count);
  deviation.bits = blame.bits;
  deviation.weight = weight;
  deviation.direction = model::Direction::up;
  return deviation;
}

}  // namespace mien::drift
