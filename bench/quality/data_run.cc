#include "bench/quality/data_run.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "base/text.h"
#include "bench/quality/judge.h"
#include "bench/quality/run.h"
#include "bench/quality/table.h"

namespace mien::quality {
namespace {

constexpr std::array<std::string_view, 4> detection_folders{"smd", "asd", "js2", "mscloud"};
constexpr std::array<std::string_view, 5> promise_folders{"smd", "asd", "js2", "planetlab", "bitbrains"};
constexpr std::array<std::string_view, 3> wide_folders{"smd", "asd", "js2"};  // of many metrics each
constexpr std::array<double, 3> budgets{2, 1, 0.5};
constexpr std::size_t planetlab_columns = 10;  // of each of its four days

using Pool = std::map<double, std::array<Promise, 2>, std::greater<>>;  // by budget; judged rows, healthy stretches

template <class List>
bool contains(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string score_file(const std::string& dir, const Source& source, double budget) {
  std::string at = budget == 1 ? "" : cat("at-", to_text(budget), "/");
  return cat(dir, "/", at, source.folder, "/", source.name, ".csv");
}

class DataRun {
 public:
  DataRun(const DataOptions& options, std::string work, std::ostream& out)
      : options_(options), scores_(options.scores.empty() ? work : options.scores), work_(std::move(work)), out_(out) {}

  Status run() {
    if (Status status = list(); !status) return status;
    if (!options_.program.empty()) {
      if (Status status = score_all(); !status) return status;
    }
    if (Status status = show_nab(); !status) return status;
    if (Status status = show_detection(); !status) return status;
    if (Status status = show_autoencoder(); !status) return status;
    return show_promise();
  }

 private:
  Status list() {
    for (std::string_view name : {"nab", "smd", "asd", "js2", "mscloud", "planetlab", "bitbrains"}) {
      std::string folder(name);
      if (!options_.only.empty() && !options_.only.contains(folder)) continue;
      sources_[folder] = TRY(list_folder(options_.data, folder));
      if (sources_[folder].empty()) out_ << folder << ": nothing there\n\n";
      if (folder == "planetlab")
        sources_[folder] = TRY(split_columns(sources_[folder], planetlab_columns, cat(work_, "/input")));
    }
    return {};
  }

  Status score_all() {
    std::vector<Job> jobs;
    for (const auto& [folder, sources] : sources_) {
      for (double budget : budgets) {
        if (budget != 1 && (options_.one_budget || !contains(promise_folders, folder))) continue;
        for (const Source& source : sources)
          jobs.push_back(job_of(source, score_file(scores_, source, budget), budget));
      }
      for (const Source& source : sources) {
        if (!options_.autoencoder || !contains(wide_folders, folder)) continue;
        jobs.push_back(job_of(source, score_file(with_autoencoder(), source, 1), 1));
        jobs.back().arguments.emplace_back("--autoencoder");
      }
    }
    return run_all(options_.program, jobs, options_.jobs);
  }

  [[nodiscard]] std::string with_autoencoder() const { return scores_ + "/autoencoder"; }

  static Job job_of(const Source& source, const std::string& output, double budget) {
    std::error_code ignored;  // the program says so if it can not write
    std::filesystem::create_directories(std::filesystem::path(output).parent_path(), ignored);
    Job job{.name = cat(source.folder, "/", source.name),
            .arguments = {"score", "--input", source.input, "--output", output, "--false-alarms",
                          cat(to_text(budget), "/week")}};
    if (source.train_rows && *source.train_rows > 0) {
      job.arguments.push_back("--train-rows");
      job.arguments.push_back(std::to_string(*source.train_rows));
    }
    return job;
  }

  // Those of a folder that have scores.
  Result<std::vector<Judged>> judged(const std::string& folder, double budget) {
    return judged(folder, budget, scores_);
  }
  Result<std::vector<Judged>> judged(const std::string& folder, double budget, const std::string& scores) {
    std::vector<Judged> out;
    auto found = sources_.find(folder);
    if (found == sources_.end()) return out;
    for (const Source& source : found->second) {
      std::string path = score_file(scores, source, budget);
      if (!std::filesystem::exists(path)) continue;
      out.push_back(TRY(load(source, path)));
    }
    if (budget == 1 && out.size() < found->second.size())
      out_ << folder << ": " << found->second.size() - out.size() << " of " << found->second.size()
           << " without scores\n\n";
    return out;
  }

  Status show_nab() {
    std::vector<Judged> corpus = TRY(judged("nab", 1));
    if (corpus.empty()) return {};
    NabReport report = judge_nab(corpus);
    Table table({"NAB, standard profile", "score", "threshold", "windows found", "detections outside"});
    auto add = [&](std::string name, const NabResult& result) {
      table.add({std::move(name), fixed(result.score, 2), fixed(result.threshold, 6),
                 share(result.found, result.windows), std::to_string(result.outside)});
    };
    add(cat("whole corpus, ", corpus.size(), " files"), report.whole);
    add("odd files at the even files' threshold", report.even_to_odd);
    add("even files at the odd files' threshold", report.odd_to_even);
    table.add({"unseen: mean of both", fixed(report.unseen(), 2), "", "", ""});
    out_ << table.to_string() << '\n';
    if (options_.each) show_each_nab(corpus, report.whole.threshold);
    return {};
  }

  void show_each_nab(const std::vector<Judged>& corpus, double threshold) {
    Table table({"at the corpus's threshold", "score", "windows found", "detections outside"});
    for (const Judged& one : corpus) {
      NabSeries series = nab_series(one.scores.scores, one.anomalies);
      std::array<const NabSeries*, 1> alone{&series};
      NabResult result = nab_at(alone, threshold);
      table.add({one.name, result.windows == 0 ? "-" : fixed(result.score, 1), share(result.found, result.windows),
                 std::to_string(result.outside)});
    }
    out_ << table.to_string() << '\n';
  }

  Status show_detection() {
    Table table({"detection", "series", "AUC-PR", "VUS-PR", "events found at 1 false a day", "tails free",
                 "delay, rows", "delay, min"});
    VusOptions vus{.window = 100, .stride = options_.quick ? 10U : 1U};
    for (std::string_view name : detection_folders) {
      std::vector<Judged> series = TRY(judged(std::string(name), 1));
      std::vector<Detection> found = judge_detection(series, vus);
      if (found.empty()) continue;
      if (options_.each) {
        for (const Detection& one : found) add_detection(table, cat(name, "/", one.name), {one});
      }
      add_detection(table, std::string(name), found);
    }
    if (!table.empty()) out_ << table.to_string() << '\n';
    return {};
  }

  Status show_autoencoder() {
    if (!options_.autoencoder) return {};
    Table table({"with an autoencoder", "series", "AUC-PR", "VUS-PR", "events found at 1 false a day", "tails free",
                 "delay, rows", "delay, min"});
    VusOptions vus{.window = 100, .stride = options_.quick ? 10U : 1U};
    for (std::string_view name : wide_folders) {
      std::vector<Judged> series = TRY(judged(std::string(name), 1, with_autoencoder()));
      std::vector<Detection> found = judge_detection(series, vus);
      if (!found.empty()) add_detection(table, cat(name, " with"), found);
    }
    if (!table.empty()) out_ << table.to_string() << '\n';
    return {};
  }

  static void add_detection(Table& table, std::string name, const std::vector<Detection>& series) {
    std::vector<double> auc;
    std::vector<double> vus;
    std::vector<double> rows;
    std::vector<double> minutes;
    std::size_t events = 0;
    std::size_t found = 0;
    std::size_t found_free = 0;
    for (const Detection& one : series) {
      auc.push_back(one.auc_pr);
      vus.push_back(one.vus_pr);
      events += one.recall.events;
      found += one.recall.found;
      found_free += one.recall_free.found;
      for (std::size_t delay : one.recall.delays) {
        rows.push_back(static_cast<double>(delay));
        minutes.push_back(static_cast<double>(delay) * one.interval / 60);
      }
    }
    table.add({std::move(name), std::to_string(series.size()), fixed(mean(auc), 4), fixed(mean(vus), 4),
               share(found, events), share(found_free, events), fixed(median(rows), 1), fixed(median(minutes), 0)});
  }

  Status show_promise() {
    Table table(
        {"false episodes a week", "promised", "realised", "ratio", "episodes", "weeks", "instances within 1.5x"});
    Pool pool;
    for (std::string_view name : promise_folders) {
      for (double budget : budgets) {
        std::vector<Judged> series = TRY(judged(std::string(name), budget));
        if (series.empty()) continue;
        Promise all{.budget = budget};
        Promise healthy{.budget = budget};
        for (const Judged& one : series) {
          if (options_.each) {
            Promise alone{.budget = budget};
            count_promise(alone, one, Where::judged);
            add_promise(table, cat(name, "/", one.name), alone);
          }
          count_promise(all, one, Where::judged);
          count_promise(healthy, one, Where::healthy);
          count_promise(pooled(pool, budget, 0), one, Where::judged);
          count_promise(pooled(pool, budget, 1), one, Where::healthy);
        }
        bool labelled =
            std::any_of(series.begin(), series.end(), [](const Judged& one) { return !one.anomalies.empty(); });
        add_promise(table, std::string(name), all);
        if (labelled) add_promise(table, cat(name, ", healthy stretches"), healthy);
      }
    }
    for (const auto& [budget, promises] : pool) {
      add_promise(table, "all", promises[0]);
      add_promise(table, "all, healthy stretches", promises[1]);
    }
    if (!table.empty()) out_ << table.to_string() << '\n';
    return {};
  }

  static Promise& pooled(Pool& pool, double budget, std::size_t which) {
    Promise& promise = pool[budget].at(which);
    promise.budget = budget;
    return promise;
  }

  static void add_promise(Table& table, std::string name, const Promise& promise) {
    table.add({std::move(name), to_text(promise.budget), fixed(promise.realised(), 2),
               fixed(promise.realised() / promise.budget, 2), std::to_string(promise.episodes), fixed(promise.weeks, 1),
               share(promise.within, promise.instances)});
  }

  const DataOptions& options_;
  std::string scores_;
  std::string work_;
  std::ostream& out_;
  std::map<std::string, std::vector<Source>> sources_;
};

}  // namespace

Status judge_data(const DataOptions& options, std::ostream& out) {
  Workplace work = TRY(Workplace::make(options.keep));
  return DataRun(options, work.path(), out).run();
}

}  // namespace mien::quality
