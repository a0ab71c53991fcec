#include "wire/sequence.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mien::wire {
namespace {

struct Read {
  std::vector<std::string> names;
  Status status;
};

Read read(std::string_view text, std::size_t step) {
  Read read;
  SequenceReader reader("t.txt", [&read](std::string_view name) { read.names.emplace_back(name); });
  for (std::size_t at = 0; at < text.size() && read.status; at += step)
    read.status = reader.feed(text.substr(at, step));
  if (read.status) read.status = reader.finish();
  return read;
}

using Names = std::vector<std::string>;

TEST(SequenceReader, TakesNamesAndIntegersApartByAnyBlanksWhereverTheBytesAreCut) {
  for (std::size_t step : {1U, 2U, 3U, 1000U}) {
    Read got = read("  openat\tread 257\r\n\n-1 ioctl:TCGETS", step);
    EXPECT_TRUE(got.status.ok());
    EXPECT_EQ(got.names, (Names{"openat", "read", "257", "-1", "ioctl:TCGETS"}));
  }
}

TEST(SequenceReader, SaysOfAnEmptyTraceWhatBelongsThere) {
  for (std::string_view text : {"", " \n\t\n"}) {
    Read got = read(text, 1);
    ASSERT_FALSE(got.status.ok());
    EXPECT_EQ(got.status.error().code, Code::invalid);
    EXPECT_EQ(got.status.error().where, "t.txt");
    EXPECT_NE(got.status.error().message.find("openat read close"), std::string::npos);
  }
}

TEST(SequenceReader, RefusesWhatIsNoNameAtItsPlace) {
  EXPECT_EQ(read("read\nopenat(AT_FDCWD) = 3\n", 4).status.error().where, "t.txt:2:7");
  EXPECT_EQ(read("1,2,3", 9).status.error().where, "t.txt:1:2");
  Read binary = read(std::string_view("\x7f"
                                      "ELF\0\1",
                                      6),
                     3);
  EXPECT_EQ(binary.status.error().where, "t.txt:1:1");
  EXPECT_NE(binary.status.error().message.find("0x7f"), std::string::npos);
}

TEST(SequenceReader, RefusesANameWithoutEndInsteadOfKeepingIt) {
  Read got = read(std::string(1U << 20U, 'a'), 4096);
  ASSERT_FALSE(got.status.ok());
  EXPECT_EQ(got.status.error().where, "t.txt:1:65");
  EXPECT_EQ(read(std::string(64, 'a'), 7).names.size(), 1U);
}

}  // namespace
}  // namespace mien::wire
