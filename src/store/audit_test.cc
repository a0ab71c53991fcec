#include "store/audit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace mien::store {

namespace {

// Not SHA-256, but it differs when a bit differs: the chain's logic does not depend on which hash is injected.
Hash toy_hash(std::string_view bytes) {
  Hash hash{};
  std::uint64_t state = 1469598103934665603U;
  for (char c : bytes) state = (state ^ static_cast<unsigned char>(c)) * 1099511628211U;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    state = (state ^ i) * 1099511628211U;
    hash[i] = static_cast<unsigned char>(state >> 56);
  }
  return hash;
}

std::string toy_sign(const AuditHead& head) {
  const Hash hash = toy_hash("secret" + signed_bytes(head));
  return {hash.begin(), hash.end()};
}

bool toy_verify(std::string_view bytes, std::string_view signature) {
  const Hash hash = toy_hash("secret" + std::string(bytes));
  return std::equal(hash.begin(), hash.end(), signature.begin(), signature.end(),
                    [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); });
}

// Rows in memory that a test may change behind everyone's back.
class RowsOnly final : public Ledger {
 public:
  Result<Checkpoint> acquire(ShardId) override { return Checkpoint{}; }
  Status commit(const Transaction&) override { return {}; }
  Result<std::vector<Entry>> scan(Table, std::string_view, std::string_view, std::size_t) override {
    return std::vector<Entry>{};
  }
  Result<std::optional<std::string>> get(Table, std::string_view) override { return std::optional<std::string>{}; }
  Result<std::vector<AuditRow>> audit(std::uint64_t after, std::size_t limit) override {
    most_asked = std::max(most_asked, limit);
    if (failing_after && after >= *failing_after)
      return Error{.code = failure, .message = "page 7 is damaged", .where = {}, .cause = {}};
    std::vector<AuditRow> found;
    for (const AuditRow& row : rows)
      if (row.sequence > after && found.size() < limit) found.push_back(row);
    return found;
  }
  Result<std::optional<AuditHead>> audit_head() override { return head; }
  Result<std::optional<AuditRow>> audit_tail() override {
    return rows.empty() ? std::nullopt : std::optional{rows.back()};
  }

  std::vector<AuditRow> rows;
  std::optional<AuditHead> head;
  std::optional<std::uint64_t> failing_after;
  Code failure = Code::corrupt;
  std::size_t most_asked = 0;
};

model::AuditEvent event(std::uint64_t i) {
  return {.at = {static_cast<std::int64_t>(i)},
          .actor = "mien",
          .verb = "test.done",
          .subject = cat("Test/", i),
          .cause = "log/1",
          .detail = "done"};
}

AuditHead head_at(const std::vector<AuditRow>& rows, std::uint64_t sequence) {
  AuditHead head{.sequence = sequence,
                 .hash = sequence == 0 ? Hash{} : rows[sequence - 1].hash,
                 .at = {1'790'000'000'000'000'000},
                 .signature = {}};
  head.signature = toy_sign(head);
  return head;
}

class AuditVerification : public ::testing::Test {
 protected:
  void SetUp() override {
    AuditChain chain{&toy_hash, std::nullopt};
    for (std::uint64_t i = 1; i <= 2500; ++i) ledger_.rows.push_back(chain.append(event(i)));
    ledger_.head = head_at(ledger_.rows, 2500);
  }
  AuditVerdict verify(const std::vector<AuditHead>& seen = {}) {
    return verify_audit(ledger_, &toy_hash, &toy_verify, seen).value();
  }
  // The text of what is broken, with the rows before it; fails when nothing is.
  std::string broken(std::uint64_t whole, const std::vector<AuditHead>& seen = {}) {
    const AuditVerdict verdict = verify(seen);
    EXPECT_EQ(verdict.rows, whole);
    EXPECT_TRUE(verdict.broken.has_value());
    return verdict.broken ? verdict.broken->to_string() : "";
  }
  RowsOnly ledger_;
};

}  // namespace

TEST_F(AuditVerification, AWholeChainPassesInPiecesOfAThousand) {
  const AuditVerdict verdict =
      verify({head_at(ledger_.rows, 17), head_at(ledger_.rows, 2500), head_at(ledger_.rows, 0)});
  EXPECT_EQ(verdict.rows, 2500U);
  EXPECT_FALSE(verdict.broken) << verdict.broken->to_string();
  EXPECT_LE(ledger_.most_asked, 1000U);
}

TEST_F(AuditVerification, AnEmptyChainPasses) {
  ledger_.rows.clear();
  ledger_.head.reset();
  EXPECT_FALSE(verify().broken);
}

