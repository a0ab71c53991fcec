#include "bench/quality/injected_run.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/text.h"
#include "bench/quality/floor.h"
#include "bench/quality/inject.h"
#include "bench/quality/run.h"
#include "bench/quality/table.h"

namespace mien::quality {
namespace {

constexpr std::size_t batch = 32;  // cases that are on the disk at once
constexpr double week = 7 * 86400;

std::string injection_name(const std::optional<Injection>& injection) {
  return injection ? std::string(to_text(*injection)) : "none";
}

// The same number of cases for every shape that suits an injection; as many healthy ones as slow ramps.
std::vector<Case> list_cases(std::size_t at_least, std::uint64_t seed) {
  std::vector<Case> cases;
  Prng random(seed);
  auto add = [&](Injection suited, std::optional<Injection> injection) {
    std::vector<const Shape*> suitable;
    for (const Shape& shape : shapes()) {
      if (shape.is_for(suited)) suitable.push_back(&shape);
    }
    std::size_t times = (at_least + suitable.size() - 1) / suitable.size();
    for (const Shape* shape : suitable) {
      for (std::size_t i = 0; i < times; ++i)
        cases.push_back({.shape = shape, .injection = injection, .seed = random.next()});
    }
  };
  for (std::size_t i = 0; i < injections; ++i) add(static_cast<Injection>(i), static_cast<Injection>(i));
  add(Injection::slow_ramp, std::nullopt);
  return cases;
}

struct Tally {
  Count caught;
  Count named;
  std::vector<double> delays;
  std::map<std::string, std::size_t> others;  // wrong names

  [[nodiscard]] std::string mistaken_for() const {
    std::string out;
    std::vector<std::pair<std::size_t, std::string>> sorted;
    for (const auto& [name, count] : others) sorted.emplace_back(count, name);
    std::sort(sorted.rbegin(), sorted.rend());
    for (const auto& [count, name] : sorted) out += cat(out.empty() ? "" : ", ", name, ' ', count);
    return out;
  }
};

class InjectedRun {
 public:
  InjectedRun(const InjectedOptions& options, std::string work, std::ostream& out)
      : options_(options), work_(std::move(work)), out_(out) {}

  Status run() {
    std::vector<Case> cases = list_cases(options_.cases, options_.seed);
    for (std::size_t first = 0; first < cases.size(); first += batch) {
      std::vector<Case> some(cases.begin() + static_cast<std::ptrdiff_t>(first),
                             cases.begin() + static_cast<std::ptrdiff_t>(std::min(first + batch, cases.size())));
      if (Status status = run_batch(some, first); !status) return status;
    }
    show();
    return compare();
  }

 private:
  Status run_batch(const std::vector<Case>& cases, std::size_t number) {
    std::vector<Made> made;
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      made.push_back(make(cases[i]));
      std::string input = path(number + i, "csv");
      if (Status status = write_file(input, made.back().csv); !status) return status;
      made.back().csv.clear();
      jobs.push_back({.name = cat(injection_name(cases[i].injection), ", ", cases[i].shape->name),
                      .arguments = {"score", "--input", input, "--output", path(number + i, "scores.csv"),
                                    "--train-rows", std::to_string(made.back().train), "--false-alarms",
                                    cat(mien::to_text(options_.false_alarms), "/week")}});
    }
    if (Status status = run_all(options_.program, jobs, options_.jobs); !status) return status;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      Scores scores = TRY(read_scores(path(number + i, "scores.csv")));
      count(cases[i], made[i], scores, number + i);
      if (!options_.keep.empty()) continue;
      std::filesystem::remove(path(number + i, "csv"));
      std::filesystem::remove(path(number + i, "scores.csv"));
    }
    return {};
  }

  [[nodiscard]] std::string path(std::size_t number, std::string_view end) const {
    return cat(work_, "/case-", number, '.', end);
  }

  void count(const Case& which, const Made& made, const Scores& scores, std::size_t number) {
    bool slow = !which.injection || which.injection == Injection::slow_ramp;
    Outcome outcome = slow ? judge_slow(scores, made) : judge(scores, made.train, made.where);
    figures_.false_episodes += outcome.false_episodes;
    figures_.weeks += static_cast<double>(outcome.quiet_rows) * which.shape->step / week;
    false_by_shape_[std::string(which.shape->name)] += outcome.false_episodes;
    weeks_by_shape_[std::string(which.shape->name)] +=
        static_cast<double>(outcome.quiet_rows) * which.shape->step / week;
    if (options_.each) {
      each_.add({cat(number, ' ', which.shape->name), injection_name(which.injection),
                 cat(made.where.first, "-", made.where.end),
                 outcome.busy     ? "not judged"
                 : outcome.caught ? outcome.kind
                                  : "missed",
                 outcome.caught ? std::to_string(outcome.delay) : "", std::to_string(outcome.false_episodes)});
    }
    if (outcome.busy && !slow) {
      ++busy_;
      return;
    }
    Tally& tally = which.injection ? tallies_[static_cast<std::size_t>(*which.injection)] : by_chance_;
    ++tally.caught.whole;
    if (!slow) {
      Count& at_step = caught_by_step_[which.shape->step];
      ++at_step.whole;
      if (outcome.caught) ++at_step.part;
    }
    if (!outcome.caught) return;
    ++tally.caught.part;
    if (!which.injection) return;
    ++tally.named.whole;
    tally.delays.push_back(static_cast<double>(outcome.delay));
    if (outcome.kind == kind_of(*which.injection)) ++tally.named.part;
    else ++tally.others[outcome.kind];
  }

