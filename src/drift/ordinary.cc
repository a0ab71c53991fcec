#include "drift/ordinary.h"

#include <algorithm>

namespace mien::drift {
namespace {

constexpr std::size_t statistics = model::expert_count + 1;
constexpr std::uint32_t worth = 150 * stats::Tail::whole;  // what a built-in shape counts for: enough to speak

// Shares in ten-thousandths by bin of stats::Tail, means over servers and services of every kind at one and five
// minutes. Runs of identical values have no common shape.
constexpr std::array<std::array<std::uint16_t, stats::Tail::bins>, statistics> shapes{{
    {4517, 122, 157, 257, 499, 1017, 1132, 792, 763, 407, 212, 44, 18, 12, 10, 10,
     7,    3,   2,   2,   3,   3,    2,    2,   2,   1,   0,   0,  1,  1,  0,  2},  // low_outlier
    {2952, 224, 290, 404, 531, 640, 836, 892, 950, 774, 536, 311, 158, 99, 63, 49,
     40,   34,  35,  32,  28,  20,  20,  16,  13,  9,   6,   6,   4,   4,  3,  20},  // jump
    {1530, 397, 508, 630, 842, 1016, 1195, 1206, 979, 726, 443, 254, 120, 59, 37, 23,
     12,   9,   7,   5,   2,   1,    1,    0,    0,   0,   0,   0,   0,   0,  0,  0},  // forecast
    {1806, 265, 364, 483, 636, 851, 1069, 1046, 997, 730, 443, 238, 128, 85, 75, 44,
     44,   69,  21,  20,  16,  13,  15,   16,   13,  8,   7,   9,   8,   7,  15, 458},  // off_season
    {1520, 180, 243, 341, 484, 708, 1439, 1492, 1190, 810, 432, 208, 106, 65, 50, 61,
     32,   31,  34,  21,  15,  13,  9,    9,    8,    8,   14,  17,  15,  13, 18, 414},  // off_season_spread
    {580, 86,  109, 157, 221, 326, 435, 623, 832, 1193, 1051, 1249, 1054, 762, 466, 228,
     138, 115, 87,  285, 0,   0,   0,   0,   0,   0,    0,    0,    0,    0,   0,   0},  // level
    {535, 73,  101, 136, 182, 247, 323, 428, 567, 743, 941, 1089, 1080, 1058, 817, 557,
     342, 204, 153, 115, 117, 193, 0,   0,   0,   0,   0,   0,    0,    0,    0,   0},  // ramp
    {1172, 160, 192, 243, 319, 418, 524, 666, 795, 893, 888, 837, 767, 561, 346, 192,
     150,  139, 192, 546, 0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0},  // off_season_level
    {707, 47, 57, 71, 93, 119, 163, 325, 829, 2423, 2521, 1151, 565, 379, 246, 169,
     102, 33, 0,  0,  0,  0,   0,   0,   0,   0,    0,    0,    0,   0,   0,   0},  // wide
    {0,  0,  33, 102, 169, 246, 379, 565, 1151, 2521, 2423, 829, 325, 163, 119, 93,
     71, 57, 47, 51,  52,  48,  20,  18,  14,   11,   10,   9,   8,   464, 0,   0},                    // narrow
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},  // frozen
    {6301, 76, 88, 124, 169, 262, 373, 522, 548, 480, 307, 164, 106, 73, 65, 29,
     22,   42, 39, 20,  17,  17,  15,  10,  8,   8,   7,   5,   4,   3,  3,  92},  // excess
}};

}  // namespace

double ordinary_surprise(const stats::Tail& own, std::size_t statistic, double u) {
  if (own.speaks()) return own.surprise(u);
  std::array<std::uint32_t, stats::Tail::bins> counts = own.counts();
  const auto& shape = shapes[std::min(statistic, statistics - 1)];
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += shape[i] * worth / 10'000;
  return stats::Tail::from_counts(counts).surprise(u);
}

}  // namespace mien::drift
