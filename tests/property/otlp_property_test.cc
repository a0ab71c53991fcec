// Laws of OTLP: what an agent encodes decodes to itself, plain and gzipped; whatever is cut or changed on the way gives a
// delivery or an error.
// rooms: wire
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>

#include "base/prng.h"
#include "base/text.h"
#include "wire/otlp.h"

namespace mien::wire {
namespace {

double any_value(Prng& prng) {
  switch (prng.below(6)) {
    case 0: return model::missing;
    case 1: return 0.0;
    case 2: return -0.0;
    case 3: return 1e300 * prng.normal();
    case 4: return 5e-324;
    default: return prng.normal();
  }
}

std::string any_text(Prng& prng) {
  constexpr std::array<std::string_view, 6> pieces{"a", "system.cpu", "ü", "=", "{", "\"x y\""};
  std::string text = "n";
  for (std::uint64_t n = prng.below(5); n > 0; --n) text += pieces.at(prng.below(pieces.size()));
  return text;
}

model::DeliveredInstance any_instance(Prng& prng, std::size_t number) {
  model::DeliveredInstance made;
  made.instance = InstanceName{cat(any_text(prng), "@", number)};  // no two alike: they would be one
  made.type = static_cast<model::InstanceType>(prng.below(5));
  if (prng.chance(0.5)) made.parent = InstanceName{any_text(prng)};
  for (std::uint64_t n = prng.below(4); n > 0; --n) made.identities[any_text(prng)] = any_text(prng);
  made.refused = static_cast<std::uint32_t>(prng.below(3));
  std::size_t columns = prng.below(8);
  std::size_t rows = columns == 0 ? 0 : 1 + prng.below(4);
  for (std::size_t i = 0; i < rows; ++i) made.batch.times.push_back(WallTime{static_cast<std::int64_t>(1 + i * 1'000'000'000 + prng.below(1000))});
  for (std::size_t i = 0; i < columns; ++i) {
    model::Series series{.metric = MetricName{any_text(prng)}, .attributes = {{"column", cat(i)}}, .unit = prng.chance(0.5) ? "By" : "",
                         .kind = static_cast<model::SeriesKind>(prng.below(3))};
    if (prng.chance(0.5)) series.attributes[any_text(prng)] = any_text(prng);
    made.series.push_back(std::move(series));
    for (std::size_t row = 0; row < rows; ++row) made.batch.values.push_back(any_value(prng));
  }
  return made;
}

model::Delivery any_delivery(Prng& prng) {
  model::Delivery made{.source = "web-01", .epoch = prng.below(1'000'000), .sequence = 1 + prng.below(1'000'000), .authenticated = true, .instances = {}};
  for (std::size_t n = 1 + prng.below(4); n > 0; --n) made.instances.push_back(any_instance(prng, n));
  return made;
}

OtlpRequest from_agent(std::string_view body) {
  OtlpRequest request;
  request.body = body;
  request.trusted = true;
  request.agent = "web-01";
  request.arrived = WallTime{1'700'000'000'000'000'000};
  return request;
}

RC_GTEST_PROP(otlp, what_an_agent_encodes_decodes_to_itself, (std::uint64_t seed)) {
  Prng prng{seed};
  model::Delivery delivery = any_delivery(prng);
  std::string body = encode_otlp(delivery);
  Result<Ingested> plain = decode_otlp(from_agent(body));
  RC_ASSERT(plain.ok());
  RC_ASSERT(plain->delivery == delivery);
  RC_ASSERT(plain->rejected == 0U);
  std::string folded = gzip(body);
  OtlpRequest request = from_agent(folded);
  request.content_encoding = "gzip";
  RC_ASSERT(decode_otlp(request)->delivery == delivery);
}

RC_GTEST_PROP(otlp, a_changed_body_gives_a_well_formed_delivery_or_an_error, (std::uint64_t seed)) {
  Prng prng{seed};
  std::string body = encode_otlp(any_delivery(prng));
  for (std::uint64_t n = 1 + prng.below(4); n > 0; --n) body[prng.below(body.size())] = static_cast<char>(prng.below(256));
  body.resize(1 + prng.below(body.size()));
  Result<Ingested> decoded = decode_otlp(from_agent(body));
  if (!decoded) {
    RC_ASSERT(decoded.error().code == Code::invalid);
    return;
  }
  for (const model::DeliveredInstance& instance : decoded->delivery.instances) {
    const model::Batch& batch = instance.batch;
    RC_ASSERT(batch.values.size() == instance.series.size() * batch.times.size());
    for (std::size_t row = 1; row < batch.times.size(); ++row) RC_ASSERT(batch.times[row - 1] < batch.times[row]);
  }
}

}  // namespace
}  // namespace mien::wire
