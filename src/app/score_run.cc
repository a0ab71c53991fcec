#include "app/score_run.h"

#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <vector>

#include "app/plot/layout.h"
#include "app/plot/module.h"
#include "app/plot/plot_data.h"
#include "app/score.h"
#include "app/views.h"
#include "base/text.h"
#include "edge/clock.h"
#include "edge/files/input.h"
#include "edge/files/interruption.h"
#include "edge/files/output.h"
#include "model/describe.h"
#include "wire/csv.h"

namespace mien::app {
namespace {

constexpr std::uint64_t interplay_seed = 1;

// Where the lines go.
class Lines {
 public:
  [[nodiscard]] static Result<Lines> open(const std::string& path, std::ostream& out) {
    Lines lines;
    if (path == "-") lines.out_ = &out;
    else lines.file_.emplace(TRY(edge::OutputFile::open(path)));
    return lines;
  }
  [[nodiscard]] Status put(std::string_view line) {
    if (file_) return file_->write(line);
    out_->write(line.data(), static_cast<std::streamsize>(line.size()));
    return *out_ ? Status{} : broken();
  }
  // What was put so far leaves, if somebody may be waiting for it.
  [[nodiscard]] Status pass_on() {
    if (file_) return {};
    out_->flush();
    return *out_ ? Status{} : broken();
  }
  [[nodiscard]] Status finish() { return file_ ? file_->finish() : pass_on(); }
  [[nodiscard]] Status commit() { return file_ ? file_->commit() : Status{}; }

 private:
  static Error broken() {
    return {.code = Code::io, .message = "could not be written to its end", .where = "standard output", .cause = {}};
  }
  std::ostream* out_ = nullptr;
  std::optional<edge::OutputFile> file_;
};

// What `--explain` says on standard error: that a finding opened, and what it was when it closed or the rows ended.
class Explainer {
 public:
  Explainer(std::ostream& err, Progress* progress) : err_(err), progress_(progress) {}

  void take(const std::vector<drift::EpisodeChange>& changes) {
    for (const drift::EpisodeChange& change : changes) {
      using What = drift::EpisodeChange::What;
      const model::Finding& finding = change.finding;
      if (change.what == What::opened) say(finding.opened_at, change.episode, cat("opened: ", finding.summary));
      if (change.what == What::closed) say(finding.updated_at, change.episode, cat("closed: ", whole(finding)));
      if (change.what == What::closed) open_.erase(change.episode);
      else open_[change.episode] = finding;
    }
  }
  void end() {
    for (const auto& [episode, finding] : open_) say(finding.updated_at, episode, cat("still open: ", whole(finding)));
  }

 private:
  void say(WallTime at, std::uint64_t episode, const std::string& text) {
    if (progress_ != nullptr) progress_->clear();
    err_ << to_rfc3339(at) << " finding " << episode << ' ' << text << '\n';
  }
  // The same words and numbers as `mien explain` and the API have.
  static std::string whole(const model::Finding& finding) {
    std::string text = cat(model::to_text(finding.kind), ", severity ", model::to_text(finding.severity), ", since ",
                           to_rfc3339(finding.opened_at), ", score ", to_text(finding.score, 3), ", confidence ",
                           to_text(finding.confidence, 4));
    if (!finding.first_mover.empty()) text += cat("; first to move: ", finding.first_mover);
    std::size_t rank = 0;
    for (const model::Deviation& deviation : finding.metrics)
      text += cat("\n  ", ++rank, ". ", model::describe(finding, deviation), "\n     ",
                  surprise_text(deviation.bits.value));
    return text;
  }

