#include "edge/runtime/file_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/testing/temporary_directory.h"

namespace mien::edge {
namespace {

using ::testing::HasSubstr;
using Stage = node::JournalEntry::Stage;

node::JournalEntry entry(const std::string& id, Stage stage) {
  node::JournalEntry one;
  one.stage = stage;
  one.order.action = ActionId{id};
  one.order.target = InstanceName{"web.service@h"};
  one.order.valid_until = wall_now() + 1h;
  one.boot_id = "boot";
  one.changes = {{.key = "cpu.max", .before = "max 100000", .after = "50000 100000", .found = {}}};
  return one;
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

struct FileJournalTest : ::testing::Test {
  testing::TemporaryDirectory directory;
  std::string path = directory.path() + "/journal";
  std::unique_ptr<FileJournal> open() {
    auto opened = FileJournal::open({.directory = directory.path()});
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().to_string());
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  // Three entries of two actions, as bytes.
  std::string three() {
    auto journal = open();
    EXPECT_TRUE(journal->put(entry("a-1", Stage::begun)).ok());
    EXPECT_TRUE(journal->put(entry("a-2", Stage::begun)).ok());
    EXPECT_TRUE(journal->put(entry("a-1", Stage::applied)).ok());
    return bytes_of(path);
  }
};

TEST_F(FileJournalTest, what_was_put_is_read_again_by_the_newest_of_each_action) {
  three();
  auto journal = open();
  std::vector<node::JournalEntry> all = journal->entries();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].stage, Stage::applied);
  EXPECT_EQ(all[0].changes, entry("a-1", Stage::applied).changes);
  EXPECT_EQ(all[1].order.action.value, "a-2");
  EXPECT_EQ(journal->damaged(), 0U);
  Result<std::vector<node::JournalEntry>> read = read_journal(directory.path());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, all);
}

TEST_F(FileJournalTest, a_journal_that_is_cut_anywhere_keeps_every_whole_entry) {
  std::string whole = three();
  std::size_t most = 0;
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    Result<ParsedJournal> parsed = parse_journal(std::string_view(whole).substr(0, n));
    ASSERT_TRUE(parsed.ok()) << n;
    EXPECT_GE(parsed->newest.size(), most) << n;
    most = std::max(most, parsed->newest.size());
    EXPECT_LE(parsed->damaged, 1U);
  }
  EXPECT_EQ(most, 2U);
}

TEST_F(FileJournalTest, a_torn_tail_is_written_over_and_what_follows_is_read) {
  std::string whole = three();
  write_file(path, whole.substr(0, whole.size() - 5));
  {
    auto journal = open();
    EXPECT_EQ(journal->damaged(), 1U);
    EXPECT_EQ(journal->entries().at(0).stage, Stage::begun);  // the older one counts
    EXPECT_TRUE(journal->put(entry("a-3", Stage::begun)).ok());
  }
  EXPECT_EQ(open()->entries().size(), 3U);
}

TEST_F(FileJournalTest, a_flipped_byte_costs_one_entry_and_never_those_after_it) {
  std::string whole = three();
  std::size_t begins = 8;
  for (std::size_t at = begins; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    Result<ParsedJournal> parsed = parse_journal(flipped);
    ASSERT_TRUE(parsed.ok()) << at;
    EXPECT_EQ(parsed->damaged, 1U) << at;
    EXPECT_TRUE(parsed->newest.contains(ActionId{"a-1"})) << at;
  }
}

TEST_F(FileJournalTest, a_file_of_another_kind_is_refused_and_left_alone) {
  write_file(path, "MIENJRN9 of a later release");
  auto opened = FileJournal::open({.directory = directory.path()});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::unsupported);
  EXPECT_EQ(bytes_of(path), "MIENJRN9 of a later release");
  EXPECT_FALSE(read_journal(directory.path()).ok());
}

TEST_F(FileJournalTest, no_journal_is_an_empty_one) {
  Result<std::vector<node::JournalEntry>> none = read_journal(directory.path() + "/nowhere");
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
}

TEST_F(FileJournalTest, only_one_writer_at_a_time) {
  auto journal = open();
  auto second = FileJournal::open({.directory = directory.path()});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::unavailable);
  EXPECT_THAT(second.error().message, HasSubstr("another agent"));
  journal.reset();
  EXPECT_NE(open(), nullptr);
}

TEST_F(FileJournalTest, is_for_its_owner_only) {
  three();
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(FileJournalTest, is_written_anew_when_it_is_large_and_forgets_what_can_not_be_asked_for_again) {
  auto opened = FileJournal::open({.directory = directory.path(), .large = Bytes{4096}});
  ASSERT_TRUE(opened.ok());
  FileJournal& journal = **opened;
  node::JournalEntry over = entry("a-0", Stage::forgotten);
  over.order.valid_until = wall_now() - 1h;
  ASSERT_TRUE(journal.put(over).ok());
  ASSERT_TRUE(journal.put(entry("a-1", Stage::forgotten)).ok());
  for (int i = 0; i < 120; ++i) ASSERT_TRUE(journal.put(entry("a-2", Stage::applied)).ok());
  EXPECT_LT(std::filesystem::file_size(path), 12'000U);
  std::vector<node::JournalEntry> all = journal.entries();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].order.action.value, "a-1");
}

TEST_F(FileJournalTest, an_entry_that_could_not_be_written_is_not_read_later) {
  auto journal = open();
  ASSERT_TRUE(journal->put(entry("a-1", Stage::begun)).ok());
  node::JournalEntry huge = entry("a-2", Stage::begun);
  huge.changes[0].before = std::string(2U << 20U, 'x');
  Status status = journal->put(huge);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::exhausted);
  EXPECT_EQ(journal->entries().size(), 1U);
  ASSERT_TRUE(journal->put(entry("a-3", Stage::begun)).ok());
  EXPECT_EQ(read_journal(directory.path())->size(), 2U);
}

}  // namespace
}  // namespace mien::edge
