// drift: how far each instance is from itself, and the reasons; live with --watch.
#include <algorithm>
#include <cmath>
#include <set>

#include "app/verbs.h"
#include "app/views.h"
#include "base/text.h"

namespace mien::app {
namespace {

constexpr Duration watch_interval = std::chrono::seconds{1};
constexpr std::size_t bar_width = 12;
constexpr std::size_t history_kept = 30;    // scores of the sparkline in a live view
constexpr std::size_t plotted_metrics = 3;  // of one instance
constexpr double least_surprise = 1;        // bits: less is not worth a word

struct DriftArguments {
  std::string instance;
  std::string selector;
  bool watch = false;
};

// The scores seen while watching, per instance.
using Scores = std::map<std::string, std::vector<double>>;

Colour colour_of(const wire::Document& drift) {
  double score = number_at(drift, "/score");
  double level = number_at(drift, "/alarm_level");
  if (!member_at(drift, "/findings").empty() || (level > 0 && score >= level)) return Colour::red;
  return level > 0 && score >= 0.6 * level ? Colour::yellow : Colour::green;
}

Colour colour_of_state(std::string_view state) {
  if (state == "ready") return Colour::green;
  return state == "learning" ? Colour::blue : Colour::yellow;
}

// "system.cpu.utilization 0.93, expected 0.1 to 0.4": of an open finding, else of what surprises at all.
std::string worst_metric(const wire::Document& drift) {
  const wire::Document& findings = member_at(drift, "/findings");
  std::vector<wire::Document> metrics = by_surprise(member_at(findings.empty() ? drift : findings.front(), "/metrics"));
  if (metrics.empty() || !(number_at(metrics.front(), "/bits") >= least_surprise)) return "";
  return cat(series_text(metrics.front()), " ", short_number(number_at(metrics.front(), "/observed")), ", ",
             wanted_text(findings.empty() ? wire::Document{} : findings.front(), metrics.front()));
}

std::string quiet_text(const wire::Document& drift) {
  double score = number_at(drift, "/score");
  return std::isnan(score) ? "no score yet" : "";
}

Table drift_table(const Session& session, const wire::Document& list, const Scores& scores) {
  bool live = !scores.empty();
  std::vector<Column> columns{{.title = "INSTANCE", .shrinks = true},
                              {.title = "DRIFT"},
                              {.title = "SCORE", .right = true},
                              {.title = "ALARM AT", .right = true},
                              {.title = "STATE"},
                              {.title = "PERSONA"},
                              {.title = "OPEN", .right = true},
                              {.title = "MOST SURPRISING", .shrinks = true}};
  if (live) columns.insert(columns.begin() + 1, Column{.title = "LATELY"});
  Table table(columns);
  for (const wire::Document& item : list) {
    std::string name = text_at(item, "/instance");
    double score = number_at(item, "/score");
    std::string state = text_at(item, "/state");
    std::string worst = worst_metric(item);
    std::vector<Cell> row{name,
                          Cell{bar(score, bar_width, session.style), colour_of(item)},
                          score_text(score),
                          score_text(number_at(item, "/alarm_level")),
                          Cell{state, colour_of_state(state)},
                          text_at(item, "/persona"),
                          cat(member_at(item, "/findings").size()),
                          worst.empty() ? quiet_text(item) : worst};
    if (live) {
      auto lately = scores.find(name);
      row.insert(row.begin() + 1, Cell{lately == scores.end() ? "" : sparkline(lately->second, session.style)});
    }
    table.add(std::move(row));
  }
  return table;
}

// What is open first, then the most surprising, each once.
std::vector<wire::Document> worth_plotting(const wire::Document& drift) {
  std::vector<wire::Document> all;
  for (const wire::Document& finding : member_at(drift, "/findings")) {
    for (const wire::Document& deviation : member_at(finding, "/metrics")) all.push_back(deviation);
  }
  for (wire::Document& deviation : by_surprise(member_at(drift, "/metrics"))) all.push_back(std::move(deviation));
  std::vector<wire::Document> chosen;
  std::set<std::string> seen;
  for (wire::Document& deviation : all) {
    bool more = chosen.size() < plotted_metrics && number_at(deviation, "/bits") >= least_surprise;
    if (more && seen.insert(series_text(deviation)).second) chosen.push_back(std::move(deviation));
  }
  return chosen;
}

Plot plot_of(const wire::Document& series, const wire::Document& deviation) {
  Plot plot{.title = series_text(deviation),
            .points = {},
            .band = std::pair{number_at(deviation, "/low"), number_at(deviation, "/high")},
            .mark = {},
            .rows = 5};
  const wire::Document& at = member_at(series, "/at");
  const wire::Document& mean = member_at(series, "/mean");
  for (std::size_t i = 0; i < std::min(at.size(), mean.size()); ++i) {
    if (at[i].is_number() && mean[i].is_number())
      plot.points.push_back({.at = WallTime{at[i].get<std::int64_t>() * 1'000'000}, .value = mean[i].get<double>()});
  }
  return plot;
}

// The samples of what is open and of what surprises, with the band they are expected in.
void print_plots(Session& session, Client& client, const wire::Document& drift) {
  for (const wire::Document& deviation : worth_plotting(drift)) {
    Result<wire::Document> answer = client.get(cat("/api/v1/instances/", text_at(drift, "/instance"), "/series"),
                                               {{"metric", text_at(deviation, "/name")}, {"from", "-5m"}});
    if (!answer) continue;
    for (const wire::Document& series : member_at(*answer, "/series")) {
      if (member_at(series, "/attributes") != member_at(deviation, "/attributes")) continue;
      std::string picture = render(plot_of(series, deviation), session.style);
      if (!picture.empty()) session.out << "\n" << picture;
    }
  }
}

void print_instance(Session& session, Client& client, const wire::Document& drift, const Scores& scores) {
  std::string state = text_at(drift, "/state");
  session.out << paint(printable(text_at(drift, "/instance")), Colour::bold, session.style) << "  "
              << paint(bar(number_at(drift, "/score"), bar_width * 2, session.style), colour_of(drift), session.style)
              << "  score " << score_text(number_at(drift, "/score")) << ", an episode opens at "
              << score_text(number_at(drift, "/alarm_level")) << ", "
              << paint(state, colour_of_state(state), session.style) << "\n";
  if (auto lately = scores.find(text_at(drift, "/instance")); lately != scores.end())
    session.out << "lately   " << sparkline(lately->second, session.style) << "\n";
  session.out << "persona  " << printable(text_at(drift, "/persona"));
  if (std::string reason = text_at(drift, "/persona_reason"); !reason.empty())
    session.out << " (" << printable(reason) << ")";
  session.out << "\nseen     " << age_at(session, drift, "/last_seen") << " ago, " << text_at(drift, "/samples")
              << " samples\n";
  for (const wire::Document& condition : member_at(drift, "/conditions")) {
    if (condition.is_string()) session.out << "note     " << printable(condition.get<std::string>()) << "\n";
  }
  if (!member_at(drift, "/findings").empty())
    session.out << "\n" << findings_table(session, member_at(drift, "/findings")).render(session.style);
  if (!member_at(drift, "/metrics").empty())
    session.out << "\n" << deviations_table(member_at(drift, "/metrics")).render(session.style);
  if (!scores.empty()) return;  // a live view stays on one screen
  print_plots(session, client, drift);
}

Result<wire::Document> fetch(Client& client, const DriftArguments& arguments) {
  if (!arguments.instance.empty()) return client.get(cat("/api/v1/instances/", arguments.instance, "/drift"));
  Query query;
  if (!arguments.selector.empty()) query["selector"] = arguments.selector;
  return client.list("/api/v1/drift", query);
}

void remember(const wire::Document& drift, Scores& scores) {
  std::vector<double>& lately = scores[text_at(drift, "/instance")];
  lately.push_back(number_at(drift, "/score"));
  if (lately.size() > history_kept) lately.erase(lately.begin());
}

void print(Session& session, Client& client, const DriftArguments& arguments, const wire::Document& answer,
           const Scores& scores) {
  if (print_document(session, answer)) return;
  if (!arguments.instance.empty()) return print_instance(session, client, answer, scores);
  const wire::Document& items = member_at(answer, "/items");
  if (items.empty())
    session.err << (arguments.selector.empty()
                        ? "no instance has been heard of yet; an agent or any OTLP sender makes one appear\n"
                        : "no instance that was heard of has these labels\n");
  else session.out << drift_table(session, items, scores).render(session.style);
}

Status watch(Session& session, Client& client, const DriftArguments& arguments) {
  Scores scores;
  while (true) {
    wire::Document answer = TRY(fetch(client, arguments));
    if (arguments.instance.empty()) {
      for (const wire::Document& item : member_at(answer, "/items")) remember(item, scores);
    } else {
      remember(answer, scores);
    }
    bool redraws = session.terminal && session.options.format == Format::table;
    if (redraws) session.out << "\x1b[H\x1b[J";
    print(session, client, arguments, answer, scores);
    if (redraws)
      session.out << "\n"
                  << paint(cat("at ", to_rfc3339(session.now()), ", end with Ctrl-C"), Colour::grey, session.style)
                  << "\n";
    session.out.flush();
    if (!session.out || !session.pause(watch_interval)) return {};
  }
}

Status drift(Session& session, const DriftArguments& arguments) {
  Client* client = TRY(session.manager());
  if (arguments.watch) return watch(session, *client, arguments);
  print(session, *client, arguments, TRY(fetch(*client, arguments)), {});
  return {};
}

}  // namespace

void add_drift_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<DriftArguments>();
  CLI::App* verb = add_verb(program, "drift", "Show how far each instance is from itself, or one with its reasons",
                            "What is wrong, and why");
  verb->add_option("INSTANCE", arguments->instance, "One of them");
  verb->add_option("-l,--selector", arguments->selector, "Only those with these labels")->type_name("LABELS");
  verb->add_flag("--watch", arguments->watch, "Go on, once a second");
  on_chosen(verb, session, [arguments](Session& s) { return drift(s, *arguments); });
}

}  // namespace mien::app
