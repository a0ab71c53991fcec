// Security facts through judging and learning together: what opens, what joins, what is learned, what a budget allows.
// rooms: base stats model learn drift
#include "drift/security.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/codec.h"
#include "base/text.h"
#include "learn/security.h"

namespace mien::drift {
namespace {

using model::FactKind;
using model::SecurityFact;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr WallTime start{1'700'000'000'000'000'000};

SecurityFact fact_of(FactKind kind, std::string object) {
  SecurityFact fact;
  fact.kind = kind;
  fact.object = std::move(object);
  fact.process = "/usr/bin/python3";
  fact.user = "deploy";
  return fact;
}

// An instance that lives from fact to fact, as node/instance drives it.
class Life {
 public:
  Life() { expectation.weights["security"] = 3; }

  SecurityAssessment see(std::vector<SecurityFact> facts, WallTime at) {
    for (SecurityFact& fact : facts) fact.at = at;
    for (EpisodeChange& change : let_time_pass(security, at)) closed.push_back(std::move(change));
    SecurityAssessment assessment =
        assess_facts(expectation, profile, watch, security, facts, {.now = at, .learning = learning, .trusted = false});
    learn::teach(profile, assessment.lessons);
    return assessment;
  }

  // Ten days in which the same four programs run each minute.
  void live_ordinarily() {
    learning = true;
    for (int minute = 0; minute < 10 * 24 * 60; ++minute) {
      now = now + 1min;
      (void)see({fact_of(FactKind::execution, cat("/usr/bin/tool", minute % 4)),
                 fact_of(FactKind::connection, cat("10.0.0.", minute % 200, ":5432"))},
                now);
    }
    learning = false;
  }

