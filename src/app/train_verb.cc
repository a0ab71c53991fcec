// `mien train`: an autoencoder from a history on file, for `mien score --model`.
#include <memory>
#include <ostream>

#include "app/score.h"
#include "app/score_run.h"
#include "base/text.h"
#include "edge/files/input.h"
#include "edge/files/output.h"
#include "wire/csv.h"

namespace mien::app {
namespace {

Error interrupted() { return {.code = Code::conflict, .message = "interrupted", .where = {}, .cause = {}}; }

Status read_history(const TrainOptions& options, const ScoreSurroundings& around, std::optional<Scorer>& scorer) {
  std::unique_ptr<edge::InputFile> input = TRY(edge::InputFile::open(options.input, around.interrupted));
  wire::CsvReader reader = TRY(wire::CsvReader::open([&] { return input->next(); }, input->name()));
  scorer.emplace(reader.columns(), options.train_rows, 1);
  scorer->gather_interplay(options.seed);
  wire::CsvRow row;
  for (std::uint64_t rows = 0; TRY(reader.next(row)); ++rows) {
    static_cast<void>(scorer->add(row.time, row.values));
    if (around.progress != nullptr)
      around.progress->show({.bytes = input->taken(), .all = input->size(), .rows = rows});
  }
  return {};
}

Status train_here(const TrainOptions& options, Session& session) {
  return run_watched(session, true, [&](const ScoreSurroundings& around) { return run_train(options, around); });
}

}  // namespace

Status run_train(const TrainOptions& options, const ScoreSurroundings& around) {
  std::optional<Scorer> scorer;
  TRY(read_history(options, around, scorer));
  drift::InterplayTraining training = scorer->train_interplay(options.epochs);
  bool goes_on = true;
  while (goes_on) {
    if (around.interrupted && around.interrupted()) return interrupted();
    goes_on = training.step();
    if (around.progress == nullptr) continue;
    around.progress->clear();
    around.err << "\repoch " << training.epochs() << " of at most " << options.epochs << ", held-out loss "
               << fixed(training.held_out(), 3) << std::flush;
  }
  if (around.progress != nullptr) around.err << '\n';
  ScoreModel model{.columns = scorer->columns(), .seed = options.seed, .interplay = training.result()};
  if (!model.interplay.vae.speaks())
    return Error{.code = Code::invalid,
                 .message = "has too few ordinary rows to learn from: 64 blocks of ten seconds or longer",
                 .where = options.input,
                 .cause = {}};
  edge::OutputFile output = TRY(edge::OutputFile::open(options.output));
  TRY(output.write(model.encode_file()));
  TRY(output.commit());
  around.out << options.output << ": " << model.columns.size() << " columns, " << model.interplay.rows << " rows, "
             << training.epochs() << " epochs, held-out loss " << fixed(model.interplay.held_out, 3) << '\n';
  return {};
}

void add_train_verb(CLI::App& program, Session& session) {
  CLI::App* verb =
      add_verb(program, "train", "Train an autoencoder for `mien score --model` from a CSV file", "Engine");
  auto options = std::make_shared<TrainOptions>();
  verb->add_option("--input", options->input, "CSV, first column `timestamp`; gzip is unpacked; - is standard input")
      ->required();
  verb->add_option("--output", options->output, "where the model goes")->required();
  verb->add_option("--train-rows", options->train_rows, "the first N rows are known to be healthy");
  verb->add_option("--seed", options->seed, "of all that is drawn: the same input and seed give the same bytes");
  verb->add_option("--epochs", options->epochs, "at most; it ends when held-out rows get no better")
      ->check(CLI::Range(1, 10000));
  on_chosen(verb, session, [options](Session& chosen) { return train_here(*options, chosen); });
}

}  // namespace mien::app