  std::ostream& err_;
  Progress* progress_;
  std::map<std::uint64_t, model::Finding> open_;
};

// A picture that is being gathered.
struct Picture {
  PlotModule module;
  PlotData data;
  edge::OutputFile file;
};

Result<std::optional<Picture>> begin_picture(const ScoreOptions& options, const Scorer& scorer) {
  if (options.plot.empty()) return std::optional<Picture>();
  PlotFormat format = TRY(plot_format_of(options.plot));
  PlotModule module = TRY(PlotModule::load(options.modules, format));
  return std::optional<Picture>(Picture {
    .module = module, .data = PlotData(scorer.columns()), .file = TRY(edge::OutputFile::open(options.plot))
  });
}

Status draw(Picture& picture, const ScoreOptions& options) {
  picture.data.finish();
  Drawing drawing = lay_out(picture.data, {.title = options.input == "-" ? "standard input" : options.input,
                                           .train_rows = options.train_rows,
                                           .false_alarms_per_week = options.false_alarms_per_week});
  TRY(picture.module.paint(drawing, [&](std::string_view bytes) { return picture.file.write(bytes); }));
  return picture.file.finish();
}

}  // namespace

Status run_score(const ScoreOptions& options, const ScoreSurroundings& around) {
  std::unique_ptr<edge::InputFile> input = TRY(edge::InputFile::open(options.input, around.interrupted));
  Lines lines = TRY(Lines::open(options.output, around.out));
  auto source = [&]() -> Result<std::string_view> {
    TRY(lines.pass_on());
    return input->next();
  };
  wire::CsvReader reader = TRY(wire::CsvReader::open(source, input->name()));
  Scorer scorer(reader.columns(), options.train_rows, options.false_alarms_per_week);
  if (!options.state_in.empty()) {
    std::string state = TRY(edge::read_whole(options.state_in));
    if (Status status = scorer.restore(state); !status) return std::move(status).error().within(options.state_in);
  }
  if (!options.model.empty()) {
    std::string bytes = TRY(edge::read_whole(options.model));
    Result<ScoreModel> model = ScoreModel::decode_file(bytes);
    if (!model) return std::move(model).error().within(options.model);
    if (Status status = scorer.use(*model); !status) return std::move(status).error().within(options.model);
  }
  if (options.autoencoder) scorer.learn_interplay(interplay_seed);
  std::optional<Picture> picture = TRY(begin_picture(options, scorer));
  TRY(lines.put("timestamp,score,alert,kind,metric\n"));
  Explainer explainer(around.err, around.progress);
  wire::CsvRow row;
  for (std::uint64_t rows = 0; TRY(reader.next(row)); ++rows) {
    Scorer::Line line = scorer.add(row.time, row.values);
    TRY(lines.put(score_line(row.stamp, line, scorer.columns()[line.column])));
    if (around.progress != nullptr)
      around.progress->show({.bytes = input->taken(), .all = input->size(), .rows = rows});
    if (options.explain) explainer.take(line.changes);
    if (picture) picture->data.add({.time = row.time, .values = row.values, .line = line}, scorer.behavior());
  }
  TRY(lines.finish());
  if (options.explain) explainer.end();
  std::optional<edge::OutputFile> state;
  if (!options.state_out.empty()) {
    state.emplace(TRY(edge::OutputFile::open(options.state_out)));
    TRY(state->write(scorer.encode()));
    TRY(state->finish());
  }
  if (picture) TRY(draw(*picture, options));
  TRY(lines.commit());
  if (state) TRY(state->commit());
  return picture ? picture->file.commit() : Status{};
}

Status run_watched(Session& session, bool draws, const std::function<Status(const ScoreSurroundings&)>& run) {
  edge::Interruption interruption;
  std::optional<Progress> progress;
  if (session.watched && draws) progress.emplace(session.err, session.err_style, edge::mono_now);
  Status status = run({.out = session.out,
                       .err = session.err,
                       .progress = progress ? &*progress : nullptr,
                       .interrupted = [&interruption] { return interruption.asked(); }});
  progress.reset();
  if (!status && interruption.asked()) {
    session.err << "interrupted: no file was written\n" << std::flush;
    interruption.obey();
  }
  return status;
}

}  // namespace mien::app
