#include "app/replay.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/text.h"
#include "edge/testing/temporary_directory.h"
#include "wire/document.h"

namespace mien::app {
namespace {

constexpr std::string_view policy = R"(apiVersion: mien.dev/v1
kind: Policy
metadata: {name: contain}
spec:
  ladder: [{do: limit, with: {cpu: 50%}, lease: 30s}]
  guards: {settle: 10s, cooldown: 20s, dwell: 1s}
)";
constexpr std::string_view persona = R"(apiVersion: mien.dev/v1
kind: Persona
metadata: {name: limited}
spec:
  extends: [linux-server]
  drift: {limits: {cpu: {max: 0.8}}}
)";

// A second a row; above the limit from row 20 to 60.
std::string rows(int count = 120) {
  std::string text = "timestamp,cpu\n";
  for (int i = 0; i < count; ++i) text += cat(1'790'000'000 + i, ",", i >= 20 && i < 60 ? "0.95" : "0.30", "\n");
  return text;
}

struct ReplayVerb : ::testing::Test {
  edge::testing::TemporaryDirectory directory;
  std::string csv = file("web-01.csv", rows());
  std::string contain = file("contain.yaml", policy);
  std::string limited = file("limited.yaml", persona);
  std::string err;

  std::string file(const std::string& name, std::string_view text) {
    std::string path = cat(directory.path(), "/", name);
    std::ofstream(path) << text;
    return path;
  }
  int exit = -1;
  std::string run(std::vector<std::string> arguments) {
    std::ostringstream out;
    std::ostringstream errors;
    Session session{out, errors};
    session.environment = [](const std::string&) { return std::string{}; };
    session.now = [] { return WallTime{1'790'000'000'000'000'000}; };
    CLI::App program{"mien knows", "mien"};
    add_global_options(program, session);
    add_replay_verb(program, session);
    arguments.insert(arguments.begin(), "replay");
    exit = app::run(program, session, arguments);
    err = errors.str();
    return out.str();
  }
  static std::vector<wire::Document> lines_of(const std::string& text) {
    std::vector<wire::Document> lines;
    for (std::string_view line : split(text, '\n'))
      if (!line.empty()) lines.push_back(wire::parse_document(line).value());
    return lines;
  }
  static const wire::Document* first(const std::vector<wire::Document>& lines, const std::string& type) {
    for (const auto& line : lines)
      if (line["type"] == type) return &line;
    return nullptr;
  }
};

TEST_F(ReplayVerb, AFileIsOneInstanceAndEachEventIsALine) {
  auto lines = lines_of(run({"--input", csv, "--persona", limited, "--policy", contain, "--as", "enforce"}));
  EXPECT_EQ(exit, 0) << err;
  const wire::Document* finding = first(lines, "finding.opened");
  const wire::Document* decision = first(lines, "decision.made");
  const wire::Document* applied = first(lines, "action.applied");
  const wire::Document* reverted = first(lines, "action.reverted");
  ASSERT_TRUE(finding && decision && applied && reverted);
  EXPECT_EQ(finding->at("finding").at("instance"), "web-01");
  EXPECT_EQ(finding->at("finding").at("persona"), "limited");
  EXPECT_EQ(decision->at("decision").at("outcome"), "acted");
  EXPECT_FALSE(applied->contains("after_rehearsed_action"));
  EXPECT_EQ(reverted->at("after_rehearsed_action"), true);
}

TEST_F(ReplayVerb, APolicyThatOnlyObservesSaysWhatItWouldHaveDone) {
  auto lines = lines_of(run({"--input", csv, "--persona", limited, "--policy", contain}));
  ASSERT_TRUE(first(lines, "decision.made"));
  EXPECT_EQ(first(lines, "decision.made")->at("decision").at("outcome"), "observed");
  EXPECT_EQ(first(lines, "action.ordered"), nullptr);
}

TEST_F(ReplayVerb, TheSameInputGivesTheSameBytes) {
  std::vector<std::string> arguments{"--input", csv, "--persona", limited, "--policy", contain, "--as", "enforce"};
  std::string once = run(arguments);
  EXPECT_FALSE(once.empty());
  EXPECT_EQ(run(arguments), once);
}

TEST_F(ReplayVerb, NothingIsToldOfRowsThatAreKnownHistory) {
  for (const char* rows : {"80", "1000"})
    EXPECT_EQ(run({"--input", csv, "--persona", limited, "--policy", contain, "--train-rows", rows}), "") << rows;
  auto lines = lines_of(run({"--input", csv, "--persona", limited, "--train-rows", "15"}));
  EXPECT_NE(first(lines, "finding.opened"), nullptr);
}

TEST_F(ReplayVerb, HowMuchAndHowFastIsSaidBesideTheLines) {
  run({"--input", csv, "--persona", limited, "--policy", contain, "--verbose"});
  EXPECT_NE(err.find("would have found 1, decided 1, acted 0"), std::string::npos) << err;
  EXPECT_NE(err.find("instance-days a second"), std::string::npos) << err;
}

TEST_F(ReplayVerb, WhatDoesNotGoTogetherIsSaid) {
  for (std::vector<std::string> wrong : {std::vector<std::string>{},
                                         {"--input", csv, "--since", "7d"},
                                         {"--input", csv, "--verify"},
                                         {"--input", csv, "--as", "soon"},
                                         {"--input", csv, "--policy", limited},
                                         {"--since", "7d", "--train-rows", "7"},
                                         {"--verify", "--policy", contain}}) {
    EXPECT_EQ(run(wrong), "");
    EXPECT_EQ(exit, 2) << err;
  }
}

TEST_F(ReplayVerb, ADirectoryWithoutAStoreIsNotFound) {
  run({"--verify", "--data", directory.path() + "/none"});
  EXPECT_EQ(exit, 3);
  EXPECT_NE(err.find("none"), std::string::npos) << err;
}

}  // namespace
}  // namespace mien::app
