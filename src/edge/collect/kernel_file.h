// A file of /proc or /sys that is read again and again: opened once, read from its start by pread. A file that went
// away (a cgroup that ended gives ENODEV) is opened anew by its path, so that a thing that came back under the same
// name is found again.
//
// Not thread-safe. The text lives in the caller's buffer until its next read. Cost: one or two pread, no allocation
// once the buffer has grown to the largest file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mien::edge {

// Shared by all files of one collector; grows up to 4 MiB, longer files are cut there.
using ReadBuffer = std::vector<char>;

// How long a record of the file can be, in bytes. The kernel hands over whole records, a page's worth at a time;
// knowing this saves the read that only says "that was all", which costs as much as the first one for some files.
constexpr std::size_t one_record = 0;  // the file is one record: one read gives it whole
constexpr std::size_t short_records = 128;
constexpr std::size_t long_records = 256;
constexpr std::size_t any_records = 4096;

class KernelFile {
 public:
  KernelFile() = default;
  explicit KernelFile(std::string path, std::size_t longest_record = one_record)
      : path_(std::move(path)), longest_record_(longest_record) {}
  ~KernelFile() { close(); }
  KernelFile(KernelFile&& other) noexcept;
  KernelFile& operator=(KernelFile&& other) noexcept;
  KernelFile(const KernelFile&) = delete;
  KernelFile& operator=(const KernelFile&) = delete;

  // The whole text, or nothing: then error() is the errno.
  [[nodiscard]] std::optional<std::string_view> read(ReadBuffer& buffer);
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  // False for a default-constructed file: there is nothing to read by that name here.
  [[nodiscard]] bool named() const { return !path_.empty(); }
  void close();

 private:
  std::optional<std::string_view> read_once(ReadBuffer& buffer);

  std::string path_;
  std::size_t longest_record_ = one_record;
  int descriptor_ = -1;
  int error_ = 0;
};

// One reading of a file that is not kept.
[[nodiscard]] std::optional<std::string> read_text(const std::string& path);

}  // namespace mien::edge
