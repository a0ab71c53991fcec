#include "base/range_coder.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace mien {
namespace {

// Small numbers that follow each other, as columns of a revision are.
std::string wandering(std::size_t size, std::uint64_t seed) {
  Prng random(seed);
  std::string bytes;
  double at = 20;
  while (bytes.size() < size) {
    at += 0.4 * (20 - at) + random.normal();
    bytes.push_back(static_cast<char>(at));
  }
  return bytes;
}

TEST(RangeCoder, WhatWasCompressedComesBack) {
  Prng random(7);
  for (Guess guess : {Guess::alone, Guess::one_before}) {
    for (std::size_t size : {0, 1, 2, 3, 5, 100, 5000}) {
      std::string noise;
      while (noise.size() < size) noise.push_back(static_cast<char>(random.next()));
      for (const std::string& bytes :
           {std::string(size, '\0'), std::string(size, '\xff'), wandering(size, size + 1), noise})
        EXPECT_EQ(expand(compress(bytes, guess), size, guess), bytes) << size;
    }
  }
}

TEST(RangeCoder, WhatIsAlikeTakesLittleRoomAndNoiseHardlyMoreThanItself) {
  EXPECT_LT(compress(std::string(10'000, 'x'), Guess::one_before).size(), 60U);
  EXPECT_LT(compress(wandering(10'000, 3), Guess::one_before).size(), 4'500U);
  Prng random(7);
  std::string noise;
  while (noise.size() < 10'000) noise.push_back(static_cast<char>(random.next()));
  EXPECT_LT(compress(noise, Guess::alone).size(), 10'400U);
}

TEST(RangeCoder, WhatEndsEarlyIsNotMadeUp) {
  std::string bytes = wandering(2'000, 5);
  std::string code = compress(bytes, Guess::one_before);
  for (std::size_t cut = 0; cut + 4 < code.size(); cut += 17)
    EXPECT_FALSE(expand(std::string_view(code).substr(0, cut), bytes.size(), Guess::one_before)) << cut;
}

TEST(RangeCoder, AShortCodeCanNotAskForMuchRoom) {
  EXPECT_FALSE(expand("abc", std::size_t{1} << 40, Guess::one_before));
  EXPECT_FALSE(expand("", 1'000'000'000, Guess::alone));
}

}  // namespace
}  // namespace mien
