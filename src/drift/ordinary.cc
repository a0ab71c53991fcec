#include "drift/ordinary.h"

#include <algorithm>

namespace mien::drift {
namespace {

constexpr std::size_t statistics = model::expert_count;
constexpr std::uint32_t worth = 150 * stats::Tail::whole;  // what a built-in shape counts for: enough to speak

// Shares in ten-thousandths by bin of stats::Tail, means over servers and services of every kind at one and five
// minutes. Runs of identical values have no common shape.
constexpr std::array<std::array<std::uint16_t, stats::Tail::bins>, statistics> shapes{{
    {4558, 186, 309, 838, 1433, 1169, 899, 413, 115, 22, 15, 13, 8, 3, 3, 4, 3, 3, 2, 1, 0, 1, 1, 2},  // low_outlier
    {3027, 343, 501, 744, 984, 1171, 1208, 873, 490, 191, 108, 70,
     51,   46,  44,  35,  27,  23,   16,   10,  8,   5,   5,   21},                                         // jump
    {1662, 603, 799, 1181, 1474, 1604, 1221, 779, 402, 140, 64, 35, 15, 11, 7, 2, 1, 0, 0, 0, 0, 0, 0, 0},  // forecast
    {1894, 419, 604, 920, 1280, 1402, 1240, 782, 386, 156, 107, 69,
     67,   60,  27,  20,  19,   21,   16,   10,  11,  10,  15,  463},  // off_season
    {1580, 282, 422, 720, 1431, 1972, 1460, 828, 352, 128, 77, 78,
     42,   43,  32,  19,  15,   12,   11,   15,  22,  19,  21, 420},  // off_season_spread
    {609, 130, 193, 330, 507, 768, 1230, 1496, 1599, 1308, 819, 383,
     176, 135, 314, 0,   0,   0,   0,    0,    0,    0,    0,   0},  // level
    {559, 116, 170, 264, 380, 536, 815, 1123, 1403, 1433, 1250, 829,
     410, 238, 166, 181, 129, 0,   0,   0,    0,    0,    0,    0},  // ramp
    {1225, 235, 307, 458, 628, 841, 1093, 1187, 1133, 954, 605, 307,
     196,  221, 610, 0,   0,   0,   0,    0,    0,    0,   0,   0},  // off_season_level
    {723, 69, 90, 133, 188, 379, 1637, 3296, 1991, 691, 417, 251, 113, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},  // wide
    {0,  22, 113, 251, 417, 691, 1991, 3296, 1637, 379, 188, 133,
     90, 69, 67,  68,  45,  25,  18,   14,   12,   163, 309, 0},               // narrow
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},  // frozen
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