  // A slow ramp counts as reported by an episode that says so: any other may be chance, in thirty days.
  static Outcome judge_slow(const Scores& scores, const Made& made) {
    Outcome out = judge(scores, made.train, made.where);
    out.caught = false;
    for (const Range& episode : episodes(scores.alert)) {
      if (episode.first < made.where.first || episode.first >= made.where.end || out.caught) continue;
      out.kind = scores.kinds[std::min(episode.first + naming_rows, episode.end - 1)];
      out.delay = episode.first - made.where.first;
      out.caught = out.kind == "ramp" || out.kind == "level";
    }
    return out;
  }

  void show() {
    if (options_.each) out_ << each_.to_string() << '\n';
    Table table({"injected", "caught", "rightly named", "delay, rows", "else named"});
    Figures::Kind all{.name = "all", .caught = {}, .named = {}};
    for (std::size_t i = 0; i < injections; ++i) {
      auto injection = static_cast<Injection>(i);
      if (injection == Injection::slow_ramp) continue;
      const Tally& tally = tallies_[i];
      std::string name(to_text(injection));
      add(table, name, tally);
      figures_.kinds.push_back({.name = name, .caught = tally.caught, .named = {tally.named.part, tally.caught.whole}});
      for (auto member : {&Figures::Kind::caught, &Figures::Kind::named}) {
        (all.*member).part += (figures_.kinds.back().*member).part;
        (all.*member).whole += (figures_.kinds.back().*member).whole;
      }
    }
    figures_.kinds.push_back(all);
    table.add({"all", share(all.caught.part, all.caught.whole), share(all.named.part, all.caught.part), "", ""});
    for (const auto& [step, caught] : caught_by_step_)
      table.add({cat("of these each ", mien::to_text(step), " s"), share(caught.part, caught.whole), "", "", ""});
    const Tally& slow = tallies_[static_cast<std::size_t>(Injection::slow_ramp)];
    figures_.slow_ramp = slow.caught;
    add(table, "1 % a day, as ramp or level before +30 %", slow);
    add(table, "the same series without it", by_chance_);
    out_ << table.to_string() << '\n';
    if (busy_ > 0) out_ << "Not judged, because an episode was open when the injection began: " << busy_ << "\n\n";
    show_false();
  }

  static void add(Table& table, std::string name, const Tally& tally) {
    table.add({std::move(name), share(tally.caught.part, tally.caught.whole),
               share(tally.named.part, tally.named.whole), tally.delays.empty() ? "-" : fixed(median(tally.delays), 0),
               tally.mistaken_for()});
  }

  void show_false() {
    Table table({"false episodes on healthy parts", "a week", "episodes", "weeks"});
    auto add_row = [&](std::string name, std::size_t count, double weeks) {
      table.add({std::move(name), fixed(weeks > 0 ? static_cast<double>(count) / weeks : 0, 2), std::to_string(count),
                 fixed(weeks, 1)});
    };
    for (const auto& [name, count] : false_by_shape_) {
      if (options_.each || count > 0) add_row(name, count, weeks_by_shape_[name]);
    }
    add_row(cat("all, promised ", mien::to_text(options_.false_alarms)), figures_.false_episodes, figures_.weeks);
    out_ << table.to_string() << '\n';
  }

  Status compare() {
    if (options_.floor.empty()) return {};
    if (options_.rewrite_floor) return write_file(options_.floor, floor_text(figures_));
    std::string text = TRY(read_file(options_.floor));
    Floor floor = TRY(parse_floor(text, options_.floor));
    std::vector<std::string> complaints = below(figures_, floor);
    for (const std::string& complaint : complaints) out_ << "below the floor: " << complaint << '\n';
    if (complaints.empty()) return {};
    return Error{.code = Code::refused,
                 .message = cat(complaints.size(), " figures are below their floor"),
                 .where = options_.floor,
                 .cause = {}};
  }

  const InjectedOptions& options_;
  std::string work_;
  std::ostream& out_;
  std::array<Tally, injections> tallies_;
  Tally by_chance_;
  std::size_t busy_ = 0;
  Figures figures_;
  std::map<std::string, std::size_t> false_by_shape_;
  std::map<std::string, double> weeks_by_shape_;
  std::map<double, Count> caught_by_step_;
  Table each_{{"case", "injection", "rows", "named", "delay", "false before"}};
};

}  // namespace

Status judge_injected(const InjectedOptions& options, std::ostream& out) {
  Workplace work = TRY(Workplace::make(options.keep));
  return InjectedRun(options, work.path(), out).run();
}

}  // namespace mien::quality
