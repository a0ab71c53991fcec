#include "wire/directive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace mien::wire {
namespace {

using ::testing::HasSubstr;

DirectiveBatch example() {
  model::Value spec{model::Value::Map{{"cpu", model::Value{2}},
                                      {"ratio", model::Value{0.25}},
                                      {"on", model::Value{true}},
                                      {"none", model::Value{}},
                                      {"list", model::Value{model::Value::List{model::Value{"a"}, model::Value{-3}}}}}};
  return {.next = 44,
          .audit_head =
              SeenHead{.sequence = 12, .hash = "ab", .at = WallTime{1'700'000'000'250'000'000}, .signature = "cd"},
          .directives = {{.id = 42,
                          .body = PersonaDirective{.instance = InstanceName{"web-01"},
                                                   .persona = PersonaName{"web"},
                                                   .generation = 3,
                                                   .spec = spec}},
                         {.id = 43, .body = CollectDirective{.interval = 5s, .arguments = Arguments::redacted}},
                         {.id = 44, .body = UnknownDirective{.type = "dance"}},
                         {.id = 45,
                          .body = OrderDirective{.action = ActionId{"a-1"},
                                                 .version = 2,
                                                 .target = InstanceName{"web.service@web-01"},
                                                 .verb = model::Verb::limit,
                                                 .with = {{"cpu", "50%"}},
                                                 .lease = 30min,
                                                 .valid_until = WallTime{1'700'000'000'250'000'000}}},
                         {.id = 46,
                          .body = OrderDirective{.action = ActionId{"a-2"},
                                                 .version = 3,
                                                 .target = InstanceName{"web-01"},
                                                 .verb = model::Verb::soft_reset,
                                                 .with = {},
                                                 .lease = {},
                                                 .valid_until = {},
                                                 .revert = true,
                                                 .reason = model::EndReason::worse}}}};
}

AgentReports reports_example() {
  return {.abilities = model::Abilities{.agent = "web-01",
                                        .boot_id = "b",
                                        .can = {"limit", "prioritize"},
                                        .allow = {"limit"},
                                        .never_touch = {"sshd*"},
                                        .held = true},
          .reports = {{.action = ActionId{"a-1"},
                       .state = model::ActionState::applied,
                       .reason = model::EndReason::none,
                       .note = "in force",
                       .at = WallTime{1'700'000'000'250'000'000},
                       .expires_at = WallTime{1'700'000'900'000'000'000},
                       .changes = {{.key = "cpu.max", .before = "max 100000", .after = "50000 100000", .found = {}}}},
                      {.action = ActionId{"a-2"},
                       .state = model::ActionState::conflicted,
                       .reason = model::EndReason::lease_over,
                       .note = {},
                       .at = {},
                       .expires_at = std::nullopt,
                       .changes = {}}}};
}

TEST(directive, a_batch_decodes_to_itself) {
  Result<DirectiveBatch> back = decode_directives(encode_json(example()));
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(*back, example());
  EXPECT_EQ(*decode_directives(encode_json(DirectiveBatch{})), DirectiveBatch{});
}

TEST(directive, the_other_bodies_decode_to_themselves) {
  EnrollRequest request{.token = "t", .agent = "web-01", .token_hash = "00ff"};
  EXPECT_EQ(*decode_enroll_request(encode_json(request)), request);
  EnrollAnswer answer{.agent = "web-01", .token = "", .ca = "-----BEGIN"};
  EXPECT_EQ(*decode_enroll_answer(encode_json(answer)), answer);
  AgentHello hello{.agent = "web-01", .version = "0.1.0", .machine_id = "m", .epoch = 7, .can = {"cgroup2", "psi"}};
  EXPECT_EQ(*decode_hello(encode_json(hello)), hello);
}

TEST(directive, reports_decode_to_themselves) {
  Result<AgentReports> back = decode_reports(encode_json(reports_example()));
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(*back, reports_example());
  EXPECT_EQ(*decode_reports(encode_json(AgentReports{})), AgentReports{});
}

TEST(directive, an_order_with_a_verb_of_a_newer_release_is_kept_by_name_and_an_unknown_reason_only_explains_less) {
  Result<DirectiveBatch> batch = decode_directives(
      R"({"directives":[{"id":1,"type":"order","action":"a","target":"t","verb":"dance","more":1},
                        {"id":2,"type":"order","action":"a","target":"t","verb":"limit","reason":"boredom"}]})");
  ASSERT_TRUE(batch.ok()) << batch.error().to_string();
  EXPECT_EQ(std::get<UnknownDirective>(batch->directives.at(0).body).type, "order to dance");
  EXPECT_EQ(std::get<OrderDirective>(batch->directives.at(1).body).reason, model::EndReason::none);
}

