#include "wire/alertmanager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace mien::wire {
namespace {

using ::testing::HasSubstr;

constexpr WallTime arrived{1'700'000'009'000'000'000};

std::string message(std::string_view alerts) {
  return cat(R"({"version":"4","status":"firing","alerts":[)", alerts, "]}");
}

constexpr std::string_view will_fill =
    R"({"status":"firing","labels":{"alertname":"DiskWillFill","instance":"web-01:9100","severity":"page"},)"
    R"("annotations":{"summary":"in four hours"},"startsAt":"2026-11-22T20:00:00Z","fingerprint":"c0ffee"})";

TEST(alertmanager, an_alert_is_about_the_instance_that_its_label_names) {
  auto taken = decode_alerts(message(will_fill), {}, arrived);
  ASSERT_TRUE(taken.ok()) << taken.error().to_string();
  ASSERT_EQ(taken->alerts.size(), 1U);
  const ExternalAlert& alert = taken->alerts[0];
  EXPECT_EQ(alert.instance.value, "web-01");
  EXPECT_EQ(alert.name, "DiskWillFill");
  EXPECT_EQ(alert.severity, "page");
  EXPECT_EQ(alert.summary, "in four hours");
  EXPECT_EQ(alert.fingerprint, "c0ffee");
  EXPECT_TRUE(alert.firing);
  EXPECT_EQ(to_rfc3339(alert.since).substr(0, 19), "2026-11-22T20:00:00");
}

TEST(alertmanager, becomes_a_series_that_is_one_while_any_of_the_name_fires) {
  std::string resolved = R"({"status":"resolved","labels":{"alertname":"DiskWillFill","instance":"web-01:9100"}})";
  auto taken = decode_alerts(message(cat(will_fill, ",", resolved)), {}, arrived);
  ASSERT_TRUE(taken.ok());
  model::Delivery delivery = series_of(taken->alerts, arrived);
  ASSERT_EQ(delivery.instances.size(), 1U);
  EXPECT_EQ(to_text(delivery.instances[0].series.at(0)), "alert.firing{alertname=DiskWillFill}");
  EXPECT_EQ(delivery.instances[0].batch.values, (std::vector<double>{1}));
  taken = decode_alerts(message(resolved), {}, arrived);
  EXPECT_EQ(series_of(taken->alerts, arrived).instances[0].batch.values, (std::vector<double>{0}));
}

TEST(alertmanager, what_names_nobody_is_refused_alone) {
  auto taken = decode_alerts(
      message(cat(R"({"labels":{"alertname":"Cluster"}},{"labels":{"instance":"a"}},{},7,)", will_fill)), {}, arrived);
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->refused, 4U);
  EXPECT_EQ(taken->alerts.size(), 1U);
  EXPECT_THAT(taken->why, HasSubstr("Cluster"));
}

TEST(alertmanager, what_is_no_message_is_invalid) {
  for (const char* body : {"", "[]", "{}", "{\"alerts\":7}", "nonsense"}) {
    auto taken = decode_alerts(body, {}, arrived);
    ASSERT_FALSE(taken.ok()) << body;
    EXPECT_EQ(taken.error().code, Code::invalid) << body;
  }
}

}  // namespace
}  // namespace mien::wire
