#include "policy/expression.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>

namespace mien::policy {
namespace {

class Known final : public Variables {
 public:
  std::map<std::string, double, std::less<>> values;
  std::map<std::string, Duration, std::less<>> zones{{"Europe/Berlin", 1h}, {"Asia/Kathmandu", 345min}};

  [[nodiscard]] std::optional<double> value_of(std::string_view name) const override { return find(name); }
  [[nodiscard]] std::optional<double> metric(std::string_view name) const override { return find(name); }
  [[nodiscard]] std::optional<double> signal(std::string_view name) const override { return find(name); }
  [[nodiscard]] std::optional<Duration> utc_offset(std::string_view zone, WallTime) const override {
    auto found = zones.find(zone);
    return found == zones.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::optional<double> forecast(std::string_view metric, Duration ahead,
                                               std::string_view quantile) const override {
    return find(std::string(metric) + "@" + std::to_string(ahead / 1min) + std::string(quantile));
  }

 private:
  [[nodiscard]] std::optional<double> find(std::string_view name) const {
    auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }
};

Known ordinary() {
  Known out;
  out.values = {{"load.cpu", 0.31},
                {"load.requests", 120},
                {"drift.score", 0.9},
                {"finding.severity", 3},
                {"finding.confidence", 0.97},
                {"system.memory.usage", 3.1e9},
                {"system.uptime", 90},
                {"lb.forecast_rps", 500},
                {"system.cpu.utilization@30p90", 0.8},
                {"system.cpu.utilization@30p50", 0.4}};
  return out;
}

WallTime at(std::string_view text) { return parse_time(text).value(); }
const WallTime tuesday = at("2026-11-24T20:14:00Z");

Expression::Answer ask(std::string_view text, WallTime now = tuesday) {
  auto parsed = Expression::parse(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().to_string();
  if (!parsed) return {.truth = Truth::unknown, .why = "not read"};
  Known known = ordinary();
  EXPECT_EQ(parsed->evaluate(now, known).truth, parsed->truth(now, known)) << text;
  return parsed->evaluate(now, known);
}
std::string refusal(std::string_view text) {
  auto parsed = Expression::parse(text);
  return parsed ? "read" : parsed.error().to_string();
}

TEST(Expression, ComparesAndSaysItWithFigures) {
  EXPECT_EQ(ask("load.cpu > 0.6").truth, Truth::no);
  EXPECT_EQ(ask("load.cpu > 0.6").why, "load.cpu is 0.31, not above 0.6");
  EXPECT_EQ(ask("load.cpu <= 80%").why, "load.cpu is 31%, at most 80%");
  EXPECT_EQ(ask("0.2 < load.cpu").why, "0.2 is below load.cpu of 0.31");
  EXPECT_EQ(ask("metric('system.memory.usage') >= 2GiB").why, "metric('system.memory.usage') is 3.1GB, at least 2GiB");
  EXPECT_EQ(ask("load.cpu * 2 + 0.1 == 0.72").truth, Truth::yes);
}

TEST(Expression, ShowsAllFiguresWhereRoundedOnesWouldLookAlike) {
  EXPECT_EQ(ask("load.cpu > 0.3099999").why, "load.cpu is 0.31, above 0.3099999");
}

TEST(Expression, ReadsUnitsByWhatTheyAreComparedWith) {
  EXPECT_EQ(ask("load.cpu > 300m").truth, Truth::yes);  // thousandths: a load has no minutes
  EXPECT_EQ(ask("metric('system.uptime') > 1min").truth, Truth::yes);
  EXPECT_EQ(ask("metric('system.uptime') > 1min").why, "metric('system.uptime') is 1m30s, above 1min");
  EXPECT_EQ(ask("load.requests > 100/s").truth, Truth::yes);
  EXPECT_EQ(ask("load.requests / 2 > 60").truth, Truth::no);
  EXPECT_EQ(ask("metric('system.memory.usage') > 200MB/s").truth, Truth::yes);
  EXPECT_EQ(ask("load.cpu > 1e-3").truth, Truth::yes);
  EXPECT_EQ(refusal("metric('system.uptime') > 5m"),
            "column 27: `5m` could be minutes or thousandths here: write 5min or 0.005");
  EXPECT_EQ(refusal("load.cpu > 200MB").substr(0, 10), "column 12:");
}

TEST(Expression, RanksSeveritiesByName) {
  EXPECT_EQ(ask("finding.severity >= 'high'").truth, Truth::yes);
  EXPECT_EQ(ask("finding.severity == 'critical'").why, "finding.severity is high, not equal to critical");
  EXPECT_EQ(refusal("finding.severity > 'severe'"),
            "column 20: `severe` is not a severity: write info, low, medium, high or critical");
  EXPECT_EQ(refusal("load.cpu > 'high'"),
            "column 12: a text can only be compared with finding.severity, or be given to a function");
}

TEST(Expression, AsksForecastsAndSignals) {
  EXPECT_EQ(ask("forecast('system.cpu.utilization', 30m).p90 > 0.7").truth, Truth::yes);
  EXPECT_EQ(ask("forecast('system.cpu.utilization', 30m) > 0.7").truth, Truth::no);
  EXPECT_EQ(ask("signal('lb.forecast_rps') > 400").truth, Truth::yes);
  EXPECT_EQ(refusal("forecast('system.cpu.utilization', 30m).p0 > 1"),
            "column 41: here is `p0`; wanted is a quantile from p1 to p99, like p90");
  EXPECT_EQ(refusal("forecast('system.cpu.utilization') > 1"),
            "column 34: here is `)`; wanted is a comma and how far ahead, like 30m");
  EXPECT_EQ(refusal("forecast('system.cpu.utilization', 0s) > 1"),
            "column 36: a forecast looks ahead by more than nothing and at most 366 days");
}

TEST(Expression, IsUnknownWhereDataIsMissing) {
  auto answer = ask("load.memory > 0.5");
  EXPECT_EQ(answer.truth, Truth::unknown);
  EXPECT_EQ(answer.why, "load.memory is unknown");
  EXPECT_EQ(ask("!(load.memory > 0.5)").truth, Truth::unknown);
  EXPECT_EQ(ask("load.memory > 0.5 && load.cpu > 0.6").truth, Truth::no);
  EXPECT_EQ(ask("load.memory > 0.5 || load.cpu > 0.2").truth, Truth::yes);
  EXPECT_EQ(ask("load.memory > 0.5 || load.cpu > 0.6").truth, Truth::unknown);
  EXPECT_EQ(ask("load.cpu / 0 > 1").truth, Truth::unknown);
  EXPECT_EQ(ask("load.cpu / 0 > 1").why, "load.cpu / 0 > 1 has no value");
}

TEST(Expression, TreatsAValueThatIsNoNumberAsUnknown) {
  Known known;
  known.values["load.cpu"] = std::numeric_limits<double>::quiet_NaN();
  auto parsed = Expression::parse("load.cpu != 0.5");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->truth(tuesday, known), Truth::unknown);
}

TEST(Expression, GivesOnlyTheComparisonsThatDecided) {
  EXPECT_EQ(ask("load.cpu > 0.2 && drift.score > 0.95 && load.requests > 50").why,
            "drift.score is 0.9, not above 0.95");
  EXPECT_EQ(ask("!(load.cpu > 0.6) && drift.score > 0.5").why,
            "load.cpu is 0.31, not above 0.6; drift.score is 0.9, above 0.5");
}

TEST(Expression, BindsAsTheGrammarSays) {
  EXPECT_EQ(ask("1 < 0 && 1 < 0 || 1 > 0").truth, Truth::yes);
  EXPECT_EQ(ask("1 < 0 && (1 < 0 || 1 > 0)").truth, Truth::no);
  EXPECT_EQ(ask("1 + 2 * 3 == 7").truth, Truth::yes);
  EXPECT_EQ(ask("(1 + 2) * 3 == 9").truth, Truth::yes);
  EXPECT_EQ(ask("8 - 4 - 2 == 2").truth, Truth::yes);
  EXPECT_EQ(ask("-2 < -1 && --2 == 2").truth, Truth::yes);
  EXPECT_EQ(ask("!!(1 > 0)").truth, Truth::yes);
}

TEST(Expression, KnowsHoursOfTheWeekInAZone) {
  // 20:14 UTC is 21:14 in Berlin.
  EXPECT_EQ(ask("time.in('Mon-Fri 08:00-20:00 Europe/Berlin')").why,
            "it is Tue 21:14, not within 'Mon-Fri 08:00-20:00 Europe/Berlin'");
  EXPECT_EQ(ask("time.in('Mon-Fri 08:00-21:00')").truth, Truth::yes);
  EXPECT_EQ(ask("time.in('Mon-Fri 08:00-21:00 +01:00')").truth, Truth::no);
  EXPECT_EQ(ask("time.in('Tue 22:00-22:15 +02:00')").truth, Truth::yes);
  EXPECT_EQ(ask("time.in('Wed 01:50-02:00 Asia/Kathmandu')").truth, Truth::yes);
  EXPECT_EQ(ask("time.in('Sat,Sun')").truth, Truth::no);
  EXPECT_EQ(ask("time.in('Sun-Tue UTC')").truth, Truth::yes);
  EXPECT_EQ(ask("time.in('Mon-Fri 08:00-12:00, 20:00-21:00, Sat 10:00-12:00 UTC')").truth, Truth::yes);
  EXPECT_EQ(ask("time.in('Mon-Fri 08:00-12:00, 13:00-17:00, Sat 10:00-12:00 UTC')", at("2026-11-28T11:00:00Z")).truth,
            Truth::yes);
}

TEST(Expression, RunsHoursOverMidnightFromTheDayOnWhichTheyBegin) {
  std::string_view text = "time.in('Fri 22:00-06:00 UTC')";
  EXPECT_EQ(ask(text, at("2026-11-27T21:59:00Z")).truth, Truth::no);
  EXPECT_EQ(ask(text, at("2026-11-27T22:00:00Z")).truth, Truth::yes);
  EXPECT_EQ(ask(text, at("2026-11-28T05:59:59Z")).truth, Truth::yes);
  EXPECT_EQ(ask(text, at("2026-11-28T06:00:00Z")).truth, Truth::no);
  EXPECT_EQ(ask(text, at("2026-11-27T05:00:00Z")).truth, Truth::no);
  EXPECT_EQ(ask("time.in('Sun 22:00-06:00')", at("2026-11-30T01:00:00Z")).truth, Truth::yes);
  EXPECT_EQ(ask("time.in('Wed')", at("1969-12-31T23:59:00Z")).truth, Truth::yes);  // before the epoch, too
}

TEST(Expression, DoesNotGuessAtAZoneItDoesNotKnow) {
  auto answer = ask("time.in('Mon-Fri 08:00-20:00 Europe/Brelin')");
  EXPECT_EQ(answer.truth, Truth::unknown);
  EXPECT_EQ(answer.why, "the time zone Europe/Brelin is not known here");
}

TEST(Expression, RefusesHoursThatMakeNoSense) {
  EXPECT_EQ(refusal("time.in('Mon-Fry 08:00-20:00')"),
            "column 9: `Mon-Fry` is neither days nor hours nor a time zone; write it like 'Mon-Fri 08:00-20:00 "
            "Europe/Berlin'");
  EXPECT_EQ(refusal("time.in('Mno 08:00-20:00')"),
            "column 9: `Mno` is neither days nor hours nor a time zone; did you mean Mon?");
  EXPECT_EQ(refusal("time.in('8:00-20:00')"),
            "column 9: `8:00-20:00` is not a span of hours: write it like 08:00-20:00");
  EXPECT_EQ(refusal("time.in('08:00-25:00')").substr(0, 9), "column 9:");
  EXPECT_EQ(refusal("time.in('08:00-08:00')"),
            "column 9: `08:00-08:00` begins when it ends: leave the hours out for the whole day");
  EXPECT_EQ(refusal("time.in('')").substr(0, 29), "column 9: no days and no hour");
  EXPECT_EQ(refusal("time.in('UTC')").substr(0, 30), "column 9: a time zone without ");
}

TEST(Expression, SaysWhatWasMeant) {
  EXPECT_EQ(refusal("load.cpus > 0.6"), "column 1: unknown name `load.cpus`; did you mean `load.cpu`?");
  EXPECT_EQ(refusal("1 > 0 && forecst('a', 5m) > 1"),
            "column 10: unknown function `forecst`; did you mean `forecast`?");
  EXPECT_EQ(refusal("system.cpu.utilization > 0.6"),
            "column 1: unknown name `system.cpu.utilization`; for a metric write metric('system.cpu.utilization')");
  EXPECT_EQ(refusal("time.in > 3"), "column 1: `time.in` is a function: write time.in('Mon-Fri 08:00-20:00 UTC')");
  EXPECT_EQ(refusal("load.cpu > 0.6 and load.memory > 0.5"), "column 16: `and` is written && here");
  EXPECT_EQ(refusal("load.cpu = 0.6"), "column 10: `=` stands alone: write ==");
}

TEST(Expression, SaysWhereItStops) {
  EXPECT_EQ(refusal(""), "column 1: an expression is empty: write something like load.cpu > 0.6");
  EXPECT_EQ(refusal("load.cpu"), "column 1: `load.cpu` is a number: compare it, like load.cpu > 0.6");
  EXPECT_EQ(refusal("load.cpu >"), "column 11: here is the end; wanted is a name, a number or a bracket");
  EXPECT_EQ(refusal("(load.cpu > 1"), "column 14: here is the end; wanted is the `)` of the bracket in column 1");
  EXPECT_EQ(refusal("load.cpu > 1 load.cpu"), "column 14: here is `load.cpu`; wanted is the end, or && or ||");
  EXPECT_EQ(refusal("0 < load.cpu < 1"), "column 14: two are compared at a time: write a < b && b < c");
  EXPECT_EQ(refusal("(load.cpu > 1) + 1 > 2"), "column 2: `load.cpu > 1` is true or false, not a number");
  EXPECT_EQ(refusal("metric('a) > 1"), "column 8: a text begins here and never ends: close its quotes");
  EXPECT_EQ(refusal("load.cpu > 1 # or so"), "column 14: `#` has no meaning here");
  EXPECT_EQ(refusal("metric('no such metric!') > 1").substr(0, 9), "column 8:");
}

TEST(Expression, IsBoundedInEveryDirection) {
  std::string deep(64, '(');
  EXPECT_TRUE(Expression::parse(deep + "1 > 0" + std::string(64, ')')));
  EXPECT_EQ(refusal("(" + deep + "1 > 0" + std::string(65, ')')), "column 66: brackets go at most 64 deep");
  EXPECT_EQ(refusal(std::string(100, '!') + "(1 > 0)"), "column 66: brackets go at most 64 deep");
  EXPECT_EQ(refusal(std::string(100, '-') + "1 > 0"), "column 66: brackets go at most 64 deep");
  std::string wide = "1 > 0";  // three parts each, and one for joining them
  for (int i = 0; i < 84; ++i) wide += "&&1>0";
  EXPECT_TRUE(Expression::parse(wide));
  EXPECT_NE(refusal(wide + "&&1>0").find("at most 256 parts"), std::string::npos);
  EXPECT_TRUE(Expression::parse("1 > 0" + std::string(4096 - 5, ' ')));
  EXPECT_EQ(refusal("1 > 0" + std::string(4096, ' ')),
            "column 1: an expression has at most 4096 bytes; this one has 4101");
}

}  // namespace
}  // namespace mien::policy
