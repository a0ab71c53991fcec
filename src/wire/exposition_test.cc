#include "wire/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/text.h"

namespace mien::wire {
namespace {

using ::testing::HasSubstr;

std::string shown(const ExposedSample& sample) {
  std::string text;
  for (const Label& label : sample.labels) text += cat(label.name, "=", label.value, " ");
  return cat(text, static_cast<int>(sample.type), " ", std::isnan(sample.value) ? "NaN" : to_text(sample.value),
             sample.milliseconds ? cat(" at ", *sample.milliseconds) : "");
}

struct Read {
  std::vector<std::string> samples;
  std::string problem;
};

Read read(std::string_view text, bool open_metrics = false, const ExpositionLimits& limits = {}) {
  Read out;
  Status status = read_exposition(text, open_metrics, limits,
                                  [&](const ExposedSample& sample) { out.samples.push_back(shown(sample)); });
  if (!status) out.problem = status.error().message;
  return out;
}

TEST(exposition, reads_the_text_format) {
  Read out = read(
      "# HELP http_requests_total All of them.\n"
      "# TYPE http_requests_total counter\n"
      "http_requests_total{method=\"post\",code=\"200\",} 1027 1395066363000\n"
      "\n"
      "   # a comment\n"
      "# TYPE rpc histogram\n"
      "rpc_bucket{le=\"+Inf\"} 3\n"
      "rpc_count 3\n"
      "other 1e-3\r\n"
      "with_escapes{path=\"C:\\\\DIR\\\\\\n\\\"x\\\"\"} +Inf\n"
      "nothing{a=\"\"} NaN\n"
      "last -4.5");
  EXPECT_EQ(out.problem, "");
  EXPECT_THAT(out.samples,
              ::testing::ElementsAre("__name__=http_requests_total method=post code=200 1 1027 at 1395066363000",
                                     "__name__=rpc_bucket le=+Inf 3 3", "__name__=rpc_count 3 3",
                                     "__name__=other 0 0.001", "__name__=with_escapes path=C:\\DIR\\\n\"x\" 0 inf",
                                     "__name__=nothing 0 NaN", "__name__=last 0 -4.5"));
}

TEST(exposition, reads_open_metrics_with_times_in_seconds_exemplars_and_an_end) {
  std::string text =
      "# TYPE rpc histogram\n# UNIT rpc seconds\nrpc_bucket{le=\"1\"} 3 # {trace=\"a\"} 0.5 1.2\nrpc_count 3 "
      "1700000000.5\n"
      "{\"odd name\",b=\"x\"} 7\n# EOF\n";
  Read out = read(text, true);
  EXPECT_EQ(out.problem, "");
  EXPECT_THAT(out.samples,
              ::testing::ElementsAre("__name__=rpc_bucket le=1 3 3", "__name__=rpc_count 3 3 at 1700000000500",
                                     "__name__=odd name b=x 0 7"));
  EXPECT_THAT(read(text.substr(0, text.size() - 6), true).problem, HasSubstr("cut short"));
  EXPECT_THAT(read(text + "x 1\n", true).problem, HasSubstr("after # EOF"));
}

TEST(exposition, says_in_which_line_what_is_wrong) {
  struct Case {
    const char* text;
    const char* what;
  };
  for (const Case& each :
       {Case{"ok 1\nbad\n", "line 2: a number"}, Case{"x{a=\"1\" 1", "commas"}, Case{"x{a=1} 1", "double quotes"},
        Case{"x{a=\"1} 1", "no end"}, Case{"x{=\"1\"} 1", "name=\"value\""},
        Case{"{a=\"1\"} 1", "begins with the name"}, Case{"x 1 y", "time"}, Case{"x 1 2 3", "something after"},
        Case{"x +-1", "a number"}, Case{"<html>", "begins"}}) {
    EXPECT_THAT(read(each.text).problem, HasSubstr(each.what)) << each.text;
  }
}

TEST(exposition, has_limits) {
  EXPECT_THAT(read("a 1\nb 2\nc 3\n", false, {.samples = 2}).problem, HasSubstr("more than 2 samples"));
  EXPECT_THAT(read("a{b=\"1\",c=\"2\"} 1", false, {.labels = 2}).problem, HasSubstr("more than 2 labels"));
  EXPECT_THAT(read("a{b=\"12345678\"} 1", false, {.line_length = 10}).problem, HasSubstr("more than 10 bytes"));
}

TEST(exposition, the_content_type_says_which_format) {
  EXPECT_TRUE(is_open_metrics("application/openmetrics-text; version=1.0.0; charset=utf-8"));
  EXPECT_FALSE(is_open_metrics("text/plain; version=0.0.4"));
  EXPECT_FALSE(is_open_metrics(""));
}

}  // namespace
}  // namespace mien::wire
