// OTLP in either encoding: any bytes give a Delivery that keeps its own rules, or an error, and a door that remembers
// says what one says that does not.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "tests/property/two_otlp_doors.h"
#include "wire/otlp.h"

namespace mien::fuzz {

inline void check_rules(const wire::OtlpRequest& request, const wire::Ingested& decoded) {
  for (const model::DeliveredInstance& instance : decoded.delivery.instances) {
    const model::Batch& batch = instance.batch;
    CHECK(!instance.instance.empty());
    CHECK(instance.series.size() <= request.limits.series);
    CHECK(batch.values.size() == instance.series.size() * batch.times.size());
    for (std::size_t row = 1; row < batch.times.size(); ++row) CHECK(batch.times[row - 1] < batch.times[row]);
    for (double value : batch.values) CHECK(std::isnan(value) || std::isfinite(value));
  }
}

// Of JSON several requests, with bytes of zero between them: text is known from its third time on.
inline int decode_any_otlp(wire::OtlpEncoding encoding, const std::uint8_t* data, std::size_t size) {
  wire::OtlpRequest request;
  request.encoding = encoding;
  request.arrived = WallTime{1'700'000'000'000'000'000};
  request.trusted = size % 2 == 1;
  request.agent = "web-01";
  std::string_view all{reinterpret_cast<const char*>(data), size};
  std::vector<std::string_view> bodies{all};
  if (encoding == wire::OtlpEncoding::json) bodies = split(all, '\0');
  TwoOtlpDoors doors;
  for (std::string_view body : bodies) {
    request.body = body;
    if (auto decoded = wire::decode_otlp(request)) check_rules(request, *decoded);
    for (int time = 0; time < (bodies.size() == 1 ? 4 : 1); ++time) CHECK(doors.difference(request).empty());
  }
  return 0;
}

}  // namespace mien::fuzz
