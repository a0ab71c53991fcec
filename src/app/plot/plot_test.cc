#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "app/plot/axis.h"
#include "app/plot/layout.h"
#include "app/plot/module.h"
#include "base/prng.h"
#include "base/text.h"

namespace mien::app {
namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t second = 1'000'000'000;

// A run of the real engine over made rows: `value(row, column)`.
template <class Value>
PlotData run_of(std::size_t columns, std::size_t rows, std::int64_t step, Value value) {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < columns; ++c) names.push_back(cat("system.metric.with.a.long.name.", c));
  Scorer scorer(names, 0, 7);
  PlotData data(names);
  std::vector<double> values(columns);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t c = 0; c < columns; ++c) values[c] = value(i, c);
    WallTime time{1'767'225'600 * second + static_cast<std::int64_t>(i) * step};
    Scorer::Line line = scorer.add(time, values);
    data.add({.time = time, .values = values, .line = line}, scorer.behavior());
  }
  data.finish();
  return data;
}

struct Extent {
  double left, top, right, bottom;
};

Extent extent_of(const Label& label) {
  double width = width_of_label(label.text, label.size, label.bold);
  double left = label.at.x - (label.anchor == Anchor::right ? width : label.anchor == Anchor::middle ? width / 2 : 0);
  return {left, label.at.y - 0.8 * label.size, left + width, label.at.y + 0.2 * label.size};
}

// Everything is on the page, and no two labels lie over each other.
void expect_readable(const Drawing& drawing, const std::string& what) {
  std::vector<std::pair<Extent, std::string>> labels;
  for (const auto& part : drawing.parts) {
    if (const Shape* shape = std::get_if<Shape>(&part)) {
      for (const Point& point : shape->points) {
        ASSERT_TRUE(point.x >= 0 && point.x <= drawing.width) << what << " x " << point.x;
        ASSERT_TRUE(point.y >= 0 && point.y <= drawing.height) << what << " y " << point.y;
      }
    } else {
      const Label& label = std::get<Label>(part);
      if (!label.text.empty()) labels.emplace_back(extent_of(label), label.text);
    }
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto& [a, text] = labels[i];
    EXPECT_TRUE(a.left >= 0 && a.right <= drawing.width && a.bottom <= drawing.height) << what << ": " << text;
    for (std::size_t j = 0; j < i; ++j) {
      const auto& [b, other] = labels[j];
      bool apart = a.left >= b.right || b.left >= a.right || a.top >= b.bottom || b.top >= a.bottom;
      EXPECT_TRUE(apart) << what << ": `" << text << "` over `" << other << "`";
    }
  }
}

bool says(const Drawing& drawing, std::string_view text) {
  return std::any_of(drawing.parts.begin(), drawing.parts.end(), [text](const auto& part) {
    const Label* label = std::get_if<Label>(&part);
    return label != nullptr && label->text.find(text) != std::string::npos;
  });
}

