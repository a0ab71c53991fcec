#include "drift/security.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/math.h"
#include "base/text.h"
#include "drift/alarm.h"
#include "drift/security_lists.h"
#include "drift/security_words.h"
#include "drift/watch_state.h"

namespace mien::drift {
namespace {

using model::FactKind;
using model::SecurityFact;
using model::Severity;

constexpr Duration quiet_for = std::chrono::minutes{10};
constexpr Duration told_for = std::chrono::hours{24 * 30};
constexpr double bits_per_decade = 3.321928094887362;
constexpr double most_surprise = 14;
constexpr double forget_episodes = 8 * 7 * 86400.0;  // seconds
constexpr double again = 3.5;                        // decades taken off per decade of episodes of late (as alarm.cc)

// A new fact with what it costs.
struct News {
  SecurityBlame blame;
  double surprise = 0;  // weighted, per five minutes
  Severity severity = Severity::medium;
};

Severity severity_of(FactKind kind) {
  switch (kind) {
    case FactKind::sensitive_read:
    case FactKind::privilege:
    case FactKind::kernel_module:
    case FactKind::bpf_program: return Severity::high;
    case FactKind::package: return Severity::low;
    default: return Severity::medium;
  }
}

// What installs packages, by the places that only root may write to.
bool is_installer(std::string_view path) {
  constexpr std::array<std::string_view, 2> folders{"/usr/lib/apt/", "/usr/lib/dpkg/"};
  constexpr std::array<std::string_view, 7> names{"dpkg",     "apt",        "apt-get",           "aptitude",
                                                  "dpkg-deb", "dpkg-split", "unattended-upgrade"};
  for (std::string_view folder : folders)
    if (path.starts_with(folder)) return true;
  if (path.starts_with("/usr")) path.remove_prefix(4);
  return path.starts_with("/bin/") && std::find(names.begin(), names.end(), path.substr(5)) != names.end();
}

bool descends_from_installer(const SecurityFact& fact) {
  constexpr std::string_view separator = " < ";
  if (is_installer(fact.process)) return true;
  for (std::string_view rest = fact.parents; !rest.empty();) {
    std::size_t end = std::min(rest.find(separator), rest.size());
    if (is_installer(rest.substr(0, end))) return true;
    rest.remove_prefix(std::min(rest.size(), end + separator.size()));
  }
  return false;
}

bool is_package_work(const SecurityFact& fact) {
  switch (fact.kind) {
    case FactKind::package: return true;
    case FactKind::execution: return is_installer(fact.object) || descends_from_installer(fact);
    case FactKind::write:
    case FactKind::connection: return descends_from_installer(fact);
    default: return false;
  }
}

bool comes_before(const ToldObject& a, const ToldObject& b) {
  return std::tie(a.kind, a.key) < std::tie(b.kind, b.key);
}

// The entry of that object in a list by kind and key, or where it belongs.
template <class Objects>
auto place_in(Objects& objects, FactKind kind, const std::string& key) {
  return std::lower_bound(objects.begin(), objects.end(), std::tie(kind, key),
                          [](const ToldObject& one, const std::tuple<const FactKind&, const std::string&>& wanted) {
                            return std::tie(one.kind, one.key) < wanted;
                          });
}

template <class Objects>
auto find_in(Objects& objects, FactKind kind, const std::string& key) {
  auto at = place_in(objects, kind, key);
  return at != objects.end() && at->kind == kind && at->key == key ? at : objects.end();
}

bool is_worse(const SecurityBlame& a, const SecurityBlame& b) {
  auto rank = [](const SecurityBlame& blame) { return static_cast<int>(severity_of(blame.fact.kind)); };
  if (rank(a) != rank(b)) return rank(a) > rank(b);
  return a.bits.value != b.bits.value ? a.bits.value > b.bits.value
                                      : std::tie(a.fact.kind, a.key) < std::tie(b.fact.kind, b.key);
}

model::Finding finding_of(const SecurityEpisode& episode, WallTime now, double weight) {
  model::Finding finding;
  finding.kind = model::FindingKind::security;
  finding.severity = episode.severity;
  // As of learned episodes of metrics (episodes.cc); what is declared is certain.
  finding.confidence = episode.source == SecuritySource::declared ? 0.99 : math::exp(-math::pow(10.0, -episode.margin));
  finding.score = episode.score;
  finding.opened_at = episode.opened_at;
  finding.updated_at = now;
  const SecurityBlame* first = &episode.blamed.front();
  for (const SecurityBlame& blame : episode.blamed) {
    finding.metrics.push_back(deviation_of(blame, weight));
    if (blame.fact.at < first->fact.at) first = &blame;
  }
  finding.first_mover = sentence_of(first->fact);
  finding.summary = summary_of(episode);
  return finding;
}

EpisodeChange close(SecurityWatch& security, std::size_t index, WallTime at) {
  SecurityEpisode& episode = security.episodes[index];
  EpisodeChange change{
      .what = EpisodeChange::What::closed, .episode = episode.number, .finding = std::move(episode.told)};
  change.finding.state = model::FindingState::resolved;
  change.finding.resolved_at = at;
  change.finding.updated_at = at;
  // What is declared stays a finding whenever it comes.
  if (episode.source != SecuritySource::declared && !episode.acknowledged) {
    std::erase_if(security.told, [&](const ToldObject& one) { return at - one.at > told_for; });
    for (ToldObject& object : episode.objects) {
      if (security.told.size() >= SecurityWatch::most_told)
        security.told.erase(std::min_element(
            security.told.begin(), security.told.end(),
            [](const ToldObject& a, const ToldObject& b) { return a.at != b.at ? a.at < b.at : comes_before(a, b); }));
      object.at = at;
      if (find_in(security.told, object.kind, object.key) == security.told.end())
        security.told.insert(place_in(security.told, object.kind, object.key), object);
    }
  }
  security.episodes.erase(security.episodes.begin() + static_cast<std::ptrdiff_t>(index));
  return change;
}

class Assessor {
 public:
  Assessor(const model::Expectation& expectation, const model::SecurityProfile& profile, Watch::State& state,
           SecurityWatch& security, const SecurityMoment& moment)
      : expectation_(expectation), profile_(profile), state_(state), security_(security), moment_(moment) {
    auto weight = expectation.weights.find("security");
    weight_ = weight == expectation.weights.end() ? 1 : weight->second;
    level_ = alarm_level(state.alarm, expectation.false_alarms_per_week);
  }

