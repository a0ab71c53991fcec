#include "app/score_sequence.h"

#include <functional>
#include <memory>
#include <ostream>

#include "app/cli.h"
#include "app/score.h"
#include "base/text.h"
#include "edge/files/input.h"
#include "edge/files/output.h"
#include "stats/sequence_model.h"
#include "wire/sequence.h"

namespace mien::app {
namespace {

constexpr stats::SequenceLimits limits{};
constexpr std::size_t pieces_for_a_percent = 100;

// Each name of one trace in order, in constant memory.
Status read_trace(const std::string& path, const std::function<void(std::string_view)>& take) {
  std::unique_ptr<edge::InputFile> file = TRY(edge::InputFile::open(path));
  wire::SequenceReader reader(file->name(), take);
  while (true) {
    std::string_view piece = TRY(file->next());
    if (piece.empty()) return reader.finish();
    TRY(reader.feed(piece));
  }
}

// "67,108,864"
std::string grouped(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

void note_what_is_missing(const stats::SequenceModel& model, std::ostream& err) {
  const stats::SequenceShed& shed = model.shed();
  if (shed.calls > 0)
    err << "note: " << shed.calls << " ordinary calls beyond the first " << grouped(limits.calls)
        << " were not learned\n";
  if (shed.names > 0)
    err << "note: " << shed.names << " ordinary calls have names beyond " << grouped(limits.names)
        << " and count as one name\n";
  if (shed.grams > 0)
    err << "note: " << shed.grams << " windows beyond " << grouped(limits.grams)
        << " distinct ones are not remembered\n";
  if (shed.pairs > 0)
    err << "note: " << shed.pairs << " pairs of calls beyond " << grouped(limits.pairs)
        << " distinct ones in a trace are not remembered\n";
  if (model.pieces() < pieces_for_a_percent)
    err << "note: calibrated by " << model.pieces() << " ordinary examples; give at least " << pieces_for_a_percent
        << ", so that 1 % of them is one\n";
}

void explain(const std::string& input, const stats::SequenceModel::Verdict& verdict, std::ostream& err) {
  err << input << ": " << verdict.calls << " calls, score " << fixed(verdict.score, 6);
  if (verdict.of < verdict.calls) err << "; of the oddest " << verdict.of << " calls";
  err << '\n';
  for (std::size_t i = 0; i < stats::SequenceModel::measures; ++i)
    err << "  " << stats::SequenceModel::measure_names[i] << ": " << to_text(verdict.measured[i], 3) << ", surprise "
        << to_text(verdict.surprise[i], 3) << '\n';
}

}  // namespace

Status score_sequences(const SequenceOptions& options, std::ostream& out, std::ostream& err) {
  stats::SequenceModel model(limits);
  for (const std::string& path : options.train) {
    model.begin_trace();
    if (Status status = read_trace(path, [&model](std::string_view name) { model.learn(name); }); !status)
      return status;
  }
  if (!model.finish())
    return usage_error("--train: too little to learn from; give more ordinary traces, at least 100 calls in all");
  note_what_is_missing(model, err);
  std::string lines;
  for (const std::string& path : options.inputs) {
    stats::SequenceModel::Meter meter(model);
    if (Status status = read_trace(path, [&meter](std::string_view name) { meter.add(name); }); !status) return status;
    stats::SequenceModel::Verdict verdict = meter.verdict();
    if (verdict.shed > 0)
      err << "note: " << path << " has more distinct pairs or names than are kept; " << verdict.shed
          << " were left out\n";
    if (options.explain) explain(path, verdict, err);
    lines += cat(fixed(verdict.score, 6), '\n');
  }
  if (options.output == "-") {
    out << lines;
    return {};
  }
  edge::OutputFile file = TRY(edge::OutputFile::open(options.output));
  TRY(file.write(lines));
  return file.commit();
}

}  // namespace mien::app
