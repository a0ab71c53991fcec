#include "app/score_sequence.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include "app/cli.h"
#include "app/score.h"
#include "base/text.h"
#include "stats/sequence_model.h"
#include "wire/sequence.h"

namespace mien::app {
namespace {

constexpr std::size_t chunk = 65'536;
constexpr std::size_t pieces_for_a_percent = 100;

Status read_stream(std::istream& stream, const std::string& name, wire::SequenceReader& reader) {
  std::string buffer(chunk, '\0');
  while (stream) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(stream.gcount()));
    if (Status status = reader.feed(bytes); !status) return status;
  }
  if (stream.bad())
    return Error{.code = Code::io, .message = "could not be read to its end", .where = name, .cause = {}};
  return reader.finish();
}

// Each name of one trace in order, in constant memory (a packed one is unpacked whole).
Status read_trace(const std::string& path, const std::function<void(std::string_view)>& take) {
  std::string name = path == "-" ? "standard input" : path;
  wire::SequenceReader reader(name, take);
  if (path == "-") return read_stream(std::cin, name, reader);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return Error{.code = Code::invalid,
                 .message = "is a directory; name the files in it, one trace each",
                 .where = path,
                 .cause = {}};
  if (std::string_view(path).ends_with(".gz")) {
    std::string text = TRY(read_all(path));
    if (Status status = reader.feed(text); !status) return status;
    return reader.finish();
  }
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return Error{.code = Code::not_found,
                 .message = "can not be opened for reading; check the path and who may read it",
                 .where = path,
                 .cause = {}};
  return read_stream(file, name, reader);
}

void note_what_is_missing(const stats::SequenceModel& model, std::ostream& err) {
  const stats::SequenceShed& shed = model.shed();
  if (shed.calls > 0) err << "note: " << shed.calls << " ordinary calls beyond the first 67,108,864 were not learned\n";
  if (shed.names > 0)
    err << "note: " << shed.names << " ordinary calls have names beyond 1,022 and count as one name\n";
  if (shed.grams > 0) err << "note: " << shed.grams << " windows beyond 500,000 distinct ones are not remembered\n";
  if (shed.pairs > 0)
    err << "note: " << shed.pairs << " pairs of calls beyond 16,384 distinct ones in a trace are not remembered\n";
  if (model.pieces() < pieces_for_a_percent)
    err << "note: calibrated by " << model.pieces()
        << " ordinary examples; give a hundred, so that 1 % of them is one\n";
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
  stats::SequenceModel model;
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
  std::ofstream file(options.output, std::ios::binary | std::ios::trunc);
  file << lines;
  file.flush();
  if (!file)
    return Error{.code = Code::io, .message = "could not be written to its end", .where = options.output, .cause = {}};
  return {};
}

}  // namespace mien::app
