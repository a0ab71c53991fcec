#include "learn/security.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/codec.h"
#include "base/prng.h"
#include "base/text.h"
#include "learn/learn.h"

namespace mien::learn {
namespace {

using model::FactKind;
using model::KnownObjects;
using model::SecurityProfile;
using namespace std::chrono_literals;

constexpr WallTime start{1'700'000'000'000'000'000};

void see(SecurityProfile& profile, std::string key, WallTime at, FactKind kind = FactKind::execution) {
  teach(profile, {{.kind = kind, .key = std::move(key), .at = at}});
}

TEST(SecurityProfile, NothingIsSurprisingAtFirstAndMoreAsTheSetMatures) {
  SecurityProfile profile;
  EXPECT_EQ(model::novelty_of(profile, FactKind::execution, start).probability, 1);
  EXPECT_EQ(model::novelty_of(profile, FactKind::execution, start).surprise, 0);
  double before = 0;
  for (int day = 1; day <= 4; ++day) {
    for (int minute = 0; minute < 1440; ++minute)
      see(profile, cat("/bin/", minute % 10), start + std::chrono::minutes{1440 * (day - 1) + minute});
    double now = model::novelty_of(profile, FactKind::execution, start + std::chrono::hours{24 * day}).surprise;
    EXPECT_GT(now, before);
    before = now;
  }
  EXPECT_GT(before, 3);
}

TEST(SecurityProfile, TheChanceOfSomethingNewIsTheShareThatCameOnce) {
  SecurityProfile profile;
  for (int i = 0; i < 900; ++i) see(profile, cat("/bin/", i % 9), start + std::chrono::seconds{i});
  for (int i = 0; i < 99; ++i) see(profile, cat("/once/", i), start + std::chrono::seconds{900 + i});
  EXPECT_NEAR(model::novelty_of(profile, FactKind::execution, start + 1000s).probability, 0.1, 0.001);
  for (int i = 0; i < 99; ++i) see(profile, cat("/once/", i), start + std::chrono::seconds{1000 + i});
  EXPECT_NEAR(model::novelty_of(profile, FactKind::execution, start + 1100s).probability, 1.0 / 1099, 1e-4);
}

TEST(SecurityProfile, WhatListensFromTheBeginningIsNoNewsAndALaterOneIs) {
  SecurityProfile profile;
  for (int i = 0; i < 20; ++i) see(profile, cat("tcp/", i, " by x"), start, FactKind::listener);
  EXPECT_EQ(profile.of(FactKind::listener).once, 0);
  model::Novelty after_a_day = model::novelty_of(profile, FactKind::listener, start + 24h);
  EXPECT_NEAR(after_a_day.probability, 1.0 / 284, 0.001) << "none began in 283 blocks of five minutes, fading";
  see(profile, "tcp/443 by nginx", start + 24h, FactKind::listener);
  EXPECT_NEAR(model::novelty_of(profile, FactKind::listener, start + 24h).probability, 2.0 / 284, 0.001);
}

TEST(SecurityProfile, WhatWasSeenFadesWithin30Days) {
  SecurityProfile profile;
  for (int i = 0; i < 100; ++i) see(profile, "/bin/a", start + std::chrono::seconds{i});
  see(profile, "/bin/a", start + std::chrono::hours{24 * 30});
  EXPECT_NEAR(profile.of(FactKind::execution).total, 100 * std::exp(-1) + 1, 0.1);
  see(profile, "/bin/b", start + std::chrono::hours{24 * 130});
  EXPECT_EQ(profile.find(FactKind::execution, "/bin/a"), nullptr) << "forgotten after 90 days";
}

TEST(SecurityProfile, ASetIsBoundedAndTheLongestUnseenMakesRoom) {
  SecurityProfile profile;
  see(profile, "/bin/old", start);
  see(profile, "/bin/kept", start + 1s);
  for (int i = 0; i < 600; ++i) {
    see(profile, cat("/x/", i), start + std::chrono::seconds{2 + i});
    see(profile, "/bin/kept", start + std::chrono::seconds{2 + i});
  }
  EXPECT_EQ(profile.of(FactKind::execution).objects.size(), KnownObjects::most);
  EXPECT_EQ(profile.find(FactKind::execution, "/bin/old"), nullptr);
  EXPECT_NE(profile.find(FactKind::execution, "/bin/kept"), nullptr);
  EXPECT_NEAR(profile.of(FactKind::execution).once, 601, 1) << "what was forgotten was new when it came";
  EXPECT_TRUE(profile.is_whole());
}

SecurityProfile some_life(std::uint64_t seed) {
  SecurityProfile profile;
  Prng prng{seed};
  WallTime at = start;
  for (int i = 0; i < 2000; ++i) {
    at = at + std::chrono::seconds{static_cast<std::int64_t>(prng.below(3000))};
    see(profile, cat("/bin/", prng.below(700)), at, static_cast<FactKind>(prng.below(3)));
  }
  return profile;
}

TEST(SecurityProfile, MergingDoesNotDependOnTheOrderAndKeepsTheBounds) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SecurityProfile a = some_life(seed);
    SecurityProfile b = some_life(seed + 100);
    SecurityProfile ab = merge(a, b);
    EXPECT_EQ(ab, merge(b, a)) << seed;
    EXPECT_TRUE(ab.is_whole()) << seed;
    EXPECT_EQ(merge(a, {}), a);
    EXPECT_EQ(merge({}, a), a);
    EXPECT_GT(ab.of(FactKind::execution).total, a.of(FactKind::execution).total);
  }
}

