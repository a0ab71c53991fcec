#include "app/score_run.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/score.h"
#include "base/prng.h"
#include "base/text.h"

namespace mien::app {
namespace {

class ScoreFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "mien-score-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    home_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(home_); }

  [[nodiscard]] std::string path(const std::string& name) const { return (home_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ostringstream bytes;
    bytes << std::ifstream(path(name), std::ios::binary).rdbuf();
    return bytes.str();
  }
  // Four weeks of a quiet series and one of its company at five minutes, with a shift near the end.
  static std::vector<std::string> rows(std::size_t count) {
    Prng random(3);
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < count; ++i) {
      double a = 10 + random.normal() + (i >= count - 100 && i < count - 40 ? 60 : 0);
      lines.push_back(cat(1'700'000'000 + 300 * i, ',', to_text(a, 6), '\n'));
    }
    return lines;
  }
  static std::string join(const std::vector<std::string>& lines, std::size_t from, std::size_t to) {
    std::string text = "timestamp,cpu\n";
    for (std::size_t i = from; i < to; ++i) text += lines[i];
    return text;
  }
  Status score(ScoreOptions options) {
    out_.str("");
    options.modules = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "..").string();
    return run_score(options, {.out = out_, .err = err_});
  }

  std::filesystem::path home_;
  std::ostringstream out_, err_;
};

TEST_F(ScoreFiles, AShiftIsAlertedOnceAndEveryRowHasALine) {
  std::vector<std::string> lines = rows(6000);
  write("in.csv", join(lines, 0, lines.size()));
  ASSERT_TRUE(score({.input = path("in.csv"), .output = "-", .plot = path("p.svg"), .explain = true}).ok());
  std::istringstream result(out_.str());
  std::string line;
  std::getline(result, line);
  EXPECT_EQ(line, "timestamp,score,alert,kind,metric");
  std::size_t count = 0;
  std::size_t alerts = 0;
  while (std::getline(result, line)) {
    bool alert = line.find(",1,") != std::string::npos;
    if (alert && count >= 5900 && count < 5960) ++alerts;
    ++count;
  }
  EXPECT_EQ(count, lines.size());
  EXPECT_GT(alerts, 50U);
  EXPECT_NE(err_.str().find("cpu rose to"), std::string::npos);
  EXPECT_NE(read("p.svg").find("<svg"), std::string::npos);
}

TEST_F(ScoreFiles, CutAnywhereTheBytesAreTheSame) {
  std::vector<std::string> lines = rows(1500);
  write("all.csv", join(lines, 0, lines.size()));
  ASSERT_TRUE(score({.input = path("all.csv"), .output = "-", .train_rows = 300, .state_out = path("all.state")}).ok());
  std::string whole = out_.str();
  for (std::size_t cut : {1U, 299U, 300U, 301U, 1420U, 1499U}) {
    write("a.csv", join(lines, 0, cut));
    write("b.csv", join(lines, cut, lines.size()));
    ASSERT_TRUE(score({.input = path("a.csv"), .output = "-", .train_rows = 300, .state_out = path("cut.state")}).ok());
    std::string first = out_.str();
    ASSERT_TRUE(score({.input = path("b.csv"),
                       .output = "-",
                       .train_rows = 300,
                       .state_in = path("cut.state"),
                       .state_out = path("end.state")})
                    .ok());
    std::string second = out_.str();
    EXPECT_EQ(first + second.substr(second.find('\n') + 1), whole) << "cut at " << cut;
    EXPECT_EQ(read("end.state"), read("all.state")) << "cut at " << cut;
  }
}

TEST_F(ScoreFiles, BadStatesAndInputsAreRefusedWithTheirName) {
  write("in.csv", "timestamp,cpu\n1,2\n2,3\n");
  ASSERT_TRUE(score({.input = path("in.csv"), .output = "-", .state_out = path("s")}).ok());
  std::string state = read("s");
  write("damaged", state.substr(0, state.size() / 2) + "x" + state.substr(state.size() / 2 + 1));
  write("short", state.substr(0, state.size() - 3));
  write("other.csv", "timestamp,disk\n1,2\n");
  EXPECT_FALSE(score({.input = path("in.csv"), .output = "-", .state_in = path("damaged")}).ok());
  EXPECT_FALSE(score({.input = path("in.csv"), .output = "-", .state_in = path("short")}).ok());
  EXPECT_FALSE(score({.input = path("in.csv"), .output = "-", .state_in = path("in.csv")}).ok());
  EXPECT_NE(score({.input = path("other.csv"), .output = "-", .state_in = path("s")})
                .error()
                .to_string()
                .find("other columns"),
            std::string::npos);
  EXPECT_EQ(score({.input = path("none.csv"), .output = "-"}).error().code, Code::not_found);
  EXPECT_NE(score({.input = path("in.csv"), .output = "-", .plot = path("p.jpg")}).error().message.find(".svg or .png"),
            std::string::npos);
}

// Two columns that go together along a curve; from `broken` on they do not.
std::string curved(std::size_t rows, std::size_t broken, std::string_view header = "load,answer") {
  Prng random(9);
  std::string text = cat("timestamp,", header, "\n");
  double load = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    load = 0.9 * load + 0.4 * random.normal();
    double answer = (i < broken ? load * load : 0) + 0.1 * random.normal();
    text += cat(1'700'000'000 + 60 * i, ',', to_text(load, 6), ',', to_text(answer, 6), '\n');
  }
  return text;
}

TEST_F(ScoreFiles, AModelFromAHistoryJudgesToo) {
  write("history.csv", curved(600, 600));
  TrainOptions train{.input = path("history.csv"), .output = path("model"), .train_rows = 600, .epochs = 15};
  ASSERT_TRUE(run_train(train, {.out = out_, .err = err_}).ok());
  EXPECT_NE(out_.str().find("2 columns, 596 rows"), std::string::npos) << out_.str();
  train.output = path("again");
  ASSERT_TRUE(run_train(train, {.out = out_, .err = err_}).ok());
  EXPECT_EQ(read("model"), read("again"));

  write("in.csv", curved(900, 800));
  ASSERT_TRUE(score({.input = path("in.csv"), .output = path("plain"), .train_rows = 700}).ok());
  ScoreOptions with{.input = path("in.csv"), .output = path("with"), .train_rows = 700, .model = path("model")};
  ASSERT_TRUE(score(with).ok());
  EXPECT_NE(read("plain"), read("with"));
}

TEST_F(ScoreFiles, AModelThatIsNoneOrOfOtherColumnsIsRefused) {
  write("history.csv", curved(200, 200));
  TrainOptions train{.input = path("history.csv"), .output = path("model"), .train_rows = 200, .epochs = 2};
  ASSERT_TRUE(run_train(train, {.out = out_, .err = err_}).ok());
  write("other.csv", curved(50, 50, "load,other"));
  Status other = score({.input = path("other.csv"), .output = "-", .model = path("model")});
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.error().to_string().find("other columns"), std::string::npos);

