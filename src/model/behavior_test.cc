#include "model/behavior.h"

#include <gtest/gtest.h>

#include "base/codec.h"

namespace mien::model {
namespace {

// What is seldom touched, as versions 2 to 4 stored it.
struct PastWithBand {
  std::array<stats::SmallTail, expert_count> tails{};
  Season season;
  stats::SmallSketch values;
  float band_low = 0;
  float band_high = 0;
  static constexpr auto fields =
      std::tuple{field("tails", &PastWithBand::tails), field("season", &PastWithBand::season),
                 field("values", &PastWithBand::values), field("band_low", &PastWithBand::band_low),
                 field("band_high", &PastWithBand::band_high)};
};

Behavior lived() {
  Behavior behavior;
  behavior.resize(2);
  std::uint32_t coin = 7;
  for (std::size_t s = 0; s < 2; ++s) {
    for (int i = 0; i < 500; ++i) behavior.past[s].tails[s].add(i % 9, stats::SmallTail::Weight::whole, coin);
    behavior.past[s].values.add(10.0 + static_cast<double>(s), coin);
    behavior.past[s].season.visit(400'000, 3, 1, coin);
    behavior.series[s].anchor = {.location = 10, .scale = 2, .n = 500};
    behavior.series[s].band_low = 4;
    behavior.series[s].band_high = 17 + static_cast<float>(s);
  }
  behavior.samples = 1000;
  return behavior;
}

Behavior restored(std::string_view bytes) {
  Decoder decoder(bytes);
  Behavior behavior;
  behavior.restore(decoder);
  EXPECT_FALSE(decoder.failed());
  EXPECT_EQ(decoder.rest().size(), 0U);
  return behavior;
}

TEST(StoredBehavior, ComesBackWhole) {
  Behavior behavior = lived();
  Encoder encoder;
  behavior.store(encoder);
  EXPECT_EQ(restored(encoder.bytes()), behavior);
}

TEST(StoredBehavior, OfVersion4HasItsBandsWithWhatIsSeldomTouched) {
  Behavior behavior = lived();
  std::vector<PastWithBand> past;
  for (std::size_t s = 0; s < 2; ++s) {
    const Past& of = behavior.past[s];
    past.push_back({.tails = of.tails,
                    .season = of.season,
                    .values = of.values,
                    .band_low = behavior.series[s].band_low,
                    .band_high = behavior.series[s].band_high});
  }
  Encoder encoder;
  encoder.put((std::uint32_t{1} << 20U) + 4);
  encoder.put(behavior.series);
  encoder.put(past);
  encoder.put(behavior.combined);
  encoder.put(behavior.samples);
  encoder.put(behavior.health);
  encoder.put(behavior.interval);
  encoder.put(behavior.revision);
  encoder.put(behavior.first);
  encoder.put(behavior.last);
  encoder.put(behavior.security);
  for (const Past& one : behavior.past) encoder.put(one.season.week());
  EXPECT_EQ(restored(encoder.bytes()), behavior);
}

TEST(StoredBehavior, OfVersion4WithMorePastsThanSeriesIsRefused) {
  Encoder encoder;
  encoder.put((std::uint32_t{1} << 20U) + 4);
  encoder.put(std::vector<Baseline>(1));
  encoder.put(std::vector<PastWithBand>(2));
  std::string bytes(encoder.bytes());
  bytes.resize(bytes.size() + 4096);
  Decoder decoder(bytes);
  Behavior behavior;
  behavior.restore(decoder);
  EXPECT_TRUE(decoder.failed());
}

}  // namespace
}  // namespace mien::model
