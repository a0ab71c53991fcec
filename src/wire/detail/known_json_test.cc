#include "wire/detail/known_json.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace mien::wire {
namespace {

std::string metric(std::string_view points, std::string_view rest = {}) {
  return cat(R"({"name":"a","sum":{"dataPoints":[)", points, "]", rest, "}}");
}

std::string point(std::string_view time, std::string_view value, std::string_view start = "\"5\"") {
  return cat(R"({"startTimeUnixNano":)", start, R"(,"timeUnixNano":")", time, R"(","asDouble":)", value, "}");
}

const std::vector<MadePoint> one{{.place = 3, .factor = 2, .is_counter = true, .time_ns = 7, .value = 1.5}};

TEST(known_json, a_metric_is_known_again_by_all_of_its_text_but_times_and_values) {
  std::string first = metric(point("7", "1.5"));
  std::optional<KnownMetric> known = learn_metric(first, one);
  ASSERT_TRUE(known.has_value());
  std::vector<ReadPoint> read;
  std::string again = metric(point("17", "-4")) + ",more";
  EXPECT_EQ(read_known(*known, again, read), again.data() + again.size() - 5);
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].time, 17);
  EXPECT_EQ(read[0].value, -8) << "with the factor";
  for (const std::string& other :
       {metric(point("17", "\"4\"")), metric(point("17", "4", "\"6\"")), metric(point("0", "4")),
        metric(point("17", "")), metric(point("17", "4") + "," + point("18", "4")), metric(point("17", "1e308")),
        metric(point("17", "4")) + "", metric(point("9223372036854775808", "4"))}) {
    bool same = other == metric(point("17", "4"));
    EXPECT_EQ(read_known(*known, other, read) != nullptr, same) << other;
    for (std::size_t cut = 0; cut < other.size(); ++cut)
      EXPECT_EQ(read_known(*known, std::string_view(other).substr(0, cut), read), nullptr);
  }
}

TEST(known_json, the_start_of_what_is_no_counter_may_change) {
  std::vector<MadePoint> made = one;
  made[0].is_counter = false;
  std::optional<KnownMetric> known = learn_metric(metric(point("7", "1.5")), made);
  ASSERT_TRUE(known.has_value());
  std::vector<ReadPoint> read;
  EXPECT_NE(read_known(*known, metric(point("17", "4", "\"6\"")), read), nullptr);
  EXPECT_EQ(read_known(*known, metric(point("17", "4", "\"-6\"")), read), nullptr);
}

TEST(known_json, text_that_may_mean_something_else_is_not_learned) {
  std::string plain = point("7", "1.5");
  EXPECT_TRUE(learn_metric(metric(plain, R"(,"aggregationTemporality":2)"), one).has_value());
  for (const std::string& odd :
       {metric(plain + "," + plain), metric(""), metric(plain, R"(,"dataPoints":[])"), metric(point("7", "1.25")),
        metric(point("8", "1.5")), metric(R"({"timeUnixNano":"7","asDouble":1.5,"asInt":2})"),
        metric(R"({"timeUnixNano":"7","timeUnixNano":"7","asDouble":1.5})"),
        metric(R"({"timeUnixNano":"7","as\u0044ouble":1,"asDouble":1.5})"), metric(R"({"asDouble":1.5})"),
        metric(R"({"timeUnixNano":"7","asDouble":null})"), metric(R"({"timeUnixNano":"007","asDouble":1.5})"),
        cat(R"({"gauge":{},)", metric(plain).substr(1)), cat(R"({"histogram":{},)", metric(plain).substr(1))})
    EXPECT_FALSE(learn_metric(odd, one).has_value()) << odd;
}