TEST(directive, what_is_wrong_with_an_order_or_a_report_is_named_by_its_pointer) {
  auto order = [](std::string_view members) {
    return decode_directives(cat(R"({"directives":[{"id":1,"type":"order",)", members, "}]}")).error().where;
  };
  EXPECT_EQ(order(R"("target":"t","verb":"limit")"), "/directives/0/action");
  EXPECT_EQ(order(R"("action":"a","verb":"limit")"), "/directives/0/target");
  EXPECT_EQ(order(R"("action":"a","target":"t")"), "/directives/0/verb");
  EXPECT_EQ(order(R"("action":"a","target":"t","verb":"limit","with":{"cpu":1})"), "/directives/0/with/cpu");
  EXPECT_EQ(order(R"("action":"a","target":"t","verb":"limit","lease_ms":99999999999999)"), "/directives/0/lease_ms");
  EXPECT_EQ(order(R"("action":"a","target":"t","verb":"limit","valid_until":"soon")"), "/directives/0/valid_until");
  EXPECT_EQ(order(R"("action":"a","target":"t","verb":"limit","revert":1)"), "/directives/0/revert");
  auto report = [](std::string_view json) { return decode_reports(json).error().where; };
  EXPECT_EQ(report(R"({"reports":{}})"), "/reports");
  EXPECT_EQ(report(R"({"reports":[1]})"), "/reports/0");
  EXPECT_EQ(report(R"({"reports":[{"state":"done"}]})"), "/reports/0/action");
  EXPECT_EQ(report(R"({"reports":[{"action":"a","state":"dancing"}]})"), "/reports/0/state");
  EXPECT_EQ(report(R"({"reports":[{"action":"a","state":"done","changes":[{}]}]})"), "/reports/0/changes/0/key");
  EXPECT_EQ(report(R"({"abilities":{"can":[1]}})"), "/abilities/can/0");
  std::string many;
  for (std::size_t i = 0; i <= most_reports; ++i) many += cat(i == 0 ? "" : ",", R"({"action":"a","state":"done"})");
  EXPECT_EQ(report(cat(R"({"reports":[)", many, "]}")), "/reports");
  std::string whole = encode_json(reports_example());
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_FALSE(decode_reports(std::string_view(whole).substr(0, n)).ok()) << n;
}

TEST(directive, what_a_newer_manager_adds_is_ignored_or_kept_by_name) {
  Result<DirectiveBatch> batch =
      decode_directives(R"({"next":2,"new":[1],"directives":[{"id":1,"type":"lockdown","level":"egress"}]})");
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->directives.at(0).body, (decltype(Directive::body){UnknownDirective{.type = "lockdown"}}));
}

TEST(directive, what_is_wrong_is_named_by_its_pointer) {
  auto where = [](std::string_view json) { return decode_directives(json).error().where; };
  EXPECT_EQ(where(R"({"next":-1})"), "/next");
  EXPECT_EQ(where(R"({"directives":{}})"), "/directives");
  EXPECT_EQ(where(R"({"directives":[1]})"), "/directives/0");
  EXPECT_EQ(where(R"({"directives":[{"id":1}]})"), "/directives/0/type");
  EXPECT_EQ(where(R"({"directives":[{"id":1,"type":"persona"}]})"), "/directives/0/instance");
  EXPECT_EQ(where(R"({"directives":[{"id":2,"type":"a"},{"id":2,"type":"a"}]})"), "/directives/1/id");
  EXPECT_EQ(where(R"({"directives":[{"id":1,"type":"collect","arguments":"some"}]})"), "/directives/0/arguments");
  EXPECT_EQ(where(R"({"directives":[{"id":1,"type":"collect","interval_ms":1}]})"), "/directives/0/interval_ms");
  EXPECT_EQ(where(R"({"audit_head":{"at":"yesterday"}})"), "/audit_head/at");
  EXPECT_EQ(decode_enroll_request(R"({"agent":"a"})").error().where, "/token");
  EXPECT_EQ(decode_hello(R"({"agent":"a","can":[1]})").error().where, "/can/0");
}

TEST(directive, bodies_that_are_cut_too_large_or_too_deep_are_errors) {
  std::string whole = encode_json(example());
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_FALSE(decode_directives(std::string_view(whole).substr(0, n)).ok()) << n;
  EXPECT_FALSE(decode_directives(std::string(largest_agent_body + 1, ' ')).ok());
  std::string deep = cat(R"({"directives":[{"id":1,"type":"persona","instance":"a","spec":)", std::string(40, '['),
                         std::string(40, ']'), "}]}");
  EXPECT_THAT(decode_directives(deep).error().message, HasSubstr("nested deeper"));
  std::string many;
  for (std::size_t i = 0; i <= most_directives; ++i) many += cat(i == 0 ? "" : ",", R"({"id":)", i, R"(,"type":"a"})");
  EXPECT_THAT(decode_directives(cat(R"({"directives":[)", many, "]}")).error().message, HasSubstr("more than 1024"));
}

}  // namespace
}  // namespace mien::wire