  model::Expectation expectation;
  model::SecurityProfile profile;
  Watch watch;
  SecurityWatch security;
  std::vector<EpisodeChange> closed;
  WallTime now = start;
  bool learning = false;
};

TEST(Security, WhatWasNeverSeenOpensAnEpisodeThatNamesProcessUserAndObject) {
  Life life;
  life.live_ordinarily();
  SecurityAssessment found = life.see({fact_of(FactKind::listener, "tcp/4444")}, life.now + 1s);
  ASSERT_EQ(found.changes.size(), 1U);
  const model::Finding& finding = found.changes[0].finding;
  EXPECT_EQ(found.changes[0].what, EpisodeChange::What::opened);
  EXPECT_EQ(finding.kind, model::FindingKind::security);
  EXPECT_EQ(finding.summary, "security: python3 (user deploy) listens on tcp/4444, never seen before here in 9 days");
  EXPECT_EQ(finding.metrics.at(0).name.value, "mien.security.listener");
  EXPECT_EQ(finding.metrics.at(0).attributes.at("object"), "tcp/4444");
  EXPECT_EQ(finding.metrics.at(0).attributes.at("user"), "deploy");
  EXPECT_GT(finding.metrics.at(0).bits.value, 5);
  EXPECT_GT(found.score, 0.7);
  EXPECT_TRUE(found.lessons.empty()) << "what opens an episode does not teach";
}

TEST(Security, WhatIsKnownOpensNothingAndTeaches) {
  Life life;
  life.live_ordinarily();
  double before = life.profile.of(FactKind::execution).total;
  SecurityAssessment found = life.see({fact_of(FactKind::execution, "/usr/bin/tool1")}, life.now + 1s);
  EXPECT_TRUE(found.changes.empty());
  EXPECT_NEAR(life.profile.of(FactKind::execution).total, before + 1, 1e-6);
}

TEST(Security, AYoungProfileIsSurprisedByNothing) {
  Life life;
  for (int second = 0; second < 300; ++second) {
    SecurityAssessment found =
        life.see({fact_of(FactKind::execution, cat("/usr/bin/p", second))}, start + std::chrono::seconds{second});
    ASSERT_TRUE(found.changes.empty()) << second;
  }
}

TEST(Security, WhileLearningOnlyWhatIsDeclaredOpensAnEpisode) {
  Life life;
  life.live_ordinarily();
  life.learning = true;
  life.expectation.security.listen.deny = {"tcp/4444"};
  SecurityAssessment found =
      life.see({fact_of(FactKind::listener, "tcp/4444"), fact_of(FactKind::execution, "/tmp/x")}, life.now + 1s);
  ASSERT_EQ(found.changes.size(), 1U);
  EXPECT_EQ(found.changes[0].finding.severity, model::Severity::high);
  EXPECT_THAT(found.changes[0].finding.summary, HasSubstr("which is denied (tcp/4444)"));
  EXPECT_EQ(found.lessons.size(), 1U) << "the execution teaches, what is denied does not";
}

TEST(Security, WhatIsDeniedIsAFindingEachTimeHoweverOftenItCame) {
  Life life;
  life.expectation.security.executables.deny = {"/usr/bin/nc"};
  std::size_t opened = 0;
  for (int hour = 0; hour < 5; ++hour)
    opened += life.see({fact_of(FactKind::execution, "/usr/bin/nc")}, start + std::chrono::hours{hour}).changes.size();
  EXPECT_EQ(opened, 5U);
  EXPECT_EQ(life.closed.size(), 4U);
  EXPECT_EQ(life.profile.find(FactKind::execution, "/usr/bin/nc"), nullptr);
}

TEST(Security, WhatNoAllowListNamesIsAFinding) {
  Life life;
  life.expectation.security.connect.allow = {"10.0.0.0/8:5432"};
  SecurityAssessment found = life.see({fact_of(FactKind::connection, "10.1.2.3:5432")}, start);
  EXPECT_TRUE(found.changes.empty());
  found = life.see({fact_of(FactKind::connection, "93.184.216.34:443")}, start + 1s);
  ASSERT_EQ(found.changes.size(), 1U);
  EXPECT_EQ(found.changes[0].finding.severity, model::Severity::medium);
  EXPECT_THAT(found.changes[0].finding.summary, HasSubstr("connected to 93.184.216.34:443, which is not among"));
}

TEST(Security, ManyNewFactsAreOneEpisodeThatTheNextJoin) {
  Life life;
  life.live_ordinarily();
  std::vector<SecurityFact> many;
  for (int i = 0; i < 40; ++i) many.push_back(fact_of(FactKind::execution, cat("/opt/a", i, "/run")));
  SecurityAssessment found = life.see(many, life.now + 1s);
  ASSERT_EQ(found.changes.size(), 1U);
  EXPECT_THAT(found.changes[0].finding.summary, HasSubstr("and 39 more such things"));
  EXPECT_EQ(found.changes[0].finding.metrics.size(), 8U);
  found = life.see({fact_of(FactKind::kernel_module, "rootkit")}, life.now + 2s);
  ASSERT_EQ(found.changes.size(), 1U);
  EXPECT_EQ(found.changes[0].what, EpisodeChange::What::updated);
  EXPECT_EQ(found.changes[0].finding.severity, model::Severity::high);
  EXPECT_THAT(found.changes[0].finding.summary, HasSubstr("loaded the kernel module rootkit"));
  EXPECT_EQ(life.security.episodes.size(), 1U);
}

TEST(Security, WhatComesAgainAfterItsEpisodeClosedIsLearned) {
  Life life;
  life.live_ordinarily();
  SecurityFact news = fact_of(FactKind::execution, "/opt/backup/run");
  ASSERT_EQ(life.see({news}, life.now + 1s).changes.size(), 1U);
  EXPECT_TRUE(life.see({news}, life.now + 60s).lessons.empty()) << "inside the episode nothing is learned";
  SecurityAssessment again = life.see({news}, life.now + 2h);
  EXPECT_EQ(life.closed.size(), 1U);
  EXPECT_TRUE(again.changes.empty());
  EXPECT_EQ(again.lessons.size(), 1U);
  EXPECT_NE(life.profile.find(FactKind::execution, "/opt/backup/run"), nullptr);
}

TEST(Security, WhatIsAcknowledgedIsLearnedAtOnce) {
  Life life;
  life.live_ordinarily();
  SecurityAssessment found = life.see({fact_of(FactKind::execution, "/opt/backup/run")}, life.now + 1s);
  ASSERT_EQ(found.changes.size(), 1U);
  learn::teach(life.profile, acknowledge(life.security, found.changes[0].episode, life.now + 30s));
  EXPECT_NE(life.profile.find(FactKind::execution, "/opt/backup/run"), nullptr);
  EXPECT_EQ(acknowledge(life.security, found.changes[0].episode, life.now).size(), 0U);
  found = life.see({fact_of(FactKind::execution, "/opt/other/run")}, life.now + 60s);
  ASSERT_EQ(found.changes.size(), 1U) << "what is new after it is told on its own";
  EXPECT_EQ(found.changes[0].what, EpisodeChange::What::opened);
}

TEST(Security, APackageUpgradeIsOneFindingNamedForIt) {
  Life life;
  life.live_ordinarily();
  std::size_t opened = 0;
  std::string summary;
  for (int i = 0; i < 50; ++i) {
    SecurityFact script = fact_of(FactKind::execution, cat("/var/lib/dpkg/info/p", i, ".postinst"));
    script.process = script.object;
    script.parents = "/usr/bin/dpkg < /usr/bin/apt-get < /usr/bin/bash";
    script.user = "root";
    SecurityFact file = fact_of(FactKind::write, cat("/etc/p", i, ".conf"));
    file.process = "/usr/bin/dpkg";
    SecurityFact package = fact_of(FactKind::package, cat("lib", i));
    package.process = "/usr/bin/dpkg";
    for (const EpisodeChange& change : life.see({script, file, package}, life.now + std::chrono::seconds{i}).changes) {
      opened += change.what == EpisodeChange::What::opened ? 1 : 0;
      EXPECT_EQ(change.finding.severity, model::Severity::low);
      summary = change.finding.summary;
    }
  }
  EXPECT_EQ(opened, 1U);
  EXPECT_THAT(summary, HasSubstr("packages changed: lib0, lib1, lib10 and 47 more; with it 100 new programs"));
}

TEST(Security, WhoOnlyCallsItselfDpkgIsNoPackageWork) {
  Life life;
  life.live_ordinarily();
  SecurityFact fact = fact_of(FactKind::execution, "/opt/x");
  fact.parents = "/tmp/dpkg < /srv/deploy/usr/bin/dpkg";
  SecurityAssessment found = life.see({fact}, life.now + 1s);
  ASSERT_EQ(found.changes.size(), 1U);
  EXPECT_EQ(found.changes[0].finding.severity, model::Severity::medium);
}

TEST(Security, EpisodesSpendTheSameBudgetOfFalseAlarms) {
  Life life;
  life.live_ordinarily();
  std::size_t opened = 0;
  for (int day = 0; day < 28; ++day) {
    for (int i = 0; i < 24; ++i) {
      life.now = life.now + 1h;
      opened += life.see({fact_of(FactKind::execution, cat("/opt/d", day, "x", i))}, life.now).changes.size();
    }
  }
  EXPECT_GE(opened, 1U);
  EXPECT_LT(opened, 30U) << "672 new things in four weeks are ordinary there";
}

TEST(Security, SavedAndRestoredAnywhereItGoesOnAlike) {
  Life whole;
  Life cut;
  whole.live_ordinarily();
  cut.live_ordinarily();
  for (int i = 0; i < 40; ++i) {
    std::vector<SecurityFact> facts{fact_of(FactKind::execution, cat("/opt/b", i % 7)),
                                    fact_of(FactKind::write, cat("/etc/c", i % 5))};
    WallTime at = start + std::chrono::hours{24 * 10} + i * 7min;
    cut.security = *decode<SecurityWatch>(encode(cut.security), "watch");
    cut.profile = *decode<model::SecurityProfile>(encode(cut.profile), "profile");
    ASSERT_TRUE(is_whole(cut.security));
    SecurityAssessment a = whole.see(facts, at);
    SecurityAssessment b = cut.see(facts, at);
    ASSERT_EQ(a.changes.size(), b.changes.size());
    for (std::size_t c = 0; c < a.changes.size(); ++c) EXPECT_EQ(a.changes[c].finding, b.changes[c].finding);
    ASSERT_EQ(a.lessons, b.lessons);
  }
  EXPECT_EQ(whole.security, cut.security);
  EXPECT_EQ(whole.profile, cut.profile);
}

}  // namespace
}  // namespace mien::drift
