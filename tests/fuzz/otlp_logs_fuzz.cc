// OTLP logs (first byte p: protobuf, else JSON) and Alertmanager's webhook (a): any bytes are a bounded answer or an
// error.
// rooms: wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/alertmanager.h"
#include "wire/otlp_logs.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien;
  if (size == 0) return 0;
  std::string_view body{reinterpret_cast<const char*>(data) + 1, size - 1};
  WallTime now{1'700'000'000'000'000'000};
  if (data[0] == 'a') {
    auto alerts = wire::decode_alerts(body, {}, now);
    if (!alerts) return 0;
    CHECK(alerts->alerts.size() <= wire::most_alerts);
    (void)wire::series_of(alerts->alerts, now);
    return 0;
  }
  wire::OtlpRequest request;
  request.encoding = data[0] == 'p' ? wire::OtlpEncoding::protobuf : wire::OtlpEncoding::json;
  request.body = body;
  request.arrived = now;
  auto logs = wire::decode_otlp_logs(request);
  if (!logs) return 0;
  for (const wire::InstanceLogs& each : logs->instances) {
    CHECK(!each.instance.empty());
    CHECK(each.newest.size() <= wire::log_limits::newest);
    for (const wire::LogRecord& record : each.newest) CHECK(record.attributes.size() <= wire::log_limits::attributes);
  }
  (void)wire::counts_of(*logs, now);
  return 0;
}
