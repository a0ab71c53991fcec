#include "store/history_codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/codec.h"
#include "base/prng.h"
#include "store/checksum.h"
#include "store/minutes.h"

namespace mien::store {

namespace {

constexpr std::int64_t start = 1'790'000'040'000'000'000;

Columns one_column(std::vector<double> values, std::int64_t step_ns = 1'000'000'000) {
  Columns columns{.times = {}, .count = 1, .values = std::move(values)};
  for (std::size_t i = 0; i < columns.values.size(); ++i)
    columns.times.push_back({start + static_cast<std::int64_t>(i) * step_ns});
  return columns;
}

void expect_back(const Columns& columns) {
  const auto bytes = encode_columns(columns);
  ASSERT_TRUE(bytes.ok()) << bytes.error().to_string();
  const auto back = decode_columns(*bytes);
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_TRUE(*back == columns);
}

// Values of every character that telemetry has, and some it should not.
double strange_value(Prng& prng, std::uint64_t character, std::size_t i) {
  switch (character) {
    case 0: return static_cast<double>(prng.below(1000));
    case 1: return static_cast<double>(prng.below(100'000)) / 100;
    case 2: return prng.normal() * 1e-3;
    case 3: return static_cast<double>(prng.below(1'000'000)) / 1.000123;
    case 4: return std::bit_cast<double>(prng.next());  // NaNs with payloads, subnormals, infinities
    case 5: return prng.chance(0.5) ? model::missing : 42.0;
    case 6: return prng.chance(0.1) ? -0.0 : static_cast<double>(i);
    case 7: return 17.25;
    case 8:
      return prng.chance(0.05) ? std::numeric_limits<double>::infinity() : static_cast<double>(prng.below(50)) / 10;
    default: return static_cast<double>(prng.next());
  }
}

}  // namespace

TEST(HistoryCodec, GivesBackEveryBitOfWhateverItIsGiven) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng{seed};
    Columns columns;
    const std::size_t rows = prng.below(200);
    columns.count = prng.below(12);
    std::int64_t at = prng.chance(0.1) ? -static_cast<std::int64_t>(prng.next() >> 2) : start;
    for (std::size_t r = 0; r < rows; ++r) {
      at += prng.chance(0.8) ? 1'000'000'000 : 1 + static_cast<std::int64_t>(prng.below(5'000'000'000));
      columns.times.push_back({at});
    }
    for (std::size_t c = 0; c < columns.count; ++c) {
      const std::uint64_t character = prng.below(10);
      for (std::size_t r = 0; r < rows; ++r) columns.values.push_back(strange_value(prng, character, r));
    }
    expect_back(columns);
  }
}

TEST(HistoryCodec, KeepsTheExtremes) {
  const double nan_with_payload = std::bit_cast<double>(std::uint64_t{0x7ff8dead0000beef});
  expect_back({});
  expect_back(Columns{.times = {{start}}, .count = 0, .values = {}});
  expect_back(Columns{.times = {}, .count = 5, .values = {}});
  expect_back(one_column({model::missing}));
  expect_back(one_column({nan_with_payload, model::missing, -model::missing, 1, 2, 3}));
  expect_back(one_column({std::numeric_limits<double>::max(), std::numeric_limits<double>::denorm_min(), -0.0, 0.0,
                          9007199254740993.0, -9007199254740991.0}));
  expect_back(
      Columns{.times = {{std::numeric_limits<std::int64_t>::min()}, {0}, {std::numeric_limits<std::int64_t>::max()}},
              .count = 1,
              .values = {1, 2, 3}});
}

