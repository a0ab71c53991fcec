#include "model/resource.h"

#include <gtest/gtest.h>

namespace mien::model {
namespace {

Resource sample() {
  Resource resource;
  resource.kind = ResourceKind::pool;
  resource.metadata.name = "web";
  resource.metadata.labels = {{"tier", "front"}};
  resource.metadata.generation = 3;
  resource.metadata.created_at = WallTime{1'700'000'000'000'000'000};
  resource.spec = Value(Value::Map{{"selector", Value(Value::Map{{"role", Value("web")}})}});
  return resource;
}

TEST(Resource, SurvivesItsOwnBytes) {
  auto back = decode_resource(encode_resource(sample()));
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(*back, sample());
}

TEST(Resource, OfAnotherVersionIsRefusedByName) {
  std::string bytes = encode_resource(sample());
  bytes[0] = 2;
  auto refused = decode_resource(bytes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unsupported);
  EXPECT_EQ(refused.error().message, "format version 2; this program reads version 1");
}

TEST(Resource, CutOrOfAnUnknownKindIsCorrupt) {
  std::string bytes = encode_resource(sample());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(decode_resource(bytes.substr(0, cut))) << cut;
  bytes[1] = 9;
  EXPECT_EQ(decode_resource(bytes).error().code, Code::corrupt);
}

TEST(ResourceKind, IsReadFromWhateverAPersonTypes) {
  for (std::string_view text : {"policy", "policies", "Policy"})
    EXPECT_EQ(parse_resource_kind(text), ResourceKind::policy) << text;
  EXPECT_EQ(parse_resource_kind("pod"), std::nullopt);
  EXPECT_EQ(collection_of(ResourceKind::policy), "policies");
}

}  // namespace
}  // namespace mien::model
