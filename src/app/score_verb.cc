// The command line of `mien score`.
#include <memory>
#include <optional>
#include <ostream>

#include "app/score.h"
#include "app/score_run.h"
#include "app/score_sequence.h"
#include "base/text.h"

namespace mien::app {
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
        "--state-out, --autoencoder, --model and --plot are about rows of CSV");
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
  if (arguments.rows.autoencoder && !arguments.rows.model.empty())
    return usage_error("--autoencoder trains one, --model brings one: say either");
  std::optional<double> rate = parse_false_alarms(arguments.false_alarms);
  if (!rate)
    return usage_error(
        cat("--false-alarms ", arguments.false_alarms, ": write a rate such as 1/week, 2/day or 0.5/month"));
  arguments.rows.false_alarms_per_week = *rate;
  arguments.rows.input = arguments.inputs.front();
  bool drawn_over = arguments.rows.output == "-" && session.terminal;
  return run_watched(session, !drawn_over,
                     [&](const ScoreSurroundings& around) { return run_score(arguments.rows, around); });
}

}  // namespace

void add_score_verb(CLI::App& program, Session& session) {
  CLI::App* verb = add_verb(program, "score", "Score a CSV file or traces of calls, without a server", "Engine");
  auto arguments = std::make_shared<ScoreArguments>();
  ScoreOptions& rows = arguments->rows;
  verb->add_option(
          "--input", arguments->inputs,
          "CSV, first column `timestamp`; gzip is unpacked; - is standard input. Of traces: any number of files")
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
      verb->add_flag("--autoencoder", rows.autoencoder,
                     "an autoencoder judges too: it trains itself on ordinary rows as they come"),
      verb->add_option("--model", rows.model, "the same by one that `mien train` made of these columns"),
      verb->add_option("--plot", rows.plot,
                       "draw columns, expected bands, findings and score into FILE.svg or FILE.png")};
  verb->add_flag("--explain", rows.explain,
                 "say on standard error what each finding was, with its metrics ranked; or what is odd of a trace");
  on_chosen(verb, session, [arguments, of_rows](Session& chosen) -> Status {
    for (const CLI::Option* option : of_rows) arguments->about_rows = arguments->about_rows || option->count() > 0;
    return arguments->format == "sequence" ? run_sequences(*arguments, chosen) : run_rows(*arguments, chosen);
  });
}

}  // namespace mien::app
