// A trace as text: any bytes, cut anywhere, are the same names or the same error with its place; and whatever the names
// are, a small model learns them and answers within [0, 1].
// rooms: wire stats
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "stats/sequence_model.h"
#include "wire/sequence.h"

namespace {

using namespace mien;

struct Taken {
  std::vector<std::string> names;
  std::string error;
};

Taken take(std::string_view text, std::size_t cut) {
  Taken taken;
  wire::SequenceReader reader("fuzz", [&taken](std::string_view name) { taken.names.emplace_back(name); });
  Status status = reader.feed(text.substr(0, cut));
  if (status) status = reader.feed(text.substr(cut));
  if (status) status = reader.finish();
  if (!status) {
    CHECK(!status.error().where.empty());
    taken.error = status.error().to_string();
  }
  return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Taken whole = take(text, size);
  std::size_t cut = size == 0 ? 0 : data[0] % size;
  Taken parts = take(text, cut);
  CHECK(whole.error == parts.error && whole.names == parts.names);
  for (const std::string& name : whole.names) CHECK(!name.empty() && name.size() <= wire::SequenceReader::longest_name);

  stats::SequenceModel model({.names = 8, .grams = 64, .calls = 4096, .neighbours = 4, .pairs = 4, .strange_names = 2});
  model.begin_trace();
  for (const std::string& name : whole.names) model.learn(name);
  if (!model.finish()) return 0;
  stats::SequenceModel::Meter meter(model);
  for (std::size_t i = whole.names.size(); i > 0; --i) meter.add(whole.names[i - 1]);
  double score = meter.verdict().score;
  CHECK(score >= 0 && score <= 1);
  return 0;
}