  SecurityAssessment assess(const std::vector<SecurityFact>& facts) {
    for (const SecurityFact& fact : facts) sort(fact);
    follow_declared();
    follow(SecuritySource::package, package_);
    follow(SecuritySource::learned, learned_);
    return std::move(out_);
  }

 private:
  // Where a fact belongs: what is known teaches, what an open episode is about already keeps it open.
  void sort(const SecurityFact& fact) {
    std::string key = model::key_of(fact);
    ListVerdict verdict = judge_lists(expectation_.security, fact);
    bool against = verdict.what == ListVerdict::What::denied || verdict.what == ListVerdict::What::not_allowed;
    if (against) {
      if (moment_.trusted || is_told_now(SecuritySource::declared, fact, key)) return;
      bool denied = verdict.what == ListVerdict::What::denied;
      std::string why =
          denied ? cat("which is denied (", verdict.pattern, ")") : std::string("which is not among what is allowed");
      declared_.push_back({.blame = {.fact = fact, .key = std::move(key), .bits = {}, .why = std::move(why)},
                           .surprise = level_,
                           .severity = denied ? Severity::high : severity_of(fact.kind)});
      return;
    }
    bool ordinary = verdict.what == ListVerdict::What::allowed || moment_.learning || moment_.trusted ||
                    profile_.find(fact.kind, key) != nullptr || was_told(fact.kind, key);
    if (ordinary) return teach(fact, std::move(key));
    SecuritySource source = is_package_work(fact) ? SecuritySource::package : SecuritySource::learned;
    if (is_told_now(source, fact, key)) return;
    (source == SecuritySource::package ? package_ : learned_).push_back(news_of(fact, std::move(key)));
  }

  void teach(const SecurityFact& fact, std::string key) {
    out_.lessons.push_back({.kind = fact.kind, .key = std::move(key), .at = fact.at});
  }

  // Told once, in an episode that is over: it is learned now.
  bool was_told(FactKind kind, const std::string& key) {
    auto at = find_in(security_.told, kind, key);
    if (at == security_.told.end()) return false;
    bool holds = moment_.now - at->at <= told_for;
    security_.told.erase(at);
    return holds;
  }

