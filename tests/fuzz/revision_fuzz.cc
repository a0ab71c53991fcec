// rooms: learn drift
// What an instance goes back to: any bytes are refused with a word or give a behaviour and habits that judge rows with
// a number. The checksum keeps most bytes from the parser, so the payload is tried by itself too, under each version.
#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/codec.h"
#include "drift/drift.h"
#include "learn/learn.h"
#include "learn/packed.h"

namespace {

using namespace mien;

// A row a minute of what the revision knows, and one series more.
void judge(model::Behavior behavior, const model::Habits& habits) {
  constexpr std::size_t most = 64;
  drift::Watch watch;
  watch.begin_with(habits);
  std::vector<model::Series> series(std::min(behavior.series.size(), most) + 1);
  model::Batch batch;
  batch.times = {WallTime{1'700'000'000'000'000'000}};
  for (std::uint32_t i = 0; i < series.size(); ++i) {
    batch.series.push_back(i);
    batch.values.push_back(i);
  }
  for (int row = 0; row < 3; ++row) {
    drift::Assessment assessment = drift::assess({}, behavior, watch, series, batch);
    CHECK(assessment.rows.front().score >= 0 && assessment.rows.front().score <= 1);
    learn::update(behavior, series, batch, assessment.evidence);
    batch.times.front() = batch.times.front() + std::chrono::minutes{1};
  }
  CHECK(drift::Watch::decode(watch.encode()).ok());
  CHECK(model::is_whole(watch.habits()));
}

void read(std::string_view bytes) {
  Result<learn::Unpacked> unpacked = learn::unpack(bytes);
  if (!unpacked) {
    CHECK(!unpacked.error().message.empty());
    return;
  }
  CHECK(model::is_whole(unpacked->habits));
  judge(unpacked->behavior, unpacked->habits);
}

std::string sealed(std::uint32_t version, std::string_view payload) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : payload) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  Encoder out;
  out.put(version);
  out.put(hash);
  out.raw(payload);
  return out.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  for (std::uint32_t version = 1; version <= learn::packed_version; ++version) read(sealed(version, bytes));
  (void)learn::places_of(bytes);
  Result<model::Habits> habits = decode<model::Habits>(bytes, "habits");
  if (habits && model::is_whole(*habits)) judge({}, *habits);
  return 0;
}
