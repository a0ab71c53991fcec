// mien-quality: judges what `mien score` says, on labelled data and on series that it makes itself.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "bench/quality/data_run.h"
#include "bench/quality/injected_run.h"

int main(int argc, char** argv) {
  using namespace mien;
  CLI::App program(
      "Judges the scores of mien: NAB, AUC-PR, VUS-PR, event recall, the promise of false alarms, injections");
  quality::DataOptions data;
  quality::InjectedOptions injected;
  std::vector<std::string> only;
  bool on_injected = false;
  program.add_option("--data", data.data, "labelled series: nab, smd, asd, js2, mscloud, planetlab, bitbrains");
  program.add_option("--scores", data.scores, "scores that lie there already, FOLDER/NAME.csv");
  program.add_option("--only", only, "of these folders, separated by commas")->delimiter(',');
  program.add_flag("--quick", data.quick, "every tenth window of the VUS");
  program.add_flag("--injected", on_injected, "on healthy series with injections, made from a seed");
  program.add_option("--seed", injected.seed, "of the injected series");
  program.add_option("--cases", injected.cases, "of each injection, at least")->check(CLI::Range(1, 10000));
  program.add_option("--floor", injected.floor, "fail when a figure of the injected series is below this file's");
  program.add_flag("--rewrite-floor", injected.rewrite_floor, "write that file instead");
  program.add_option("--program", data.program, "path of mien: run it on every file");
  program.add_option("--keep", data.keep, "keep the scores of the run in this folder");
  program.add_option("--jobs", data.jobs, "runs at once")->check(CLI::Range(1, 256));
  program.add_flag("--one-budget", data.one_budget, "the promise at 1 a week only: far fewer runs");
  program.add_flag("--autoencoder", data.autoencoder, "sets of many metrics also with mien score --autoencoder");
  program.add_flag("--each", data.each, "every series too");
  CLI11_PARSE(program, argc, argv);

  auto usage = [](const char* what) {
    std::cerr << "mien-quality: " << what << "; see --help\n";
    return 2;
  };
  if (on_injected != data.data.empty()) return usage("say either --data DIR or --injected");
  if (on_injected && data.program.empty()) return usage("--injected needs --program PATH");
  if (injected.rewrite_floor && injected.floor.empty()) return usage("--rewrite-floor needs --floor FILE");
  if (!on_injected && data.scores.empty() == data.program.empty())
    return usage("say either --scores DIR or --program PATH");
  data.only.insert(only.begin(), only.end());
  if (!data.program.empty()) data.program = std::filesystem::absolute(data.program).string();
  injected.program = data.program;
  injected.keep = data.keep;
  injected.jobs = data.jobs;
  injected.each = data.each;

  Status status = on_injected ? quality::judge_injected(injected, std::cout) : quality::judge_data(data, std::cout);
  if (!status) std::cerr << "mien-quality: " << status.error().to_string() << '\n';
  return status ? 0 : 1;
}