TEST(TimeTicks, AreRoundAndApartForEverySpan) {
  for (std::int64_t span = second / 2; span < 3'000'000'000 * second; span = span / 5 * 7) {
    WallTime first{1'766'000'123 * second + 456'000'000};
    WallTime last{first.ns + span};
    std::vector<Tick> ticks = time_ticks(first, last, 14);
    ASSERT_GE(ticks.size(), 2U) << span;
    ASSERT_LE(ticks.size(), 15U) << span;
    double before = -1;
    for (const Tick& tick : ticks) {
      EXPECT_TRUE(tick.at >= 0 && tick.at <= 1) << span;
      double gap = before < 0 ? 1e9 : (tick.at - before) * 1476;
      EXPECT_GT(gap, width_of_label(tick.text, 13, false)) << span << " " << tick.text;
      before = tick.at;
    }
    EXPECT_FALSE(ticks.front().below.empty() && ticks.front().text.size() != 4)
        << span;  // the first says of which day or year
  }
}

TEST(TimeTicks, StandAtWhatPeopleCallRound) {
  WallTime midnight = *parse_time("2026-01-05T00:00:00Z");
  std::vector<Tick> day = time_ticks(midnight, WallTime{midnight.ns + 86'400 * second}, 14);
  EXPECT_EQ(day.size(), 13U);
  EXPECT_EQ(day[1].text, "02:00");
  EXPECT_EQ(day.front().below, "2026-01-05");
  EXPECT_EQ(day[1].below, "");
  EXPECT_EQ(day.back().below, "2026-01-06");
  std::vector<Tick> year = time_ticks(midnight, WallTime{midnight.ns + 366 * 86'400 * second}, 14);
  EXPECT_EQ(year.front().text, "Feb");
  EXPECT_EQ(year.back().text, "Jan");
  EXPECT_EQ(year.back().below, "2027");
}

TEST(ValueAxis, HasTicksForEveryKindOfNumber) {
  for (auto [low, high] : std::vector<std::pair<double, double>>{{0, 1},
                                                                 {-5, 5},
                                                                 {5, 5},
                                                                 {0, 0},
                                                                 {-1e-9, 2e-9},
                                                                 {1e12, 1e12 + 3},
                                                                 {-1.7e308, 1.7e308},
                                                                 {1e300, 1e300},
                                                                 {99.5, 100},
                                                                 {-7e6, -2e6}}) {
    ValueAxis axis = value_axis(low, high, 4);
    EXPECT_LT(axis.low, low) << low;
    EXPECT_GT(axis.high, high) << high;
    ASSERT_GE(axis.ticks.size(), 2U) << low << " " << high;
    EXPECT_LE(axis.ticks.size(), 12U) << low << " " << high;
    for (std::size_t i = 1; i < axis.ticks.size(); ++i) EXPECT_NE(axis.ticks[i].text, axis.ticks[i - 1].text);
    for (const Tick& tick : axis.ticks) EXPECT_LE(width_of_label(tick.text, 13, false), 86) << tick.text;
  }
  EXPECT_EQ(value_axis(1e12, 1e12 + 3, 4).offset.empty(), false);
  EXPECT_EQ(value_axis(0, 1000, 4).offset, "");
}

TEST(PlotDataTest, KeepsEverySpikeInSlotsThatDoNotGrow) {
  Prng random(1);
  PlotData data = run_of(2, 30'000, second,
                         [&](std::size_t i, std::size_t c) { return c == 1 && i == 12'345 ? 1000 : random.normal(); });
  EXPECT_LE(data.slots(), PlotData::most_slots);
  EXPECT_GT(data.slots(), PlotData::most_slots / 2);
  double highest = 0;
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < data.slots(); ++i) {
    highest = std::max(highest, data.cell(1, i).high);
    rows += data.slot(i).rows;
  }
  EXPECT_EQ(highest, 1000);
  EXPECT_EQ(rows, 30'000U);
  EXPECT_NEAR(data.interval(), 1, 0.1);
}

TEST(PlotDataTest, RowsThatGoBackInTimeAreLeftOut) {
  PlotData data({"a"});
  Scorer::Line line;
  model::Behavior nothing;
  std::vector<double> values{1};
  for (std::int64_t t : {10, 5, 10, 20})
    data.add({.time = WallTime{t * second}, .values = values, .line = line}, nothing);
  EXPECT_EQ(data.rows(), 2U);
}

TEST(PlotDataTest, BlamesTheColumnThatWasStruck) {
  Prng random(2);
  PlotData data = run_of(3, 3000, 60 * second,
                         [&](std::size_t i, std::size_t c) { return random.normal() + (c == 2 && i > 2800 ? 60 : 0); });
  EXPECT_GE(data.findings(), 1U);
  EXPECT_EQ(data.ranking().front(), 2U);
  bool marked = false;
  for (std::size_t i = 0; i < data.slots(); ++i) marked = marked || data.cell(2, i).blamed;
  EXPECT_TRUE(marked);
}

TEST(Layout, IsReadableWhateverTheValues) {
  struct Case {
    const char* name;
    std::size_t columns, rows;
    double (*value)(std::size_t, double);
  };
  const std::vector<Case> cases{
      {"no rows", 1, 0, [](std::size_t, double n) { return n; }},
      {"one row", 2, 1, [](std::size_t, double n) { return n; }},
      {"two rows", 1, 2, [](std::size_t, double n) { return n; }},
      {"constant", 1, 3000, [](std::size_t, double) { return 5.0; }},
      {"empty", 1, 3000, [](std::size_t, double) { return missing; }},
      {"gaps", 3, 3000, [](std::size_t i, double n) { return i % 100 < 30 ? missing : n; }},
      {"negative", 2, 3000, [](std::size_t, double n) { return -40 + n; }},
      {"huge", 1, 3000, [](std::size_t, double n) { return n * 1e300; }},
      {"huge and close", 1, 3000, [](std::size_t, double n) { return 1e12 + n; }},
      {"tiny", 1, 3000, [](std::size_t, double n) { return n * 1e-300; }},
      {"one giant", 4, 3000, [](std::size_t i, double n) { return i == 2500 ? 1e9 : n; }},
      {"many columns", 20, 1500, [](std::size_t i, double n) { return n + (i > 1400 ? 30 : 0); }},
      {"many findings", 1, 20'000, [](std::size_t i, double n) { return n + (i > 2000 && i % 500 < 3 ? 90 : 0); }},
  };
  for (const Case& each : cases) {
    Prng random(4);
    PlotData data = run_of(each.columns, each.rows, 60 * second,
                           [&](std::size_t i, std::size_t) { return each.value(i, random.normal()); });
    Drawing drawing = lay_out(data, {.title = std::string(300, 'x') + ".csv", .train_rows = 500});
    expect_readable(drawing, each.name);
    std::size_t points = 0;
    for (const auto& part : drawing.parts)
      if (const Shape* shape = std::get_if<Shape>(&part)) points += shape->points.size();
    EXPECT_LT(points, 80'000U) << each.name;
  }
}

TEST(Layout, SaysWhatIsLeftOutAndWhatIsMissing) {
  Prng random(5);
  PlotData many = run_of(20, 100, second, [&](std::size_t, std::size_t) { return random.normal(); });
  EXPECT_TRUE(says(lay_out(many, {.title = "a"}), "12 more columns not shown"));
  PlotData empty = run_of(1, 10, second, [](std::size_t, std::size_t) { return missing; });
  EXPECT_TRUE(says(lay_out(empty, {.title = "a"}), "no values"));
  PlotData young = run_of(1, 50, second, [&](std::size_t, std::size_t) { return random.normal(); });
  EXPECT_TRUE(says(lay_out(young, {.title = "a"}), "learning"));
}

class Painting : public ::testing::Test {
 protected:
  static std::string folder() {
    return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "..").string();
  }
  static Drawing drawing() {
    Drawing made{.width = 60, .height = 40, .parts = {}};
    made.parts.emplace_back(Shape{.points = {{0, 0}, {60, 0}, {60, 40}, {0, 40}}, .colour = 0xffffffff});
    made.parts.emplace_back(Label{.at = {5, 20}, .text = "a·b"});
    return made;
  }
};

TEST_F(Painting, MakesBothFormatsOfOneDrawing) {
  for (auto [format, begins] :
       std::vector<std::pair<PlotFormat, std::string>>{{PlotFormat::png, "\x89PNG"}, {PlotFormat::svg, "<?xml"}}) {
    Result<PlotModule> module = PlotModule::load(folder(), format);
    ASSERT_TRUE(module.ok()) << module.error().to_string();
    std::string bytes;
    ASSERT_TRUE(module
                    ->paint(drawing(),
                            [&](std::string_view piece) {
                              bytes += piece;
                              return Status{};
                            })
                    .ok());
    EXPECT_EQ(bytes.substr(0, begins.size()), begins);
  }
}

TEST_F(Painting, StopsWithWhatTheWriterSays) {
  Result<PlotModule> module = PlotModule::load(folder(), PlotFormat::png);
  Status status = module->paint(drawing(), [](std::string_view) -> Status {
    return Error{.code = Code::exhausted, .message = "disk full", .where = {}, .cause = {}};
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "disk full");
}

TEST_F(Painting, AMissingModuleSaysWhatToInstall) {
  Result<PlotModule> module = PlotModule::load("/no/such/folder", PlotFormat::png);
  ASSERT_FALSE(module.ok());
  EXPECT_EQ(module.error().code, Code::unsupported);
  EXPECT_NE(module.error().message.find("install the package mien-plot"), std::string::npos);
  EXPECT_EQ(plot_format_of("a.jpg").error().code, Code::invalid);
}

}  // namespace
}  // namespace mien::app
