#include "app/score.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "app/score_sequence.h"
#include "base/codec.h"
#include "base/text.h"
#include "learn/learn.h"
#include "wire/gzip.h"

namespace mien::app {
namespace {

constexpr std::string_view state_magic = "mien-score";
constexpr std::uint32_t state_version = 1;

Error failure(Code code, std::string message, std::string where = {}) {
  return Error{.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

std::uint64_t checksum_of(std::string_view bytes) {  // FNV-1a, 64 bits
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
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

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

Status write_all(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.flush();
  if (!file) return failure(Code::io, "could not be written", path);
  return {};
}

void explain_changes(std::ostream& err, const Scorer::Line& line) {
  for (const drift::EpisodeChange& change : line.changes) {
    if (change.what == drift::EpisodeChange::What::updated) continue;
    bool opened = change.what == drift::EpisodeChange::What::opened;
    const model::Finding& finding = change.finding;
    WallTime at = finding.updated_at;
    err << to_rfc3339(at) << (opened ? " opened " : " closed ") << change.episode << ' ' << to_text(finding.severity)
        << ' ' << finding.summary << ", score " << to_text(finding.score, 3) << ", confidence "
        << to_text(finding.confidence, 3) << '\n';
  }
}

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

std::string Scorer::encode() const {
  StoredState state{.columns = columns_, .rows = rows_, .last = last_, .behavior = behavior_, .watch = watch_.encode()};
  std::string payload = mien::encode(state);
  Encoder out;
  out.raw(state_magic);
  out.put(state_version);
  out.put(static_cast<std::uint64_t>(payload.size()));
  out.raw(payload);
  out.put(checksum_of(payload));
  return out.take();
}

Status Scorer::restore(std::string_view bytes) {
  if (bytes.substr(0, state_magic.size()) != state_magic)
    return failure(Code::invalid, "is not a state that `mien score --state-out` wrote");
  Decoder decoder{bytes.substr(state_magic.size())};
  std::uint32_t version = 0;
  std::uint64_t size = 0;
  decoder.get(version);
  decoder.get(size);
  if (decoder.failed()) return failure(Code::corrupt, "is cut short");
  if (version != state_version)
    return failure(Code::unsupported, cat("has version ", version, "; this program reads version ", state_version));
  std::string_view rest = decoder.rest();
  if (size > rest.size()) return failure(Code::corrupt, "is cut short");
  std::string_view payload = rest.substr(0, size);
  Decoder tail{rest.substr(size)};
  std::uint64_t checksum = 0;
  tail.get(checksum);
  if (Status status = tail.finish("state"); !status) return status;
  if (checksum != checksum_of(payload)) return failure(Code::corrupt, "is damaged: the checksum does not fit");
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

Result<std::string> read_all(const std::string& path) {
  std::ostringstream bytes;
  if (path == "-") {
    bytes << std::cin.rdbuf();
    return std::move(bytes).str();
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return failure(Code::not_found, "can not be opened for reading", path);
  bytes << file.rdbuf();
  if (file.bad()) return failure(Code::io, "could not be read to its end", path);
  std::string text = std::move(bytes).str();
  if (!ends_with(path, ".gz")) return text;
  constexpr Bytes largest{std::uint64_t{1} << 32U};
  Result<std::string> unpacked = wire::gunzip(text, {.max_output = largest, .max_ratio = 2000});
  if (!unpacked) return std::move(unpacked).error().within(path);
  return unpacked;
}

Status run_score(const ScoreOptions& options, std::ostream& out, std::ostream& err) {
  if (!options.plot.empty() && !ends_with(options.plot, ".svg")) {
    return failure(Code::invalid,
                   cat("--plot ", options.plot, ": this build draws SVG only; give a name that ends in .svg"));
  }
  std::string text = TRY(read_all(options.input));
  wire::CsvReader reader = TRY(wire::CsvReader::open(text, options.input == "-" ? "standard input" : options.input));
  Scorer scorer(reader.columns(), options.train_rows, options.false_alarms_per_week);
  if (!options.state_in.empty()) {
    std::string state = TRY(read_all(options.state_in));
    if (Status status = scorer.restore(state); !status) return std::move(status).error().within(options.state_in);
  }
  std::ofstream file;
  if (options.output != "-") {
    file.open(options.output, std::ios::binary | std::ios::trunc);
    if (!file) return failure(Code::io, "can not be opened for writing", options.output);
  }
  std::ostream& lines = options.output == "-" ? out : file;
  lines << "timestamp,score,alert,kind,metric\n";
  std::vector<PlotRow> plotted;
  wire::CsvRow row;
  while (TRY(reader.next(row))) {
    Scorer::Line line = scorer.add(row.time, row.values);
    lines << score_line(row.stamp, line, scorer.columns()[line.column]);
    if (options.explain) explain_changes(err, line);
    if (!options.plot.empty()) {
      plotted.push_back({.time = row.time,
                         .value = row.values.front(),
                         .score = line.score,
                         .alarm_level = line.alarm_level,
                         .alert = line.alert});
    }
  }
  lines.flush();
  if (!lines) return failure(Code::io, "could not be written to its end", options.output);
  if (!options.state_out.empty()) {
    if (Status status = write_all(options.state_out, scorer.encode()); !status) return status;
  }
  if (!options.plot.empty())
    return write_all(options.plot, plot_svg(plotted, cat(scorer.columns().front(), " of ", options.input)));
  return {};
}

namespace {

// What the command line says, before it is known which format is meant.
struct ScoreArguments {
  ScoreOptions rows;
  std::string format = "csv";
  std::string false_alarms = "1/week";
  std::vector<std::string> inputs;
  std::vector<std::string> train;
  bool about_rows = false;  // an option was given that only rows have
};

Status run_sequences(const ScoreArguments& arguments, Session& session) {
  if (arguments.about_rows)
    return usage_error(
        "--format sequence takes --input, --train, --output and --explain; --train-rows, --false-alarms, --state-in, "
        "--state-out and --plot are about rows of CSV");
  if (arguments.train.empty())
    return usage_error("--format sequence needs at least one trace of ordinary behaviour: --train FILE...");
  SequenceOptions options{.inputs = arguments.inputs,
                          .train = arguments.train,
                          .output = arguments.rows.output.empty() ? "-" : arguments.rows.output,
                          .explain = arguments.rows.explain};
  return score_sequences(options, session.out, session.err);
}

Status run_rows(ScoreArguments& arguments, Session& session) {
  if (!arguments.train.empty())
    return usage_error("--train is about --format sequence; for CSV, --train-rows N says what is known to be healthy");
  if (arguments.inputs.size() != 1) return usage_error("--input: one CSV file at a time");
  if (arguments.rows.output.empty()) return usage_error("--output is required: FILE, or - for standard output");
  std::optional<double> rate = parse_false_alarms(arguments.false_alarms);
  if (!rate)
    return usage_error(
        cat("--false-alarms ", arguments.false_alarms, ": write a rate such as 1/week, 2/day or 0.5/month"));
  arguments.rows.false_alarms_per_week = *rate;
  arguments.rows.input = arguments.inputs.front();
  return run_score(arguments.rows, session.out, session.err);
}

}  // namespace

void add_score_verb(CLI::App& program, Session& session) {
  CLI::App* verb = add_verb(program, "score", "Score a CSV file or traces of calls, without a server", "Engine");
  auto arguments = std::make_shared<ScoreArguments>();
  ScoreOptions& rows = arguments->rows;
  verb->add_option(
          "--input", arguments->inputs,
          "CSV, first column `timestamp`; .gz is unpacked; - is standard input. Of traces: any number of files")
      ->required();
  verb->add_option("--format", arguments->format, "csv, or sequence: one name or integer per token, one trace per file")
      ->check(CLI::IsMember({"csv", "sequence"}));
  verb->add_option("--train", arguments->train, "traces of ordinary behaviour, any number of files");
  verb->add_option("--output", rows.output, "where the scores go; - is standard output, as for traces by default");
  std::vector<CLI::Option*> of_rows{
      verb->add_option("--train-rows", rows.train_rows, "the first N rows are known to be healthy"),
      verb->add_option("--false-alarms", arguments->false_alarms,
                       "how many false alarms are affordable: 1/week, 0.5/day"),
      verb->add_option("--state-in", rows.state_in, "go on where --state-out left off"),
      verb->add_option("--state-out", rows.state_out, "keep the state for a later run"),
      verb->add_option("--plot", rows.plot, "draw the first column and the score into FILE.svg")};
  verb->add_flag("--explain", rows.explain, "say on standard error what opens and closes, or what is odd of a trace");
  on_chosen(verb, session, [arguments, of_rows](Session& chosen) -> Status {
    for (const CLI::Option* option : of_rows) arguments->about_rows = arguments->about_rows || option->count() > 0;
    return arguments->format == "sequence" ? run_sequences(*arguments, chosen) : run_rows(*arguments, chosen);
  });
}

}  // namespace mien::app
