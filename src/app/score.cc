#include "app/score.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/codec.h"
#include "base/text.h"
#include "learn/learn.h"

namespace mien::app {
namespace {

// Both files: magic, version, length, payload, checksum.
struct FileKind {
  std::string_view magic;
  std::uint32_t version;
  std::string_view unlike;  // what is said of a file that is none
};
constexpr FileKind state_file{"mien-score", 1, "is not a state that `mien score --state-out` wrote"};
constexpr FileKind model_file{"mien-model", 1, "is not a model that `mien train` wrote"};

Error failure(Code code, std::string message, std::string where = {}) {
  return Error{.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

std::uint64_t checksum_of(std::string_view bytes) {  // FNV-1a, 64 bits
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

std::string framed(const FileKind& kind, const std::string& payload) {
  Encoder out;
  out.raw(kind.magic);
  out.put(kind.version);
  out.put(static_cast<std::uint64_t>(payload.size()));
  out.raw(payload);
  out.put(checksum_of(payload));
  return out.take();
}

// The payload.
Result<std::string_view> unframed(const FileKind& kind, std::string_view bytes) {
  if (bytes.substr(0, kind.magic.size()) != kind.magic) return failure(Code::invalid, std::string(kind.unlike));
  Decoder decoder{bytes.substr(kind.magic.size())};
  std::uint32_t version = 0;
  std::uint64_t size = 0;
  decoder.get(version);
  decoder.get(size);
  if (decoder.failed()) return failure(Code::corrupt, "is cut short");
  if (version != kind.version)
    return failure(Code::unsupported, cat("has version ", version, "; this program reads version ", kind.version));
  std::string_view rest = decoder.rest();
  if (size > rest.size()) return failure(Code::corrupt, "is cut short");
  std::string_view payload = rest.substr(0, size);
  Decoder tail{rest.substr(size)};
  std::uint64_t checksum = 0;
  tail.get(checksum);
  TRY(tail.finish(kind.magic.substr(5)));
  if (checksum != checksum_of(payload)) return failure(Code::corrupt, "is damaged: the checksum does not fit");
  return payload;
}

struct StoredState {
  std::vector<std::string> columns;
  std::uint64_t rows = 0;
  WallTime last;
  model::Behavior behavior;
  std::string watch;
  static constexpr auto fields = std::tuple{
      field("columns", &StoredState::columns), field("rows", &StoredState::rows), field("last", &StoredState::last),
      field("behavior", &StoredState::behavior), field("watch", &StoredState::watch)};
};

}  // namespace

Scorer::Scorer(std::vector<std::string> columns, std::uint64_t train_rows, double false_alarms_per_week)
    : columns_(std::move(columns)), train_rows_(train_rows) {
  expectation_.false_alarms_per_week = false_alarms_per_week;
  batch_.times.resize(1);
  for (std::uint32_t i = 0; i < columns_.size(); ++i) {
    series_.push_back(
        {.metric = MetricName(columns_[i]), .attributes = {}, .unit = {}, .kind = model::SeriesKind::gauge});
    batch_.series.push_back(i);
  }
}

Scorer::Line Scorer::add(WallTime time, const std::vector<double>& values) {
  Line line;
  ++rows_;
  if (rows_ > 1 && time <= last_) return line;
  last_ = time;
  batch_.times[0] = time;
  batch_.values = values;
  watch_.trust(rows_ <= train_rows_);
  watch_.listen(true);
  drift::Assessment assessment = drift::assess(expectation_, behavior_, watch_, series_, batch_);
  learn::update(behavior_, series_, batch_, assessment.evidence);
  const drift::RowVerdict& verdict = assessment.rows.front();
  line.score = verdict.score;
  line.alarm_level = assessment.score.alarm_level;
  line.alert = verdict.alert;
  line.kind = verdict.kind;
  line.column = verdict.series;
  line.changes = std::move(assessment.changes);
  return line;
}

void Scorer::learn_interplay(std::uint64_t seed) {
  if (!watch_.has_interplay()) watch_.learn_interplay(seed, true);
}

void Scorer::gather_interplay(std::uint64_t seed) { watch_.learn_interplay(seed, false); }

Status Scorer::use(const ScoreModel& model) {
  if (model.columns != columns_)
    return failure(Code::invalid, "was trained on other columns; a model belongs to the columns it was trained on");
  if (!watch_.has_interplay()) watch_.use_interplay(model.interplay);
  return {};
}

std::string Scorer::encode() const {
  StoredState state{.columns = columns_, .rows = rows_, .last = last_, .behavior = behavior_, .watch = watch_.encode()};
  return framed(state_file, mien::encode(state));
}

Status Scorer::restore(std::string_view bytes) {
  std::string_view payload = TRY(unframed(state_file, bytes));
  StoredState state = TRY(decode<StoredState>(payload, "state"));
  if (state.columns != columns_)
    return failure(Code::invalid, "was written for other columns; a state belongs to the columns it was made from");
  if (state.behavior.series.size() > columns_.size()) return failure(Code::corrupt, "knows more series than columns");
  watch_ = TRY(drift::Watch::decode(state.watch));
  behavior_ = std::move(state.behavior);
  rows_ = state.rows;
  last_ = state.last;
  return {};
}

std::string ScoreModel::encode_file() const { return framed(model_file, mien::encode(*this)); }

Result<ScoreModel> ScoreModel::decode_file(std::string_view bytes) {
  std::string_view payload = TRY(unframed(model_file, bytes));
  ScoreModel model = TRY(decode<ScoreModel>(payload, "model"));
  bool fits = model.interplay.is_whole() &&
              model.interplay.series() == std::min(model.columns.size(), drift::InterplayModel::max_series);
  if (!fits) return failure(Code::corrupt, "is damaged: its parts do not fit each other");
  return model;
}

std::string fixed(double value, int decimals) {
  std::array<char, 64> text{};
  auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, decimals).ptr;
  return {text.data(), static_cast<std::size_t>(end - text.data())};
}

std::string score_line(std::string_view stamp, const Scorer::Line& line, std::string_view metric) {
  bool quoted = metric.find(',') != std::string_view::npos;
  std::string_view quote = quoted ? "\"" : "";
  return cat(stamp, ',', fixed(line.score, 6), ',', line.alert ? '1' : '0', ',',
             model::to_text(line.alert ? line.kind : model::FindingKind::none), ',', quote, metric, quote, '\n');
}

std::optional<double> parse_false_alarms(std::string_view text) {
  std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::optional<double> count = parse_double(text.substr(0, slash));
  std::string_view unit = text.substr(slash + 1);
  double per_week = unit == "week" ? 1 : unit == "day" ? 7 : unit == "month" ? 7 / 30.4375 : unit == "hour" ? 168 : 0;
  if (!count || !(*count > 0) || !std::isfinite(*count) || per_week <= 0) return std::nullopt;
  return *count * per_week;
}

}  // namespace mien::app
