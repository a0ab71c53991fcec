#include "app/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mien::app {
namespace {

using ::testing::HasSubstr;

std::string problem(std::string_view text) {
  Result<ManagerSettings> settings = parse_settings(text, "mien.yaml");
  return settings ? "" : settings.error().to_string();
}

TEST(Settings, SayWhereToListenAndUnderWhichNames) {
  Result<ManagerSettings> settings = parse_settings(
      "listen: '[::]:7071'\nnames: [mien.example.net, 192.0.2.7, '2001:db8::7']\nretention: 7d\n", "mien.yaml");
  ASSERT_TRUE(settings.ok()) << settings.error().to_string();
  EXPECT_EQ(settings->listen, "[::]:7071");
  EXPECT_EQ(settings->names, (std::vector<std::string>{"mien.example.net", "192.0.2.7", "2001:db8::7"}));
  EXPECT_EQ(settings->retention, std::chrono::hours{7 * 24});
}

TEST(Settings, ListenTakesAddressesOfAMachineAndNothingElse) {
  for (const char* listen : {"127.0.0.1", "0.0.0.0:0", "'[::1]:7070'", "localhost:7070"})
    EXPECT_EQ(problem(std::string("listen: ") + listen), "") << listen;
  for (const char* listen : {"nowhere", "mien.example.net:7070", "'127.0.0.1:'", "127.0.0.1:70700", "'::1'", "''",
                             "'http://127.0.0.1:7070'", "[127.0.0.1]", "7070"})
    EXPECT_THAT(problem(std::string("listen: ") + listen), HasSubstr("`listen`: ")) << listen;
}

TEST(Settings, NamesAreHostsAlone) {
  for (const char* name : {"''", "'mien:7070'", "'https://mien'", "'[::1]'", "'a b'", "'::g'", "7", "null"})
    EXPECT_THAT(problem(std::string("names: [") + name + "]"), HasSubstr("`names`: ")) << name;
  EXPECT_THAT(problem("names: mien"), HasSubstr("a list of names"));
}

TEST(Settings, SizesAndTimesHaveAFloorAndACeiling) {
  EXPECT_THAT(problem("store_limit: 1MB"), HasSubstr("`store_limit`: at least 64MB"));
  EXPECT_THAT(problem("store_limit: 9999999PB"), HasSubstr("`store_limit`: "));
  EXPECT_THAT(problem("store_limit: 2000TB"), HasSubstr("`store_limit`: at most 1PB"));
  EXPECT_THAT(problem("retention: 1s"), HasSubstr("`retention`: at least 10m"));
  EXPECT_THAT(problem("retention: 99999999999999d"), HasSubstr("`retention`: "));
  EXPECT_THAT(problem("retention: 367d"), HasSubstr("`retention`: at most 366d"));
  EXPECT_THAT(problem("data: ''"), HasSubstr("`data`: a directory"));
}

TEST(Settings, SayWhichLabelNamesAnInstanceOfPrometheus) {
  Result<ManagerSettings> settings =
      parse_settings("prometheus: {instance_label: nodename, keep_port: true}\n", "mien.yaml");
  ASSERT_TRUE(settings.ok()) << settings.error().to_string();
  EXPECT_EQ(settings->prometheus.instance_label, "nodename");
  EXPECT_TRUE(settings->prometheus.keep_port);
  EXPECT_EQ(parse_settings("", "mien.yaml")->prometheus.instance_label, "instance");
  for (const char* wrong : {"prometheus: 7", "prometheus: {instance_label: ''}", "prometheus: {keep_port: maybe}",
                            "prometheus: {instance_label: __name__}", "prometheus: {label: x}"})
    EXPECT_THAT(problem(wrong), HasSubstr("`prometheus`: ")) << wrong;
}

TEST(Settings, SayWhatIsScraped) {
  Result<ManagerSettings> settings = parse_settings(
      "scrape:\n"
      "  - {job: node, targets: [web-01:9100, '[::1]:9100'], interval: 5s, labels: {site: lab}}\n"
      "  - {job: secret, files: [/etc/mien/t.json], token_file: /etc/mien/t, ca_file: /etc/mien/ca.pem, path: /m}\n",
      "mien.yaml");
  ASSERT_TRUE(settings.ok()) << settings.error().to_string();
  ASSERT_EQ(settings->scrape.size(), 2U);
  const edge::ScrapeJob& node = settings->scrape[0];
  EXPECT_EQ(node.interval, 5s);
  EXPECT_EQ(node.timeout, 5s) << "no longer than the interval";
  EXPECT_EQ(node.labels.at("site"), "lab");
  EXPECT_FALSE(node.tls);
  EXPECT_TRUE(settings->scrape[1].tls);
  for (const char* wrong :
       {"scrape: 7", "scrape: [7]", "scrape: [{targets: [a:1]}]", "scrape: [{job: a}]",
        "scrape: [{job: a, targets: [a]}]", "scrape: [{job: a, targets: ['http://a:1']}]",
        "scrape: [{job: a, targets: [a:1], interval: 0s}]", "scrape: [{job: a, targets: [a:1], interval: 2h}]",
        "scrape: [{job: a, targets: [a:1], path: x}]", "scrape: [{job: a, targets: [a:1], intervall: 5s}]",
        "scrape: [{job: a, targets: [a:1], labels: {x: [1]}}]"})
    EXPECT_THAT(problem(wrong), HasSubstr("`scrape`: ")) << wrong;
}

TEST(Settings, SayWhoIsTold) {
  Result<ManagerSettings> settings = parse_settings(R"(
notify: {fleet: 5/day}
alertmanager: [http://am-1:9093, {url: "https://am-2:9093/alerts", ca_file: /etc/mien/am.pem, token_file: /etc/mien/am.token}]
webhooks:
  - {name: on-call, url: "https://alerts.example.net/hook?k=v", secret_file: /etc/mien/on-call.secret, types: [finding]}
remote_write:
  - {url: "http://prometheus:9090/api/v1/write", samples: all, interval: 30s, queue: 1GiB, labels: {site: hall-2}}
)",
                                                    "mien.yaml");
  ASSERT_TRUE(settings.ok()) << settings.error().to_string();
  const OutboundSettings& out = settings->outbound;
  ASSERT_EQ(out.alertmanager.members.size(), 2U);
  EXPECT_EQ(out.alertmanager.members[0].name, "am-1:9093");
  ASSERT_EQ(out.webhooks.size(), 1U);
  EXPECT_EQ(out.webhooks[0].types, std::vector<std::string>{"finding"});
  ASSERT_EQ(out.remote_write.size(), 1U);
  EXPECT_EQ(out.remote_write[0].samples, edge::WrittenSamples::all);
  EXPECT_EQ(out.remote_write[0].destination.name, "prometheus:9090");
  EXPECT_EQ(out.notify, (edge::NotifyLimit{.findings = 5, .within = std::chrono::hours{24}}));
  EXPECT_EQ(out.files(),
            (std::vector<std::string>{"/etc/mien/am.token", "/etc/mien/am.pem", "/etc/mien/on-call.secret"}));
}

TEST(Settings, RefuseDestinationsThatCanNotBe) {
  for (const char* wrong : {"alertmanager: 7", "alertmanager: [am-1]", "alertmanager: [http://am, http://am]",
                            "alertmanager: {members: [http://am], resend: 1s}", "alertmanager: ['http://name:word@am']",
                            "alertmanager: {members: [http://am], labels: {a-b: c}}"})
    EXPECT_THAT(problem(wrong), HasSubstr("`alertmanager`: ")) << wrong;
  for (const char* wrong :
       {"webhooks: {}", "webhooks: [{name: a, url: 'http://a'}]", "webhooks: [{url: 'http://a', secret_file: s}]",
        "webhooks: [{name: A/B, url: 'http://a', secret_file: s}]", "webhooks: [{name: a, secret_file: s}]",
        "webhooks: [{name: a, url: 'http://a', secret_file: s, secret: geheim}]",
        "webhooks: [{name: a, url: 'http://a', secret_file: s}, {name: a, url: 'http://b', secret_file: s}]"})
    EXPECT_THAT(problem(wrong), HasSubstr("`webhooks`: ")) << wrong;
  for (const char* wrong : {"notify: 5/day", "notify: {}", "notify: {fleet: 0/day}", "notify: {fleet: many}",
                            "notify: {fleet: 5/day, pool: 1/day}"})
    EXPECT_THAT(problem(wrong), HasSubstr("`notify`: ")) << wrong;
  for (const char* wrong : {"remote_write: [{}]", "remote_write: [{url: 'http://a', samples: some}]",
                            "remote_write: [{url: 'http://a', queue: 1kB}]"})
    EXPECT_THAT(problem(wrong), HasSubstr("`remote_write`: ")) << wrong;
}

}  // namespace
}  // namespace mien::app
