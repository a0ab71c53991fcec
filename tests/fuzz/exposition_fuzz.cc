// An exporter's answer in either format (the first byte says which): any bytes are samples or an error.
// rooms: wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/exposition.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien;
  if (size == 0) return 0;
  std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  wire::PrometheusMemory memory;
  wire::ExpositionLimits limits{.samples = 1000, .labels = 16, .line_length = 4096};
  wire::PrometheusIntake intake{{}, WallTime{1'700'000'000'000'000'000}, memory};
  std::size_t samples = 0;
  Status status = wire::read_exposition(text, data[0] == 'o', limits, [&](const wire::ExposedSample& sample) {
    CHECK(!sample.labels.empty() && sample.labels[0].name == "__name__");
    CHECK(sample.labels.size() <= limits.labels);
    std::vector<wire::Label> labels = sample.labels;
    labels.push_back({.name = "instance", .value = "web-01:9100"});
    intake.begin_series(labels, sample.type, sample.unit);
    intake.sample(sample.milliseconds.value_or(1'700'000'000'000), sample.value);
    ++samples;
  });
  CHECK(samples <= limits.samples);
  CHECK(status.ok() || !status.error().message.empty());
  (void)intake.finish();
  return 0;
}
