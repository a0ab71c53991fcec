// rooms: app drift
// A model for `mien score`: any bytes are refused or give one that judges any row with a number. The checksum keeps
// most bytes from the parser, so that the payload is tried by itself too.
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "app/score.h"
#include "base/check.h"
#include "base/codec.h"

namespace {

using namespace mien;

void judge(const app::ScoreModel& model) {
  app::Scorer scorer(model.columns, 0, 1);
  CHECK(scorer.use(model).ok());
  std::vector<float> row(model.interplay.center.size(), 3.0F);
  if (!row.empty()) row.front() = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isfinite(model.interplay.vae.distance(row)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Result<app::ScoreModel> file = app::ScoreModel::decode_file(bytes);
  if (file) judge(*file);
  else CHECK(!file.error().message.empty());
  Result<app::ScoreModel> payload = decode<app::ScoreModel>(bytes, "model");
  if (payload && payload->interplay.is_whole()) judge(*payload);
  return 0;
}
