#include "wire/otlp_facts.h"

#include <gtest/gtest.h>

#include "wire/otlp_logs.h"

namespace mien::wire {
namespace {

FactDelivery delivery() {
  model::SecurityFact write{.kind = model::FactKind::write,
                            .at = WallTime{1'700'000'000'000'000'000},
                            .object = "/etc/passwd",
                            .process = "/usr/sbin/useradd",
                            .pid = 42,
                            .parents = "/bin/sh < /usr/sbin/sshd",
                            .user = "root",
                            .detail = "d",
                            .count = 3};
  return {.source = "web-01",
          .epoch = 2,
          .sequence = 9,
          .instances = {{.instance = InstanceName{"web-01"},
                         .type = model::InstanceType::host,
                         .parent = {},
                         .identities = {{"host.id", "abc"}},
                         .facts = {write},
                         .refused = 4}}};
}

IngestedLogs read(const std::string& body) {
  Result<IngestedLogs> logs = decode_otlp_logs({.encoding = OtlpEncoding::protobuf,
                                                .content_encoding = {},
                                                .body = body,
                                                .arrived = WallTime{1},
                                                .trusted = true,
                                                .agent = "web-01",
                                                .limits = {},
                                                .gzip = {}});
  EXPECT_TRUE(logs.ok());
  return logs ? std::move(*logs) : IngestedLogs{};
}

TEST(otlp_facts, a_fact_is_a_log_record_with_the_names_of_its_page) {
  IngestedLogs logs = read(encode_otlp_facts(delivery()));
  ASSERT_EQ(logs.instances.size(), 1U);
  EXPECT_EQ(logs.rejected, 0U);
  ASSERT_EQ(logs.instances[0].newest.size(), 1U);
  const LogRecord& record = logs.instances[0].newest[0];
  EXPECT_EQ(record.event, "mien.security.write");
  EXPECT_EQ(record.severity, "info");
  EXPECT_EQ(record.at, WallTime{1'700'000'000'000'000'000});
  model::Attributes expected{{"file.path", "/etc/passwd"}, {"process.executable.path", "/usr/sbin/useradd"},
                             {"process.pid", "42"},        {"process.parents", "/bin/sh < /usr/sbin/sshd"},
                             {"user.name", "root"},        {"mien.detail", "d"},
                             {"mien.count", "3"}};
  EXPECT_EQ(record.attributes, expected);
}

TEST(otlp_facts, what_is_not_known_is_left_out) {
  FactDelivery sparse = delivery();
  model::SecurityFact listener;
  listener.kind = model::FactKind::listener;
  listener.at = WallTime{5};
  listener.object = "tcp/443";
  sparse.instances[0].facts = {listener};
  IngestedLogs logs = read(encode_otlp_facts(sparse));
  EXPECT_EQ(logs.instances.at(0).newest.at(0).attributes, (model::Attributes{{"mien.object", "tcp/443"}}));
}

}  // namespace
}  // namespace mien::wire
