// What is shipped for Grafana and Prometheus asks for metrics that /metrics has.
// rooms: edge
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "edge/api/testing/fake_manager.h"
#include "wire/document.h"

namespace mien {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::set<std::string> names_in(const std::string& text) {
  static const std::regex name("\\b(mien|process)_[a-z_]+[a-z]\\b");
  std::set<std::string> names;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), name); at != std::sregex_iterator(); ++at)
    names.insert(at->str());
  return names;
}

std::set<std::string> exposed() {
  edge::testing::Bench bench;
  std::string text = bench.get("/metrics").body;
  std::set<std::string> names;
  static const std::regex type("# TYPE (\\S+) ");
  for (auto at = std::sregex_iterator(text.begin(), text.end(), type); at != std::sregex_iterator(); ++at)
    names.insert((*at)[1]);
  return names;
}

void collect_expressions(const wire::Document& node, std::string& into) {
  if (node.is_object() && node.contains("expr")) into += node["expr"].get<std::string>() + "\n";
  if (node.is_structured())
    for (const auto& [key, child] : node.items()) collect_expressions(child, into);
}

TEST(Dashboards, AskForMetricsThatThereAre) {
  std::set<std::string> there = exposed();
  std::size_t boards = 0;
  for (const auto& file : std::filesystem::directory_iterator(MIEN_PACKAGING_DIR "/grafana")) {
    auto board = wire::parse_document(read(file.path()));
    ASSERT_TRUE(board.ok()) << file.path() << ": " << board.error().to_string();
    std::string expressions;
    collect_expressions(*board, expressions);
    std::set<std::string> asked = names_in(expressions);
    EXPECT_GE(asked.size(), 8U) << file.path();
    for (const std::string& name : asked) EXPECT_TRUE(there.contains(name)) << file.path() << ": " << name;
    ++boards;
  }
  EXPECT_EQ(boards, 2U);
}

TEST(Rules, AskForMetricsThatThereAre) {
  std::set<std::string> there = exposed();
  std::string rules = read(MIEN_PACKAGING_DIR "/prometheus/mien.rules.yml");
  std::string expressions;
  static const std::regex expression("expr: ([^\\n]*)");
  for (auto at = std::sregex_iterator(rules.begin(), rules.end(), expression); at != std::sregex_iterator(); ++at)
    expressions += (*at)[1].str() + "\n";
  std::set<std::string> asked = names_in(expressions);
  EXPECT_GE(asked.size(), 8U);
  for (const std::string& name : asked) EXPECT_TRUE(there.contains(name)) << name;
}

}  // namespace
}  // namespace mien