TEST(HistoryCodec, DecimalsAndRatesTakeAboutAByteAndAHalf) {
  Prng prng{1};
  std::vector<double> decimals;
  for (int i = 0; i < 1200; ++i) decimals.push_back(std::round(50 + 10 * prng.normal()) / 100);
  EXPECT_LT(encode_columns(one_column(decimals)).value().size(), 1200U * 2);
  // Rates: an integer count over an interval that is never quite a second.
  Columns rates;
  rates.count = 1;
  std::int64_t at = start;
  for (int i = 0; i < 1200; ++i) {
    const std::int64_t step = 1'000'000'000 + static_cast<std::int64_t>(prng.below(2'000'000));
    at += step;
    rates.times.push_back({at});
    rates.values.push_back(static_cast<double>(prng.below(1000)) / to_seconds(Duration{step}));
  }
  expect_back(rates);
  EXPECT_LT(encode_columns(rates).value().size(), 1200U * 6);  // half of it times
}

TEST(HistoryCodec, ReadsOnlyTheColumnsAskedFor) {
  Columns columns{.times = {{start}, {start + 1}}, .count = 4, .values = {1, 2, 3, 4, 5, 6, 7, 8}};
  const std::string bytes = encode_columns(columns).value();
  const std::vector<std::size_t> wanted{1, 3};
  EXPECT_TRUE(decode_columns(bytes, wanted).value() ==
              (Columns{.times = columns.times, .count = 2, .values = {3, 4, 7, 8}}));
  EXPECT_TRUE(decode_columns(bytes, std::vector<std::size_t>{}).value() ==
              (Columns{.times = columns.times, .count = 0, .values = {}}));
  EXPECT_FALSE(decode_columns(bytes, std::vector<std::size_t>{4}).ok());
  EXPECT_FALSE(decode_columns(bytes, std::vector<std::size_t>{3, 1}).ok());
}

TEST(HistoryCodec, RefusesColumnsThatAreNone) {
  EXPECT_EQ(encode_columns(Columns{.times = {{1}, {1}}, .count = 1, .values = {1, 2}}).error().code, Code::invalid);
  EXPECT_EQ(encode_columns(Columns{.times = {{2}, {1}}, .count = 1, .values = {1, 2}}).error().code, Code::invalid);
  EXPECT_EQ(encode_columns(Columns{.times = {{1}, {2}}, .count = 1, .values = {1}}).error().code, Code::invalid);
  Columns large;
  large.count = max_block_values + 1;
  large.times = {{1}};
  large.values.resize(large.count);
  EXPECT_EQ(encode_columns(large).error().code, Code::invalid);
}

TEST(HistoryCodec, NoticesEveryChangedBitAndEveryCut) {
  std::string bytes = encode_columns(one_column({1, 2, 3, 4.5, 2, 1})).value();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      EXPECT_FALSE(decode_columns(bytes).ok()) << i;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
    }
    EXPECT_FALSE(decode_columns(std::string_view(bytes).substr(0, i)).ok());
  }
  EXPECT_FALSE(decode_columns(bytes + '\0').ok());
  bytes[2] = 2;
  EXPECT_EQ(decode_columns(bytes).error().code, Code::unsupported);
}

TEST(HistoryCodec, AnythingBehindAGoodChecksumIsReadOrRefused) {
  const std::string good =
      detail::unseal('c', encode_columns(one_column({1, 2, 3, 4.5, model::missing, 1})).value(), max_block_bytes)
          .value();
  std::size_t refused = 0;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    Prng prng{seed};
    std::string body = good;
    for (std::uint64_t n = 1 + prng.below(4); n > 0; --n) {
      body[prng.below(body.size())] = static_cast<char>(prng.next());
      if (prng.chance(0.2)) body.resize(1 + prng.below(body.size()));
    }
    const auto columns = decode_columns(detail::seal('c', body));
    if (!columns) ++refused;
    else EXPECT_EQ(columns->values.size(), columns->times.size() * columns->count);
  }
  EXPECT_GT(refused, 1000U);
}

TEST(HistoryCodec, ASizeThatCanNotBeIsRefusedBeforeMemoryIsTaken) {
  Encoder huge;
  huge.varint(std::uint64_t{1} << 60);
  huge.varint(std::uint64_t{1} << 60);
  EXPECT_EQ(decode_columns(detail::seal('c', huge.bytes())).error().code, Code::corrupt);
  EXPECT_EQ(decode_columns(detail::seal('s', "x")).error().code, Code::corrupt);
  EXPECT_EQ(detail::unseal('c', detail::seal('c', std::string(1000, 'x')), 999).error().code, Code::corrupt);
}