  bool is_told_now(SecuritySource source, const SecurityFact& fact, const std::string& key) {
    for (SecurityEpisode& episode : security_.episodes) {
      if (episode.source != source || find_in(episode.objects, fact.kind, key) == episode.objects.end()) continue;
      episode.last_at = std::max(episode.last_at, moment_.now);
      for (SecurityBlame& blame : episode.blamed)
        if (blame.fact.kind == fact.kind && blame.key == key) blame.fact.count += fact.count;
      return true;
    }
    return false;
  }

  News news_of(const SecurityFact& fact, std::string key) {
    model::Novelty novelty = model::novelty_of(profile_, fact.kind, moment_.now);
    const model::KnownObjects& known = profile_.of(fact.kind);
    WallTime since = known.first.ns != 0 ? known.first : profile_.since;
    std::string why = cat("never seen before here ", since.ns == 0 ? "" : span_of(moment_.now - since));
    double surprise = weight_ * novelty.surprise - math::log10(std::max(1.0, novelty.per_block));
    surprise -= again * math::log10(1 + episodes_of_late());
    return {.blame = {.fact = fact,
                      .key = std::move(key),
                      .bits = Bits{novelty.surprise * bits_per_decade},
                      .why = std::move(why)},
            .surprise = std::clamp(surprise, 0.0, most_surprise),
            .severity = severity_of(fact.kind)};
  }

  [[nodiscard]] double episodes_of_late() const {
    if (security_.recent <= 0) return 0;
    return security_.recent *
           math::exp(-std::max(0.0, to_seconds(moment_.now - security_.recent_at)) / forget_episodes);
  }

  SecurityEpisode* open_one(SecuritySource source) {
    for (SecurityEpisode& episode : security_.episodes)
      if (episode.source == source && !episode.acknowledged) return &episode;
    return nullptr;
  }

  void follow(SecuritySource source, const std::vector<News>& news) {
    if (news.empty()) return;
    double strongest = 0;
    for (const News& one : news) strongest = std::max(strongest, one.surprise);
    double& lasting = state_.standing.lasting;  // the one score: it stands for a while, and fades
    lasting = std::max(lasting, strongest);
    bool fires = strongest >= level_;
    out_.score = std::max({out_.score, standing_score(strongest), fires ? onset_score(strongest) : 0.0});
    SecurityEpisode* episode = open_one(source);
    if (episode == nullptr && !fires) {
      // Not enough to be told: ordinary, unless something goes on that it may belong to.
      bool gated = open_one(SecuritySource::learned) != nullptr || open_one(SecuritySource::package) != nullptr ||
                   open_one(SecuritySource::declared) != nullptr;
      if (gated) return;
      for (const News& one : news) teach(one.blame.fact, one.blame.key);
      return;
    }
    if (episode == nullptr) {
      episode = open(source);
      if (episode == nullptr) return;
      count_episode(state_.alarm);
      security_.recent = episodes_of_late() + 1;
      security_.recent_at = moment_.now;
    }
    take(*episode, news, strongest);
  }

  void follow_declared() {
    if (declared_.empty()) return;
    SecurityEpisode* episode = open_one(SecuritySource::declared);
    if (episode == nullptr) episode = open(SecuritySource::declared);
    if (episode == nullptr) return;
    out_.score = std::max(out_.score, std::min(0.999, onset_score(level_)));
    take(*episode, declared_, level_);
  }

  SecurityEpisode* open(SecuritySource source) {
    if (security_.episodes.size() >= SecurityWatch::most_open) {
      ++security_.refused;
      return nullptr;
    }
    SecurityEpisode& episode = security_.episodes.emplace_back();
    episode.number = state_.next_episode++;
    episode.source = source;
    episode.opened_at = moment_.now;
    return &episode;
  }

  void take(SecurityEpisode& episode, const std::vector<News>& news, double strongest) {
    bool opened = episode.blamed.empty();
    std::uint64_t before = episode.objects_seen;
    episode.last_at = std::max(episode.last_at, moment_.now);
    episode.margin = std::max(episode.margin, strongest - level_);
    episode.score = std::max({episode.score, out_.score, onset_score(std::max(strongest, level_))});
    episode.score = std::min(episode.score, 0.999);
    for (const News& one : news) {
      if (episode.source != SecuritySource::package) episode.severity = std::max(episode.severity, one.severity);
      take(episode, one.blame);
    }
    std::sort(episode.blamed.begin(), episode.blamed.end(), is_worse);
    if (episode.blamed.size() > SecurityEpisode::most_blamed) episode.blamed.resize(SecurityEpisode::most_blamed);
    if (episode.objects_seen == before) return;
    episode.told = finding_of(episode, moment_.now, weight_);
    out_.changes.push_back({.what = opened ? EpisodeChange::What::opened : EpisodeChange::What::updated,
                            .episode = episode.number,
                            .finding = episode.told,
                            .at_alarm = true});
  }