TEST_F(AuditVerification, AChangedByteInAnyRowIsNamedByItsSequence) {
  for (std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{999}, std::size_t{1000}, std::size_t{2499}}) {
    const AuditRow before = ledger_.rows[i];
    for (std::size_t at : {std::size_t{0}, std::size_t{5}, before.bytes.size() - 1}) {
      ledger_.rows[i].bytes[at] ^= 1;
      EXPECT_NE(broken(i).find(cat("audit row ", i + 1, " was changed")), std::string::npos);
      ledger_.rows[i] = before;
    }
    ledger_.rows[i].hash[9] ^= 1;
    EXPECT_NE(broken(i).find(cat("audit row ", i + 1, " was changed")), std::string::npos);
    ledger_.rows[i] = before;
  }
  EXPECT_FALSE(verify().broken);
}

TEST_F(AuditVerification, ARowTakenOutIsMissed) {
  ledger_.rows.erase(ledger_.rows.begin() + 41);
  EXPECT_NE(broken(41).find("audit row 42 is missing"), std::string::npos);
}

TEST_F(AuditVerification, ACutTailIsFoundAgainstTheSignedHead) {
  ledger_.rows.resize(2400);
  EXPECT_NE(broken(2400).find("audit row 2401: the end was cut off here; 100 rows fewer"), std::string::npos);
  ledger_.rows.clear();
  EXPECT_NE(broken(0).find("2500 rows fewer"), std::string::npos);
}

TEST_F(AuditVerification, ATailCutTogetherWithTheHeadIsFoundAgainstOneSeenElsewhere) {
  const AuditHead seen = *ledger_.head;
  ledger_.rows.resize(2000);
  ledger_.head = head_at(ledger_.rows, 2000);
  EXPECT_FALSE(verify().broken);
  EXPECT_NE(broken(2000, {seen}).find("a head seen elsewhere"), std::string::npos);
  ledger_.head.reset();
  EXPECT_NE(broken(2000, {seen}).find("500 rows fewer"), std::string::npos);
}

TEST_F(AuditVerification, AChainMadeAnewFromAChangedRowContradictsItsHead) {
  std::vector<AuditRow> forged;
  AuditChain chain{&toy_hash, std::nullopt};
  for (std::uint64_t i = 1; i <= 2500; ++i) forged.push_back(chain.append(event(i == 100 ? 7 : i)));
  ledger_.rows = forged;
  EXPECT_NE(broken(2499).find("audit row 2500: the chain up to here is not the one whose head was signed"),
            std::string::npos);
}

TEST_F(AuditVerification, AForgedSignatureProvesNothing) {
  ledger_.head->signature[3] ^= 1;
  EXPECT_NE(broken(2499).find("signature"), std::string::npos);
  ledger_.head->sequence = 9999;
  EXPECT_NE(broken(2500).find("signature"), std::string::npos);
  ledger_.head->signature.clear();
  EXPECT_NE(broken(2500).find("signature"), std::string::npos);
}

TEST_F(AuditVerification, APageThatCanNotBeReadIsABrokenLinkAndAnAbsentDiskIsAnError) {
  ledger_.failing_after = 1000;
  EXPECT_NE(broken(1000).find("audit row 1001 can not be read"), std::string::npos);
  ledger_.failure = Code::io;
  EXPECT_EQ(verify_audit(ledger_, &toy_hash, &toy_verify, {}).error().code, Code::io);
}

TEST(AuditChain, ContinuesAfterATail) {
  AuditChain whole{&toy_hash, std::nullopt};
  const AuditRow first = whole.append(event(1));
  const AuditRow second = whole.append(event(2));
  AuditChain later{&toy_hash, first};
  EXPECT_EQ(later.append(event(2)), second);
  EXPECT_TRUE(continues(nullptr, first, &toy_hash));
  EXPECT_TRUE(continues(&first, second, &toy_hash));
  EXPECT_FALSE(continues(nullptr, second, &toy_hash));
  EXPECT_FALSE(continues(&second, second, &toy_hash));
}

TEST(AuditEvent, ComesBackAndRefusesOtherVersionsAndDamage) {
  AuditChain chain{&toy_hash, std::nullopt};
  std::string bytes = chain.append(event(5)).bytes;
  EXPECT_EQ(decode_audit_event(bytes).value(), event(5));
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(decode_audit_event(std::string_view(bytes).substr(0, n)).ok());
  EXPECT_EQ(decode_audit_event(bytes + "x").error().code, Code::corrupt);
  bytes[0] = 2;
  EXPECT_EQ(decode_audit_event(bytes).error().code, Code::unsupported);
}

TEST(AuditHeadBytes, DifferInEveryPart) {
  const AuditHead head{.sequence = 1, .hash = {}, .at = {1}, .signature = "ignored"};
  AuditHead other = head;
  other.signature = "not covered by itself";
  EXPECT_EQ(signed_bytes(head), signed_bytes(other));
  other.sequence = 2;
  EXPECT_NE(signed_bytes(head), signed_bytes(other));
  other = head;
  other.hash[0] = 1;
  EXPECT_NE(signed_bytes(head), signed_bytes(other));
  other = head;
  other.at = {2};
  EXPECT_NE(signed_bytes(head), signed_bytes(other));
}

}  // namespace mien::store
