#include "drift/interplay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/codec.h"
#include "drift/relations.h"

namespace mien::drift {
namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

// Three series: a load that wanders, an answer that depends on it along a curve, and a rest that falls as it rises.
struct Host {
  Prng random{3};
  Relations relations;
  Interplay interplay;
  float load = 0;  // wanders

  explicit Host(Interplay::Mode mode) {
    interplay.mode = mode;
    relations.sums.resize(3);
  }
  void block(float first, float answer, Lesson lesson = Lesson::careful) {
    std::array<float, 3> values{first, answer, 0.1F * static_cast<float>(random.normal()) - first};
    for (std::size_t s = 0; s < 3; ++s)
      relations.sums[s] = {.sum = 2 * values[s], .count = std::isnan(values[s]) ? 0U : 2U};
    take_block(interplay, relations);
    judge_block(interplay, relations, lesson);
    ++relations.blocks;
  }
  void ordinary(int blocks, Lesson lesson = Lesson::careful) {
    for (int i = 0; i < blocks; ++i) {
      load += 0.15F * static_cast<float>(random.normal());
      if (std::fabs(load) > 1) load *= 0.8F;
      block(load, load * load + 0.03F * static_cast<float>(random.normal()), lesson);
    }
  }
};

std::string bytes_of(const Interplay& interplay) {
  Encoder encoder;
  encoder.put(interplay);
  return encoder.take();
}

TEST(Interplay, WhatIsOffKeepsNothing) {
  Host host(Interplay::Mode::off);
  host.ordinary(50);
  EXPECT_TRUE(host.interplay.newest.empty());
  EXPECT_TRUE(host.interplay.kept.empty());
  EXPECT_EQ(host.interplay.surprise, 0);
}

TEST(Interplay, ACurveThatBreaksIsSurprisingThoughNoLineTellsOfIt) {
  Host host(Interplay::Mode::learns);
  host.ordinary(2600, Lesson::trusted);
  ASSERT_TRUE(host.interplay.model.vae.speaks());
  EXPECT_EQ(host.interplay.model.rows, 2000U);
  float most = 0;
  for (int i = 0; i < 4; ++i) {  // high load, and the answer of none
    host.block(0.9F, 0);
    most = std::max(most, host.interplay.surprise);
  }
  EXPECT_GT(most, 2);
  std::vector<std::uint32_t> blamed = strangest(host.interplay, host.relations, 2);
  ASSERT_EQ(blamed.size(), 2U);
  EXPECT_NE(blamed[0], 2U) << "the load and its answer are what no longer goes together";
  host.relations.surprise[3] = 19;
  EXPECT_TRUE(strangest(host.interplay, host.relations, 2).empty()) << "a view of the relations was stranger";
}

TEST(Interplay, NothingIsLearnedWhileAnEpisodeIsOpen) {
  Host host(Interplay::Mode::learns);
  host.ordinary(1500, Lesson::none);
  EXPECT_EQ(host.interplay.offered, 0U);
  EXPECT_FALSE(host.interplay.model.vae.speaks());
}

TEST(Interplay, WhatIsKeptIsBounded) {
  Host host(Interplay::Mode::gathers);
  host.ordinary(5000, Lesson::trusted);
  EXPECT_EQ(host.interplay.kept.size(), 12U * Interplay::most_kept);
  EXPECT_EQ(host.interplay.offered, 4997U) << "the first window was full with the fourth block";
  EXPECT_FALSE(host.interplay.model.vae.speaks()) << "it only keeps";
}

TEST(Interplay, StoredAnywhereItGoesOnInTheSameBytes) {
  Host whole(Interplay::Mode::learns);
  Host parts(Interplay::Mode::learns);
  for (int i = 0; i < 7; ++i) {
    whole.ordinary(333);
    parts.ordinary(333);
    std::string bytes = bytes_of(parts.interplay);
    Decoder decoder{bytes};
    Interplay read;
    decoder.get(read);
    ASSERT_TRUE(decoder.finish("interplay"));
    ASSERT_TRUE(is_whole(read));
    parts.interplay = std::move(read);
  }
  EXPECT_TRUE(whole.interplay.model.vae.speaks());
  EXPECT_EQ(bytes_of(whole.interplay), bytes_of(parts.interplay));
}

TEST(Interplay, PartsThatDoNotFitAreSeen) {
  Host host(Interplay::Mode::learns);
  host.ordinary(1100);
  ASSERT_TRUE(is_whole(host.interplay));
  Interplay broken = host.interplay;
  broken.kept.pop_back();
  EXPECT_FALSE(is_whole(broken));
  broken = host.interplay;
  broken.newest.pop_back();
  EXPECT_FALSE(is_whole(broken));
  broken = host.interplay;
  broken.model.spread[0] = 0;
  EXPECT_FALSE(is_whole(broken));
  broken = host.interplay;
  broken.model.center[1] = missing;
  EXPECT_FALSE(is_whole(broken));
}

TEST(Interplay, OtherSeriesBeginAnew) {
  Host host(Interplay::Mode::learns);
  host.ordinary(1100);
  host.relations.sums.resize(5);
  host.block(0.5F, 0.25F);
  EXPECT_EQ(host.interplay.newest.size(), 20U);
  EXPECT_TRUE(host.interplay.kept.empty());
  EXPECT_FALSE(host.interplay.model.vae.speaks());
  EXPECT_TRUE(is_whole(host.interplay));
}

TEST(Interplay, AMissingSeriesIsNoSurprise) {
  Host host(Interplay::Mode::learns);
  host.ordinary(2000, Lesson::trusted);
  host.ordinary(300);
  for (int i = 0; i < 4; ++i) host.block(0.0F, missing);
  EXPECT_TRUE(std::isfinite(host.interplay.surprise));
  EXPECT_LT(host.interplay.surprise, 2);
}

}  // namespace
}  // namespace mien::drift