TEST(SecurityProfile, SavedAndRestoredAtAnyPointItLearnsAlike) {
  SecurityProfile whole;
  SecurityProfile cut;
  Prng prng{7};
  WallTime at = start;
  for (int i = 0; i < 3000; ++i) {
    at = at + std::chrono::seconds{static_cast<std::int64_t>(prng.below(5000))};
    std::string key = cat("/bin/", prng.below(900));
    see(whole, key, at);
    see(cut, key, at);
    if (i % 17 == 0) cut = *decode<SecurityProfile>(encode(cut), "profile");
  }
  EXPECT_EQ(encode(whole), encode(cut));
}

TEST(SecurityProfile, ARevisionCarriesItAndABehaviourStoresIt) {
  model::Behavior behavior;
  behavior.security = some_life(3);
  EXPECT_EQ(*decode<model::Behavior>(encode(behavior), "behavior"), behavior);
  model::PersonaRevision revision = make_revision(behavior, {}, start);
  model::Behavior back = behavior_of(revision);
  EXPECT_EQ(back.security.of(FactKind::write).objects.size(), behavior.security.of(FactKind::write).objects.size())
      << "nothing of that kind";
  EXPECT_EQ(back.security.of(FactKind::execution).objects.size(), 256U) << "the newest of each kind";
  EXPECT_EQ(back.security.of(FactKind::execution).total, behavior.security.of(FactKind::execution).total);
  EXPECT_TRUE(back.security.is_whole());
}

TEST(SecurityProfile, WhatIsOutOfOrderIsRefusedWhenRead) {
  model::Behavior behavior;
  behavior.security = some_life(3);
  std::swap(behavior.security.kinds[0].objects[0], behavior.security.kinds[0].objects[1]);
  EXPECT_FALSE(decode<model::Behavior>(encode(behavior), "behavior").ok());
}

model::SecurityFact fact_of(FactKind kind, std::string object, std::string process = "/usr/bin/x") {
  model::SecurityFact fact;
  fact.kind = kind;
  fact.object = std::move(object);
  fact.process = std::move(process);
  fact.user = "deploy";
  return fact;
}

TEST(SecurityKeys, WhatDiffersEachTimeWithoutMeaningIsOneKey) {
  EXPECT_EQ(key_of(fact_of(FactKind::connection, "10.1.2.3:5432")), "10.1.2.0/24:5432");
  EXPECT_EQ(key_of(fact_of(FactKind::connection, "93.184.216.34:443")), "93.184.0.0/16:443");
  EXPECT_EQ(key_of(fact_of(FactKind::connection, "10.1.2.3:51234")), "10.1.2.0/24:high");
  EXPECT_EQ(key_of(fact_of(FactKind::connection, "[2001:db8:1:2::7]:443")), "2001:db8::/32:443");
  EXPECT_EQ(key_of(fact_of(FactKind::connection, "[fd00:1:2:3:4::7]:443")), "fd00:1:2:3::/64:443");
  EXPECT_EQ(key_of(fact_of(FactKind::listener, "tcp/443", "/usr/sbin/nginx")), "tcp/443 by nginx");
  EXPECT_EQ(key_of(fact_of(FactKind::listener, "tcp/40001", "/usr/sbin/ftpd")), "tcp/high by ftpd");
  EXPECT_EQ(key_of(fact_of(FactKind::execution, "/tmp/tmp.Xa93kd1Q/run-20260112")), "/tmp/tmp.#/run-#");
  EXPECT_EQ(key_of(fact_of(FactKind::execution, "/usr/bin/python3.11")), "/usr/bin/python3.11");
  EXPECT_EQ(key_of(fact_of(FactKind::sensitive_read, "/etc/shadow", "/usr/sbin/sshd")), "/etc/shadow by sshd");
  EXPECT_EQ(key_of(fact_of(FactKind::sudo, "root")), "root by deploy");
  model::SecurityFact login = fact_of(FactKind::login, "anna");
  login.detail = "192.168.7.9";
  EXPECT_EQ(key_of(login), "anna from 192.168.7.0/24");
  EXPECT_LE(key_of(fact_of(FactKind::execution, std::string(1000, 'a'))).size(), 256U);
  EXPECT_NE(key_of(fact_of(FactKind::execution, std::string(1000, 'a'))),
            key_of(fact_of(FactKind::execution, std::string(999, 'a'))));
}

}  // namespace
}  // namespace mien::learn
