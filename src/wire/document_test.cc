#include "wire/document.h"

#include <gtest/gtest.h>

#include <limits>

namespace mien::wire {
namespace {

model::Finding sample() {
  model::Finding finding;
  finding.id = FindingId("f-1");
  finding.instance = InstanceName("web-01");
  finding.revision = 12;
  finding.kind = model::FindingKind::ramp;
  finding.severity = model::Severity::high;
  finding.state = model::FindingState::acknowledged;
  finding.confidence = 0.99;
  finding.opened_at = WallTime{1'700'000'000'250'000'000};
  finding.updated_at = finding.opened_at;
  model::Deviation deviation;
  deviation.name = MetricName("system.disk.io");
  deviation.attributes = {{"device", "sda"}};
  deviation.bits = Bits{12.5};
  finding.metrics = {deviation};
  finding.actions = {"a-1"};
  return finding;
}

TEST(Document, OfAFindingHasTheNamesOfTheApi) {
  EXPECT_EQ(
      dump(to_document(sample())),
      R"({"id":"f-1","instance":"web-01","pool":"","persona":"","revision":12,"kind":"ramp","severity":"high","confidence":0.99,)"
      R"("state":"acknowledged","score":0.0,"opened_at":"2023-11-14T22:13:20.250Z","updated_at":"2023-11-14T22:13:20.250Z",)"
      R"("resolved_at":null,"first_mover":"","metrics":[{"name":"system.disk.io","attributes":{"device":"sda"},"observed":0.0,)"
      R"("expected":0.0,"low":0.0,"high":0.0,"bits":12.5,"weight":1.0,"direction":"none"}],"actions":["a-1"],"summary":"","comment":"",)"
      R"("late":false})");
}

TEST(Document, IsReadBackIntoTheSameValue) {
  auto parsed = parse_document(dump(to_document(sample())));
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  auto back = from_document<model::Finding>(*parsed);
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(*back, sample());
  auto direct = from_document<model::Finding>(to_document(sample()));
  ASSERT_TRUE(direct) << direct.error().to_string();
  EXPECT_EQ(*direct, sample());
}

TEST(Document, WritesWhatIsNoNumberAsNull) {
  EXPECT_EQ(dump(to_document(std::numeric_limits<double>::quiet_NaN())), "null");
  EXPECT_EQ(dump(to_document(WallTime{})), "null");
  EXPECT_EQ(dump(to_document(std::optional<double>())), "null");
  EXPECT_EQ(dump(to_document(std::string("\xff"))), "\"\xEF\xBF\xBD\"");
}

TEST(Document, SaysWhereItDoesNotFit) {
  auto where = [](std::string_view text) {
    auto back = from_document<model::Finding>(*parse_document(text));
    return back ? std::string("taken") : back.error().to_string();
  };
  EXPECT_EQ(where(R"({"kind":"rampp"})"), "/kind: a word that this program knows is wanted here, not string");
  EXPECT_EQ(where(R"({"metrics":[{"bits":"many"}]})"), "/metrics/0/bits: a number is wanted here, not string");
  EXPECT_EQ(where(R"({"revision":-1})"), "/revision: a whole number from 0 is wanted here, not number");
  EXPECT_EQ(where(R"({"opened_at":"yesterday"})"), "/opened_at: a time as in RFC 3339 is wanted here, not string");
  EXPECT_EQ(where("[]"), "a map is wanted here, not array");
  EXPECT_EQ(where(R"({"of_a_newer_version":1})"), "taken");
}

TEST(Document, RefusesTextThatIsNoJsonOrTooDeep) {
  EXPECT_FALSE(parse_document("{"));
  EXPECT_FALSE(parse_document(std::string(100'000, '[')));
  EXPECT_FALSE(parse_document(std::string(70, '[') + std::string(70, ']')));
  EXPECT_TRUE(parse_document(std::string(60, '[') + std::string(60, ']')));
}

TEST(Enums, AreReadByTheirOwnTexts) {
  EXPECT_EQ(parse_enum<model::Severity>("critical"), model::Severity::critical);
  EXPECT_EQ(parse_enum<model::InstanceType>("external"), model::InstanceType::external);
  EXPECT_EQ(parse_enum<model::Severity>("worse"), std::nullopt);
}

TEST(JsonSchema, SaysTheSameAsTheSchema) {
  Document schema = json_schema(model::ResourceKind::policy);
  EXPECT_EQ(schema["properties"]["kind"]["const"], "Policy");
  const Document& spec = schema["properties"]["spec"];
  EXPECT_EQ(spec["additionalProperties"], false);
  EXPECT_EQ(dump(spec["properties"]["mode"]["enum"]), R"(["observe","propose","enforce"])");
  EXPECT_FALSE(spec.contains("required"));  // a protecting policy has no ladder
  EXPECT_EQ(dump(spec["properties"]["match"]["properties"]["severity"]["enum"]),
            R"(["info","low","medium","high","critical"])");
  EXPECT_EQ(dump(spec["properties"]["ladder"]["items"]["required"]), R"(["do"])");
}

}  // namespace
}  // namespace mien::wire