TEST(known_json, frames_are_found_before_between_and_behind_the_metrics) {
  std::string body = R"({"resourceMetrics":[{"resource":{},"scopeMetrics":[{"metrics":[{"name":"a"}, {"name":"b"}]},)"
                     R"({"metrics" : [{}],"schemaUrl":"\"metrics\":[{"}]},{"resource":{"x":1},"scopeMetrics":[]}]})";
  KnownJson known;
  std::vector<model::Attributes> resources{{{"host.name", "a"}}, {{"host.name", "b"}}};
  known.learn_frames(body, resources);
  using enum KnownFrame::Stands;
  const auto* first = known.find_frame(body);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->second.stands, before_all);
  EXPECT_EQ(first->second.resources, std::vector{resources[0]});
  const auto* comma = known.find_frame(", {\"other\":1}");
  ASSERT_NE(comma, nullptr);
  EXPECT_EQ(comma->first, ", ");
  EXPECT_EQ(comma->second.stands, between);
  const auto* next_list = known.find_frame(R"(]},{"metrics" : [{"name":"c"}]}]}]})");
  ASSERT_NE(next_list, nullptr);
  EXPECT_EQ(next_list->second.stands, between);
  const auto* last = known.find_frame(R"(],"schemaUrl":"\"metrics\":[{"}]},{"resource":{"x":1},"scopeMetrics":[]}]})");
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->second.stands, behind_all);
  EXPECT_EQ(last->second.resources, std::vector{resources[1]});
  EXPECT_EQ(known.find_frame(",{}"), nullptr) << "other white space";
}

TEST(known_json, a_body_of_an_odd_order_has_no_frames) {
  for (const char* body :
       {R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{}]}],"resource":{}}]})",
        R"({"resourceMetrics":[{"resource":{},"resource":{},"scopeMetrics":[{"metrics":[{}]}]}]})",
        R"({"resourceMetrics":[{"resource":{},"scopeMetrics":[{"metrics":[{}],"metrics":[]}]}]})",
        R"({"resourceMetrics":[{"resource":{},"scopeMetrics":[{"metrics":[{}]}],"scopeMetrics":[]}]})",
        R"({"resourceMetrics":[{"resource":{},"scopeMetrics":[{"metrics":[{}]}],"resour\u0063e":{}}]})",
        R"({"resourceMetrics":[{"resource":{},"scopeMetrics":[{"metrics":[{}]}]}],"resourceMetrics":[]})"}) {
    KnownJson known;
    std::vector<model::Attributes> resources(1);
    known.learn_frames(body, resources);
    EXPECT_EQ(known.bytes(), 0U) << body;
  }
}

TEST(known_json, of_one_name_no_more_texts_are_kept_than_a_few) {
  KnownJson known;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < 3 * KnownJson::most_texts; ++i) {
    std::optional<KnownMetric> made = learn_metric(metric(point("7", "1.5"), cat(",\"", 100 + i, "\":0")), one);
    ASSERT_TRUE(made.has_value());
    known.add(*std::move(made));
    if (i + 1 == KnownJson::most_texts) bytes = known.bytes();
  }
  EXPECT_EQ(known.metrics(), KnownJson::most_texts);
  EXPECT_EQ(known.bytes(), bytes);
  ASSERT_NE(known.find_texts(0, metric("")), nullptr);
  EXPECT_EQ(known.find_texts(0, metric(""))->kept().size(), KnownJson::most_texts);
  EXPECT_EQ(known.find_texts(1, metric("")), nullptr) << "of another list";
  known.clear();
  EXPECT_EQ(known.bytes(), 0U);
  EXPECT_EQ(known.find_texts(0, metric("")), nullptr);
}

TEST(known_json, texts_that_are_new_again_and_again_are_tried_seldom) {
  KnownJson::Texts texts;
  int tried = 0;
  for (int time = 0; time < 1'000; ++time) {
    tried += texts.are_of_use() ? 1 : 0;
    texts.note(false);
  }
  EXPECT_GT(tried, 64);
  EXPECT_LT(tried, 100);
  texts.note(true);
  EXPECT_TRUE(texts.are_of_use());
}

}  // namespace
}  // namespace mien::wire
