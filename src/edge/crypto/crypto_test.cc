#include "edge/crypto/crypto.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>

#include "base/text.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {

TEST(Sha256, IsTheStandardOne) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256Stream stream;
  stream.add("a");
  stream.add("");
  stream.add("bc");
  EXPECT_EQ(stream.finish(), sha256("abc"));
}

TEST(Tokens, AreLongAndNeverTheSame) {
  EXPECT_EQ(random_token().size(), 64U);
  EXPECT_NE(random_token(), random_token());
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

TEST(SigningKey, SignsAndIsTheSameAfterLoading) {
  const testing::FakeTree tree;
  const std::string path = tree.path("audit.pem");
  EXPECT_EQ(SigningKey::load(path).error().code, Code::not_found);
  const SigningKey made = SigningKey::load_or_make(path).value();
  const SigningKey loaded = SigningKey::load_or_make(path).value();
  EXPECT_EQ(made.public_key(), loaded.public_key());
  EXPECT_EQ(made.public_key().size(), 32U);
  const std::string signature = made.sign("head");
  EXPECT_EQ(signature.size(), 64U);
  EXPECT_EQ(signature, loaded.sign("head"));
  EXPECT_TRUE(verify_ed25519(made.public_key(), "head", signature));
  EXPECT_FALSE(verify_ed25519(made.public_key(), "heae", signature));
  std::string other = signature;
  other[0] = static_cast<char>(other[0] ^ 1);
  EXPECT_FALSE(verify_ed25519(made.public_key(), "head", other));
  EXPECT_FALSE(verify_ed25519(SigningKey::load_or_make(tree.path("b.pem"))->public_key(), "head", signature));
  EXPECT_FALSE(verify_ed25519("", "head", signature));
  EXPECT_FALSE(verify_ed25519(made.public_key(), "head", ""));
}

TEST(SigningKey, IsReadableByItsOwnerOnlyOrRefused) {
  const testing::FakeTree tree;
  const std::string path = tree.path("audit.pem");
  ASSERT_TRUE(SigningKey::load_or_make(path).ok());
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  const auto refused = SigningKey::load_or_make(path);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::refused);
  EXPECT_NE(refused.error().message.find("chmod 600"), std::string::npos);
}

TEST(SigningKey, ThatIsNoneIsNamedAndNotReplaced) {
  const testing::FakeTree tree;
  tree.write("audit.pem", "not a key");
  ASSERT_EQ(::chmod(tree.path("audit.pem").c_str(), 0600), 0);
  EXPECT_EQ(SigningKey::load_or_make(tree.path("audit.pem")).error().code, Code::corrupt);
  EXPECT_FALSE(SigningKey::load_or_make(tree.path("no/such/directory/key.pem")).ok());
}

}  // namespace mien::edge
