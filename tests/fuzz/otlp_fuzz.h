// OTLP in either encoding: any bytes give a Delivery that keeps its own rules, or an error.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/otlp.h"

namespace mien::fuzz {

inline int decode_any_otlp(wire::OtlpEncoding encoding, const std::uint8_t* data, std::size_t size) {
  wire::OtlpRequest request;
  request.encoding = encoding;
  request.body = {reinterpret_cast<const char*>(data), size};
  request.arrived = WallTime{1'700'000'000'000'000'000};
  request.trusted = size % 2 == 1;
  request.agent = "web-01";
  auto decoded = wire::decode_otlp(request);
  // A door that remembers series says the same, the first time and the second.
  wire::KnownPoints known{1};
  request.known = &known;
  for (int time = 0; time < 2; ++time) {
    auto remembered = wire::decode_otlp(request);
    CHECK(remembered.ok() == decoded.ok());
    if (!decoded) return 0;
    CHECK(model::spelled_out(remembered->delivery, remembered->lists) == decoded->delivery);
    CHECK(remembered->why_rejected == decoded->why_rejected);
  }
  for (const model::DeliveredInstance& instance : decoded->delivery.instances) {
    const model::Batch& batch = instance.batch;
    CHECK(!instance.instance.empty());
    CHECK(instance.series.size() <= request.limits.series);
    CHECK(batch.values.size() == instance.series.size() * batch.times.size());
    for (std::size_t row = 1; row < batch.times.size(); ++row) CHECK(batch.times[row - 1] < batch.times[row]);
    for (double value : batch.values) CHECK(std::isnan(value) || std::isfinite(value));
  }
  return 0;
}

}  // namespace mien::fuzz
