// Data folders, labels and score files as they lie on the disk, whole and broken; and judging them.
#include "bench/quality/corpus.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "base/text.h"
#include "bench/quality/data_run.h"
#include "bench/quality/judge.h"
#include "bench/quality/run.h"
#include "bench/quality/table.h"
#include "wire/gzip.h"

namespace mien::quality {
namespace {

class Corpus : public testing::Test {
 protected:
  void SetUp() override {
    Result<Workplace> made = Workplace::make("");
    ASSERT_TRUE(made) << made.error().to_string();
    work_.emplace(std::move(*made));
  }
  void put(const std::string& name, std::string_view text) { ASSERT_TRUE(write_file(path(name), text)); }
  [[nodiscard]] std::string path(const std::string& name) const { return cat(work_->path(), "/", name); }

  std::optional<Workplace> work_;
};

// `rows` of five minutes.
std::string scores_text(std::size_t rows, const std::vector<std::size_t>& alerts) {
  std::string out = "timestamp,score,alert,kind,metric\n";
  for (std::size_t i = 0; i < rows; ++i) {
    bool on = std::find(alerts.begin(), alerts.end(), i) != alerts.end();
    out += cat(to_rfc3339(WallTime{} + i * 300s), on ? ",0.900000,1,spike,m\n" : ",0.100000,0,none,m\n");
  }
  return out;
}

TEST_F(Corpus, AFolderIsListedByNameWithItsLabels) {
  put("data/smd/b.csv.gz", wire::gzip("timestamp,m\n"));
  put("data/smd/a.csv.gz", wire::gzip("timestamp,m\n"));
  put("data/smd/a.labels.json", R"({"train_rows": 100, "anomalies": [[300, 310], [200, 210], [310, 320]]})");
  Result<std::vector<Source>> sources = list_folder(path("data"), "smd");
  ASSERT_TRUE(sources) << sources.error().to_string();
  ASSERT_EQ(sources->size(), 2U);
  EXPECT_EQ((*sources)[0].name, "a");
  EXPECT_EQ((*sources)[0].train_rows, 100U);
  EXPECT_EQ((*sources)[0].anomalies, (Ranges{{200, 210}, {300, 320}}));
  EXPECT_FALSE((*sources)[1].train_rows.has_value());
  EXPECT_TRUE(list_folder(path("data"), "js2")->empty());
}

TEST_F(Corpus, LabelsThatMakeNoSenseAreRefused) {
  put("data/smd/a.csv.gz", wire::gzip("timestamp,m\n"));
  for (const char* text :
       {"{", "[]", R"({"anomalies": [[5, 5]]})", R"({"anomalies": [[5]]})", R"({"train_rows": -1, "anomalies": []})"}) {
    put("data/smd/a.labels.json", text);
    Result<std::vector<Source>> sources = list_folder(path("data"), "smd");
    ASSERT_FALSE(sources) << text;
    EXPECT_NE(sources.error().where.find("a.labels.json"), std::string::npos);
  }
}

TEST_F(Corpus, WindowsByTimeHoldBothTheirEnds) {
  put("data/nab/real/x.csv.gz", wire::gzip("timestamp,m\n"));
  put("data/nab/windows.json", R"({"real/x.csv": [["1970-01-01 00:10:00.000000", "1970-01-01 00:20:00.000000"]]})");
  Result<std::vector<Source>> sources = list_folder(path("data"), "nab");
  ASSERT_TRUE(sources) << sources.error().to_string();
  put("s.csv", scores_text(20, {}));
  Result<Judged> judged = load((*sources)[0], path("s.csv"));
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->anomalies, (Ranges{{2, 5}}));
  EXPECT_EQ(judged->interval, 300);
}

TEST_F(Corpus, ColumnsBecomeInstancesOfTheirOwn) {
  put("data/planetlab/d.csv.gz",
      wire::gzip("timestamp,v0,v1,v2\n2011-03-03T00:00:00Z,1,2,3\n2011-03-03T00:05:00Z,4,,6\n"));
  Result<std::vector<Source>> columns = split_columns(*list_folder(path("data"), "planetlab"), 2, path("in"));
  ASSERT_TRUE(columns);
  ASSERT_EQ(columns->size(), 2U);
  EXPECT_EQ(*read_file((*columns)[1].input), "timestamp,v1\n2011-03-03T00:00:00Z,2\n2011-03-03T00:05:00Z,\n");
}

TEST_F(Corpus, AScoreFileThatIsCutShortIsAnError) {
  put("s.csv", "timestamp,score,alert,kind,metric\n1970-01-01T00:00:00Z,0.5");
  Result<Scores> scores = read_scores(path("s.csv"));
  ASSERT_FALSE(scores);
  EXPECT_NE(scores.error().where.find("s.csv:2"), std::string::npos);
  EXPECT_EQ(read_scores(path("absent.csv")).error().code, Code::not_found);
}

TEST_F(Corpus, ScoresOfFewerRowsThanTheLabelsAreAnError) {
  put("s.csv", scores_text(20, {}));
  Source source{.folder = "smd", .name = "a", .input = "", .train_rows = 5, .anomalies = {{15, 25}}, .windows = {}};
  EXPECT_FALSE(load(source, path("s.csv")));
}

TEST_F(Corpus, ThePromiseCountsEpisodesThatTouchNoEvent) {
  put("s.csv", scores_text(4 * 2016, {2100, 2101, 4050, 6000}));
  Source source{
      .folder = "smd", .name = "a", .input = "", .train_rows = 2016, .anomalies = {{4040, 4060}}, .windows = {}};
  Result<Judged> judged = load(source, path("s.csv"));
  ASSERT_TRUE(judged);
  Promise promise{.budget = 0.5};
  count_promise(promise, *judged, Where::judged);
  EXPECT_EQ(promise.episodes, 2U);
  EXPECT_NEAR(promise.weeks, 3, 1e-9);
  EXPECT_EQ(promise.within, 1U);  // 2 in three weeks, and 0.5 x 3 x 1.5 = 2.25
  Promise healthy{.budget = 0.5};
  count_promise(healthy, *judged, Where::healthy);
  EXPECT_EQ(healthy.episodes, 2U);
  EXPECT_NEAR(healthy.weeks, 3 - (20 + 72) / 2016.0, 1e-9);  // the event and six hours after it
}

TEST_F(Corpus, AFolderOfScoresIsJudgedWithoutRunningAnything) {
  put("data/smd/a.csv.gz", wire::gzip("timestamp,m\n"));
  put("data/smd/a.labels.json", R"({"train_rows": 100, "anomalies": [[1000, 1010]]})");
  std::vector<std::size_t> inside(10);
  for (std::size_t i = 0; i < inside.size(); ++i) inside[i] = 1000 + i;
  put("scores/smd/a.csv", scores_text(2000, inside));
  std::ostringstream out;
  Status status = judge_data({.data = path("data"), .scores = path("scores"), .only = {"smd"}, .quick = true}, out);
  ASSERT_TRUE(status) << status.error().to_string();
  EXPECT_NE(out.str().find("| smd       |      1 | 1.0000 |"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("1 of 1 (100 %)"), std::string::npos);
}

TEST_F(Corpus, AProgramThatFailsIsAnErrorThatNamesTheFile) {
  Status status = run_all("/bin/false", {{.name = "smd/a", .arguments = {}}, {.name = "smd/b", .arguments = {}}}, 1);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("smd/a"), std::string::npos);
  EXPECT_FALSE(run_all(path("absent"), {{.name = "x", .arguments = {}}}, 2));
}

TEST(Table, AlignsNamesToTheLeftAndFiguresToTheRight) {
  Table table({"what", "n"});
  table.add({"a", "10"});
  EXPECT_EQ(table.to_string(), "| what |  n |\n|------|---:|\n| a    | 10 |\n");
  EXPECT_EQ(share(1, 3), "1 of 3 (33 %)");
  EXPECT_EQ(share(0, 0), "-");
}

}  // namespace
}  // namespace mien::quality