TEST(HistorySeriesList, ComesBack) {
  const std::vector<model::Series> series{{.metric = MetricName{"system.disk.io"},
                                           .attributes = {{"device", "sda"}, {"direction", "read"}},
                                           .unit = "By/s",
                                           .kind = model::SeriesKind::counter},
                                          {.metric = MetricName{"system.cpu.utilization"},
                                           .attributes = {},
                                           .unit = "1",
                                           .kind = model::SeriesKind::gauge}};
  const std::string bytes = encode_series_list(series).value();
  EXPECT_EQ(decode_series_list(bytes).value(), series);
  EXPECT_EQ(encode_series_list(series).value(), bytes);
  EXPECT_FALSE(decode_series_list(std::string_view(bytes).substr(1)).ok());
}

TEST(Checksum, IsTheCastagnoliCrc) {
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c("56789", crc32c("1234")), crc32c("123456789"));
}

TEST(Minutes, KeepMinMaxMeanAndCount) {
  Columns columns{.times = {{start - 1}, {start}, {start + 59'999'999'999}, {start + 60'000'000'000}},
                  .count = 2,
                  .values = {1, 2, 4, 8, model::missing, model::missing, std::numeric_limits<double>::infinity(), 3}};
  const Columns minutes = to_minutes(columns);
  ASSERT_EQ(minutes.times.size(), 3U);
  EXPECT_EQ(minutes.count, 8U);
  const auto first = minute_points(minutes, 0);
  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(first[1].at, WallTime{start});
  EXPECT_EQ(first[1].min, 2.0);
  EXPECT_EQ(first[1].max, 4.0);
  EXPECT_EQ(first[1].mean, 3.0);
  EXPECT_EQ(first[1].count, 2U);
  const auto second = minute_points(minutes, 1);
  ASSERT_EQ(second.size(), 1U);  // missing and infinite samples count for nothing
  EXPECT_EQ(second[0].at, WallTime{start + 60'000'000'000});
  EXPECT_TRUE(minute_points(minutes, 2).empty());
}

TEST(Minutes, BeforeTheEpochBeginEarlierToo) {
  const Columns minutes = to_minutes(Columns{.times = {{-1}}, .count = 1, .values = {5}});
  EXPECT_EQ(minutes.times[0], WallTime{-60'000'000'000});
}

TEST(Minutes, JoinedInAnyGroupingSayTheSame) {
  Prng prng{5};
  Columns columns{.times = {}, .count = 1, .values = {}};
  for (int i = 0; i < 3600; ++i) {
    columns.times.push_back({start + std::int64_t{i} * 1'000'000'000});
    columns.values.push_back(prng.normal());
  }
  const auto points = minute_points(to_minutes(columns), 0);
  const auto once = join_points(points, 30 * minute);
  const auto twice = join_points(join_points(points, 10 * minute), 30 * minute);
  ASSERT_EQ(once.size(), twice.size());
  for (std::size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(once[i].count, twice[i].count);
    EXPECT_EQ(once[i].min, twice[i].min);
    EXPECT_EQ(once[i].max, twice[i].max);
    EXPECT_NEAR(once[i].mean, twice[i].mean, 1e-12);
  }
}

TEST(Minutes, TheWidthAlwaysFits) {
  for (std::size_t most : {std::size_t{2}, std::size_t{7}, std::size_t{3600}})
    for (std::int64_t m : {std::int64_t{1}, std::int64_t{59}, std::int64_t{129'600}}) {
      const Duration width = width_for(m * minute, most);
      EXPECT_LE(m * minute / width + 2, static_cast<std::int64_t>(most) + (m * minute % width == Duration{0} ? 1 : 0))
          << most << " " << m;
    }
}

}  // namespace mien::store