  static void take(SecurityEpisode& episode, const SecurityBlame& blame) {
    auto known = std::find_if(episode.blamed.begin(), episode.blamed.end(), [&](const SecurityBlame& one) {
      return one.fact.kind == blame.fact.kind && one.key == blame.key;
    });
    if (known != episode.blamed.end()) {
      known->fact.count += blame.fact.count;
      return;
    }
    if (find_in(episode.objects, blame.fact.kind, blame.key) != episode.objects.end()) return;
    ++episode.objects_seen;
    episode.blamed.push_back(blame);
    if (episode.objects.size() < SecurityEpisode::most_objects)
      episode.objects.insert(place_in(episode.objects, blame.fact.kind, blame.key),
                             {.kind = blame.fact.kind, .key = blame.key, .at = blame.fact.at});
  }

  const model::Expectation& expectation_;
  const model::SecurityProfile& profile_;
  Watch::State& state_;
  SecurityWatch& security_;
  const SecurityMoment& moment_;
  double weight_ = 1;
  double level_ = 0;
  std::vector<News> declared_;
  std::vector<News> package_;
  std::vector<News> learned_;
  SecurityAssessment out_;
};

}  // namespace

SecurityAssessment assess_facts(const model::Expectation& expectation, const model::SecurityProfile& profile,
                                Watch& watch, SecurityWatch& security, const std::vector<SecurityFact>& facts,
                                const SecurityMoment& moment) {
  Assessor assessor{expectation, profile, watch.state(), security, moment};
  return assessor.assess(facts);
}

bool is_whole(const SecurityWatch& security) {
  auto ascends = [](const std::vector<ToldObject>& objects) {
    bool known = std::all_of(objects.begin(), objects.end(), [](const ToldObject& object) {
      return static_cast<std::size_t>(object.kind) < model::fact_kinds;
    });
    auto out_of_order = [](const ToldObject& a, const ToldObject& b) { return !comes_before(a, b); };
    return known && std::adjacent_find(objects.begin(), objects.end(), out_of_order) == objects.end();
  };
  bool bounded =
      security.episodes.size() <= SecurityWatch::most_open && security.told.size() <= SecurityWatch::most_told;
  return bounded && ascends(security.told) &&
         std::all_of(security.episodes.begin(), security.episodes.end(), [&](const SecurityEpisode& episode) {
           bool kinds = std::all_of(episode.blamed.begin(), episode.blamed.end(), [](const SecurityBlame& blame) {
             return static_cast<std::size_t>(blame.fact.kind) < model::fact_kinds;
           });
           return kinds && !episode.blamed.empty() && episode.blamed.size() <= SecurityEpisode::most_blamed &&
                  episode.objects.size() <= SecurityEpisode::most_objects && ascends(episode.objects);
         });
}

std::vector<EpisodeChange> let_time_pass(SecurityWatch& security, WallTime now) {
  std::vector<EpisodeChange> changes;
  for (std::size_t i = security.episodes.size(); i-- > 0;)
    if (now - security.episodes[i].last_at >= quiet_for) changes.push_back(close(security, i, now));
  return changes;
}

std::vector<model::FactLesson> acknowledge(SecurityWatch& security, std::uint64_t episode, WallTime at) {
  std::vector<model::FactLesson> lessons;
  for (SecurityEpisode& one : security.episodes) {
    if (one.number != episode || one.acknowledged) continue;
    one.acknowledged = true;
    if (one.source == SecuritySource::declared) continue;
    for (const ToldObject& object : one.objects) lessons.push_back({.kind = object.kind, .key = object.key, .at = at});
  }
  return lessons;
}

std::vector<EpisodeChange> close_all(SecurityWatch& security, WallTime at) {
  std::vector<EpisodeChange> changes;
  while (!security.episodes.empty()) changes.push_back(close(security, 0, at));
  return changes;
}

}  // namespace mien::drift
