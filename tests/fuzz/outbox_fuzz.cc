// rooms: edge
// An outbox' files as a crash, a bad disk or somebody left them: any bytes open or are an error; what opens gives its
// letters in order, takes new ones, and says the same when it is opened again. The first byte says how much of the rest
// stands in the mark of what left; what is behind it in the one segment there is.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "edge/outbound/outbox.h"

namespace {

using namespace mien;

// Made once, emptied for each input, gone with the program.
struct Directory {
  std::string name = (std::filesystem::temp_directory_path() / "mien-outbox-fuzz-XXXXXX").string();
  Directory() { CHECK(mkdtemp(name.data()) != nullptr); }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(name, ignored);
  }
};

std::string fresh_directory() {
  static const Directory directory;
  for (const auto& entry : std::filesystem::directory_iterator(directory.name)) std::filesystem::remove(entry.path());
  return directory.name;
}

void write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::unique_ptr<edge::Outbox> open(const std::string& directory) {
  auto box = edge::Outbox::open(
      {.directory = directory, .limit = Bytes{1U << 20U}, .segment = Bytes{64U << 10U}, .sync = false});
  return box ? std::move(*box) : nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  std::size_t mark = std::min<std::size_t>(data[0], bytes.size());
  std::string directory = fresh_directory();
  if (mark > 0) write(directory + "/taken", bytes.substr(0, mark));
  write(directory + "/000000000001.outbox", bytes.substr(mark));

  auto box = open(directory);
  if (!box) return 0;
  std::uint64_t waiting = box->waiting();
  std::uint64_t last = 0;
  for (std::uint64_t i = 0; i < waiting; ++i) {
    auto letter = box->oldest();
    if (!letter || !*letter) return 0;  // damage in the middle is an error that stays one
    CHECK((*letter)->number > last);
    last = (*letter)->number;
    CHECK(box->taken(last).ok());
  }
  CHECK(box->waiting() == 0);
  const edge::Letter own{.id = "own", .at = WallTime{1}, .body = "said after all that"};
  CHECK(box->put(own).ok());
  box = nullptr;
  box = open(directory);
  CHECK(box != nullptr && box->waiting() == 1);
  auto again = box->oldest();
  CHECK(again.ok() && again->has_value() && (**again).letter == own && (**again).number > last);
  return 0;
}