  std::string bytes = read("model");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write("damaged", bytes);
  Status damaged = score({.input = path("history.csv"), .output = "-", .model = path("damaged")});
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, Code::corrupt);
  Status none = score({.input = path("history.csv"), .output = "-", .model = path("history.csv")});
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().to_string().find("mien train"), std::string::npos);
}

TEST_F(ScoreFiles, TooShortAHistoryTrainsNothingAndWritesNothing) {
  write("history.csv", curved(40, 40));
  Status status = run_train({.input = path("history.csv"), .output = path("model")}, {.out = out_, .err = err_});
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().to_string().find("too few"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path("model")));
}

TEST_F(ScoreFiles, RowsThatGoBackInTimeScoreNothing) {
  write("in.csv", "timestamp,cpu\n10,2\n5,3\n10,3\n20,4\n");
  ASSERT_TRUE(score({.input = path("in.csv"), .output = "-"}).ok());
  EXPECT_NE(out_.str().find("\n5,0.000000,0,none,cpu\n"), std::string::npos);
}

TEST(FalseAlarms, RatesAreReadAsPerWeek) {
  EXPECT_EQ(parse_false_alarms("1/week"), 1);
  EXPECT_EQ(parse_false_alarms("2/day"), 14);
  EXPECT_FALSE(parse_false_alarms("often").has_value());
  EXPECT_FALSE(parse_false_alarms("0/week").has_value());
  EXPECT_FALSE(parse_false_alarms("1/year").has_value());
}

}  // namespace
}  // namespace mien::app
