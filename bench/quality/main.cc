// mien-quality: judges what `mien score` says, on labelled data and on series that it makes itself.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "bench/quality/data_run.h"

int main(int argc, char** argv) {
  using namespace mien;
  CLI::App program("Judges the scores of mien: NAB, AUC-PR, VUS-PR, event recall, the promise of false alarms");
  quality::DataOptions data;
  std::vector<std::string> only;
  program.add_option("--data", data.data,
                     "folder of labelled series: nab, smd, asd, js2, mscloud, planetlab, bitbrains");
  program.add_option("--scores", data.scores, "folder of scores that lie there already: FOLDER/NAME.csv");
  program.add_option("--program", data.program, "path of mien: run it on every file first");
  program.add_option("--keep", data.keep, "keep the scores of the run in this folder");
  program.add_option("--jobs", data.jobs, "runs at once")->check(CLI::Range(1, 256));
  program.add_option("--only", only, "folders, separated by commas")->delimiter(',');
  program.add_flag("--quick", data.quick, "every tenth window of the VUS");
  program.add_flag("--each", data.each, "every series too");
  CLI11_PARSE(program, argc, argv);
  data.only.insert(only.begin(), only.end());

  if (data.data.empty() || data.scores.empty() == data.program.empty()) {
    std::cerr << "mien-quality: say --data DIR and either --scores DIR or --program PATH\n";
    return 2;
  }
  if (!data.program.empty()) data.program = std::filesystem::absolute(data.program).string();
  Status status = quality::judge_data(data, std::cout);
  if (!status) std::cerr << "mien-quality: " << status.error().to_string() << '\n';
  return status ? 0 : 1;
}
