// The embedded store through the suites that every store must pass.
#include "edge/crypto/crypto.h"
#include "edge/sqlite/sqlite.h"
#include "tests/conformance/history_conformance.h"
#include "tests/conformance/ledger_conformance.h"
#include "tests/conformance/log_conformance.h"
#include "tests/support/fake_tree.h"

namespace mien::conformance {

namespace {

template <class Opened>
std::unique_ptr<Opened> or_fail(Result<std::unique_ptr<Opened>> opened) {
  if (opened) return std::move(*opened);
  ADD_FAILURE() << opened.error().to_string();
  return nullptr;
}

class SqliteLogHome final : public LogHome {
 public:
  std::unique_ptr<store::Log> open() override { return or_fail(edge::open_log(tree_.path("log"))); }

 private:
  testing::FakeTree tree_;
};

class SqliteLedgerHome final : public LedgerHome {
 public:
  std::unique_ptr<store::Ledger> open() override { return or_fail(edge::open_ledger(tree_.path("ledger.sqlite"))); }

 private:
  testing::FakeTree tree_;
};

class SqliteHistoryHome final : public HistoryHome {
 public:
  std::unique_ptr<store::History> open() override { return or_fail(edge::open_history(tree_.path("history.sqlite"))); }

 private:
  testing::FakeTree tree_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, LogConformance,
                         ::testing::Values(LogHomeMaker{"files", [] { return std::make_unique<SqliteLogHome>(); }}),
                         name_of_log_home);
INSTANTIATE_TEST_SUITE_P(Sqlite, LedgerConformance,
                         ::testing::Values(LedgerHomeMaker{"file", [] { return std::make_unique<SqliteLedgerHome>(); },
                                                           &edge::sha256}),
                         name_of_ledger_home);
INSTANTIATE_TEST_SUITE_P(Sqlite, HistoryConformance,
                         ::testing::Values(HistoryHomeMaker{"file",
                                                            [] { return std::make_unique<SqliteHistoryHome>(); }}),
                         name_of_history_home);

}  // namespace

}  // namespace mien::conformance
