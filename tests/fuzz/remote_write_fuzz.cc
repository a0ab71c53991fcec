// Remote-write of either version (the first byte says which): any bytes give a Delivery that keeps its own rules, or an
// error; what was remembered from one body does no harm to the next, and a door that remembers series says the same.
// rooms: wire
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/remote_write.h"

namespace {

using namespace mien;

void decode(wire::RemoteWriteVersion version, std::string_view body, wire::PrometheusMemory& memory,
            wire::PrometheusMemory& remembers) {
  wire::IngestLimits limits;
  auto decoded = wire::decode_remote_write(version, body, {}, WallTime{1'700'000'000'000'000'000}, memory, limits);
  static const WallTime arrived{1'700'000'000'000'000'000};
  auto known = wire::decode_remote_write(version, body, {}, arrived, remembers, limits);
  CHECK(known.ok() == decoded.ok());
  if (!decoded) return;
  CHECK(model::spelled_out(known->delivery, known->lists) == decoded->delivery);
  CHECK(known->counts == decoded->counts && known->why == decoded->why);
  for (const model::DeliveredInstance& instance : decoded->delivery.instances) {
    const model::Batch& batch = instance.batch;
    CHECK(!instance.instance.empty());
    CHECK(instance.series.size() <= limits.series);
    CHECK(batch.values.size() == instance.series.size() * batch.times.size());
    for (std::size_t row = 1; row < batch.times.size(); ++row) CHECK(batch.times[row - 1] < batch.times[row]);
    for (double value : batch.values) CHECK(std::isnan(value) || std::isfinite(value));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view body{reinterpret_cast<const char*>(data) + 1, size - 1};
  auto unfolded = wire::unsnap(body, Bytes{1U << 20U});
  if (unfolded) CHECK(unfolded->size() <= std::size_t{1} << 20U);
  auto back = wire::unsnap(wire::snap(body));
  CHECK(back.ok() && *back == body);
  wire::PrometheusMemory memory;
  wire::PrometheusMemory remembers;
  remembers.remember_series(1);
  auto version = data[0] == '2' ? wire::RemoteWriteVersion::v2 : wire::RemoteWriteVersion::v1;
  decode(version, body, memory, remembers);
  decode(version, body, memory, remembers);
  return 0;
}
